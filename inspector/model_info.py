"""What the runtime must know about a model besides its graph; it travels in the ONNX file's metadata."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError, model_validator

from inspector.align import Fixture
from inspector.colour import Gamut
from inspector.errors import ModelError
from inspector.grid import Grid
from inspector.roi import Roi
from inspector.yaml_file import complaint

KEY_INFO = "line_inspector"
KEY_GAMUT = "line_inspector_gamut"

BEYOND = 100.0  # times what the strangest good part scores, and 1 more: scores are about 1 where parts begin to differ
MOST_PATCHES = 1024  # of a part

Side = Annotated[int, Field(ge=1, le=4096)]  # pixels
Limit = Annotated[float, Field(gt=0, le=1e4)]
Kind = Literal["feature", "pixel"]  # of learners


class RegionInfo(BaseModel):
    """One region of a part: the model in the file that judges it is at the same place of the list."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    roi: Roi  # the area that was learned and is judged
    held_out: Mapping[str, float] = Field(repr=False)  # as the model's, of this region alone and in its own unit


class ModelInfo(BaseModel):
    """One trained model. Scores are in the unit of its anomaly map."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[3] = 3
    product: str
    kind: Kind
    grid: str  # as Grid.parse reads it
    overlap: Annotated[float, Field(ge=0, le=0.5)]
    patch_shape: tuple[Side, Side]  # height and width of the patches: square, or about as the fixture's frame
    image_shape: tuple[int, int] | None = None  # height and width of all good images, px; None: they differed
    fixture: Fixture | None = None  # brings a part into its canonical frame before the grid; None: frames as they are
    roi: Roi | None = None  # the area of the part that was learned and is judged; None: all of it
    regions: tuple[RegionInfo, ...] = ()  # areas with a model each, whose patches make up the grid's only row
    patch_limits: tuple[Limit, ...] = Field(default=(1.0,), repr=False)  # see `limits`; one for all where one is enough
    threshold: PositiveFloat  # suggested; the recipe may set another
    false_rejects: Annotated[
        float, Field(gt=0, lt=1)
    ]  # the budget the suggestion keeps: share of good parts that may be rejected
    guaranteed: bool  # False where the good set was too small for the budget and the threshold is extrapolated
    held_out: Mapping[str, float] = Field(repr=False)  # good image's hash -> its score by a model that never saw it
    colour_tolerance: Annotated[int, Field(ge=0, le=255)]  # suggested, from the good images
    enhanced: bool  # held-out scores were made with strange colours enhanced
    learned_from: frozenset[str] = Field(repr=False)  # hashes of the images that the shipped model learned from
    images: int
    patches: int
    training_set: str  # hash over the good images
    seed: int
    train_seconds: float | None = None
    versions: Mapping[str, str]
    has_checksum: bool = False  # the file has one, see `checksum`, and without it is not whole

    @model_validator(mode="after")
    def _limits_are_the_grids(self) -> ModelInfo:
        if self.layout.patches > MOST_PATCHES:
            raise ValueError(f"grid {self.grid} has more than {MOST_PATCHES} patches")
        if len(self.patch_limits) not in (1, self.layout.patches):
            raise ValueError(f"{len(self.patch_limits)} limits of patches for grid {self.grid}")
        return self

    @model_validator(mode="after")
    def _regions_are_the_grids(self) -> ModelInfo:
        names = [region.name for region in self.regions]
        if names and (self.grid != f"1x{len(names)}" or self.overlap):
            raise ValueError(f"{len(names)} regions for grid {self.grid}")
        if len(set(names)) < len(names):
            raise ValueError("two regions have the same name")
        if any(region.held_out.keys() != self.held_out.keys() for region in self.regions):
            raise ValueError("its regions were not scored on the same good images")
        return self

    @property
    def patches_at_once(self) -> int:
        """How many patches go through the model together: those of all regions, else each alone."""
        return len(self.regions) or 1

    @model_validator(mode="after")
    def _something_can_fail(self) -> ModelInfo:
        if self.threshold > self.beyond:
            raise ValueError(f"threshold {self.threshold:g} is so high that nothing would fail")
        return self

    @property
    def strangest(self) -> float:
        """The highest score of a good part that the model never saw."""
        return max(self.held_out.values(), default=0.0)

    @property
    def beyond(self) -> float:
        """A threshold above this passes everything: no sensible one is so far from what good parts score."""
        return BEYOND * (1 + abs(self.strangest))

    @property
    def limits(self) -> NDArray[np.float32]:
        """What the scores and maps of each patch are divided by, (rows * cols): what is usual there."""
        return np.array(np.broadcast_to(np.array(self.patch_limits, np.float32), (self.layout.patches,)))

    @property
    def layout(self) -> Grid:
        """The grid the model was trained for."""
        grid = Grid.parse(self.grid)
        return Grid(grid.rows, grid.cols, self.overlap)


def to_metadata(info: ModelInfo, gamut: Gamut) -> dict[str, str]:
    """Return the strings to store in the ONNX file."""
    return {KEY_INFO: info.model_dump_json(), KEY_GAMUT: base64.b64encode(gamut.to_bytes()).decode()}


def from_metadata(metadata: Mapping[str, str], name: str) -> tuple[ModelInfo, Gamut]:
    """Read what to_metadata wrote. Raises ModelError, naming the file, where it is missing or of another version."""
    try:
        info = ModelInfo.model_validate_json(metadata[KEY_INFO])
        gamut = Gamut.from_bytes(base64.b64decode(metadata[KEY_GAMUT]))
    except KeyError:
        raise ModelError(f"{name}: not a model of this program (no metadata): export it with `train`") from None
    except ValidationError as error:
        raise ModelError(f"{name}: metadata cannot be read ({complaint(error)}): train again") from None
    except ModelError as error:  # the gamut does not know whose it is
        raise ModelError(f"{name}: {error}") from None
    except ValueError as error:
        raise ModelError(f"{name}: metadata cannot be read ({error}): train again") from None
    return info, gamut


def file_hash(path: Path) -> str:
    """Return the first 12 hexadecimal digits of the file's SHA-256: names an image or a model in logs."""
    return content_hash(path.read_bytes())


def content_hash(content: bytes) -> str:
    """Return the same for content that was read."""
    return hashlib.sha256(content).hexdigest()[:12]
