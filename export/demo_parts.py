"""Draws a small set of photo-like parts with known defects, so that everything can be tried without a camera.

The part is a bearing plate: brushed aluminium, turned hub, rubber ring, four countersunk holes, a printed mark and a
blue plastic insert, lying on a belt. A `Scene` says all of it in numbers; a defect is a scene with something replaced,
so the mask is exact by construction: it is where the two exposures differ. Lengths are fractions of half the image's
side, x to the right, y down, in the part's own frame; light is linear, 1 = the sensor's full scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from inspector.errors import DataError, SinkError
from inspector.images import write_image
from inspector.records import Image, Mask

Field = NDArray[np.float32]  # (height, width); light is (3, height, width), BGR
Point = tuple[float, float]
Colour = tuple[float, float, float]  # BGR, linear light
Waves = tuple[tuple[int, float, float], ...]  # how often around, share of the radius, phase

MIN_SIZE_PX = 128  # below, the mark and the brushing fall under the lens blur
HOLES: tuple[Point, ...] = ((-0.49, -0.49), (0.49, -0.49), (0.49, 0.49), (-0.49, 0.49))
CODE = np.array([0xAA, 0x8D, 0xB2, 0xD5, 0x9A, 0xCB, 0xA4, 0xFF], np.uint8)  # the mark's dots, a bit each
ALUMINIUM: Colour = (1.02, 1.0, 0.97)
INSERT_BLUE: Colour = (0.42, 0.13, 0.025)
WRONG_COLOURS: tuple[Colour, ...] = (  # from obvious to subtle
    (0.03, 0.03, 0.45),
    (0.03, 0.33, 0.50),
    (0.08, 0.27, 0.05),
    (0.30, 0.05, 0.24),
    (0.34, 0.27, 0.03),
    (0.36, 0.07, 0.09),
)
STAIN_COLOURS: tuple[Colour, ...] = ((0.02, 0.07, 0.23), (0.03, 0.20, 0.30), (0.04, 0.14, 0.05), (0.10, 0.03, 0.12))
VISIBLE = 5 / 255  # a smaller change of a displayed channel drowns in the sensor's noise


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
    """1 inside, 0 outside, a smooth ramp of width `edge` across the border."""
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


# ---- relief and light ----


def groove(scene: Scene, scratch: Scratch) -> Field:
    """How deep `scratch` has cut, 0 to 1: thin at its ends."""
    unit, fine = scene.size / 2, 16
    canvas = np.zeros((scene.size, scene.size), np.float32)
    turn = math.radians(scene.at.turn_deg)
    matrix = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    points = ((np.array(scratch.curve) @ matrix + (scene.at.x, scene.at.y) + 1) * unit - 0.5) * fine
    pairs = zip(points[:-1].round().astype(int).tolist(), points[1:].round().astype(int).tolist(), strict=True)
    for k, (start, end) in enumerate(pairs):
        strength = math.sin(math.pi * (k + 1) / len(scratch.curve)) ** 0.5
        cv2.line(canvas, start, end, strength, 1, cv2.LINE_8, 4)
    sigma = max(scratch.width * unit, 0.5)
    return np.asarray(np.minimum(cv2.GaussianBlur(canvas, (0, 0), sigma) * (2.5 * sigma), 1), np.float32)


def relief(shapes: Shapes, cuts: Field) -> Field:
    """The part's height at every pixel, in the unit of lengths."""
    ring = np.clip(1 - ((shapes.radius - 0.395) / 0.032) ** 2, 0, None)
    ix, iy = shapes.insert_xy
    height = 0.016 * inside(shapes.plate + 0.010, 0.020)
    height += 0.030 * inside(shapes.radius - 0.345, 0.020) * inside(0.215 - shapes.radius, 0.020)
    height += 0.030 * np.sqrt(ring)
    height -= 0.030 * inside(shapes.holes - 0.020, 0.045)
    height += 0.014 * inside(shapes.insert + 0.012, 0.022)
    height -= 0.012 * inside(band(shapes.insert + 0.002, 0.004), 0.006)  # the gap around the insert
    height -= 0.006 * inside(box(np.abs(ix) - np.float32(0.12), iy, (0.035, 0.035), 0.035), 0.012)
    return np.asarray(height - 0.010 * cuts, np.float32)


@dataclass(frozen=True, slots=True)
class Light:
    """How every pixel sees the lamp: `diffuse` 0 to 1, and the tilt (x, y) away from a mirror reflection."""

    diffuse: Field
    tilt_x: Field
    tilt_y: Field


def shine(scene: Scene, shapes: Shapes, height: Field) -> Light:
    """Light from one near lamp, camera straight above."""
    unit = scene.size / 2
    slope_x, slope_y = (cv2.Sobel(height, cv2.CV_32F, dx, 1 - dx, scale=unit / 8) for dx in (1, 0))
    angle = math.radians(scene.light_deg)
    lx, ly, lz = 1.3 * math.cos(angle) - shapes.x, 1.3 * math.sin(angle) - shapes.y, 1.9
    away = np.sqrt(lx * lx + ly * ly + lz * lz)
    facing = (lz - slope_x * lx - slope_y * ly) / (away * np.sqrt(1 + slope_x**2 + slope_y**2))
    half_z = lz / away + 1
    tilt_x = (lx / away - shapes.x / 5) / half_z + slope_x
    tilt_y = (ly / away - shapes.y / 5) / half_z + slope_y
    return Light(*(np.asarray(field, np.float32) for field in (np.clip(facing, 0, 1), tilt_x, tilt_y)))


# ---- materials: linear light leaving the surface ----


def brushing(scene: Scene, stream: int) -> Field:
    """Fine parallel lines, about unit variance, running left to right; they start and end where they like."""
    height, width = scene.size, scene.size
    fine, coarse = scene.noise(stream, (height, width // 20)), scene.noise(stream + 1, (height // 3, width // 40))
    sharp = 1.2 * cv2.GaussianBlur(fine, (0, 0), sigmaX=0.1, sigmaY=0.6)
    lines = cv2.resize(sharp, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(lines + 0.6 * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def metal(light: Light, along: tuple[Field | float, Field | float], lines: Field) -> Field:
    """Anisotropic, (height, width): a highlight narrow along the brushing and wide across it."""
    tilt_along = light.tilt_x * along[0] + light.tilt_y * along[1]
    tilt_across = light.tilt_y * along[0] - light.tilt_x * along[1] + 0.10 * lines
    glare = np.exp(-((tilt_along / 0.24) ** 2) - (tilt_across / 0.70) ** 2)
    return np.asarray((0.10 + 0.15 * light.diffuse + 0.50 * glare) * (1 + 0.065 * lines), np.float32)


def plastic(light: Light, colour: Colour, gloss: float) -> Field:
    """A body colour under a soft clear highlight."""
    glare = gloss * np.exp(-(light.tilt_x**2 + light.tilt_y**2) / 0.05)
    return np.asarray(tinted(0.25 + 0.95 * light.diffuse, colour) + glare, np.float32)


def tinted(grey: Field, colour: Colour) -> Field:
    """(height, width) to light of one colour, (3, height, width)."""
    return np.asarray(np.multiply.outer(np.array(colour, np.float32), grey), np.float32)


def soft(field: Field, sigma: float) -> Field:
    """A wide blur, done small: `sigma` in pixels."""
    step = max(int(sigma / 2), 1)
    small = cv2.resize(field, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return np.asarray(cv2.resize(small, field.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def belt(scene: Scene, shapes: Shapes) -> Field:
    """Matt dark woven belt, in the part's soft shadow."""
    unit, side = scene.size / 2, np.arange(scene.size, dtype=np.float32)
    cloth = cv2.GaussianBlur(scene.noise(1, (scene.size, scene.size)), (0, 0), 0.9) * 2.2
    wear = cv2.resize(scene.noise(2, (12, 12)), cloth.shape, interpolation=cv2.INTER_CUBIC)
    weave = np.sin(side * 1.35 + scene.seed % 7)
    tone = 0.060 * (1 + 0.10 * cloth + 0.05 * wear + 0.06 * weave[:, None] * weave)
    angle, part = math.radians(scene.light_deg), inside(np.maximum(shapes.plate, 0.215 - shapes.radius), 0.01)
    shift = np.array([[1, 0, -0.06 * unit * math.cos(angle)], [0, 1, -0.06 * unit * math.sin(angle)]], np.float32)
    cast = soft(cv2.warpAffine(part, shift, part.shape[::-1]).astype(np.float32), 0.035 * unit)
    shade = (1 - 0.75 * cast) * (1 - 0.45 * soft(part, 0.012 * unit))
    return tinted(np.asarray(tone * shade, np.float32), (0.98, 1.05, 0.86))


def mark(scene: Scene, shapes: Shapes) -> Field:
    """Coverage of the printed mark, 0 to 1: a type number and a dot code."""
    art = np.zeros((96, 400), np.uint8)
    cv2.putText(art, "BP 40-7", (4, 70), cv2.FONT_HERSHEY_DUPLEX, 1.9, 255, 5, cv2.LINE_AA)
    dots = np.unpackbits(CODE[:, None], axis=1) * np.uint8(255)
    art[6:90, 308:392] = cv2.resize(dots, (84, 84), interpolation=cv2.INTER_NEAREST)
    x, y = local(shapes.x, shapes.y, scene.mark)
    scale = 400 / 0.62
    drawn = cv2.remap(art, x * scale + 200, y * scale + 48, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(drawn * np.float32(1 / 255), np.float32)


def stained(surface: Field, shapes: Shapes, stain: Stain, diffuse: Field) -> Field:
    """`surface` under one dried drop."""
    distance = ragged(shapes.x, shapes.y, stain.at, stain.radius, stain.waves)
    rim = np.exp(-(((distance + 0.012) / 0.012) ** 2))
    cover = stain.opacity * inside(distance, 0.035) * (0.72 + 0.28 * rim)
    return over(surface, cover, tinted(0.4 + 0.8 * diffuse, stain.colour))


def over(under: Field, cover: Field, top: Field | np.float32) -> Field:
    """`top` laid over `under` where `cover` is 1."""
    mixed = top - under
    mixed *= cover
    mixed += under
    return mixed


# ---- the camera ----


def expose(scene: Scene) -> Field:
    """The light on the sensor, before its noise: (3, size, size)."""
    shapes, edge = lay_out(scene), 3 / scene.size
    still: Field = np.zeros((scene.size, scene.size), np.float32)
    cuts = np.maximum.reduce([still, *(s.depth * groove(scene, s) for s in scene.scratches)])
    light = shine(scene, shapes, relief(shapes, cuts))
    ground = belt(scene, shapes)
    picture = over(ground, inside(shapes.plate, edge), faces(scene, shapes, light, cuts))
    picture = over(picture, inside(np.minimum(shapes.holes, shapes.radius - 0.2), edge), ground * np.float32(0.35))
    blurred = np.stack([cv2.GaussianBlur(channel, (0, 0), 0.85 * scene.size / 512) for channel in picture])
    fall_off = 1 - 0.16 * (shapes.x**2 + shapes.y**2)
    return np.asarray(blurred * tinted(fall_off * np.float32(scene.gain), scene.white), np.float32)


def faces(scene: Scene, shapes: Shapes, light: Light, cuts: Field) -> Field:
    """Everything on the part's upper side, without its holes."""
    edge, scar = 3 / scene.size, 0.16 * cuts  # bare metal in a fresh cut
    rubber = plastic(light, (0.016, 0.015, 0.015), 0.05)
    top = over(sheet(scene, shapes, light) + scar, 0.86 * mark(scene, shapes), np.float32(0.018))
    top = over(top, inside(shapes.radius - 0.365, edge), hub(scene, shapes, light) + scar)
    top = over(top, inside(band(shapes.radius - 0.395, 0.032), edge), rubber)
    top = over(top, inside(shapes.insert, edge), plastic(light, scene.insert_colour, 0.16))
    top = over(top, 0.8 * inside(band(shapes.insert, 0.003), 0.006), np.float32(0.01))
    for stain in scene.stains:
        top = stained(top, shapes, stain, light.diffuse)
    return top


def sheet(scene: Scene, shapes: Shapes, light: Light) -> Field:
    """The brushed plate, dull where a chip has broken it."""
    lines = brushing(scene, 3)
    broken = 0.35 * inside(shapes.chips - 0.012, 0.03) * (0.6 + 0.4 * lines)
    return tinted(metal(light, (1.0, 0.0), lines) * (1 - broken), ALUMINIUM)


def hub(scene: Scene, shapes: Shapes, light: Light) -> Field:
    """The turned hub: lines run around it, so its highlight is a fan."""
    turn = cv2.phase(shapes.x, shapes.y)
    around = np.minimum(turn, 2 * np.pi - turn) * ((scene.size - 1) / np.pi)  # mirrored: no seam
    rings = cv2.remap(brushing(scene, 5), around.astype(np.float32), shapes.radius * (scene.size / 2), cv2.INTER_LINEAR)
    away = np.maximum(shapes.radius, np.float32(1e-3))
    return tinted(metal(light, (-shapes.y / away, shapes.x / away), np.asarray(rings, np.float32)), ALUMINIUM)


def displayed(light: Field) -> Field:
    """Linear light to display values, 0 to 1."""
    return np.asarray(cv2.pow(np.clip(light, 0, 1), 1 / 2.2), np.float32)


def develop(scene: Scene, light: Field) -> Image:
    """The camera's picture of this light: (size, size, 3) uint8 BGR, with the sensor's noise."""
    grain = scene.noise(7, light.shape)
    grain *= np.sqrt(light * np.float32(2e-4) + np.float32(3e-6))  # photons, then the read-out
    grain += light
    return np.stack([np.asarray(channel * 255 + 0.5, np.uint8) for channel in displayed(grain)], axis=2)


def photograph(scene: Scene) -> Image:
    """The picture the camera gives of `scene`: (size, size, 3) uint8 BGR."""
    return develop(scene, expose(scene))


def changed(before: Field, after: Field) -> Mask:
    """Where a person could tell one exposure from the other: (size, size)."""
    difference = np.abs(displayed(after) - displayed(before)).max(axis=0)
    seen = (difference > VISIBLE).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    return np.asarray(cv2.morphologyEx(seen, cv2.MORPH_CLOSE, kernel) > 0)


# ---- good parts and defects ----


def good_part(rng: Generator, size: int) -> Scene:
    """A part as the line makes them: never twice at the same place, in the same light, from the same metal."""
    x, y = rng.uniform(-0.014, 0.014, 2)
    blue, green, red = rng.normal(1.0, 0.03, 3)
    return Scene(
        size=size,
        seed=int(rng.integers(2**32)),
        at=Placed(float(x), float(y), float(np.clip(rng.normal(0, 0.8), -2, 2))),
        gain=float(rng.uniform(0.94, 1.06)),
        white=(float(rng.normal(1, 0.012)), 1.0, float(rng.normal(1, 0.012))),
        light_deg=float(rng.normal(232, 1.5)),
        insert_colour=(INSERT_BLUE[0] * float(blue), INSERT_BLUE[1] * float(green), INSERT_BLUE[2] * float(red)),
    )


def waves(rng: Generator, *shape: tuple[int, float]) -> Waves:
    """Waves around an outline: how often and how much are given, the phases are not."""
    return tuple((times, share, float(rng.uniform(0, 2 * math.pi))) for times, share in shape)


def on_face(rng: Generator) -> Point:
    """A point of the plate's brushed face, clear of hub, holes and rim."""
    while True:
        x, y = rng.uniform(-0.56, 0.56, 2)
        if math.hypot(x, y) > 0.48 and all(math.dist((x, y), hole) > 0.17 for hole in HOLES):
            return float(x), float(y)


def scratch(part: Scene, rng: Generator, severity: float) -> Scene:
    """A tool slid over the plate."""
    start, turn, bend = np.array(on_face(rng)), rng.uniform(0, 2 * math.pi), rng.normal(0, 0.25)
    length = 0.15 + 0.55 * severity
    if math.dist(start + length * np.array([math.cos(turn), math.sin(turn)]), (0, 0)) > math.dist(start, (0, 0)):
        turn += math.pi  # towards the middle, or most of it would lie beside the part
    steps = np.linspace(0, 1, 24)
    heading = turn + bend * steps + 0.04 * rng.standard_normal(24)
    path = start + np.cumsum(np.stack([np.cos(heading), np.sin(heading)], 1) * (length / 24), axis=0)
    curve = tuple((float(x), float(y)) for x, y in path)
    return replace(part, scratches=(Scratch(curve, 0.003 + 0.0035 * severity, 0.6 + 0.7 * severity),))


def chip(part: Scene, rng: Generator, severity: float) -> Scene:
    """The rim has hit something."""
    along = float(rng.uniform(-0.45, 0.45))
    side = ((0.70, along), (-0.70, along), (along, 0.70), (along, -0.70))[rng.integers(4)]
    edge = waves(rng, (2, 0.14), (3, 0.12), (7, 0.06), (13, 0.025))
    return replace(part, chips=(Chip(side, 0.030 + 0.085 * severity, edge),))


def stain(part: Scene, rng: Generator, severity: float) -> Scene:
    """Something dripped and dried."""
    colour = STAIN_COLOURS[rng.integers(len(STAIN_COLOURS))]
    edge = waves(rng, (2, 0.11), (3, 0.08), (7, 0.03))
    drop = Stain(on_face(rng), 0.03 + 0.11 * severity, colour, 0.45 + 0.43 * severity, edge)
    return replace(part, stains=(drop,))


def misplaced(part: Scene, rng: Generator, severity: float) -> Scene:
    """The right thing in the wrong place, or missing."""
    step, sign = 0.03 + 0.10 * severity, float(rng.choice((-1, 1)))
    hole = int(rng.integers(4))
    rest = part.holes[:hole] + part.holes[hole + 1 :]
    moved = (part.holes[hole][0] * (1 - step), part.holes[hole][1] * (1 - step / 2))
    choices = (
        replace(part, holes=rest),
        replace(part, insert=Placed(sign * step * 1.5, 0.53, 0.0)),
        replace(part, holes=(*rest, moved)),
        replace(part, mark=Placed(0.0, -0.53, 180.0)),
        replace(part, mark=Placed(sign * step, -0.53 + step / 4, sign * 60 * step)),
        replace(part, insert=Placed(0.0, 0.53, sign * 90 * step)),
    )
    return choices[min(int((1 - severity) * 6), 5)]


def colour(part: Scene, rng: Generator, severity: float) -> Scene:
    """The insert of another variant."""
    tone = rng.uniform(0.9, 1.1)
    blue, green, red = WRONG_COLOURS[round((1 - severity) * (len(WRONG_COLOURS) - 1))]
    return replace(part, insert_colour=(float(blue * tone), float(green * tone), float(red * tone)))


Spoil = Callable[[Scene, Generator, float], Scene]  # severity: 1 = obvious, 0 = a person has to look twice
DEFECTS: Mapping[str, Spoil] = {
    "chip": chip,
    "colour": colour,
    "misplaced": misplaced,
    "scratch": scratch,
    "stain": stain,
}


# ---- the data set ----


def make_demo(  # noqa: PLR0917 - a data set has that many numbers
    folder: Path, seed: int = 0, good: int = 40, test_good: int = 12, per_defect: int = 6, size: int = 512
) -> None:
    """Write a data set in MVTec AD's layout to `folder`: the same arguments give the same bytes.

    `size` is the side of the square images in pixels. Raises DataError when `folder` holds files already or `size`
    is too small to show a part, SinkError when it cannot be written.
    """
    if size < MIN_SIZE_PX:
        raise DataError(f"demo size {size}: at least {MIN_SIZE_PX} pixels are needed to draw a part")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise DataError(f"{folder}: is not an empty folder; name a new one for the demo parts")
    for stream, (split, count) in enumerate((("train", good), ("test", test_good))):
        for index in range(count):
            part = good_part(np.random.default_rng([seed, stream, index]), size)
            save(folder / split / "good" / f"{index:03d}.jpg", photograph(part))
    for stream, kind in enumerate(DEFECTS, start=2):
        for index in range(per_defect):
            severity = 1 - index / max(per_defect - 1, 1)
            rng = np.random.default_rng([seed, stream, index])
            save_defect(folder, kind, f"{index:03d}", *before_and_after(kind, rng, size, severity))


def before_and_after(kind: str, rng: Generator, size: int, severity: float) -> tuple[Scene, Scene]:
    """A good part, and the same part in the same light with a defect of `kind`."""
    part = good_part(rng, size)
    return part, DEFECTS[kind](part, rng, severity)


def save_defect(folder: Path, kind: str, stem: str, before: Scene, after: Scene) -> None:
    """Write the photograph of `after`, and where it differs from `before`."""
    light = expose(after)
    mask = changed(expose(before), light).astype(np.uint8) * 255
    save(folder / "test" / kind / f"{stem}.jpg", develop(after, light))
    save(folder / "ground_truth" / kind / f"{stem}_mask.png", mask)


def save(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture and the folders above it; raises SinkError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SinkError(f"{path.parent}: cannot be made: {error.strerror or error}") from error
    write_image(path, picture)
