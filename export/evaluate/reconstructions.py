"""Show what the autoencoder makes of the strangest patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from export.evaluate.metrics import Outcome
from inspector.images import read_image, write_image
from inspector.inspection import Inspector
from inspector.overlay.marks import draw_heat
from inspector.records import Image

SIDE = 256  # px, the shorter side of each of the four pictures
PATCH, SEEN, RECONSTRUCTION, STRANGE = "patch", "as the model sees it", "as the model expects it", "where it is strange"
FAINTEST = 38  # level of heat, 0.3 of the threshold: in a missed defect, what stays below it is all there is
MISSING = "the model gives no reconstructions: the pictures are without them"


def save_worst(
    inspector: Inspector, outcomes: Sequence[Outcome], paths: Mapping[str, Path], count: int, folder: Path
) -> list[Path]:
    """Save the `count` strangest patches of all, one picture each; returns the files, strangest first."""
    worst = sorted(_patches(outcomes), reverse=True)[:count]
    return [_save(inspector, paths[name], name, cell, rank, folder) for rank, (_, name, cell) in enumerate(worst, 1)]


def _patches(outcomes: Sequence[Outcome]) -> list[tuple[float, str, int]]:
    """Return (score, name of the image, number of the patch) of every patch judged."""
    return [
        (float(score), outcome.name, cell)
        for outcome in outcomes
        if outcome.inspection.patch_scores is not None
        for cell, score in enumerate(outcome.inspection.patch_scores.flat)
    ]


def panels(inspector: Inspector, image: Image, cell: int) -> dict[str, Image]:
    """Show one patch of a picture as it is, what the autoencoder makes of it, and where it is strange, by title.

    Sizes differ. A model that gives no reconstructions is shown without. Raises AlignError where no part is found.
    """
    patches = inspector.preparation.patches(image)
    patch = patches[cell]
    strange = patch.copy()
    own, place = inspector.detector.set_of(patches, cell)
    draw_heat(strange, inspector.detector(own).maps[place], inspector.threshold, FAINTEST)
    if not inspector.detector.reconstructs:
        return {PATCH: patch, STRANGE: strange}
    seen, reconstruction = inspector.detector.reconstruction(patches, cell)
    return {PATCH: patch, SEEN: seen, RECONSTRUCTION: reconstruction, STRANGE: strange}


def _save(inspector: Inspector, path: Path, name: str, cell: int, rank: int, folder: Path) -> Path:
    row, col = divmod(cell, inspector.grid.cols)
    file = folder / f"{rank:03d}-{name.replace('/', '_').rsplit('.', 1)[0]}-patch-{row}-{col}.png"
    folder.mkdir(parents=True, exist_ok=True)
    write_image(file, _sheet(panels(inspector, read_image(path), cell)))
    return file


def _sheet(pictures: Mapping[str, Image]) -> Image:
    height, width = pictures[PATCH].shape[:2]
    scale = SIDE / min(height, width)
    size = (round(scale * width), round(scale * height))
    columns = []
    for title, picture in pictures.items():
        shown = cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST)
        banner = np.zeros((24, size[0], 3), np.uint8)
        cv2.putText(banner, title, (6, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
        columns.append(np.vstack([banner, shown]))
    return np.hstack(columns)
