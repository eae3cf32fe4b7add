"""Which good images should be taken again or left out: copies, blurred, too dark, too bright.

Every image is measured against its own set: what good images share is how this product is photographed, not a fault.
A set may have several lamps or colours, so far from the median is not enough: a fault stands apart from all others.
"""

from __future__ import annotations

import contextlib
import filecmp
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.errors import DataError, ModelError
from inspector.images import read_image
from inspector.records import Image

Fault = Literal["size", "copy", "blurred", "underexposed", "overexposed"]
Values = NDArray[np.float64]  # one per image of the set

LONG_SIDE_PX = 512  # sharpness is measured at about twice the network's resolution,
NOISE_PX = 1.0  # on edges rather than on the sensor's noise, which stays sharp where the picture is not
THUMB_PX = 32  # a cell averages hundreds of pixels: noise and re-encoding vanish, another part's pose and light do not
FINE_PX, BLOCK = 128, 4  # a picture in which noise is still seen, and the side of the blocks that average it away
CLIPPED = 5, 250  # display values at which a channel says "this dark or darker", "this bright or brighter"
FAR = 3.0  # standard deviations from the median, as estimated from the median absolute deviation
SMALL = 7  # of so few images it takes twice that, for the estimate is rough;
APART = 2 / 3  # and beyond the furthest other image by this share of that one's own distance from the median
FEW = 0.02  # share of the set, or one image, that may stand apart together: more are a lamp or a colour of their own
LEAST_BLUR = math.log(2)  # a set may be very even: half the others' sharpness is the least that is named,
LEAST_LIGHT = math.log(1.25)  # as are a quarter more light than usual or as much less,
LEAST_CLIPPED = 0.02  # and this share of pixel values newly clipped
SAME = 1.0  # gray levels: thumbnails of one exposure differ by less, however it was saved
NEIGHBOUR, CLOSE = 5, 0.25  # and by less than this share of what the 5th most similar image usually differs by,
BURST = 4.0  # gray levels that a flickering lamp may add in a burst
WHITE = 2.0  # or by noise alone: averaged over blocks it vanishes, and what exceeds this is another part or pose
DETAIL = 3.0  # times the difference: what the pictures must show, for two empty ones differ by noise alone as well

ADVICE: dict[Fault, str] = {
    "size": "take all at one size; as they are, the line cannot refuse images of a wrong size",
    "copy": "keep one of the two: copies make good parts look more alike than they are",
    "blurred": "far less sharp than the others: check focus and exposure time, and take it again",
    "underexposed": "far darker than the others: check lamp and exposure time, and take it again",
    "overexposed": "far brighter than the others: check lamp and exposure time, and take it again",
}


@dataclass(frozen=True, slots=True)
class Traits:
    """What is kept of one image."""

    shape: tuple[int, int]  # height, width
    sharpness: float  # log of the Laplacian's variance, relative to brightness
    brightness: float  # log of the mean gray level
    dark: float  # share of pixel values that are clipped, 0 to 1
    bright: float
    thumb: NDArray[np.float32]  # (THUMB_PX, THUMB_PX, 3)
    fine: NDArray[np.float16]  # (FINE_PX, FINE_PX), gray


@dataclass(frozen=True, slots=True)
class QualityFinding:
    """One good image to look at."""

    file: str
    fault: Fault
    advice: str  # what is wrong and what to do

    @property
    def words(self) -> str:
        """Return one line for the user."""
        return f"{self.file}: {self.fault}: {self.advice}"


def traits(image: Image) -> Traits:
    """Measure one image."""
    shrink = min(1.0, LONG_SIDE_PX / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else image
    gray = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    quiet = cv2.GaussianBlur(gray, (0, 0), NOISE_PX)
    edges = cv2.meanStdDev(cv2.Laplacian(quiet, cv2.CV_16S, ksize=3))[1].item()
    brightness = math.log1p(cv2.mean(gray)[0])
    dark, bright = float(np.mean(small <= CLIPPED[0])), float(np.mean(small >= CLIPPED[1]))
    thumb = cv2.resize(small, (THUMB_PX, THUMB_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
    fine = cv2.resize(gray.astype(np.float32), (FINE_PX, FINE_PX), interpolation=cv2.INTER_AREA).astype(np.float16)
    height, width = image.shape[:2]
    sharpness = 2 * math.log(max(edges, 0.1)) - 2 * brightness
    return Traits((height, width), sharpness, brightness, dark, bright, thumb, fine)


def findings(images: Sequence[Path], measured: Sequence[Traits]) -> list[QualityFinding]:
    """Say what to look at in a set of good images, in their order; `measured` are their traits."""
    light = np.array([t.brightness for t in measured])
    named: dict[Fault, NDArray[np.bool_]] = {
        "blurred": _apart(-np.array([t.sharpness for t in measured]), LEAST_BLUR),
        "underexposed": _apart(-light, LEAST_LIGHT) | _apart(np.array([t.dark for t in measured]), LEAST_CLIPPED),
        "overexposed": _apart(light, LEAST_LIGHT) | _apart(np.array([t.bright for t in measured]), LEAST_CLIPPED),
    }
    found = [
        (index, QualityFinding(str(images[index]), fault, ADVICE[fault]))
        for fault, which in named.items()
        for index in np.flatnonzero(which).tolist()
    ]
    found += [(later, _copy(images[first], images[later])) for first, later in _same(measured)]
    found += _odd_size(images, measured)
    return [finding for _, finding in sorted(found, key=lambda pair: pair[0])]


@contextlib.contextmanager
def copies_named(images: Sequence[Path], say: Callable[[str], object]) -> Iterator[None]:
    """Name the copies among good images where the work inside fails for want of parts that differ.

    Raises DataError for the ModelError of a model that learned how one picture differs from itself.
    """
    try:
        yield
    except ModelError:
        found = findings(images, [traits(read_image(path)) for path in images])
        copies = [finding.words for finding in found if finding.fault == "copy"]
        if len(copies) < len(images) / 2:
            raise
        for words in copies:
            say(words)
        raise DataError(
            f"{len(copies)} of {len(images)} images are copies of others, named above: take them out, since a copy "
            "does not show how good parts differ"
        ) from None


def common_shape(measured: Sequence[Traits]) -> tuple[int, int] | None:
    """Return height and width that all images have; None where they differ."""
    shapes = {traits.shape for traits in measured}
    return shapes.pop() if len(shapes) == 1 else None


def _odd_size(images: Sequence[Path], measured: Sequence[Traits]) -> list[tuple[int, QualityFinding]]:
    """Return the first image that is not as large as most; a line for each would say no more."""
    counts = Counter(traits.shape for traits in measured)
    (usual, count), *others = counts.most_common()
    if not others:
        return []
    odd = next(number for number, traits in enumerate(measured) if traits.shape != usual)
    own, most = measured[odd].shape, f"{usual[1]} x {usual[0]}"
    how = (
        f"{own[1]} x {own[0]} px; {count} of {len(images)} images are {most}, the others have {len(others)} other sizes"
    )
    return [(odd, QualityFinding(str(images[odd]), "size", f"{how}: {ADVICE['size']}"))]


def _apart(values: Values, least: float) -> NDArray[np.bool_]:
    """Say which few values lie far above the set's median, by more than `least`, and apart from all the others."""
    above = values - np.median(values)
    far = max(FAR * (1 + SMALL / len(values)) * 1.4826 * float(np.median(np.abs(above))), least)
    falling = np.sort(above)[::-1]
    for count in range(1, min(max(1, round(FEW * len(values))), len(values) - 1) + 1):
        last, next_one = falling[count - 1], falling[count]
        if last > far and last - next_one > APART * next_one:
            return np.asarray(above >= last)
    return np.zeros(len(values), bool)


def _copy(first: Path, later: Path) -> QualityFinding:
    how = "the same file as" if filecmp.cmp(first, later, shallow=False) else "the same exposure as"
    return QualityFinding(str(later), "copy", f"{how} {first}: {ADVICE['copy']}")


def _same(measured: Sequence[Traits]) -> list[tuple[int, int]]:
    """Return (first, later) of images that are one exposure, or shots of one part at rest: each later one once.

    Good parts under a fixed camera look nearly alike, so a hash of the picture's coarse pattern would call them all
    the same. Thumbnails keep gray levels: an exposure repeats within one of them, and another part does not. What the
    set usually differs by tells re-encoded files; shots in a burst may be the whole set, and differ by noise alone.
    """
    distances = _distances(np.stack([t.thumb.ravel() for t in measured]))
    neighbour = min(NEIGHBOUR, len(measured) - 1) - 1
    usual = float(np.median(np.partition(distances, neighbour, axis=1)[:, neighbour]))
    repeats: dict[int, int] = {}
    for later in range(1, len(measured)):
        for first in np.argsort(distances[later, :later])[:NEIGHBOUR].tolist():
            apart = distances[first, later]
            alike = apart < min(SAME, CLOSE * usual)
            if alike or (apart < BURST and _only_noise(measured[first].fine, measured[later].fine)):
                repeats[later] = repeats.get(first, first)
                break
    return [(first, later) for later, first in repeats.items()]


def _only_noise(one: NDArray[np.float16], other: NDArray[np.float16]) -> bool:
    """Say whether two gray pictures show one scene: they differ by a little light and by noise without pattern."""
    a, b = (picture.astype(np.float64) - picture.mean(dtype=np.float64) for picture in (one, other))
    rest = a - b * (np.vdot(a, b) / max(float(np.vdot(b, b)), 1e-9))  # without what the lamp changed
    blocks = rest.reshape(FINE_PX // BLOCK, BLOCK, FINE_PX // BLOCK, BLOCK).mean(axis=(1, 3))
    coarse, fine = float(np.std(blocks)), float(np.std(rest))
    detail = float(np.std(b - cv2.blur(b, (BLOCK, BLOCK))))
    return coarse < SAME and coarse * BLOCK <= WHITE * fine and detail > DETAIL * fine


def _distances(thumbs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Map (n, values) -> (n, n): root mean square difference of each two, infinite of one to itself."""
    centred = thumbs - thumbs.mean(axis=0)
    squares = np.einsum("nv,nv->n", centred, centred)
    apart = squares[:, None] + squares - 2 * centred @ centred.T
    distances: NDArray[np.float32] = np.sqrt(np.maximum(apart, 0) / thumbs.shape[1])
    np.fill_diagonal(distances, np.inf)
    return distances
