"""The station's own settings, config/station.yaml: what holds whatever product runs. Without the file, the defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from inspector import yaml_file

FILE = "station.yaml"
_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)


def _text(value: object) -> object:
    """`source: 0` is a number in YAML, and means the camera 0."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class FileTarget(BaseModel):
    """An output that keeps its state in a file."""

    model_config = _STRICT

    kind: Literal["file"]
    path: Annotated[str, Field(min_length=1)]


class TcpTarget(BaseModel):
    """An output that tells a controller over TCP."""

    model_config = _STRICT

    kind: Literal["tcp"]
    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)]


Target: TypeAlias = Annotated[FileTarget | TcpTarget, Field(discriminator="kind")]
Targets: TypeAlias = Annotated[tuple[Target, ...], Field(strict=False)]  # a YAML list, which is no tuple


class CameraSettings(BaseModel):
    """One camera of several, and what it looks at."""

    model_config = _STRICT

    source: Annotated[str, BeforeValidator(_text)]  # as `run --source` takes it
    product: str
    fps: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    outputs: Targets = ()


class Station(BaseModel):
    """One machine with its cameras and outputs."""

    model_config = _STRICT

    overflow: Literal["auto", "wait", "newest"] = "auto"  # auto: a replay waits, a live line cannot
    stall_s: Annotated[float, Field(gt=0, le=3600)] = 20.0  # a stage that hangs so long ends the run
    load_s: Annotated[float, Field(gt=0, le=3600)] = 120.0  # a product that takes longer to load is refused
    outputs: Targets = ()
    cameras: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")], CameraSettings] = {}

    @model_validator(mode="after")
    def _outputs_have_an_owner(self) -> Station:
        if self.cameras and self.outputs:
            raise ValueError("outputs: with `cameras`, each camera has its own: write cameras.NAME.outputs")
        return self


def load_station(config_dir: Path) -> Station:
    """Read config_dir/station.yaml. Raises RecipeError in one line that names file and key."""
    try:
        text = yaml_file.read_text(config_dir / FILE)
    except FileNotFoundError:
        return Station()
    return yaml_file.parse(Station, text, FILE)
