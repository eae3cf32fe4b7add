"""The good images that `train` names, as one picture to look at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from inspector.images import read_image, write_image
from inspector.overlay.lettering import Letters
from inspector.records import Image
from inspector.text import ascii_text

MOST = 24  # images shown
COLUMNS = 4
SIDE_PX, LINE_PX, GAP_PX = 240, 18, 8
PAPER, INK, FAULT_INK = 245, (40, 40, 40), (0, 0, 180)


def sheet_path(model: Path) -> Path:
    """Name the contact sheet that lies beside a model's file."""
    return model.with_name(f"{model.stem}-look-at.png")


def save_contact_sheet(path: Path, faults: Mapping[str, str]) -> int:
    """Show images, by file, each with what is odd about it in a word; returns how many. None: an old sheet goes."""
    shown = list(faults.items())[:MOST]
    if not shown:
        path.unlink(missing_ok=True)
        return 0
    cells = [_cell(Path(file), fault) for file, fault in shown]
    blank = np.full_like(cells[0], PAPER)
    columns = min(COLUMNS, len(cells))
    cells += [blank] * (-len(cells) % columns)
    rows = [np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    write_image(path, np.vstack(rows))
    return len(shown)


def _cell(file: Path, fault: str) -> Image:
    """Return one image on paper, its name and its fault below."""
    image = read_image(file)
    scale = SIDE_PX / max(image.shape[:2])
    height, width = (max(1, math.floor(scale * side)) for side in image.shape[:2])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    cell = np.full((SIDE_PX + 2 * LINE_PX + 2 * GAP_PX, SIDE_PX + 2 * GAP_PX, 3), PAPER, np.uint8)
    top, left = GAP_PX + (SIDE_PX - height) // 2, GAP_PX + (SIDE_PX - width) // 2
    cell[top : top + height, left : left + width] = small
    letters = Letters(LINE_PX)
    for line, (text, ink) in enumerate(((file.name, INK), (fault, FAULT_INK))):
        corner = GAP_PX, SIDE_PX + GAP_PX + 2 + line * LINE_PX
        letters.write(cell, letters.fit(ascii_text(text), SIDE_PX), corner, ink)
    return cell
