"""PNG files: checked by their own sums before they are decoded, and rid of what only makes the decoder talk."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from inspector.errors import DataError

START = b"\x89PNG\r\n\x1a\n"
SMALL_PRINT = frozenset({b"tRNS", b"eXIf", b"acTL"})  # besides the critical chunks; the others change no pixel
GRAY, RGB = 0, 2  # kinds of colour


@dataclass(frozen=True, slots=True)
class Png:
    """What a file holds."""

    data: bytes  # without the small print
    height: int
    width: int
    pictures: int
    see_through: tuple[
        int, ...
    ]  # the colour (gray, or R G B; of 255) that is transparent; empty: none, or of a palette


def is_png(data: bytes) -> bool:
    return data.startswith(START[:4])


def check_png(data: bytes, name: str) -> Png:
    """Check a PNG file. Raises DataError, naming `name`, where the file is cut short or damaged anywhere."""
    chunks = dict[bytes, bytes]()
    kept = [START]
    for kind, body, whole in _chunks(data, name):
        if kind[:1].isupper() or kind in SMALL_PRINT:
            kept.append(whole)
            chunks.setdefault(kind, body)
    header = chunks.get(b"IHDR", b"")
    if len(header) != 13:
        raise DataError(f"{name}: not an image, or a broken one; remove it or record it again")
    width, height, bits, colour = struct.unpack(">IIBB", header[:10])
    clear = chunks.get(b"tRNS", b"") if colour in (GRAY, RGB) else b""
    see_through = struct.unpack(f">{len(clear) // 2}H", clear[: len(clear) // 2 * 2])
    see_through = tuple(value * 255 // ((1 << bits) - 1) for value in see_through)
    pictures = int.from_bytes(chunks.get(b"acTL", b"\0\0\0\1")[:4], "big")
    return Png(b"".join(kept), height, width, pictures, see_through)


def _chunks(data: bytes, name: str) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield kind, content and all of each chunk up to the last."""
    at = len(START)
    kind = b""
    while kind != b"IEND":
        length = int.from_bytes(data[at : at + 4], "big")
        whole = data[at : at + length + 12]
        kind, body = whole[4:8], whole[8:-4]
        if len(whole) < length + 12 or len(kind) < 4:
            raise DataError(f"{name}: the file is cut short; copy or record it again")
        if kind[:1].isupper() and zlib.crc32(whole[4:-4]) != int.from_bytes(whole[-4:], "big"):
            raise DataError(f"{name}: damaged ({kind.decode('latin-1')}); copy or record it again")
        yield kind, body, whole
        at += len(whole)
