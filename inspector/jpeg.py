"""JPEG pictures, whole or not at all.

Most decoders fill in what is missing: with gray, with the picture before, with whatever the damaged bits spell. Here
every complaint of the decoder, and it complains about damage in the middle of the pixels too, is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import cv2
import numpy as np
import simplejpeg

from inspector.errors import DataError
from inspector.records import Image

START, END = b"\xff\xd8", b"\xff\xd9"
HEADER_PX = b"\xc0\xc1\xc2\xc3\xc5\xc6\xc7\xc9\xca\xcb\xcd\xce\xcf"  # markers of segments that tell the size
MAX_PX = 200_000_000  # 600 MB as BGR; the largest sensors have 150 million
TABLES, SCAN = b"\xff\xc4", b"\xff\xda"
HOLE = bytes(64)
EXIF = b"Exif\0"


def is_jpeg(data: bytes) -> bool:
    return data.startswith(START)


def decode_jpeg(data: bytes, name: str) -> Image:
    """Return pixels (height, width, 3) BGR, upright as the EXIF says.

    Raises DataError, naming `name`, where any of it is missing or damaged.
    """
    if is_cut_short(data):
        raise DataError(f"{name}: the file is cut short; copy or record it again")
    check_size(name, *(jpeg_size(data) or (0, 0)))
    if _has_hole(data):
        raise DataError(f"{name}: damaged (zeros among the pixels); copy or record it again")
    try:
        space = simplejpeg.decode_jpeg_header(data)[2]
        pixels = simplejpeg.decode_jpeg(data, "CMYK" if space in ("CMYK", "YCCK") else "BGR")
    except ValueError as error:
        raise DataError(f"{name}: damaged ({_words(error)}); copy or record it again") from None
    if pixels.shape[2] == 3 and EXIF not in data[: pixels_start(data)]:
        return cast(Image, pixels)
    return cast(Image, cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))  # it turns them, and knows CMYK


def check_size(name: str, height: int, width: int) -> None:
    """Refuse a picture that would take gigabytes, before it is decoded. Raises DataError."""
    if height * width > MAX_PX:
        megapixels = MAX_PX // 1_000_000
        raise DataError(f"{name}: {width} x {height} px, more than {megapixels} megapixels; crop or scale it first")


def is_cut_short(data: bytes) -> bool:
    """Return whether the end is missing."""
    return data.find(END, pixels_start(data)) < 0


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return height and width as its header says; None where it does not."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        if data[at + 1] in HEADER_PX:
            return int.from_bytes(data[at + 5 : at + 7], "big"), int.from_bytes(data[at + 7 : at + 9], "big")
        at = _next_segment(data, at)
    return None


def pixels_start(data: bytes) -> int:
    """Return where the pixels start; the length when they never do.

    The end marker is looked for behind this place, since a thumbnail in the header has an end marker of its own.
    """
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] == 0xDA:
            return at
        at = _next_segment(data, at)
    return len(data)


def _has_hole(data: bytes) -> bool:
    """Return whether pixels were overwritten with zeros, as by a disk that lost a block.

    The decoder mostly complains of them, but not always: with most tables for brightness zeros spell coefficients, too,
    as no picture has them. Where they spell "the rest is empty", flat pictures are full of them. That has to hold of
    brightness and colours alike, for they take turns; with several scans they do not.
    """
    if HOLE not in data[pixels_start(data) : data.rfind(END)]:
        return False
    empty = [*_zeros_are_empty(data)]
    return not (any(empty) if data.count(SCAN) > 1 else empty and all(empty))


def _zeros_are_empty(data: bytes) -> Iterator[bool]:
    """Yield for each table of details (AC) whether its first code, which is all zeros, stands for no coefficient."""
    at = data.find(TABLES)
    while at >= 0:
        table, end = at + 4, at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        while table + 17 < min(end, len(data)):
            if data[table] & 0xF0:
                yield not data[table + 17] & 0x0F
            table += 17 + sum(data[table + 1 : table + 17])
        at = data.find(TABLES, max(end, at + 2))


def _next_segment(data: bytes, at: int) -> int:
    padded = data[at + 1] == 0xFF
    return at + (1 if padded else 2 + int.from_bytes(data[at + 2 : at + 4], "big"))


def _words(error: ValueError) -> str:
    return " ".join(str(error).split()).removeprefix("Corrupt JPEG data: ")
