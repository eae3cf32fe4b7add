"""What was learned of a part, or of each of its regions, before it is a file: put together, and calibrated."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from export.learn import calibration, catch, regions
from export.learn.catch import Defect
from export.learn.good_set import GoodSet
from export.learn.learner import Learner
from export.learn.scores import Scores
from export.learn.settings import Settings
from inspector.grid import Grid
from inspector.model_info import RegionInfo
from inspector.preparation import Preparation


@dataclass(frozen=True)
class Learned:
    """A model that has learned, of the whole part, of one region, or of several regions together."""

    module: nn.Module
    good: GoodSet  # of several regions, that of the first: what it tells beside the patches holds for all
    learner: Learner
    preparation: Preparation
    found: Mapping[Path, float]  # scores of good parts held out
    defects: list[Defect]
    limits: Scores
    notes: str
    regions: tuple[RegionInfo, ...] = ()


def calibrated(each: Sequence[Learned], settings: Settings) -> tuple[Learned, calibration.Threshold]:
    """Return the model of the part and its threshold; the limits of regions follow from the budget."""
    if not settings.regions:
        return each[0], _threshold(each[0], settings)
    first = _threshold(_together(each, regions.USUAL_BUDGET), settings)
    learned = _together(each, first.budget)
    threshold = calibration.threshold(list(learned.found.values()), first.budget)
    return learned, dataclasses.replace(threshold, tighter=first.tighter)


def _threshold(learned: Learned, settings: Settings) -> calibration.Threshold:
    scores_of_good, budget = list(learned.found.values()), settings.false_rejects
    points = catch.curve(scores_of_good, learned.defects)
    if budget is None and settings.cost_of_escape is not None and points:
        budget = catch.cheapest(points, learned.defects, settings.cost_of_escape).budget
    return calibration.threshold(scores_of_good, budget)


def _together(each: Sequence[Learned], budget: float) -> Learned:
    """Put the models of several regions into one, see `regions`."""
    first = each[0]
    names = list(first.good.settings.regions)
    paths = list(first.found)
    table = np.array([[one.found[path] for one in each] for path in paths])
    limits = regions.limits(table, budget)
    rois = tuple(one.preparation.regions[0] for one in each)
    digests = [first.good.files.digest(first.good.images.index(path)) for path in paths]
    return dataclasses.replace(
        first,
        module=regions.RegionsModel([one.module for one in each]),
        preparation=dataclasses.replace(first.preparation, grid=Grid(1, len(each)), regions=rois),
        found=dict(zip(paths, regions.held_out(table, budget).tolist(), strict=True)),
        defects=[
            dataclasses.replace(defect, score=defect.score / float(limit))
            for one, limit in zip(each, limits, strict=True)
            for defect in one.defects
        ],
        limits=limits,
        notes="; ".join(f"{name}: {one.learner.words}" for name, one in zip(names, each, strict=True))
        + f"; {first.good.decision}",
        regions=tuple(
            RegionInfo(name=name, roi=roi, held_out=dict(zip(digests, scores, strict=True)))
            for name, roi, scores in zip(names, rois, table.T.tolist(), strict=True)
        ),
    )
