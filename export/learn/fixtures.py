"""Whether a fixture helps this product, decided and learned from good parts alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.align import Fixture, Outline, Template, TurnedTemplate, as_matched, match, match_any_turn, moved
from inspector.errors import AlignError
from inspector.placement import Matrix
from inspector.pose import Pose, find_part
from inspector.recipe import Align
from inspector.records import Image, Mask
from inspector.scaling import small_gray
from inspector.turn_search import TurnSearch

MARGIN = 0.1  # of the part's reach, left free around it; reach is half of a size
REACH = ("ahead", "behind", "aside")

# When good parts call for an outline: one part stands clear of its background, always of the same size, clearly longer
# than wide, and not always in the same pose.
MIN_SHARE = 0.9  # of the foreground that must be one piece
MAX_SPREAD = 0.2  # of area, length and width: interquartile range over median
MIN_ELONGATION = 1.5  # length over width; a rounder part has no sure axis
MAX_COVERAGE = 0.5  # of the frame
MIN_TURN_DEG = 5.0  # deviation of the angle below which the part always lies the same way
MIN_SHIFT = 0.05  # deviation of the centre, over the part's length
MIN_SKEWNESS = 0.05  # absolute; below it, head and tail look alike
MIN_PARTS = 4  # fewer show nothing about how parts lie

# And when for a template: how they lie is most of how they differ, for nearly all of them. For one in any turn, that is
# also most of what the other kind leaves unexplained (parts that lie upside down now and then), and told by details.
MIN_EXPLAINED = 0.5  # of their squared difference from the mean, with brightness and contrast made equal
NEARLY_ALL = 0.9
MAX_TURN, MAX_SHIFT = math.radians(15), 0.1  # of the frame: farther off a match is luck
ROUNDS = 2  # of matching with the mean and taking it anew
DETAIL = 1 / 8  # of the longer side: what is wider is a shade
TURNED_ROUNDS = 3  # the same, from one part instead of a mean, which is a blur where parts lie in any turn
BELT = 0.15  # of how far the brightest or darkest of the part is from the belt: less is belt
CANDIDATES, JUDGES = 3, 8  # parts that may be the first mean, and parts to match with each
USUAL, FARTHER = 0.95, 2.0  # of good parts lie within this; a part may lie so many times as far off

WHY_OUTLINE = "one part, the same every time, in any pose"
TOO_ROUND, ENDS_ALIKE = "the part is too round to have a sure axis", "the part's two ends look alike"
AXIS_UNSURE = TOO_ROUND, ENDS_ALIKE  # the outline tells where the part is, but not how it is turned

_SIZES = ("area", "length", "width")
_LOOKED_AT = (*_SIZES, "share", "skewness")

Grays = NDArray[np.uint8]  # (n, height, width)
Pictures = NDArray[np.uint8] | NDArray[np.float32]  # the same


def learn_fixture(images: Iterable[Image], align: Align = "auto") -> tuple[Fixture | None, str]:
    """Learn the fixture that is asked for, or decide on one; the text says what was decided and why.

    Raises AlignError where what is asked for is impossible.
    """
    if align == "none":
        return None, "not aligned: as asked"
    looked = _Looked.at(images)
    if align == "auto":
        return _decided(looked)
    if align == "template":
        return looked.template()[0], "aligned: to a template, as asked"
    if align == "any-turn":
        turned, _ = looked.turned_template(around=looked.outline()[1] in ("", *AXIS_UNSURE))
        return turned, "aligned: to a template in any turn, as asked"
    outline, reason = looked.outline()
    if outline is None:
        raise AlignError("align: object: no part stands out from the background in any good image: use align: none")
    return outline, f"aligned: {reason or WHY_OUTLINE}"


def _decided(looked: _Looked) -> tuple[Fixture | None, str]:
    outline, reason = looked.outline()
    if outline and not reason:
        return outline, f"aligned: {WHY_OUTLINE}"
    if len(looked.grays) < MIN_PARTS:
        return None, f"not aligned: {reason}"
    details = _details(looked.pictures)
    template, placed = looked.template()
    explained = _explained(looked.pictures, placed)
    near = template.turn <= FARTHER * MAX_TURN and template.shift <= FARTHER * MAX_SHIFT
    helps = near and explained >= MIN_EXPLAINED
    left = 1 - _explained(details, _details(placed)) if helps else 1.0
    turned, turned_back = looked.turned_template(around=reason in AXIS_UNSURE)
    more = _explained(details, _details(turned_back))
    if 1 - more <= (1 - MIN_EXPLAINED) * left:
        cropped = (turned.width, turned.length) != turned.camera
        within = f"; judged within {turned.length} x {turned.width} px around the part" if cropped else ""
        return turned, f"aligned to a template in any turn: {more:.0%} of how good parts differ is how they lie{within}"
    if helps:
        return template, f"aligned to a template: {explained:.0%} of how good parts differ is how they lie"
    return None, f"not aligned: {reason}"


class _Looked:
    """What one look at each good image tells of how parts lie."""

    def __init__(self) -> None:
        self.dark: list[Pose | None] = []
        self.bright: list[Pose | None] = []
        self.grays: list[NDArray[np.uint8]] = []
        self.shape = (0, 0)

    @classmethod
    def at(cls, images: Iterable[Image]) -> _Looked:
        looked = cls()
        for image in images:
            looked.shape = looked.shape if looked.grays else (image.shape[0], image.shape[1])
            looked.dark.append(find_part(image, bright=False))
            looked.bright.append(find_part(image, bright=True))
            looked.grays.append(small_gray(image, Template.size_of(*looked.shape)))
        return looked

    def outline(self) -> tuple[Outline | None, str]:
        """Learn an outline, and say why parts need or allow none; None where there is no part at all."""
        dark, bright = self.dark, self.bright
        # The part is what does not touch the border.
        is_bright = sum(p is not None and p.clear for p in bright) > sum(p is not None and p.clear for p in dark)
        poses = [pose for pose in (bright if is_bright else dark) if pose is not None]
        reason = _why_not(poses, len(dark), self.shape[0] * self.shape[1])
        if not poses:
            return None, reason
        ahead, behind, aside = ((1 + MARGIN) * float(np.median([getattr(p, side) for p in poses])) for side in REACH)
        outline = Outline(
            bright=is_bright,
            length=math.ceil(ahead + behind),
            width=math.ceil(2 * aside),
            centre=behind,
            area=float(np.median([pose.area for pose in poses])),
            contrast=float(np.median([pose.contrast for pose in poses])),
        )
        return outline, reason

    @cached_property
    def pictures(self) -> Grays:
        return np.stack(self.grays)

    def template(self) -> tuple[Template, Grays]:
        """Learn a template; return it and the pictures as it places them."""
        pictures = placed = self.pictures
        lie = [np.eye(2, 3)] * len(pictures)
        for _ in range(ROUNDS):
            mean = _mean(placed)
            found = [match(mean, picture) for picture in pictures]
            lie = [np.eye(2, 3) if each is None else each for each in found]
            placed = _placed(pictures, lie)
        turn, shift = FARTHER * np.quantile([moved(each, mean.shape) for each in lie], USUAL, axis=0)
        height, width = self.shape
        template = Template(length=width, width=height, picture=_png(placed), turn=float(turn), shift=float(shift))
        return template, placed

    def turned_template(self, around: bool) -> tuple[TurnedTemplate, Grays]:
        """Do the same for parts in any turn; `around`: the frame is the part, not the whole picture."""
        pictures = self.pictures
        few = np.unique(np.linspace(0, len(pictures) - 1, JUDGES).astype(int))
        placed = [_placed(pictures[few], _turned(pictures[one], pictures[few])) for one in few[:CANDIDATES]]
        mean = _mean(min(placed, key=lambda each: float(np.median(_differences(each)))))
        for number in range(TURNED_ROUNDS):
            last = number == TURNED_ROUNDS - 1
            lie = _turned(_upright(mean) if around and last else mean, pictures)
            matched = _placed(pictures, lie)
            mean = _mean(matched)
        middle = TurnSearch(mean).middle
        shift = FARTHER * np.quantile([moved(each, mean.shape, middle)[1] for each in lie], USUAL)
        top, left, bottom, right = _box_of(_mean(matched), *self.shape) if around else (0, 0, *self.shape)
        template = TurnedTemplate(
            length=right - left,
            width=bottom - top,
            picture=_png(matched),
            shift=float(shift),
            camera=self.shape,
            corner=(top, left),
        )
        return template, matched


def _turned(template: NDArray[np.uint8], pictures: Grays) -> list[Matrix]:
    search = TurnSearch(template)
    found = (match_any_turn(template, search, picture) for picture in pictures)
    return [np.eye(2, 3) if each is None else each for each in found]


def _placed(pictures: Grays, lie: Sequence[Matrix]) -> Grays:
    return np.stack([as_matched(*each) for each in zip(pictures, lie, strict=True)])


def _mean(pictures: Grays) -> NDArray[np.uint8]:
    return np.asarray(pictures.mean(0).round(), np.uint8)


def _png(placed: Grays) -> bytes:
    _, png = cv2.imencode(".png", _mean(placed))
    return png.tobytes()


def _part_of(mean: NDArray[np.uint8]) -> Mask | None:
    """Return where the part is, (height, width): all that is not as the border; None where that is no even belt."""
    border = np.concatenate([mean[0], mean[-1], mean[:, 0], mean[:, -1]]).astype(np.float64)
    low, belt, high = np.quantile(border, [1 - NEARLY_ALL, 0.5, NEARLY_ALL])
    off = np.abs(mean - belt)
    even = high - low < BELT * off.max()
    return np.asarray(off > BELT * off.max()) if even else None


def _upright(mean: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn the part so that the box around it is small."""
    part = _part_of(mean)
    if part is None:
        return mean
    middle, _, turn = cv2.minAreaRect(np.argwhere(part)[:, ::-1].astype(np.float32))
    back = (turn + 45) % 90 - 45
    height, width = mean.shape
    matrix = cv2.getRotationMatrix2D(middle, back, 1.0)
    return np.asarray(cv2.warpAffine(mean, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _box_of(mean: NDArray[np.uint8], height: int, width: int) -> tuple[int, int, int, int]:
    """Return top, left, bottom and right of the part in a picture of that size, with a margin; else all of it."""
    part = _part_of(mean)
    if part is None:
        return 0, 0, height, width
    scale = np.array([height / mean.shape[0], width / mean.shape[1]])
    places = np.argwhere(part)
    first, last = places.min(0) * scale, (places.max(0) + 1) * scale
    free = MARGIN / 2 * (last - first).max()
    top, left = np.maximum(0, np.floor(first - free)).astype(int)
    bottom, right = np.minimum([height, width], np.ceil(last + free)).astype(int)
    return int(top), int(left), int(bottom), int(right)


def _details(pictures: Grays) -> NDArray[np.float32]:
    """Return what is left without the shades of a lamp, which can be turned into agreement as well."""
    wide = DETAIL * max(pictures.shape[1:])
    return np.stack([each - cv2.GaussianBlur(each, (0, 0), wide) for each in pictures.astype(np.float32)])


def _explained(pictures: Pictures, placed: Pictures) -> float:
    """Return the share of how pictures differ that is gone where they are placed, for nearly all of them."""
    before, after = _differences(pictures).mean(), np.quantile(_differences(placed), NEARLY_ALL)
    return float(1 - after / before) if before > after else 0.0


def _differences(pictures: Pictures) -> NDArray[np.float64]:
    """Squared difference of each picture from their mean (n), with brightness and contrast made equal."""
    flat = pictures.reshape(len(pictures), -1).astype(np.float64)
    alike = (flat - flat.mean(1, keepdims=True)) / np.maximum(flat.std(1, keepdims=True), 1e-6)
    return np.asarray(np.square(alike - alike.mean(0)).mean(1))


def _why_not(poses: Sequence[Pose], count: int, frame_area: int) -> str:
    """Why an outline is of no use to these parts, or none is needed; empty where it helps."""
    if count < MIN_PARTS or len(poses) < count:
        return "too few good parts to see how they lie"
    middle = {name: float(np.median([getattr(pose, name) for pose in poses])) for name in _LOOKED_AT}
    reasons = {
        "no part stands clear of the border": np.mean([pose.clear for pose in poses]) < MIN_SHARE,
        "not one part, but several pieces": middle["share"] < MIN_SHARE,
        "the part does not segment the same way every time": any(_spread(poses, side) > MAX_SPREAD for side in _SIZES),
        "the part fills the frame": middle["area"] > MAX_COVERAGE * frame_area,
        TOO_ROUND: middle["length"] < MIN_ELONGATION * middle["width"],
        ENDS_ALIKE: middle["skewness"] < MIN_SKEWNESS,
        "the part always lies the same way": not _moves(poses, middle["length"]),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _moves(poses: Sequence[Pose], length: float) -> bool:
    direction = np.exp(1j * np.array([pose.angle for pose in poses])).mean()
    turn_deg = math.degrees(math.sqrt(max(0.0, -2 * math.log(max(abs(direction), 1e-9)))))  # circular deviation
    shift = max(np.std([pose.x for pose in poses]), np.std([pose.y for pose in poses])) / length
    return bool(turn_deg > MIN_TURN_DEG or shift > MIN_SHIFT)


def _spread(poses: Sequence[Pose], name: str) -> float:
    low, middle, high = np.quantile([getattr(pose, name) for pose in poses], [0.25, 0.5, 0.75])
    return float((high - low) / middle)
