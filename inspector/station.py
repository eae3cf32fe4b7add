"""The station's own settings, config/station.yaml: what holds whatever product runs. Without the file, the defaults."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from yaml import YAMLError

from inspector import yaml_file
from inspector.camera_settings import CameraSettings, Rate
from inspector.errors import RecipeError

FILE = "station.yaml"
_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)


def _text(value: object) -> object:
    """Turn a number into text: `source: 0` is a number in YAML, and means the camera 0."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class FileTarget(BaseModel):
    """An output that keeps its state in a file."""

    model_config = _STRICT

    kind: Literal["file"]
    path: Annotated[str, Field(min_length=1)]

    @property
    def name(self) -> str:
        """What no other camera may drive."""
        return str(Path(self.path).resolve())


class TcpTarget(BaseModel):
    """An output that tells a controller over TCP."""

    model_config = _STRICT

    kind: Literal["tcp"]
    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)]
    acknowledged: bool = False  # the controller answers each line with its number
    when_lost: Literal["end", "retry"] = "retry"  # end the run, or reject every part until it is back

    @property
    def name(self) -> str:
        """What no other camera may drive."""
        return f"tcp {self.host.lower()}:{self.port}"


Target: TypeAlias = Annotated[FileTarget | TcpTarget, Field(discriminator="kind")]
_TARGET: TypeAdapter[FileTarget | TcpTarget] = TypeAdapter(Target)
Targets: TypeAlias = Annotated[tuple[Target, ...], Field(strict=False)]  # a YAML list, which is no tuple


class StationCamera(BaseModel):
    """One camera of several, and what it looks at: a `source` as `run --source` takes it, or a `camera` in full."""

    model_config = _STRICT

    source: Annotated[str, BeforeValidator(_text)] | None = None
    camera: CameraSettings | None = None
    product: str
    fps: Rate | None = None  # of `source`
    outputs: Targets = ()

    @property
    def rate_hz(self) -> float | None:
        """The rate that was set; None where that is left to the camera, or to the replay."""
        return self.camera.fps if self.camera else self.fps

    @model_validator(mode="after")
    def _has_one_camera(self) -> StationCamera:
        if (self.source is None) == (self.camera is None):
            raise ValueError("wants either `source` or `camera`")
        if self.camera and self.fps is not None:
            raise ValueError("fps belongs to `source`: with `camera`, write camera.fps")
        return self


class RecordSettings(BaseModel):
    """What the record keeps, and for how long; see docs/record.md."""

    model_config = _STRICT

    synchronous: Literal["normal", "full"] = "normal"  # full: a power cut takes nothing that was written
    pass_days: Annotated[int, Field(ge=0)] = 90  # rows of passed parts; 0: for ever
    reject_days: Annotated[int, Field(ge=0)] = 730  # rows of rejects; 0: for ever
    picture_days: Annotated[int, Field(ge=1)] = 90
    picture_gb: Annotated[float, Field(gt=0)] = 50.0  # of all cameras together
    picture_of_one_pass_in: Annotated[int, Field(ge=0)] = 100  # 0: of none
    pictures: Literal["png", "jpg"] = "png"  # without loss, or a fifth of the size
    free_gb: Annotated[float, Field(ge=0)] = 2.0  # of the disk; below that, pictures go


class LogSettings(BaseModel):
    """How long the logs of each camera stay; see docs/log.md."""

    model_config = _STRICT

    days: Annotated[int, Field(ge=0)] = 730  # 0: for ever
    gb: Annotated[float, Field(ge=0)] = 10.0  # both files of all logs together; 0: as much as there is


class Station(BaseModel):
    """One machine with its cameras and outputs."""

    model_config = _STRICT

    overflow: Literal["auto", "wait", "newest"] = "auto"  # auto: a replay waits, a live line cannot
    stall_s: Annotated[float, Field(gt=0, le=3600)] = 20.0  # a stage that hangs so long ends the run
    load_s: Annotated[float, Field(gt=0, le=3600)] = 120.0  # a product that takes longer to load is refused
    # so many pictures of a live camera without any difference, and it is frozen; 0: it never is
    frozen_after: Literal[0] | Annotated[int, Field(ge=2)] = 3
    heartbeat_s: Annotated[float, Field(ge=0.1, le=60)] = 1.0  # an output is told something at least so often
    log: LogSettings = LogSettings()
    record: RecordSettings = RecordSettings()
    outputs: Targets = ()
    cameras: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")], StationCamera] = {}

    @model_validator(mode="after")
    def _outputs_have_an_owner(self) -> Station:
        if self.cameras and self.outputs:
            raise ValueError("outputs: with `cameras`, each camera has its own: write cameras.NAME.outputs")
        return self

    @model_validator(mode="after")
    def _outputs_are_not_shared(self) -> Station:
        owners: dict[str, str] = {}
        several = {f"cameras.{name}.outputs": camera.outputs for name, camera in self.cameras.items()}
        for key, targets in ({"outputs": self.outputs} | several).items():
            for target in targets:
                if target.name in owners:
                    raise ValueError(f"{key}: {target.name} is already in {owners[target.name]}: give each its own")
                owners[target.name] = key
        return self


def load_station(config_dir: Path) -> Station:
    """Read config_dir/station.yaml. Raises RecipeError in one line that names file and key."""
    try:
        text = yaml_file.read_text(config_dir / FILE)
    except FileNotFoundError:
        return Station()
    return yaml_file.parse(Station, text, FILE)


def readable_targets(config_dir: Path) -> list[Target]:
    """Return the outputs that can be made out in config_dir/station.yaml, whatever else is wrong with it."""
    try:
        raw = yaml_file.load(yaml_file.read_text(config_dir / FILE))
    except (OSError, RecipeError, YAMLError):
        return []
    cameras = _mapping(_mapping(raw).get("cameras"))
    lists = [_mapping(each).get("outputs") for each in (raw, *cameras.values())]
    found = []
    for entry in (entry for several in lists if isinstance(several, list) for entry in several):
        with contextlib.suppress(ValidationError):
            found.append(_TARGET.validate_python(entry))
    return found


def _mapping(value: object) -> dict[object, object]:
    return value if isinstance(value, dict) else {}
