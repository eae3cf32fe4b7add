"""The colours good parts show, and highlighting what lies outside them in neon green.

A gamut is the exact set of 24-bit colours seen. `ColourHighlighter` widens it by a tolerance once and then asks one
question of every pixel: is its colour in the table? Measured on two cores, for one megapixel of a photo, time relative
to the chosen way (1.5 to 2.5 ms, depending on what else uses the caches; painting adds a quarter):

- one byte per colour (16 MiB), each pixel viewed as one integer, numpy's `take`, in strips: 1
- the same without strips: 1.15, for the temporary indices leave the cache and the memory is mapped afresh every time
- one bit per colour (2 MiB): 1.3 to 1.6; shifting and masking cost more than the smaller table saves, because the
  hundred thousand colours of a photo keep their part of the large table cached. Only pure noise turns it round (0.3)
- `cv2.remap` with the table as a 4096 x 4096 image, on both cores: 1.4; making the coordinates eats what it wins
- 65,536 cells asked first that lie wholly inside, the table for the rest: 0.7 at tolerance 8, but 1.8 where few cells
  are whole (small tolerance, gray images): the slowest case decides whether a line keeps its pace
- `cv2.calcBackProject` with a histogram of 256^3 cells: 2.8
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.errors import ModelError
from inspector.records import Image, Mask

NEON_GREEN = (0, 255, 0)  # the same in RGB and BGR
DEFAULT_TOLERANCE = 8  # about the spread of JPEG artefacts and sensor noise
MAX_SUGGESTED_TOLERANCE = 16  # beyond it the gamut says little; the highlighting is better turned off
STRANGE_LIMIT = 1e-4  # share of a good part's pixels that may be highlighted
FOLDS = 5
MAX_SAMPLE = 200  # good images looked at for a suggestion

_COLOURS = 1 << 24
_STRIP_PX = 1 << 16  # indices of a strip (8 bytes each) stay in a core's second-level cache


@dataclass(frozen=True, eq=False)
class Gamut:
    """A set of 24-bit colours: one bit each, at blue + 256 green + 65536 red, lowest bit first. Read-only."""

    bits: NDArray[np.uint8] = field(repr=False)  # (2**21,)

    @classmethod
    def of(cls, images: Iterable[Image]) -> Gamut:
        """Return every colour that occurs in any of the images; empty for no images."""
        seen = SeenColours()
        for image in images:
            seen.add(image)
        return seen.gamut()

    @classmethod
    def from_bytes(cls, data: bytes) -> Gamut:
        """Undo `to_bytes`. Raises ModelError when the bytes are damaged or something else."""
        inflate = zlib.decompressobj()
        try:
            raw = inflate.decompress(data, _COLOURS // 8 + 1)  # never inflates more than a gamut needs
        except zlib.error as error:
            raise ModelError(f"the model's colour gamut is damaged ({error}): export the model again") from error
        if len(raw) != _COLOURS // 8 or not inflate.eof or inflate.unused_data:
            raise ModelError(
                f"the model's colour gamut has a wrong size (wanted {_COLOURS // 8} bytes): export the model again"
            )
        return cls(_read_only(np.frombuffer(raw, np.uint8)))

    def to_bytes(self) -> bytes:
        """Return it compressed, for a model file's metadata."""
        return zlib.compress(self.bits.tobytes(), 9)

    def __or__(self, other: Gamut) -> Gamut:
        """Return the colours of either."""
        return Gamut(_read_only(self.bits | other.bits))

    def __len__(self) -> int:
        """Return how many colours."""
        return int(np.unpackbits(self.bits).sum(dtype=np.int64))

    def table(self, tolerance: int = 0) -> Mask:
        """Return (2**24,): whether a colour differs by at most `tolerance` in every channel from a colour of the gamut.

        A box widens separably: green and blue within each plane of equal red, then red across the planes.
        """
        cube = np.unpackbits(self.bits, bitorder="little").reshape(256, 256, 256)
        if tolerance:
            side = 2 * tolerance + 1
            for plane in cube:
                cv2.dilate(plane, np.ones((side, side), np.uint8), dst=plane)
            flat = cube.reshape(256, -1)
            cv2.dilate(flat, np.ones((side, 1), np.uint8), dst=flat)
        return cube.reshape(-1).view(np.bool_)


class SeenColours:
    """Colours gathered image by image; 16 MiB."""

    def __init__(self) -> None:
        self._seen = np.zeros(_COLOURS, np.bool_)

    def add(self, image: Image) -> None:
        """Take in every colour of an image, (height, width, 3)."""
        for rows in _strips(image):
            self._seen[_colour_indices(image[rows]).astype(np.intp)] = True

    def gamut(self) -> Gamut:
        """Return the colours seen so far."""
        return Gamut(_read_only(np.packbits(self._seen, bitorder="little")))


class ColourHighlighter:
    """Finds and enhances pixels of a colour that no good part shows. Immutable, so threads may share it."""

    def __init__(self, gamut: Gamut, tolerance: int) -> None:
        """Widen the gamut by `tolerance` grey levels in each channel: about 30 ms, 16 MiB kept."""
        if not 0 <= tolerance <= 255:
            raise ValueError(f"tolerance is {tolerance}, wanted 0 to 255")
        self.tolerance = tolerance
        self._strange = ~gamut.table(tolerance)

    def strange(self, image: Image) -> Mask:
        """Return (height, width): True where the colour lies outside the widened gamut."""
        mask = np.empty(image.shape[:2], np.bool_)
        for rows in _strips(image):
            mask[rows] = self._strange.take(_colour_indices(image[rows]))
        return mask

    def enhance(self, image: Image, mask: Mask | None = None) -> Image:
        """Return a new image with the pixels of `mask`, as given or else the strange ones, in neon green."""
        mask = self.strange(image) if mask is None else mask
        enhanced = np.array(image, order="C")
        for rows in _strips(image):
            strip = np.ascontiguousarray(mask[rows])
            if strip.any():
                cv2.copyTo(_green(*strip.shape), strip.view(np.uint8), enhanced[rows])
        return enhanced


def suggest_tolerance(good: Sequence[Image]) -> int:
    """Return the smallest tolerance, 0 to 16, at which good parts stay free of green.

    Good images are held out in turn (five folds, or one by one where there are fewer): on average over a fold, at most
    1 in 10,000 of their pixels may lie outside the gamut of all others, and the worst fold decides. Of more than 200
    images 200 evenly spaced ones are used. 16 may still be too little. Fewer than five images, most likely taken one
    after the other, say little about how good parts differ: then it is never less than 8, and 8 for a single one.
    """
    if len(good) < 2:
        return DEFAULT_TOLERANCE
    count = min(len(good), MAX_SAMPLE)
    sample = [good[i * len(good) // count] for i in range(count)]
    folds = [sample[i::FOLDS] for i in range(min(FOLDS, count))]
    tolerance = 0 if count >= FOLDS else DEFAULT_TOLERANCE
    for held_out, others in zip(folds, _gamuts_of_others(folds), strict=True):
        while tolerance < MAX_SUGGESTED_TOLERANCE and _strange_share(held_out, others, tolerance) > STRANGE_LIMIT:
            tolerance += 1
    return tolerance


def _gamuts_of_others(folds: Sequence[Sequence[Image]]) -> Iterator[Gamut]:
    gamuts = [Gamut.of(fold) for fold in folds]
    for i in range(len(folds)):
        others = Gamut.of([])
        for gamut in chain(gamuts[:i], gamuts[i + 1 :]):
            others |= gamut
        yield others


def _strange_share(images: Sequence[Image], gamut: Gamut, tolerance: int) -> float:
    highlighter = ColourHighlighter(gamut, tolerance)
    return float(np.mean([highlighter.strange(image).mean() for image in images]))


def _read_only(bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    bits.flags.writeable = False
    return bits


def _strips(image: Image) -> Iterator[slice]:
    """Yield the image's rows, a strip at a time: a strip's temporaries stay in the cache and off the page allocator."""
    height, width = image.shape[:2]
    step = max(1, _STRIP_PX // max(1, width))
    return (slice(top, top + step) for top in range(0, height, step))


def _colour_indices(image: Image) -> NDArray[np.int32]:
    """Return (height, width): each pixel's colour as an index from the end of a table of 2**24.

    Four channels viewed as one integer. The alpha that OpenCV adds is 255, so the integer is the index minus 2**24:
    numpy counts it from the end, which spares a pass over the image to mask it.
    """
    indices: NDArray[np.int32] = cv2.cvtColor(image, cv2.COLOR_BGR2BGRA).view("<i4")[..., 0]
    return indices


def _green(height: int, width: int) -> Image:
    green = np.empty((height, width, 3), np.uint8)
    green[0] = NEON_GREEN
    green[1:] = green[0]  # row by row: filling pixel by pixel is fifty times slower
    return green
