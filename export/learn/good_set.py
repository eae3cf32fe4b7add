"""The good parts as training sees them: one look at each image, its colours, its pose, its patches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from export.learn import good_quality
from export.learn.fixtures import learn_fixture
from export.learn.good_quality import Finding
from export.learn.learners import Learner
from export.learn.model_selection import SelectionSet
from export.learn.settings import Progress, Settings
from export.learn.synthetic_defects import DefectiveCopy, add_defect
from inspector.align import Fixture
from inspector.colour import ColourHighlighter, Gamut, suggest_tolerance
from inspector.errors import AlignError, DataError
from inspector.grid import Grid
from inspector.images import read_image
from inspector.records import Image, Patches

MAX_PATCHES = 600  # seen at 256 px, learned from at most: 1 GB of rows; more change the statistics little
FRONT_BATCH = 8
TOLERANCE_SAMPLE = 50  # good images the colour tolerance is suggested from
FIXTURE_SAMPLE = 50  # good images the fixture is learned from
DEFECTIVE_PARTS, DEFECTIVE_PATCHES = 30, 90  # at most, whose copies say what the threshold catches
SELECTION_PATCHES = 160  # of defective parts, about: some seconds of work
LEAST_HELD = 3  # good parts, for a trial to say anything
TOLERANCE_PX = 1_000_000


@dataclass(frozen=True)
class PatchMaker:
    """Image -> patches, in the order of the line: colour, fixture, grid."""

    grid: Grid
    patch_px: int
    multiple: int  # of which the network wants height and width
    fixture: Fixture | None
    decision: str  # whether to align, and why, in words

    def __call__(self, path: Path, image: Image, highlighter: ColourHighlighter | None = None) -> Patches:
        """Patches of one good image. Raises DataError where its part cannot be found."""
        painted = highlighter.paint(image) if highlighter else image
        return self.cut(self.view(path, image, painted))

    def view(self, path: Path, image: Image, painted: Image) -> Image:
        """What the grid cuts: the part of `painted`, found in `image`, in its canonical frame."""
        if self.fixture is None:
            return painted
        try:
            placement = self.fixture.place(image).at_most(self.grid.size(self.patch_shape))
        except AlignError as error:
            raise DataError(f"{path}: {error}: take it out of the good images, or train with --align none") from None
        return placement.crop(painted)

    def cut(self, view: Image) -> Patches:
        return self.grid.split(view, self.patch_shape)

    @property
    def patch_shape(self) -> tuple[int, int]:
        """Height and width of the network's input."""
        if self.fixture is None:
            return self.patch_px, self.patch_px
        return self.fixture.patch_shape(self.patch_px, self.grid.rows, self.grid.cols, self.multiple)


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
    findings: list[Finding]  # images to look at
    image_shape: tuple[int, int] | None  # height and width of all; None where they differ

    @property
    def complete(self) -> bool:
        """Whether every patch of every part is among the rows."""
        return len(self.rows) == len(self.images) * self.settings.grid.patches

    def patches(self, part: int, highlighter: ColourHighlighter | None = None) -> Patches:
        return self.patch(self.images[part], read_image(self.images[part]), highlighter)

    def rows_of(self, part: int, highlighter: ColourHighlighter | None) -> Tensor:
        """Of each of its patches, (cells, d); `highlighter` paints them first."""
        if self.complete and not highlighter:
            cells = self.settings.grid.patches
            return self.rows[part * cells : (part + 1) * cells]
        return _through(self.front, self.patches(part, highlighter), self.settings.device)

    def defective(self) -> dict[int, list[DefectiveCopy]]:
        """Copies with synthetic defects of some parts, by the part; none where there are too few parts or patches."""
        count, cells = len(self.images), self.settings.grid.patches
        rng = np.random.default_rng(self.settings.seed)
        parts = rng.permutation(count)[: max(1, DEFECTIVE_PATCHES // cells)][:DEFECTIVE_PARTS].tolist()
        if len(parts) < LEAST_HELD:
            return {}
        views = {part: self._small_view(self.images[part]) for part in parts}
        copies = max(1, DEFECTIVE_PATCHES // (cells * len(parts)))
        return {
            part: [add_defect(view, self._other(view, views, rng), rng) for _ in range(copies)]
            for part, view in views.items()
        }

    @staticmethod
    def _other(view: Image, views: Mapping[int, Image], rng: np.random.Generator) -> Image:
        """Another part's view, in this one's size: pictures of a good set may differ in it."""
        other = list(views.values())[int(rng.integers(len(views)))]
        if other.shape == view.shape:
            return other
        return np.asarray(cv2.resize(other, view.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)

    def rows_of_view(self, view: Image) -> Tensor:
        """Of the patches of a view, as the grid cuts it, (cells, d)."""
        return _through(self.front, self.patch.cut(view), self.settings.device)

    def selection_set(self) -> SelectionSet | None:
        """Good parts held out, and defective copies of them; None where there are too few to hold any out."""
        count, cells = len(self.images), self.settings.grid.patches
        rng = np.random.default_rng(self.settings.seed)
        held = rng.permutation(count)[: min(count // 4, max(4, SELECTION_PATCHES // cells))]
        if len(held) < LEAST_HELD:
            return None
        views = {int(part): self._small_view(self.images[part]) for part in held}
        copies = max(1, SELECTION_PATCHES // (cells * len(views)))
        defective = [
            add_defect(v, self._other(v, views, rng), rng).image for _ in range(copies) for v in views.values()
        ]
        kept = ~torch.isin(self.part_of_row, torch.from_numpy(held).to(self.rows.device))
        good, bad = (torch.cat([self.rows_of_view(view) for view in each]) for each in (views.values(), defective))
        return SelectionSet(self.rows[kept], good, bad, cells)

    def _small_view(self, path: Path) -> Image:
        """A part as the grid cuts it, in no more pixels than its patches have."""
        image = read_image(path)
        view = self.patch.view(path, image, image)
        grid, (height, width) = self.settings.grid, self.patch.patch_shape
        size = (grid.cols * width, grid.rows * height)
        if size[0] >= view.shape[1] and size[1] >= view.shape[0]:
            return view
        return np.asarray(cv2.resize(view, size, interpolation=cv2.INTER_AREA), np.uint8)


def look(images: Sequence[Path], settings: Settings, learner: Learner, progress: Progress) -> GoodSet:
    """Read every good image once: its colours, and the rows of the patches that are learned from."""
    cells = settings.grid.patches
    wanted = _sample(len(images) * cells, settings.seed, round(MAX_PATCHES * (256 / learner.seen_px) ** 2))
    sample = (read_image(path) for path in images[:: max(1, len(images) // FIXTURE_SAMPLE)])
    patch = PatchMaker(settings.grid, learner.patch_px, learner.multiple, *learn_fixture(sample, settings.align))
    sampled: list[Image] = []
    rows: list[Tensor] = []
    measured: list[good_quality.Traits] = []
    front = learner.front().to(settings.device)
    every = max(1, len(images) // TOLERANCE_SAMPLE)

    def colours() -> Iterator[Image]:
        for number, path in enumerate(images):
            image = read_image(path)
            measured.append(good_quality.traits(image))
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
    findings = good_quality.findings(images, measured)
    return GoodSet(
        images,
        settings,
        patch,
        front,
        gamut,
        tolerance,
        torch.cat(rows),
        part_of_row,
        findings,
        good_quality.common_shape(measured),
    )


def _through(front: nn.Module, patches: Patches, device: str) -> Tensor:
    with torch.no_grad():
        batches = torch.from_numpy(patches).split(FRONT_BATCH)
        return torch.cat([front(batch.to(device)) for batch in batches])


def _sample(total: int, seed: int, at_most: int) -> NDArray[np.bool_]:
    """Which of all patches are learned from: all, or so many of them at random."""
    wanted = np.zeros(total, bool)
    wanted[np.random.default_rng(seed).permutation(total)[:at_most]] = True
    return wanted
