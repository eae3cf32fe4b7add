"""Pictures of what the autoencoder makes of the strangest patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from export.evaluate.metrics import Outcome
from inspector.images import read_image, write_image
from inspector.inspection import Inspector
from inspector.records import AnomalyMap, Image

SIDE = 256  # px, the shorter side of each of the four pictures
TITLES = ("patch", "as the autoencoder sees it", "reconstruction", "error")


def save_worst(
    inspector: Inspector, outcomes: Sequence[Outcome], paths: Mapping[str, Path], count: int, folder: Path
) -> list[Path]:
    """Save the `count` strangest patches of all, one picture each; returns the files, strangest first."""
    worst = sorted(_patches(outcomes), reverse=True)[:count]
    return [_save(inspector, paths[name], name, cell, rank, folder) for rank, (_, name, cell) in enumerate(worst, 1)]


def _patches(outcomes: Sequence[Outcome]) -> list[tuple[float, str, int]]:
    """(score, name of the image, number of the patch) of every patch judged."""
    return [
        (float(score), outcome.name, cell)
        for outcome in outcomes
        if outcome.inspection.patch_scores is not None
        for cell, score in enumerate(outcome.inspection.patch_scores.flat)
    ]


def panels(inspector: Inspector, image: Image, cell: int) -> list[Image]:
    """One patch of a picture as it is, as the autoencoder sees it, its reconstruction, and the error, in TITLES' order.

    Sizes differ. Raises AlignError where no part is found in the picture.
    """
    patch = inspector.preparation.patches(image)[cell]
    seen, reconstruction = inspector.detector.pictures(patch[None])[0]
    return [patch, seen, reconstruction, _heat(inspector.detector(patch[None]).maps[0], inspector.threshold)]


def _save(inspector: Inspector, path: Path, name: str, cell: int, rank: int, folder: Path) -> Path:
    row, col = divmod(cell, inspector.grid.cols)
    file = folder / f"{rank:03d}-{name.replace('/', '_').rsplit('.', 1)[0]}-patch-{row}-{col}.png"
    folder.mkdir(parents=True, exist_ok=True)
    write_image(file, _sheet(panels(inspector, read_image(path), cell)))
    return file


def _heat(anomaly_map: AnomalyMap, threshold: float) -> Image:
    """The map in colours, on the overlay's scale: the threshold is the middle."""
    levels = np.clip(anomaly_map * (127.5 / threshold), 0, 255).astype(np.uint8)
    return np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), np.uint8)


def _sheet(pictures: Sequence[NDArray[np.uint8]]) -> Image:
    height, width = pictures[0].shape[:2]
    scale = SIDE / min(height, width)
    size = (round(scale * width), round(scale * height))
    columns = []
    for title, picture in zip(TITLES, pictures, strict=True):
        shown = cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST)
        banner = np.zeros((24, size[0], 3), np.uint8)
        cv2.putText(banner, title, (6, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
        columns.append(np.vstack([banner, shown]))
    return np.hstack(columns)
