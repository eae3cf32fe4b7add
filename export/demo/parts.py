"""Draws a small set of photo-like parts with known defects, so that everything can be tried without a camera.

The part is a bearing plate: brushed aluminium, turned hub, rubber ring, four countersunk holes, a printed mark and a
blue plastic insert, lying on a belt. A `Scene` says all of it in numbers; a defect is a scene with something replaced,
so the mask is exact by construction: it is where the two exposures differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from export.demo.render import changed, develop, expose, photograph
from export.demo.scene import HOLES, INSERT_BLUE, Chip, Colour, Placed, Point, Scene, Scratch, Stain, Waves
from inspector.errors import DataError, SinkError
from inspector.images import write_image

MIN_SIZE_PX = 128  # below, the mark and the brushing fall under the lens blur
WRONG_COLOURS: tuple[Colour, ...] = (  # from obvious to subtle
    (0.03, 0.03, 0.45),
    (0.03, 0.33, 0.50),
    (0.08, 0.27, 0.05),
    (0.30, 0.05, 0.24),
    (0.34, 0.27, 0.03),
    (0.36, 0.07, 0.09),
)
STAIN_COLOURS: tuple[Colour, ...] = ((0.02, 0.07, 0.23), (0.03, 0.20, 0.30), (0.04, 0.14, 0.05), (0.10, 0.03, 0.12))


# ---- good parts and defects ----


def good_part(rng: Generator, size: int) -> Scene:
    """Draw a part as the line makes them: never twice at the same place, in the same light, from the same metal."""
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
    """Draw a point of the plate's brushed face, clear of hub, holes and rim."""
    while True:
        x, y = rng.uniform(-0.56, 0.56, 2)
        if math.hypot(x, y) > 0.48 and all(math.dist((x, y), hole) > 0.17 for hole in HOLES):
            return float(x), float(y)


def scratch(part: Scene, rng: Generator, severity: float) -> Scene:
    """Slide a tool over the plate."""
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
    """Hit the rim against something."""
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
    """Put the right thing in the wrong place, or leave it out."""
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
    """Take the insert of another variant."""
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


def make_demo(  # each is a dial of the data set
    folder: Path, seed: int = 0, good: int = 100, test_good: int = 12, per_defect: int = 6, size: int = 512
) -> None:
    """Write a data set in MVTec AD's layout to `folder`: the same arguments give the same bytes.

    `size` is the side of the square images in pixels. Raises DataError when `folder` holds files already or `size`
    is too small to show a part, SinkError when it cannot be written.
    """
    if size < MIN_SIZE_PX:
        raise DataError(f"demo: size is {size} px, wanted {MIN_SIZE_PX} or more")
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
    """Draw a good part, and the same part in the same light with a defect of `kind`."""
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
