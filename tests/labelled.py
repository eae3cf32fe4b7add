"""Labelled test sets of plain parts: with the station's models a part's score is its brightness / 25.5."""

import numpy as np
from drawn import save


def part(brightness):
    return np.full((48, 64, 3), brightness, np.uint8)


def fill(data, **sets):
    """data/test/<defect>/<number>.png of these brightnesses."""
    for defect, levels in sets.items():
        for number, level in enumerate(levels):
            save(data / "test" / defect / f"{number}.png", part(level))


def spot(data, defect, number, brightness=230, masked=True):
    """A dark part whose upper left quarter is bright, and its mask."""
    picture = part(40)
    picture[:24, :32] = brightness
    save(data / "test" / defect / f"{number}.png", picture)
    if masked:
        mask = np.zeros((48, 64), np.uint8)
        mask[:24, :32] = 1  # not white: any value but 0 is defect
        save(data / "ground_truth" / defect / f"{number}_mask.png", mask)
