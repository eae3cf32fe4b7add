"""Photo-like pictures of drawn parts in any pose: lens blur, sensor noise, a lamp that does not light evenly."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

HEIGHT, WIDTH = 200, 240
BELT, PART = 70, 180  # brightness; the other way round for a dark part
LONG, THICK = 44, 9  # half of the shaft's length and thickness, px
HEAD, HEAD_THICK = 14, 24  # and the head's
PLATE_HEIGHT, PLATE_WIDTH = 640, 800
CLEAR = 75  # px from the border at which a part in any pose lies in the picture as a whole


@dataclass(frozen=True)
class Pose:
    """Where the part's origin lies, and which way its head points: radians, from right to down."""

    x: float = WIDTH / 2
    y: float = HEIGHT / 2
    angle: float = 0.0

    def to_camera(self, u, v):
        """Part's own coordinates -> camera pixel."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return self.x + cos * u - sin * v, self.y + sin * u + cos * v


def poses(count, seed=0):
    """Random poses in which the whole part lies in the picture."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(CLEAR, WIDTH - CLEAR, count), rng.uniform(CLEAR, HEIGHT - CLEAR, count)
    return [Pose(*pose) for pose in zip(x, y, rng.uniform(0, 2 * math.pi, count), strict=True)]


def nudged(count, seed=0):
    """Poses as in a holder: the same but for a pixel and a degree."""
    rng = np.random.default_rng(seed)
    return [
        Pose(WIDTH / 2 + x, HEIGHT / 2 + y, turn) for x, y, turn in rng.uniform(-1, 1, (count, 3)) * (1.5, 1.5, 0.02)
    ]


def nail(pose=None, seed=0, dark=False, spot=None):
    """A part with a thick head, a shaft and two grooves; `spot`, in its own coordinates, is a defect."""
    return photo(nail_relief(pose or Pose(), spot), seed, dark)


def nail_relief(pose, spot=None):
    """How much brighter than the belt, (height, width)."""
    u, v = _own(pose)
    outline = np.minimum(_box(u + 8, v, LONG, THICK), _box(u - LONG + 8 - HEAD, v, HEAD, HEAD_THICK))
    shade = np.full((HEIGHT, WIDTH), float(PART - BELT))
    shade -= 50 * _inside(np.abs(u + 30) - 3)
    shade -= 35 * _inside(np.abs(u - 12) - 2)
    if spot:
        shade -= 100 * _inside(np.hypot(u - spot[0], v - spot[1]) - 6)
    return _inside(outline) * shade


def disc(pose=None, seed=0):
    """A round part with a mark beside its centre."""
    u, v = _own(pose or Pose())
    return photo(_inside(np.hypot(u, v) - 45) * (110 - 40 * _inside(np.hypot(u - 25, v) - 8)), seed)


def bar(pose=None, seed=0):
    """A part whose two ends look alike."""
    u, v = _own(pose or Pose())
    return photo(_inside(_box(u, v, LONG, THICK)) * 110.0, seed)


def belt(seed=0, dark=False):
    """A picture without a part."""
    return photo(np.zeros((HEIGHT, WIDTH)), seed, dark)


def plate(seed=0, speck=None):
    """A large plate with holes and a printed label, as a holder leaves it; `speck` (x, y) is a faint dot of 8 px."""
    y, x = np.mgrid[:PLATE_HEIGHT, :PLATE_WIDTH] - np.random.default_rng(seed).uniform(-1, 1, (2, 1, 1))
    relief = 90 * _inside(_box(x - PLATE_WIDTH / 2, y - PLATE_HEIGHT / 2, 330, 250))
    for hole in ((130, 130), (670, 130), (130, 510), (670, 510)):
        relief -= 80 * _inside(np.hypot(x - hole[0], y - hole[1]) - 28)
    for line in range(260, 390, 26):
        relief += 40 * _inside(_box(x - 400, y - line, 140 - line / 9, 5))
    if speck:
        relief -= 35 * _inside(np.hypot(x - speck[0], y - speck[1]) - 4)
    return photo(relief, seed)


def texture(seed=0):
    """A grained surface that fills the picture."""
    grain = np.random.default_rng(seed).normal(0, 1, (HEIGHT, WIDTH))
    return photo(60 + 120 * cv2.GaussianBlur(grain, (0, 0), 2.5), seed)


def photo(relief, seed=0, dark=False):
    """What the camera makes of brightnesses above the belt's, (height, width) -> BGR."""
    rng = np.random.default_rng(seed)
    height, width = relief.shape
    y, x = np.mgrid[:height, :width]
    ramp, tone = rng.uniform(-12, 12, 2), rng.normal(0, 2)
    light = tone + ramp[0] * (x / width - 0.5) + ramp[1] * (y / height - 0.5)
    scene = (PART - relief if dark else BELT + relief) + light
    seen = cv2.GaussianBlur(scene, (0, 0), 0.8)[..., None] * np.array([0.96, 1.0, 1.03])
    return np.clip(seen + rng.normal(0, 2.5, seen.shape), 0, 255).astype(np.uint8)


def save(path, picture):
    """Write a picture and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)
    return path


def _own(pose):
    """The part's coordinates of every pixel."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    cos, sin = math.cos(pose.angle), math.sin(pose.angle)
    return cos * (x - pose.x) + sin * (y - pose.y), -sin * (x - pose.x) + cos * (y - pose.y)


def _box(u, v, long, thick):
    return np.maximum(np.abs(u) - long, np.abs(v) - thick)


def _inside(distance):
    """1 inside an outline, 0 outside, with a soft edge of a pixel."""
    return np.clip(0.5 - distance, 0, 1)
