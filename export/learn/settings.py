"""What the user may choose about training, and how training tells what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from export.learn.backbone import Name
from inspector.grid import Grid
from inspector.model_info import Kind
from inspector.recipe import Align
from inspector.roi import Roi

Effort = Literal["quick", "standard", "best"]
Progress = Callable[[str, float], None]  # what is being done, and the share of the whole that is done (0 to 1)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user may choose."""

    kind: Kind = "feature"
    grid: Grid = field(default_factory=lambda: Grid(1, 1))
    finer: bool = False  # finer grids may be taken, where they find clearly more synthetic defects
    backbone: Name | None = None  # of the feature model; None: as the effort says
    patch_px: int | None = None  # side at which the feature model sees a patch; None: as large as is of use
    # quick: fewer pixels, and nothing is tried on synthetic defects; best: a larger backbone and more pixels
    effort: Effort = "standard"
    epochs: int = 30  # of the pixel model; the feature model has a closed form
    seed: int = 0
    device: str = "cpu"
    false_rejects: float | None = None  # None: see calibration.threshold
    cost_of_escape: float | None = None  # false rejects that a missed defect is worth; for where no budget is given
    align: Align = "auto"
    roi: Roi | None = None  # the area of the part that is learned and judged; None: all of it
    enhance: bool = False  # calibrate with strange colours shown in green, as a recipe with `enhance: model` will do
