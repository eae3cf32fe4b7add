"""Draws three products of one megapixel, each with a kind of defect that is hard to see, in MVTec AD's layout.

    python benchmarks/synthetic.py --out DIR [--seed 0] [--train 60] [--test 30]

- `colour`: a printed card; a spot of it has another hue and the same luminance
- `position`: a circuit board; two parts have changed places, or one sits on its neighbour's pads
- `small`: a housing, smooth above and cast below; a spot of 8 pixels or a scratch as long, 30 to 60 gray levels

A part is drawn in its own frame in linear light, 1 = the sensor's full scale, and photographed by the demo's camera:
pose, lamp, colour of the light, surface and sensor noise are never twice the same. Same arguments, same bytes.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from export.demo.parts import good_part, save, waves
from export.demo.render import changed, develop, displayed, over
from export.demo.scene import Field, Point, Scene, inside, ragged
from inspector.records import Image

SIZE = 1000
LIGHT = ((np.arange(256) / 255) ** 2.2).astype(np.float32)  # of a display value
LUMINANCE = np.array([0.0722, 0.7152, 0.2126], np.float32)  # of linear BGR
CARD_HUES = ((0.05, 0.9, 0.1), (0.8, 0.05, 0.85), (0.65, 0.85, 0.05))  # BGR: no good card is green, magenta, turquoise
BOARD = ("AB.AB", "BAAB.", "A.BAA", "BAB.B", "AB.AB")  # kinds of parts, row by row; a dot: pads alone
CONTRAST = (30.0, 60.0)  # gray levels of a small defect
DEFECT_PX = 8.0
Spoil = Callable[[Scene, Generator], tuple[Field, Field]]  # light of a part without and with its defect
Tile = NDArray[np.uint8]  # (128, 128, 4) BGR and coverage, premultiplied
Spot = tuple[int, int]


# ---- drawing: 8-bit display colours on pictures, (SIZE, SIZE, 3) linear BGR light from there on ----


def paint(code: str) -> tuple[int, int, int]:
    """BGR of a colour such as "1f4e8c", RGB."""
    red, green, blue = bytes.fromhex(code)
    return blue, green, red


def sheet(code: str) -> Image:
    return np.full((SIZE, SIZE, 3), paint(code), np.uint8)


def linear(picture: NDArray[np.uint8]) -> Field:
    """Display values to light, 0 to 1."""
    return LIGHT[picture]


def grain(scene: Scene, stream: int, sigma: float, share: float) -> Field:
    """A surface that is never twice the same: factors around 1, (SIZE, SIZE, 1)."""
    noise = cv2.GaussianBlur(scene.noise(stream, (SIZE, SIZE)), (0, 0), sigma) * (2 * math.sqrt(math.pi) * sigma)
    return np.asarray(1 + share * noise[..., None], np.float32)


def rectangle(on: Image, at: Spot, to: Spot, code: str) -> None:
    cv2.rectangle(on, at, to, paint(code), cv2.FILLED, cv2.LINE_AA)


def disc(on: Image, at: Spot, radius: int, code: str) -> None:
    cv2.circle(on, at, radius, paint(code), cv2.FILLED, cv2.LINE_AA)


def text(on: Image, words: str, at: Spot, scale: float, code: str, thick: int = 2) -> None:
    cv2.putText(on, words, at, cv2.FONT_HERSHEY_DUPLEX, scale, paint(code), thick, cv2.LINE_AA)


def seen(scene: Scene, part: Field) -> Field:
    """The light on the sensor, (3, SIZE, SIZE): pose, lens, a lamp that does not light evenly."""
    middle, turn = (SIZE - 1) / 2, math.radians(scene.at.turn_deg)
    matrix = cv2.getRotationMatrix2D((middle, middle), -scene.at.turn_deg, 1.0)
    matrix[:, 2] += np.array([scene.at.x, scene.at.y]) * (SIZE / 2 * math.cos(turn))
    posed = cv2.warpAffine(part, matrix, (SIZE, SIZE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    sharp = cv2.GaussianBlur(posed, (0, 0), 0.8)
    axis, angle = np.linspace(-1, 1, SIZE, dtype=np.float32), math.radians(scene.light_deg)
    slope = 0.06 * (math.cos(angle) * axis + math.sin(angle) * axis[:, None])
    lamp = (scene.gain * (1 + slope - 0.08 * (axis**2 + axis[:, None] ** 2)))[..., None] * scene.white
    return np.ascontiguousarray((np.clip(sharp, 0, 1) * lamp).transpose(2, 0, 1), np.float32)


def blot(rng: Generator, at: Point, radius: float) -> Field:
    """Coverage of a spilt drop, (SIZE, SIZE, 1)."""
    columns, rows = np.meshgrid(np.arange(SIZE, dtype=np.float32), np.arange(SIZE, dtype=np.float32))
    return inside(ragged(columns, rows, at, radius, waves(rng, (2, 0.15), (3, 0.1))), 2.0)[..., None]


# ---- colour: a printed card ----


def card(scene: Scene) -> Field:
    print_ = sheet("3a3a3c")
    rectangle(print_, (60, 110), (940, 890), "d9d7d0")
    rectangle(print_, (100, 150), (900, 270), "2a5a9c")
    text(print_, "AQUA FILTER 20", (135, 232), 2.2, "e6e4de", 4)
    rectangle(print_, (100, 310), (420, 560), "d08530")
    text(print_, "10 bar", (140, 455), 2.0, "2b2b2d", 3)
    rectangle(print_, (100, 600), (420, 850), "8fa9c9")
    disc(print_, (260, 725), 90, "2a5a9c")
    disc(print_, (260, 725), 55, "d08530")
    for row, words in enumerate(("Rinse before use.", "Change after 90 days.", "Keep away from frost.", "Max. 40 C")):
        text(print_, words, (470, 350 + 55 * row), 0.95, "2b2b2d")
    for bar, width in enumerate(np.random.default_rng(5).integers(2, 8, 32).tolist()):  # the same code on every card
        rectangle(print_, (480 + 12 * bar, 640), (480 + 12 * bar + width, 830), "2b2b2d")
    return np.asarray(linear(print_) * grain(scene, 1, 1.2, 0.015) * grain(scene, 2, 40.0, 0.02), np.float32)


def other_hue(picture: Field, hue: tuple[float, float, float], strength: float) -> Field:
    """Every pixel's luminance as it was, its colour of `hue`: `strength` 1 is as saturated as a display can show."""
    luminance = np.clip(picture @ LUMINANCE, 1e-4, 1 - 1e-4)[..., None]
    direction = np.array(hue, np.float32) - np.dot(hue, LUMINANCE)
    room = np.where(direction > 0, 1 - luminance, luminance) / np.abs(direction)
    return np.asarray(luminance + strength * room.min(axis=2, keepdims=True) * direction, np.float32)


def wrong_colour(scene: Scene, rng: Generator) -> tuple[Field, Field]:
    """A spot of 24 to 64 pixels on a coloured field, or on the bare card, in another hue."""
    before = card(scene)
    field = ((120, 170, 880, 250), (120, 330, 400, 540), (120, 620, 400, 830), (480, 570, 880, 620))[rng.integers(4)]
    at = float(rng.uniform(field[0], field[2])), float(rng.uniform(field[1], field[3]))
    cover = blot(rng, at, float(rng.uniform(12, 32)))
    hue = CARD_HUES[rng.integers(len(CARD_HUES))]
    after = over(before, cover, other_hue(before, hue, float(rng.uniform(0.45, 0.9))))
    return seen(scene, before), seen(scene, after)


# ---- position: a circuit board ----


def chip(number: int) -> Tile:
    """Kind A: a black package with a dot, eight leads and its type."""
    tile = np.zeros((128, 128, 4), np.uint8)
    for lead in range(4):
        for x in (14, 98):
            cv2.rectangle(tile, (x, 26 + 22 * lead), (x + 16, 34 + 22 * lead), (*paint("b9bbbd"), 255), cv2.FILLED)
    cv2.rectangle(tile, (28, 16), (100, 112), (*paint("2c2d30"), 255), cv2.FILLED)
    cv2.circle(tile, (41, 30), 5, (*paint("77797c"), 255), cv2.FILLED, cv2.LINE_AA)
    for row, words in enumerate(("NE55", f"{21 + number % 4}32")):
        at = (40, 66 + 24 * row)
        cv2.putText(tile, words, at, cv2.FONT_HERSHEY_SIMPLEX, 0.55, (*paint("8e9092"), 255), 1, cv2.LINE_AA)
    return tile


def capacitor(_number: int) -> Tile:
    """Kind B: a round can on a square foot, a dark stripe on one side."""
    tile = np.zeros((128, 128, 4), np.uint8)
    cv2.rectangle(tile, (24, 24), (104, 104), (*paint("4a4038"), 255), cv2.FILLED)
    cv2.circle(tile, (64, 64), 38, (*paint("c3c5c8"), 255), cv2.FILLED, cv2.LINE_AA)
    cv2.ellipse(tile, (64, 64), (38, 38), 0, 60, 120, (*paint("33353a"), 255), cv2.FILLED, cv2.LINE_AA)
    cv2.putText(tile, "47", (48, 64), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (*paint("4a4c50"), 255), 2, cv2.LINE_AA)
    return tile


KINDS: Mapping[str, Callable[[int], Tile]] = {"A": chip, "B": capacitor}


def centre(row: int, column: int) -> Spot:
    return 180 + 160 * column, 180 + 160 * row


def bare_board(scene: Scene) -> Field:
    board = sheet("343536")
    rectangle(board, (60, 60), (940, 940), "1f5a3a")
    for row, kinds in enumerate(BOARD):
        for column in range(len(kinds)):
            x, y = centre(row, column)
            for side in (-1, 1):  # tracks and pads are the same everywhere: a place does not tell what belongs there
                rectangle(board, (x + 80 * side - 3, y - 80), (x + 80 * side + 3, y + 80), "2f7350")
                rectangle(board, (x + 44 * side - 14, y - 40), (x + 44 * side + 14, y + 40), "b5a06a")
    for x in (84, 916):
        disc(board, (x, x), 16, "b5a06a")
        disc(board, (x, x), 9, "1b1b1c")
    return np.asarray(linear(board) * grain(scene, 1, 1.0, 0.03) * grain(scene, 2, 30.0, 0.03), np.float32)


def mounted(board: Field, layout: tuple[str, ...], scene: Scene) -> Field:
    """The parts of `layout` on a bare board, each a little off, as a machine sets them; the rest stays as it is."""
    result = board.copy()
    for row, kinds in enumerate(layout):
        for column, kind in enumerate(kinds):
            if kind in KINDS:
                place(result, KINDS[kind](row + column), centre(row, column), scene, row * len(kinds) + column)
    return result


def place(on: Field, tile: Tile, at: Spot, scene: Scene, number: int) -> None:
    """Solder one part, shifted up to 2.5 px, turned about a degree, its body a little lighter or darker."""
    x, y, turn, tone = scene.noise(10 + number, (4,)).clip(-2, 2).tolist()
    matrix = cv2.getRotationMatrix2D((64, 64), 0.6 * turn, 1.0)
    matrix[:, 2] += np.array([x, y]) * 1.25
    turned = cv2.warpAffine(tile, matrix, (128, 128), flags=cv2.INTER_LINEAR).astype(np.float32)
    under, cover = on[at[1] - 64 : at[1] + 64, at[0] - 64 : at[0] + 64], turned[..., 3:] / 255
    colour = np.clip(turned[..., :3] / np.maximum(cover, 0.01), 0, 255).astype(np.uint8)
    under[:] = over(under, cover, linear(colour) * np.float32(1 + 0.04 * tone))


def wrong_place(scene: Scene, rng: Generator) -> tuple[Field, Field]:
    """Two neighbours of different kind have changed places: A and B, or one of them and an empty place."""
    sides = [(r, c, r, c + 1) for r in range(5) for c in range(4)] + [
        (r, c, r + 1, c) for r in range(4) for c in range(5)
    ]
    pairs = [p for p in sides if BOARD[p[0]][p[1]] != BOARD[p[2]][p[3]]]
    r, c, s, d = pairs[rng.integers(len(pairs))]
    wrong = [list(kinds) for kinds in BOARD]
    wrong[r][c], wrong[s][d] = wrong[s][d], wrong[r][c]
    board = bare_board(scene)
    right = mounted(board, BOARD, scene)
    return seen(scene, right), seen(scene, mounted(board, tuple("".join(kinds) for kinds in wrong), scene))


# ---- small: a housing ----


def housing(scene: Scene) -> Field:
    body = sheet("2e3033")
    rectangle(body, (70, 70), (930, 930), "8c9298")
    rectangle(body, (100, 510), (900, 900), "7d7a74")
    rectangle(body, (70, 485), (930, 500), "5c6166")
    for x, y in ((120, 120), (880, 120), (120, 440), (880, 440)):
        disc(body, (x, y), 26, "b4b8bb")
        cv2.line(body, (x - 16, y - 10), (x + 16, y + 10), paint("4b4f53"), 5, cv2.LINE_AA)
    disc(body, (500, 280), 110, "6d7379")
    disc(body, (500, 280), 84, "26282a")
    rectangle(body, (560, 760), (860, 860), "c9c8c2")
    text(body, "TYPE 3-214", (580, 824), 1.4, "33353a", 3)
    cast_ = np.zeros((SIZE, SIZE, 1), np.float32)
    cast_[510:901, 100:901], cast_[758:863, 558:863] = 1, 0
    rough = grain(scene, 2, 1.6, 0.11) * grain(scene, 3, 6.0, 0.04)
    axis = np.linspace(-1, 1, SIZE, dtype=np.float32)
    sheen = (1 + 0.12 * axis[:, None] + 0.06 * axis**2)[..., None] * grain(scene, 1, 25.0, 0.012)  # paint runs a little
    return np.asarray(linear(body) * over(sheen, cast_, rough), np.float32)


def tiny(scene: Scene, rng: Generator) -> tuple[Field, Field]:
    """A spot of 8 pixels, or a scratch of 8 by 2, on the smooth or on the cast surface."""
    before = seen(scene, housing(scene))
    field = ((180, 90, 360, 460), (640, 90, 820, 460), (130, 540, 870, 730), (130, 760, 530, 870))[rng.integers(4)]
    x, y = float(rng.uniform(field[0], field[2])), float(rng.uniform(field[1], field[3]))
    columns, rows = np.meshgrid(np.arange(SIZE, dtype=np.float32) - x, np.arange(SIZE, dtype=np.float32) - y)
    turn, wide = float(rng.uniform(0, math.pi)), (DEFECT_PX if rng.random() < 0.5 else 2.0)
    along, across = (columns * math.cos(turn) + rows * math.sin(turn)), rows * math.cos(turn) - columns * math.sin(turn)
    cover = inside((np.sqrt((along * 2 / DEFECT_PX) ** 2 + (across * 2 / wide) ** 2) - 1) * (wide / 2), 1.5)
    step = float(rng.choice((-1, 1)) * rng.uniform(*CONTRAST)) / 255
    return before, np.asarray(np.clip(displayed(before) + step * cover, 0, 1) ** 2.2, np.float32)


# ---- the data sets ----


PRODUCTS: Mapping[str, tuple[Callable[[Scene], Field], str, Spoil]] = {
    "colour": (card, "hue", wrong_colour),
    "position": (lambda scene: mounted(bare_board(scene), BOARD, scene), "misplaced", wrong_place),
    "small": (housing, "speck", tiny),
}


def draw(folder: Path, product: str, seed: int, train: int, test: int) -> None:
    """Write one product: `train` good parts to learn from, `test` good and `test` defective ones with their masks."""
    good, kind, add_defect = PRODUCTS[product]
    stream = 10 * sorted(PRODUCTS).index(product)
    for split, count in (("train", train), ("test", test)):
        for index in range(count):
            scene = good_part(np.random.default_rng([seed, stream + (split == "test"), index]), SIZE)
            save(folder / split / "good" / f"{index:03d}.jpg", develop(scene, seen(scene, good(scene))))
    for index in range(test):
        rng = np.random.default_rng([seed, stream + 2, index])
        scene = good_part(rng, SIZE)
        before, after = add_defect(scene, rng)
        save(folder / "test" / kind / f"{index:03d}.jpg", develop(scene, after))
        mask = changed(before, after).astype(np.uint8) * 255
        save(folder / "ground_truth" / kind / f"{index:03d}_mask.png", mask)


def main() -> None:
    """Draw all products into the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--train", type=int, default=60, help="good images to learn from (default: 60)")
    parser.add_argument("--test", type=int, default=30, help="good images to test, and as many defects (default: 30)")
    arguments = parser.parse_args()
    for product in PRODUCTS:
        draw(arguments.out / product, product, arguments.seed, arguments.train, arguments.test)
        print(f"wrote {arguments.out / product}")


if __name__ == "__main__":
    main()
