"""The good parts as training sees them: one look at each image, its colours, its pose, its patches."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from export.learn import good_quality
from export.learn.fixtures import learn_fixture
from export.learn.good_files import GoodFiles
from export.learn.good_quality import QualityFinding
from export.learn.learner import Capabilities, Learner
from export.learn.model_selection import SelectionSet
from export.learn.settings import Progress, Settings
from export.learn.synthetic_defects import DefectiveCopy, add_defect
from inspector.align import Fixture, shape_of_about
from inspector.colour import ColourHighlighter, Gamut, SeenColours, suggest_tolerance
from inspector.errors import AlignError, DataError
from inspector.preparation import Preparation
from inspector.records import Image, Patches

MAX_PATCHES = 600  # seen at 256 px, learned from at most: 1 GB of rows; more change the statistics little
FRONT_BATCH = 4  # patches: on a CPU, eight at once take half as long again for each
TOLERANCE_SAMPLE = 50  # good images the colour tolerance is suggested from
FIXTURE_SAMPLE = 50  # good images the fixture is learned from
DEFECTIVE_PARTS, DEFECTIVE_PATCHES = 30, 90  # at most, whose copies say what the threshold catches
SELECTION_PATCHES = 160  # of defective parts, about: some seconds of work
LEAST_HELD = 3  # good parts, for a trial to say anything
TOLERANCE_PX = 1_000_000
LONGEST = 4.0  # times as long as wide, or as wide as long: the patch of regions, at most
ATTEMPTS = 20  # to put a synthetic defect where the part is judged
FOLDS, MORE_FOLDS = 5, 10
FEW_PARTS = 100  # below, a fifth of them is missed: a tenth is held out at a time


@dataclass(frozen=True)
class GoodSet:
    """The good parts after one look at each."""

    files: GoodFiles
    settings: Settings
    preparation: Preparation
    decision: str  # whether to align, and why, in words
    front: nn.Module
    colours: Sequence[Gamut]  # of each fold; of all parts at once where nothing is painted
    tolerance: int
    rows: Tensor  # (r, ...) of the patches that are learned from
    part_of_row: Tensor  # (r)
    folds: Sequence[NDArray[np.int64]]  # numbers of the parts that are held out together
    findings: list[QualityFinding]  # images to look at
    image_shape: tuple[int, int] | None  # height and width of all; None where they differ

    @property
    def images(self) -> Sequence[Path]:
        """Their files."""
        return self.files.paths

    @property
    def gamut(self) -> Gamut:
        """Return the colours of all parts."""
        return _union(self.colours)

    def highlighter_without(self, fold: int) -> ColourHighlighter | None:
        """Paint as if a fold's parts had not been seen; None where nothing is painted."""
        if not self.settings.enhance:
            return None
        others = [gamut for number, gamut in enumerate(self.colours) if number != fold]
        return ColourHighlighter(_union(others), self.tolerance)

    def patches(self, part: int, highlighter: ColourHighlighter | None = None) -> Patches:
        """Cut one part; `highlighter` paints it first."""
        preparation = dataclasses.replace(self.preparation, highlighter=highlighter)
        return preparation.split(_view(preparation, self.files, part))

    def rows_of(self, part: int, highlighter: ColourHighlighter | None) -> Tensor:
        """Return the rows of each of its patches, (cells, d); `highlighter` paints them first."""
        own = self.rows[self.part_of_row == part]
        if len(own) == self.settings.grid.patches and not highlighter:
            return own
        return _through(self.front, self.patches(part, highlighter), self.settings.device)

    def defective(self) -> dict[int, list[DefectiveCopy]]:
        """Copy some parts with synthetic defects, by the part; none where there are too few parts or patches."""
        rng = np.random.default_rng(self.settings.seed)
        parts = _drawn_for_defects(len(self.files), self.settings.grid.patches, rng)
        if len(parts) < LEAST_HELD:
            return {}
        views = {part: self._small_view(part) for part in parts}
        copies = max(1, DEFECTIVE_PATCHES // (self.settings.grid.patches * len(parts)))
        return {part: [self._defective_copy(view, views, rng) for _ in range(copies)] for part, view in views.items()}

    def _defective_copy(self, view: Image, views: Mapping[int, Image], rng: np.random.Generator) -> DefectiveCopy:
        """Copy a view with a defect, which shows in the judged area alone."""
        copy = add_defect(view, self._other(view, views, rng), rng)
        mask = self.preparation.judged_in(*view.shape[:2])
        if mask is None:
            return copy
        judged = mask[..., None]
        for _ in range(ATTEMPTS):
            if ((copy.image != view) & judged).any():
                break
            copy = add_defect(view, self._other(view, views, rng), rng)
        return dataclasses.replace(copy, image=np.where(judged, copy.image, view))

    @staticmethod
    def _other(view: Image, views: Mapping[int, Image], rng: np.random.Generator) -> Image:
        """Draw another part's view, in this one's size: pictures of a good set may differ in it."""
        other = list(views.values())[int(rng.integers(len(views)))]
        if other.shape == view.shape:
            return other
        return np.asarray(cv2.resize(other, view.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)

    def rows_of_view(self, view: Image) -> Tensor:
        """Return the rows of the patches of a view, as the grid cuts it, (cells, d)."""
        return _through(self.front, self.preparation.split(view), self.settings.device)

    def selection_set(self) -> SelectionSet | None:
        """Hold good parts out and copy them with defects; None where there are too few to hold any out."""
        cells = self.settings.grid.patches
        rng = np.random.default_rng(self.settings.seed)
        held = _drawn_for_selection(len(self.files), cells, rng)
        if len(held) < LEAST_HELD:
            return None
        views = {part: self._small_view(part) for part in held}
        copies = max(1, SELECTION_PATCHES // (cells * len(views)))
        defective = [self._defective_copy(view, views, rng).image for _ in range(copies) for view in views.values()]
        kept = ~torch.isin(self.part_of_row, torch.tensor(held, device=self.rows.device))
        good, bad = (torch.cat([self.rows_of_view(view) for view in each]) for each in (views.values(), defective))
        return SelectionSet(self.rows[kept], good, bad, cells)

    def _small_view(self, part: int) -> Image:
        """View a part as the grid cuts it, in no more pixels than its patches have."""
        view = _view(self.preparation, self.files, part)
        grid, (height, width) = self.settings.grid, self.preparation.patch_shape
        size = (grid.cols * width, grid.rows * height)
        if size[0] >= view.shape[1] and size[1] >= view.shape[0]:
            return view
        return np.asarray(cv2.resize(view, size, interpolation=cv2.INTER_AREA), np.uint8)


def look(files: GoodFiles, settings: Settings, learner: Learner, progress: Progress) -> GoodSet:
    """Look at every good image once: its colours, and the rows of the patches that are learned from."""
    count, cells, can = len(files), settings.grid.patches, learner.capabilities
    fixture, decision = _fixture(files, settings)
    patch_shape = _patch_shape(can, settings, fixture, files.image(0, again=True))
    own = (settings.regions[settings.region],) if settings.region else ()
    preparation = Preparation(settings.grid, patch_shape, fixture, roi=settings.roi, regions=own)
    whole = dataclasses.replace(preparation, regions=tuple(settings.regions.values()))  # colours are those of all
    wanted = _sample(count * cells, settings.seed, round(MAX_PATCHES * (256 / can.seen_px) ** 2)).reshape(count, cells)
    again = _wanted_again(count, settings, can, wanted)
    folds = folds_of(count, settings.seed, can.learns_from_all)
    seen = [SeenColours() for _ in (folds if settings.enhance else [None])]
    fold_of = {int(part): number for number, fold in enumerate(folds) for part in fold} if settings.enhance else {}
    rows: Tensor | None = None
    filled = 0
    measured: list[good_quality.Traits] = []
    sampled: list[Image] = []
    for number in range(count):
        image = files.image(number, again=number in again)
        measured.append(good_quality.traits(image))
        judged = _judged_pixels(whole, image)
        seen[fold_of.get(number, 0)].add(judged)
        if number % max(1, count // TOLERANCE_SAMPLE) == 0:
            sampled.append(_thinned(judged))
        if wanted[number].any():
            patches = preparation.split(_found(preparation, files.paths[number], image))
            new = _through(learner.front, patches[wanted[number]], settings.device)
            rows = new.new_empty((int(wanted.sum()), *new.shape[1:])) if rows is None else rows
            rows[filled : filled + len(new)] = new  # into place at once: joining a list takes the memory twice
            filled += len(new)
        progress("looking at good parts", 0.5 * (number + 1) / count)
    assert rows is not None, "good images are given"
    return GoodSet(
        files=files,
        settings=settings,
        preparation=preparation,
        decision=decision,
        front=learner.front,
        colours=[each.gamut() for each in seen],
        tolerance=suggest_tolerance(sampled),
        rows=rows,
        part_of_row=torch.from_numpy(np.nonzero(wanted)[0]).to(settings.device),
        folds=folds,
        findings=good_quality.findings(files.paths, measured),
        image_shape=good_quality.common_shape(measured),
    )


def folds_of(count: int, seed: int, learns_from_all: bool) -> list[NDArray[np.int64]]:
    """Draw which of `count` parts are held out together; more folds where few parts are learned from."""
    many = MORE_FOLDS if learns_from_all and count < FEW_PARTS else FOLDS
    order = np.random.default_rng(seed).permutation(count)
    return [fold for fold in np.array_split(order, min(many, count)) if len(fold)]


def _fixture(files: GoodFiles, settings: Settings) -> tuple[Fixture | None, str]:
    sample = range(0, len(files), max(1, len(files) // FIXTURE_SAMPLE))
    return learn_fixture((files.image(number, again=True) for number in sample), settings.align)


def _wanted_again(count: int, settings: Settings, can: Capabilities, wanted: NDArray[np.bool_]) -> set[int] | range:
    """Say which images are needed after the look at each: to be painted, copied with defects, or judged."""
    if settings.enhance or settings.finer:
        return range(count)
    cells, seed = settings.grid.patches, settings.seed
    again = {0, *_drawn_for_defects(count, cells, np.random.default_rng(seed))}
    if can.selects:
        again.update(_drawn_for_selection(count, cells, np.random.default_rng(seed)))
    judged = range(count) if can.learns_from_all else folds_of(count, seed, can.learns_from_all)[0].tolist()
    return again | {part for part in judged if not wanted[part].all()}


def _drawn_for_defects(count: int, cells: int, rng: np.random.Generator) -> list[int]:
    drawn: list[int] = rng.permutation(count)[: max(1, DEFECTIVE_PATCHES // cells)][:DEFECTIVE_PARTS].tolist()
    return drawn


def _drawn_for_selection(count: int, cells: int, rng: np.random.Generator) -> list[int]:
    drawn: list[int] = rng.permutation(count)[: min(count // 4, max(4, SELECTION_PATCHES // cells))].tolist()
    return drawn


def _judged_pixels(preparation: Preparation, image: Image) -> Image:
    """Return the image, or a row of the pixels of it that are judged: the others take no part in colours."""
    mask = preparation.judged(image)
    return image if mask is None else image[mask][None]


def _thinned(image: Image) -> Image:
    """Take every so many-th pixel of a large image, for the colour tolerance."""
    rows, cols = image.shape[:2]
    if rows == 1:
        return np.ascontiguousarray(image[:, :: max(1, round(cols / TOLERANCE_PX))])
    step = max(1, round((rows * cols / TOLERANCE_PX) ** 0.5))
    return np.ascontiguousarray(image[::step, ::step])


def _view(preparation: Preparation, files: GoodFiles, part: int) -> Image:
    return _found(preparation, files.paths[part], files.image(part, again=True))


def _found(preparation: Preparation, path: Path, image: Image) -> Image:
    """Return what the grid cuts of a good image. Raises DataError where its part cannot be found."""
    try:
        return preparation.view(image).image
    except AlignError as error:
        raise DataError(f"{path}: {error}: take it out of the good images, or train with --align none") from None


def _patch_shape(can: Capabilities, settings: Settings, fixture: Fixture | None, image: Image) -> tuple[int, int]:
    """Return height and width of the network's input: of regions, between the shapes of them all."""
    grid = settings.grid
    if settings.regions:
        height, width = (fixture.width, fixture.length) if fixture else image.shape[:2]
        boxes = np.array([region.box(height, width) for region in settings.regions.values()])
        rows, cols = (boxes[:, 2:] - boxes[:, :2]).T
        aspect = float(np.clip(np.exp(np.log(cols / rows).mean()), 1 / LONGEST, LONGEST))
        return shape_of_about(can.patch_px, aspect, can.multiple)
    if fixture is None:
        return can.patch_px, can.patch_px
    return fixture.patch_shape(can.patch_px, grid.rows, grid.cols, can.multiple)


def _union(gamuts: Sequence[Gamut]) -> Gamut:
    total = Gamut.of([])
    for gamut in gamuts:
        total |= gamut
    return total


def _through(front: nn.Module, patches: Patches, device: str) -> Tensor:
    with torch.no_grad():
        batches = torch.from_numpy(patches).split(FRONT_BATCH)
        return torch.cat([front(batch.to(device)) for batch in batches])


def _sample(total: int, seed: int, at_most: int) -> NDArray[np.bool_]:
    """Draw which of all patches are learned from: all, or so many of them at random."""
    wanted = np.zeros(total, bool)
    wanted[np.random.default_rng(seed).permutation(total)[:at_most]] = True
    return wanted
