"""The good parts as training sees them: one look at each image, its colours, its pose, its patches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from export.learners import Learner
from export.settings import Progress, Settings
from inspector.align import Fixture, learn_fixture
from inspector.colour import ColourHighlighter, Gamut, suggest_tolerance
from inspector.errors import AlignError, DataError
from inspector.grid import Grid
from inspector.images import read_image
from inspector.records import Image, Patches

MAX_PATCHES = 1000  # learned from at most: 0.7 GB of features; more change the statistics little
FRONT_BATCH = 8
TOLERANCE_SAMPLE = 50  # good images the colour tolerance is suggested from
FIXTURE_SAMPLE = 50  # good images the fixture is learned from
TOLERANCE_PX = 1_000_000


@dataclass(frozen=True)
class PatchMaker:
    """Image -> patches, in the order of the line: colour, fixture, grid."""

    grid: Grid
    patch_px: int
    fixture: Fixture | None
    decision: str  # whether to align, and why, in words

    def __call__(self, path: Path, image: Image, highlighter: ColourHighlighter | None = None) -> Patches:
        """Patches of one good image. Raises DataError where its part cannot be found."""
        painted = highlighter.paint(image) if highlighter else image
        if self.fixture is None:
            return self.grid.split(painted, (self.patch_px, self.patch_px))
        try:
            view = self.fixture.crop(painted, self.fixture.matrix(image))
        except AlignError as error:
            raise DataError(f"{path}: {error}: take it out of the good images, or train with --align none") from None
        return self.grid.split(view, self.fixture.patch_shape(self.patch_px, self.grid.rows, self.grid.cols))


def _fixture(images: Sequence[Path], align: str) -> tuple[Fixture | None, str]:
    if align == "none":
        return None, "not aligned: as asked"
    sample = images[:: max(1, len(images) // FIXTURE_SAMPLE)]
    return learn_fixture((read_image(path) for path in sample), insist=align == "object")


@dataclass(frozen=True)
class GoodSet:
    """The good parts after one look at each."""

    images: Sequence[Path]
    settings: Settings
    patch: PatchMaker
    front: nn.Module
    gamut: Gamut
    tolerance: int
    rows: Tensor  # (r, ...) of the patches that are learned from
    part_of_row: Tensor  # (r)

    @property
    def complete(self) -> bool:
        """Whether every patch of every part is among the rows."""
        return len(self.rows) == len(self.images) * self.settings.grid.patches

    def patches(self, part: int, highlighter: ColourHighlighter | None = None) -> Patches:
        return self.patch(self.images[part], read_image(self.images[part]), highlighter)

    def maps(self, parts: Sequence[int], head: nn.Module, highlighter: ColourHighlighter | None) -> NDArray[np.float32]:
        """Anomaly maps of all patches of some parts, (parts * patches, m, m)."""
        if self.complete and not highlighter:
            cells = torch.arange(self.settings.grid.patches)
            rows = self.rows[(torch.tensor(parts)[:, None] * len(cells) + cells).flatten().to(self.rows.device)]
        else:
            patches = np.concatenate([self.patches(part, highlighter) for part in parts])
            rows = _through(self.front, patches, self.settings.device)
        with torch.no_grad():
            maps: NDArray[np.float32] = head(rows)[0].cpu().numpy()
        return maps


def look(images: Sequence[Path], settings: Settings, learner: Learner, progress: Progress) -> GoodSet:
    """Read every good image once: its colours, and the rows of the patches that are learned from."""
    cells = settings.grid.patches
    wanted = _sample(len(images) * cells, settings.seed)
    patch = PatchMaker(settings.grid, learner.patch_px, *_fixture(images, settings.align))
    sampled: list[Image] = []
    rows: list[Tensor] = []
    front = learner.front().to(settings.device)
    every = max(1, len(images) // TOLERANCE_SAMPLE)

    def colours() -> Iterator[Image]:
        for number, path in enumerate(images):
            image = read_image(path)
            chosen = wanted[number * cells : (number + 1) * cells]
            if chosen.any():
                rows.append(_through(front, patch(path, image)[chosen], settings.device))
            if number % every == 0:
                step = max(1, round((image.shape[0] * image.shape[1] / TOLERANCE_PX) ** 0.5))
                sampled.append(np.ascontiguousarray(image[::step, ::step]))
            progress("looking at good parts", 0.5 * (number + 1) / len(images))
            yield image

    gamut = Gamut.of(colours())
    part_of_row = torch.from_numpy(np.flatnonzero(wanted) // cells).to(settings.device)
    tolerance = suggest_tolerance(sampled)
    return GoodSet(images, settings, patch, front, gamut, tolerance, torch.cat(rows), part_of_row)


def _through(front: nn.Module, patches: Patches, device: str) -> Tensor:
    with torch.no_grad():
        batches = torch.from_numpy(patches).split(FRONT_BATCH)
        return torch.cat([front(batch.to(device)) for batch in batches])


def _sample(total: int, seed: int) -> NDArray[np.bool_]:
    """Which of all patches are learned from: all, or a random MAX_PATCHES of them."""
    wanted = np.zeros(total, bool)
    wanted[np.random.default_rng(seed).permutation(total)[:MAX_PATCHES]] = True
    return wanted
