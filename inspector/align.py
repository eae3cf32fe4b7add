"""The fixture: bring a part into its canonical frame, so that "what is normal at that place" means something.

A part that lies any way round is found by its outline, where that has a sure axis. One that always lies about the same
way, but not quite, is matched with a template, what good parts look like on average; and so is one that lies any way
round and has no such outline, after a search for its turn.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator

from inspector.errors import AlignError
from inspector.placement import Matrix, Placement, cell
from inspector.pose import find_part
from inspector.records import Image
from inspector.scaling import small_gray, within
from inspector.turn_search import TurnSearch, composed

MIN_AREA = 0.2  # of a good part's area: smaller is not the part
MIN_CONTRAST = 0.25  # of a good part's: in an empty picture, Otsu's method parts light from shade
# Longer side of a template: 192 are twice as slow, and matches no surer; 96 are three times less sure.
TEMPLATE_PX = 128
STEPS, PRECISION = 20, 1e-3  # of the search for a match: at most; gain of correlation that is not worth another


def shape_of_about(side: int, aspect: float, multiple: int) -> tuple[int, int]:
    """Return height and width, multiples of that, of about side * side pixels: `aspect` times as wide as high."""
    root = math.sqrt(aspect)
    height, width = (max(1, round(length / multiple)) for length in (side / root, side * root))
    return multiple * height, multiple * width


class _Frame(BaseModel):
    """A canonical frame, in camera pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64")

    length: Annotated[int, Field(gt=0)]  # columns
    width: Annotated[int, Field(gt=0)]  # rows

    def patch_shape(self, side: int, rows: int, cols: int, multiple: int) -> tuple[int, int]:
        """Return height and width of a patch of this frame's grid: about side * side pixels, multiples of that."""
        return shape_of_about(side, self.length / cols / (self.width / rows), multiple)


class Outline(_Frame):
    """Finds a part that stands out from its background, in any pose."""

    any_turn: ClassVar[bool] = True  # parts may lie any way round

    by: Literal["object"] = "object"
    bright: bool  # the part is brighter than its background
    centre: float  # column of the part's centre in the frame; the row is the middle one
    area: float  # of a usual good part, px
    contrast: float  # of a usual good part, gray levels

    def place(self, image: Image) -> Placement:
        """Return where the part lies. Raises AlignError where none is found."""
        pose = find_part(image, self.bright)
        if pose is None or pose.area < MIN_AREA * self.area or pose.contrast < MIN_CONTRAST * self.contrast:
            raise AlignError("no part found in the picture")
        return self._placement(pose.x, pose.y, pose.angle)

    def untouched(self, image: Image) -> Placement:
        """Return the middle of a picture in which no part is found, not turned."""
        height, width = image.shape[:2]
        return self._placement(width / 2, height / 2, 0.0)

    def _placement(self, x: float, y: float, angle: float) -> Placement:
        cos, sin = math.cos(angle), math.sin(angle)
        turn = np.array([[cos, sin], [-sin, cos]])
        shift = np.array([self.centre, self.width / 2]) - turn @ [x, y]
        return Placement(np.column_stack([turn, shift]), (self.width, self.length))


class _Matched(_Frame):
    """Matches what good parts look like, by the enhanced correlation coefficient.

    Source: Evangelidis & Psarakis, IEEE Trans. PAMI 30, 2008.
    """

    picture: bytes = Field(repr=False)  # PNG, gray, see `size_of`
    shift: float  # of the camera picture's longer side: as far as good parts are shifted, at most

    @field_validator("picture")
    @classmethod
    def _is_a_picture(cls, picture: bytes) -> bytes:
        """Check it when a model is loaded, not at its first part."""
        if not picture or _decoded(picture) is None:
            raise ValueError("it is not a picture")
        return picture

    @staticmethod
    def size_of(height: int, width: int) -> tuple[int, int]:
        """Return height and width of the template of a frame of that size."""
        return within(TEMPLATE_PX, height, width)

    @cached_property
    def gray(self) -> NDArray[np.uint8]:
        """Return the template, (height, width)."""
        return np.asarray(_decoded(self.picture), np.uint8)

    def place(self, image: Image) -> Placement:
        """Return where the part lies; `untouched` where that is farther off than good parts are, or nothing matches.

        A part in the wrong place must look so.
        """
        found = self._found(small_gray(image, self.size_of(*self._camera)))
        if found is None or not self._usual(found):
            return self.untouched(image)
        return self._placement(image, found)

    def untouched(self, image: Image) -> Placement:
        """Return the frame where the template has it, not turned."""
        return self._placement(image, np.eye(2, 3))

    def _found(self, small: NDArray[np.uint8]) -> Matrix | None:
        raise NotImplementedError

    @property
    def _camera(self) -> tuple[int, int]:
        """Height and width of the picture of which the template is a small one."""
        return self.width, self.length

    @property
    def _about(self) -> tuple[float, float] | None:
        """What parts turn about, where that is known: turning shifts everything else."""
        return None

    def _usual(self, found: Matrix) -> bool:
        return moved(found, self.gray.shape, self._about)[1] <= self.shift

    def _placement(self, image: Image, found: Matrix) -> Placement:
        rows, cols = self.gray.shape
        height, width = image.shape[:2]
        camera = cell(width / cols, height / rows)
        whole = cell(self._camera[1] / cols, self._camera[0] / rows)
        back = whole @ np.linalg.inv(camera @ np.vstack([found, [0, 0, 1]]))
        return Placement(back[:2], self._camera)


class Template(_Matched):
    """Matches a part that is turned and shifted a little. The frame is the whole picture of the camera."""

    any_turn: ClassVar[bool] = False

    by: Literal["template"] = "template"
    turn: float  # radians: as far as good parts are turned, at most

    def _found(self, small: NDArray[np.uint8]) -> Matrix | None:
        return match(self.gray, small)

    def _usual(self, found: Matrix) -> bool:
        return super()._usual(found) and moved(found, self.gray.shape)[0] <= self.turn


class TurnedTemplate(_Matched):
    """Matches a part in any turn: the way to find one that is too round, or too large, for its outline to tell.

    The frame is the part, with a margin, where its outline stands clear; else the whole picture of the camera.
    """

    any_turn: ClassVar[bool] = True

    by: Literal["any-turn"] = "any-turn"
    camera: tuple[int, int]  # height and width of the camera's picture
    corner: tuple[int, int]  # row and column of it where the frame begins

    @property
    def _camera(self) -> tuple[int, int]:
        return self.camera

    def _placement(self, image: Image, found: Matrix) -> Placement:
        top, left = self.corner
        return super()._placement(image, found).section(top, left, top + self.width, left + self.length)

    @cached_property
    def _search(self) -> TurnSearch:
        return TurnSearch(self.gray)

    def _found(self, small: NDArray[np.uint8]) -> Matrix | None:
        return match_any_turn(self.gray, self._search, small)

    @property
    def _about(self) -> tuple[float, float]:
        return self._search.middle


def _decoded(picture: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE)


Fixture = Annotated[Outline | Template | TurnedTemplate, Field(discriminator="by")]


def match(template: NDArray[np.uint8], small: NDArray[np.uint8]) -> Matrix | None:
    """Return (2, 3): pixel of the template -> pixel of a picture of its size that shows the same; None: none does."""
    found = _refined(template, small)
    return found[1] if found else None


def match_any_turn(template: NDArray[np.uint8], search: TurnSearch, small: NDArray[np.uint8]) -> Matrix | None:
    """Do as `match` does, whichever way round the picture shows it. `search`: for the same template."""
    found = [each for coarse in search.best(small) if (each := _refined_from(coarse, template, small))]
    if not found:
        return None
    _, best = max(found, key=lambda each: each[0])
    off = search.still_off(as_matched(small, best))
    if off is None:
        return best
    # Marks decide, not the likeness of the whole, in which a lamp's shade counts for more than they do.
    again = _refined_from(composed(off, best), template, small)
    return again[1] if again else best


def as_matched(picture: NDArray[np.uint8], found: Matrix) -> NDArray[np.uint8]:
    """Return the picture as its template shows it."""
    rows, cols = picture.shape
    flags, border = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpAffine(picture, found, (cols, rows), flags=flags, borderMode=border), np.uint8)


def _refined(template: NDArray[np.uint8], small: NDArray[np.uint8]) -> tuple[float, Matrix] | None:
    """Return the correlation at the best small turn and shift, and these; None where the search does not converge."""
    start = np.eye(2, 3, dtype=np.float32)
    until = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, STEPS, PRECISION)
    try:
        likeness, found = cv2.findTransformECC(template, small, start, cv2.MOTION_EUCLIDEAN, until)
    except cv2.error:
        return None
    return (likeness, np.asarray(found, np.float64)) if np.isfinite(found).all() else None


def _refined_from(coarse: Matrix, template: NDArray[np.uint8], small: NDArray[np.uint8]) -> tuple[float, Matrix] | None:
    """Do the same from a match that is about right.

    The picture is turned back first, for OpenCV's way of refining a turn ends at a right angle.
    """
    found = _refined(template, as_matched(small, coarse))
    return (found[0], composed(found[1], coarse)) if found else None


def moved(found: Matrix, shape: tuple[int, ...], about: tuple[float, float] | None = None) -> tuple[float, float]:
    """Return how far a match is turned, radians, and shifted, over the longer side; neither is negative.

    `about`: the point of the template whose shift counts; by default its middle.
    """
    point = np.array(about or (shape[1] / 2, shape[0] / 2))
    shift = float(np.hypot(*(found[:, :2] @ point + found[:, 2] - point)))
    return abs(math.atan2(found[1, 0], found[0, 0])), shift / max(shape)
