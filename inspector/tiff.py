"""TIFF files: what they hold, looked up before they are decoded."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from inspector.errors import DataError

STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
KIND, WIDTH, HEIGHT, COMPRESSION, COLOUR = 254, 256, 257, 259, 262
OFFSETS, SIZES = (273, 324), (279, 325)  # of strips, of tiles
FORMATS = {1: "B", 3: "H", 4: "I", 16: "Q"}  # of the tags' values, by their type
DEFLATE = (8, 32946)
MOST = 1_000  # directories that are looked at


@dataclass(frozen=True, slots=True)
class Tiff:
    """What a file holds."""

    height: int
    width: int
    pictures: int  # without previews
    colour: int  # how colours are written down, as TIFF numbers it
    zipped: list[tuple[int, int]]  # where its pieces start, and their sizes; none where they are packed otherwise


def is_tiff(data: bytes) -> bool:
    return data.startswith(STARTS)


def look_at_tiff(data: bytes, name: str) -> Tiff:
    """Return what the header says. Raises DataError, naming `name`, where it cannot be read."""
    try:
        directories = _directories(data)
        first = directories[0]
        zipped = first.get(COMPRESSION, (1,))[0] in DEFLATE
        return Tiff(
            height=first[HEIGHT][0],
            width=first[WIDTH][0],
            pictures=sum(not directory.get(KIND, (0,))[0] & 1 for directory in directories),
            colour=first.get(COLOUR, (1,))[0],
            zipped=[*zip(_values(first, OFFSETS), _values(first, SIZES), strict=False)] if zipped else [],
        )
    except (struct.error, KeyError, IndexError):
        raise DataError(f"{name}: not an image, or a broken one; remove it or record it again") from None


def check_sums(data: bytes, tiff: Tiff, name: str) -> None:
    """Unpack every piece once. Raises DataError where one cannot be unpacked: OpenCV would go on from there."""
    for at, size in tiff.zipped:
        unpack = zlib.decompressobj()
        try:
            unpack.decompress(data[at : at + size], max(1, 4 * tiff.height * tiff.width))
        except zlib.error as error:
            raise DataError(f"{name}: damaged ({error}); copy or record it again") from None
        if not unpack.eof and not unpack.unconsumed_tail:
            raise DataError(f"{name}: the file is cut short; copy or record it again")


def _directories(data: bytes) -> list[dict[int, tuple[int, ...]]]:
    """Return the tags of each picture, those with whole numbers."""
    order = "<" if data[:1] == b"I" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    number, offset, entry = ("Q", "Q", 20) if big else ("H", "I", 12)
    (at,) = struct.unpack_from(order + offset, data, 8 if big else 4)
    found: list[dict[int, tuple[int, ...]]] = []
    while at and len(found) < MOST:
        (count,) = struct.unpack_from(order + number, data, at)
        at += struct.calcsize(number)
        found.append(dict(_tag(data, at + entry * each, order, offset) for each in range(min(count, 1 << 16))))
        (at,) = struct.unpack_from(order + offset, data, at + entry * count)
    return found


def _tag(data: bytes, at: int, order: str, offset: str) -> tuple[int, tuple[int, ...]]:
    tag, kind, count = struct.unpack_from(order + "HH" + offset, data, at)
    if kind not in FORMATS:
        return tag, ()
    at += 4 + struct.calcsize(offset)
    values = f"{order}{count}{FORMATS[kind]}"
    if struct.calcsize(values) > struct.calcsize(offset):
        (at,) = struct.unpack_from(order + offset, data, at)
    if struct.calcsize(values) > len(data):
        raise struct.error("the values do not fit into the file")
    return tag, struct.unpack_from(values, data, at)


def _values(directory: dict[int, tuple[int, ...]], tags: tuple[int, ...]) -> list[int]:
    return [value for tag in tags for value in directory.get(tag, ())]
