"""Image files: the only place that reads and writes them. Nothing is rescaled, repaired or guessed on the way."""

from __future__ import annotations

import logging
import os
import re
import struct
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.errors import DataError, SinkError
from inspector.files import replacing
from inspector.jpeg import check_size, decode_jpeg, is_jpeg
from inspector.png import Png, check_png, is_png
from inspector.records import Image
from inspector.tiff import check_sums, is_tiff, look_at_tiff

CIELAB = (8, 9, 10)  # TIFF's numbers for ways to write down colours that OpenCV gets wrong
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")

OTHER_SUFFIXES = frozenset(
    (".avif", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jxl", ".pbm", ".pgm", ".ppm", ".pnm", ".raw", ".dng")
)
MOST_BYTES = 2_000_000_000  # of a file

_logger = logging.getLogger(__name__)


def _quiet_opencv() -> None:
    """Stop OpenCV and its FFmpeg from writing to the terminal: every failure is raised as an error of ours instead.

    Levels that a user has set in the environment stay. FFmpeg's is read there when the first video is opened.
    """
    if "OPENCV_LOG_LEVEL" not in os.environ:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")


_quiet_opencv()  # on import, for the level belongs to the process and the first bad file may come at any time


def read_image(path: Path | str) -> Image:
    """Read an image file as (height, width, 3) uint8 BGR, upright as its EXIF says; gray is expanded.

    Raises DataError when the file is missing, cut short, damaged as far as that can be seen, very large or no image,
    and when it holds several pictures, more than 8 bits per channel or real transparency: how those become 8-bit BGR is
    the user's decision, the same for all images.
    """
    return decode_image(read_file(Path(path)), str(path))


def decode_image(data: bytes, name: str) -> Image:
    """Decode what `read_file` gave, as `read_image` does; `name` is told in errors. Raises DataError."""
    if is_jpeg(data):
        return decode_jpeg(data, name)
    if is_png(data):
        return _png(check_png(data, name), name)
    if is_tiff(data):
        tiff = look_at_tiff(data, name)
        _check(name, tiff.height, tiff.width, tiff.pictures)
        check_sums(data, tiff, name)
        if tiff.colour in CIELAB:
            raise DataError(f"{name}: CIELAB colours; export it as a plain RGB image")
    if data.startswith(b"BM"):
        return _bmp(data, name)
    if data[8:12] == b"WEBP":
        _check(
            name,
            *webp_size(data),
            pictures=2 if data[12:16] == b"VP8X" and data[20:21] >= b"\2" and data[20] & 2 else 1,
        )
    return _upright(data, name)


def _png(png: Png, name: str) -> Image:
    _check(name, png.height, png.width, png.pictures)
    image = _upright(png.data, name)
    if png.see_through and (image == png.see_through[::-1]).all(axis=2).any():
        raise DataError(f"{name}: has transparent pixels; flatten it onto a fixed background first")
    return image


def _bmp(data: bytes, name: str) -> Image:
    if int.from_bytes(data[14:18], "little") < 40 or len(data) < 34:  # OS/2's, with a header of its own
        return _upright(data, name)
    width, height, bits, packing = struct.unpack_from("<ii2xHI", data, 18)
    _check(name, abs(height), abs(width), 1)
    # the fourth byte of a plain pixel is no alpha, it is not used
    return _decode(data, cv2.IMREAD_COLOR, name) if (bits, packing) == (32, 0) else _upright(data, name)


def webp_size(data: bytes) -> tuple[int, int]:
    """Return height and width as the header says; 0 where it does not."""
    kind, body = data[12:16], data[20:30].ljust(10, b"\0")
    if kind == b"VP8X":
        return int.from_bytes(body[7:10], "little") + 1, int.from_bytes(body[4:7], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    return int.from_bytes(body[8:10], "little") & 0x3FFF, int.from_bytes(body[6:8], "little") & 0x3FFF


def _check(name: str, height: int, width: int, pictures: int) -> None:
    """Check before it is decoded: afterwards the memory would be gone, and the other pictures out of sight."""
    check_size(name, height, width)
    if pictures > 1:
        raise DataError(f"{name}: holds {pictures} pictures or more; save each as a file of its own")


def _upright(data: bytes, name: str) -> Image:
    image = as_bgr(_decode(data, cv2.IMREAD_UNCHANGED, name), name)
    # "unchanged" leaves an image lying as it is (TIFF apart), so the few that may say how are decoded again
    return _decode(data, cv2.IMREAD_COLOR, name) if b"exif" in data.lower() else image


def as_bgr(pixels: NDArray[Any], name: str) -> Image:
    """Return 8-bit pixels (height, width) or (height, width, 1, 3 or 4) as (height, width, 3) BGR, C-contiguous.

    Raises DataError, naming `name`, for other types of pixel and for transparency that is not fully opaque.
    """
    if pixels.dtype != np.uint8:
        raise DataError(f"{name}: {pixels.dtype} pixels, 8 bit wanted; convert to 8 bit with a fixed scale first")
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return cast(Image, cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR))
    if pixels.shape[2] not in (3, 4):
        raise DataError(f"{name}: {pixels.shape[2]} channels, gray or colour wanted; export it as a plain RGB image")
    if pixels.shape[2] == 4 and pixels[..., 3].min() < 255:
        raise DataError(f"{name}: has transparent pixels; flatten it onto a fixed background first")
    return np.ascontiguousarray(pixels[..., :3])


def find_images(folder: Path | str) -> list[Path]:
    """Return all image files in a folder and its sub-folders, in natural order (img2 before img10).

    Hidden files and folders are skipped, links to folders are not followed.
    Raises DataError when the folder cannot be read or holds no image.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"{folder}: no such folder")
    files = _walk(root)
    found = [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES]
    _name_others(root, files)
    if not found:
        raise DataError(f"{folder}: holds no images ({' '.join(IMAGE_SUFFIXES)})")
    return sorted(found, key=lambda path: _natural(path.relative_to(root)))


def _name_others(root: Path, files: Sequence[Path]) -> None:
    """Log one line on images that are passed over: a folder may hold more than it seems."""
    others = Counter(path.suffix.lower() for path in files if path.suffix.lower() in OTHER_SUFFIXES)
    if others:
        which = ", ".join(f"{count} {suffix}" for suffix, count in sorted(others.items()))
        _logger.warning("%s: passed over %s: convert them to PNG", root, which)


def write_image(path: Path | str, image: NDArray[np.uint8]) -> None:
    """Write (height, width) or (height, width, 3) BGR pixels in the format of the suffix.

    The file appears whole or not at all. Raises SinkError when it cannot be written.
    """
    target = Path(path)
    data = _encode(target, image)
    try:
        with replacing(target, make_folder=False) as part:  # hidden: a replay of this folder passes it over
            part.write_bytes(data)
    except OSError as error:
        raise SinkError(f"{path}: cannot be written: {error.strerror or error}") from error


def read_file(path: Path) -> bytes:
    """Read an image file without decoding it. Raises DataError where that cannot be, or it is very large or empty."""
    if path.exists() and not path.is_file():  # reading a pipe or device would wait for ever
        raise DataError(f"{path}: not a file")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path}: the file is larger than {MOST_BYTES // 1_000_000_000} GB")
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    if not data:
        raise DataError(f"{path}: the file is empty; copy or record it again")
    return data


def _decode(data: bytes, flag: int, path: Path | str) -> Image:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error as error:
        too_large = "CV_IO_MAX_IMAGE" in str(error)
        reason = "larger than OpenCV reads; crop or scale it first" if too_large else _reason(error)
        raise DataError(f"{path}: cannot be decoded: {reason}") from error
    if image is None:
        raise DataError(f"{path}: not an image, or a broken one; remove it or record it again")
    return cast(Image, image)


def _walk(root: Path) -> list[Path]:
    found: list[Path] = []
    try:
        for folder, subfolders, names in os.walk(root, onerror=_raise):
            subfolders[:] = [name for name in subfolders if not name.startswith(".")]
            found += [Path(folder, name) for name in names if not name.startswith(".")]
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read: {error.strerror}") from error
    return found


def _raise(error: OSError) -> None:
    raise error


def _natural(path: Path) -> tuple[list[list[str | int]], str]:
    """Return a sort key in which numbers count as numbers; the plain path decides between img1 and img01."""
    parts = [re.split("([0-9]+)", part.lower()) for part in path.parts]
    return [[int(bit) if bit.isascii() and bit.isdigit() else bit for bit in part] for part in parts], path.as_posix()


def _encode(path: Path, image: NDArray[np.uint8]) -> bytes:
    try:
        done, data = cv2.imencode(path.suffix, image)
    except cv2.error as error:
        raise SinkError(f"{path}: cannot be encoded as an image: {_reason(error)}") from error
    if not done:
        raise SinkError(f"{path}: cannot be encoded as {path.suffix}")
    return data.tobytes()


def _reason(error: cv2.error) -> str:
    """Return OpenCV's message as one line, without its file names and line numbers."""
    text = " ".join(str(error).split())
    return text.partition("error: ")[2] or text
