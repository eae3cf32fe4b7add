"""One picture of the demo's part in numbers, and the outlines that follow from them.

Lengths are fractions of half the image's side, x to the right, y down, in the part's own frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]  # (height, width); light is (3, height, width), BGR
Point = tuple[float, float]
Colour = tuple[float, float, float]  # BGR, linear light
Waves = tuple[tuple[int, float, float], ...]  # how often around, share of the radius, phase

HOLES: tuple[Point, ...] = ((-0.49, -0.49), (0.49, -0.49), (0.49, 0.49), (-0.49, 0.49))
INSERT_BLUE: Colour = (0.42, 0.13, 0.025)


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a feature sits on the part, and how far it is turned."""

    x: float
    y: float
    turn_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Scratch:
    """A groove along a curve; `depth` is in widths."""

    curve: tuple[Point, ...]
    width: float
    depth: float


@dataclass(frozen=True, slots=True)
class Chip:
    """A ragged bite around a point of the rim."""

    at: Point
    radius: float
    waves: Waves


@dataclass(frozen=True, slots=True)
class Stain:
    """A dried drop: soft outside, darker towards its edge."""

    at: Point
    radius: float
    colour: Colour
    opacity: float
    waves: Waves


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that decides one picture."""

    size: int  # pixels, both sides
    seed: int  # of what is never twice the same: brushing, belt, sensor noise
    at: Placed  # the part's own frame in the image
    gain: float = 1.0
    white: Colour = (1.0, 1.0, 1.0)
    light_deg: float = 232.0  # where the lamp stands, clockwise from the right
    holes: tuple[Point, ...] = HOLES
    mark: Placed = Placed(0.0, -0.53)
    insert: Placed = Placed(0.0, 0.53)
    insert_colour: Colour = INSERT_BLUE
    scratches: tuple[Scratch, ...] = ()
    chips: tuple[Chip, ...] = ()
    stains: tuple[Stain, ...] = ()

    def noise(self, stream: int, shape: tuple[int, ...]) -> Field:
        """White noise, standard normal, of this scene alone; one `stream` per use."""
        return np.random.default_rng([self.seed, stream]).standard_normal(shape, dtype=np.float32)


# ---- shapes: signed distances, negative inside ----


def local(x: Field, y: Field, at: Placed) -> tuple[Field, Field]:
    """Coordinates in the frame of a placed feature."""
    c, s = math.cos(math.radians(at.turn_deg)), math.sin(math.radians(at.turn_deg))
    dx, dy = x - np.float32(at.x), y - np.float32(at.y)
    return c * dx + s * dy, c * dy - s * dx


def length(x: Field, y: Field) -> Field:
    """Euclidean; several times faster than np.hypot, and nothing here can overflow."""
    return np.asarray(cv2.magnitude(x, y), np.float32)


def box(x: Field, y: Field, half: Point, corner: float) -> Field:
    """Distance to a rectangle with round corners."""
    qx, qy = np.abs(x) - (half[0] - corner), np.abs(y) - (half[1] - corner)
    return length(np.maximum(qx, 0), np.maximum(qy, 0)) + np.minimum(np.maximum(qx, qy), 0) - corner


def ragged(x: Field, y: Field, at: Point, radius: float, waves: Waves) -> Field:
    """Distance to a circle whose radius wanders: nothing broken or spilt is round."""
    dx, dy = x - np.float32(at[0]), y - np.float32(at[1])
    turn = np.arctan2(dy, dx)
    wander = np.add.reduce([share * np.sin(times * turn + phase) for times, share, phase in waves])
    return length(dx, dy) - radius * (1 + np.asarray(wander, np.float32))


def band(distance: Field, half: float) -> Field:
    """Distance to the band of width 2 `half` along an outline."""
    return np.asarray(np.abs(distance) - half, np.float32)


def inside(distance: Field, edge: float) -> Field:
    """Return 1 inside, 0 outside, a smooth ramp of width `edge` across the border."""
    ramp = np.clip(0.5 - distance / np.float32(edge), 0, 1)
    return np.asarray(ramp * ramp * (3 - 2 * ramp), np.float32)


@dataclass(frozen=True, slots=True)
class Shapes:
    """The part's outlines as seen in one scene, all as signed distances."""

    x: Field
    y: Field
    radius: Field  # from the hub's middle
    plate: Field  # with its chips
    chips: Field
    holes: Field
    insert: Field
    insert_xy: tuple[Field, Field]


def lay_out(scene: Scene) -> Shapes:
    """Outlines of everything in `scene`, at every pixel."""
    axis = (np.arange(scene.size, dtype=np.float32) + 0.5) / (scene.size / 2) - 1
    columns, rows = np.meshgrid(axis, axis)
    x, y = local(columns, rows, scene.at)
    far = np.full_like(x, 9.0)
    chips = np.minimum.reduce([far, *(ragged(x, y, c.at, c.radius, c.waves) for c in scene.chips)])
    holes = np.minimum.reduce([far, *(length(x - hx, y - hy) - 0.075 for hx, hy in scene.holes)])
    ix, iy = local(x, y, scene.insert)
    plate = np.maximum(box(x, y, (0.70, 0.70), 0.17), -chips)
    return Shapes(x, y, length(x, y), plate, chips, holes, box(ix, iy, (0.22, 0.075), 0.03), (ix, iy))
