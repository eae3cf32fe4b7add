"""What a part costs in a plain Python program, to compare with: the image is read and decoded from its file, each patch
goes through PyTorch alone, and each pixel's colour is looked up in a set.
"""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
import torch

from export.learn.learners import learner_for
from export.learn.settings import Settings
from inspector.grid import Grid
from inspector.model_info import ModelInfo

PARTS = 3


def ms_per_part(path: Path, info: ModelInfo) -> float:
    """Return the fastest of a few parts. Of a feature model only its backbone is run: more than half of its work."""
    image = np.asarray(cv2.imread(str(path)), np.uint8)
    learner = learner_for(Settings(kind=info.kind), image.shape)
    colours = {tuple(pixel) for pixel in image.reshape(-1, 3).tolist()}
    able = learner.capabilities
    height, width = (side * able.seen_px // able.patch_px for side in info.patch_shape)  # as the network sees them
    grid, network = Grid.parse(info.grid), learner.network
    return 1e3 * min(_seconds(path, grid, (width, height), network, colours) for _ in range(PARTS))


def _seconds(
    path: Path, grid: Grid, size: tuple[int, int], network: torch.nn.Module, colours: set[tuple[int, ...]]
) -> float:
    started_s = time.perf_counter()
    image = np.asarray(cv2.imread(str(path)), np.uint8)
    for top, left, bottom, right in grid.boxes(*image.shape[:2]).tolist():
        patch = cv2.resize(image[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
        with torch.no_grad():
            network(torch.from_numpy(patch[None]))
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            if tuple(image[y, x]) not in colours:
                image[y, x] = (0, 255, 0)
    return time.perf_counter() - started_s
