"""How much faster the colour highlighter is than a Python loop over pixels, on the same image in the same run.

    python -m benchmarks.colour [image]

Without an image it makes one with the smooth shades and the noise of a photo.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable

import cv2
import numpy as np

from inspector.colour import NEON_GREEN, ColourHighlighter, Gamut
from inspector.records import Image

SIDE_PX = 840
REPEATS = 50


def naive(image: Image, colours: set[tuple[int, ...]]) -> Image:
    """The loop one would write first: one set lookup per pixel."""
    painted: Image = image.copy()
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            if tuple(image[y, x]) not in colours:
                painted[y, x] = NEON_GREEN
    return painted


def photo_like() -> Image:
    """Brightness varies widely, hue a little, noise mostly in brightness: about 100,000 colours, as a photo has."""
    rng = np.random.default_rng(0)
    brightness = rng.uniform(30, 220, (6, 6, 1)) * (0.8, 0.9, 1.0)
    shades = cv2.resize(brightness + rng.uniform(-10, 10, (6, 6, 3)), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
    noise = rng.normal(0, 2, (SIDE_PX, SIDE_PX, 1)) + rng.normal(0, 0.7, shades.shape)
    return np.asarray((shades + noise).clip(0, 255), np.uint8)


def load(path: str) -> Image:
    image = cv2.imread(path)
    if image is None:
        sys.exit(f"{path}: not an image that can be read")
    return np.asarray(cv2.resize(image, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8)


def best_s(run: Callable[[], object], repeats: int) -> float:
    """The shortest of `repeats` runs: the one that other programs disturbed least."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> None:
    image = load(sys.argv[1]) if len(sys.argv) > 1 else photo_like()
    good = image[:, : SIDE_PX // 2]  # what the right half shows and the left does not is strange
    gamut = Gamut.of([good])
    colours = {tuple(pixel) for pixel in good.reshape(-1, 3).tolist()}
    exact, tolerant = ColourHighlighter(gamut, 0), ColourHighlighter(gamut, 8)
    if not np.array_equal(naive(image, colours), exact.enhance(image)):
        sys.exit("the loop and the highlighter disagree")

    loop_s = best_s(lambda: naive(image, colours), 2)
    print(f"{SIDE_PX} x {SIDE_PX}, {len(gamut)} good colours, {exact.strange(image).mean():.1%} of the pixels strange")
    print(f"loop over pixels       {loop_s * 1e3:9.2f} ms")
    for name, highlighter in (("tolerance 0", exact), ("tolerance 8", tolerant)):
        ours_s = best_s(functools.partial(highlighter.enhance, image), REPEATS)
        per_megapixel_ms = ours_s * 1e9 / image[..., 0].size
        print(f"highlighter, {name} {ours_s * 1e3:8.2f} ms ({per_megapixel_ms:.2f} ms per megapixel)")
        print(f"  {loop_s / ours_s:,.0f} times faster than the loop")
    print(f"construction, tolerance 8 {best_s(lambda: ColourHighlighter(gamut, 8), 5) * 1e3:6.2f} ms")


if __name__ == "__main__":
    main()
