"""What can be set in a camera: one strict model per kind. `inspector.cameras.source` opens them."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Rate: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Seconds: TypeAlias = Annotated[float, Field(gt=0, le=3600)]
Pixels: TypeAlias = Annotated[int, Field(ge=1, le=65535)]
Text: TypeAlias = Annotated[str, Field(min_length=1)]


class ReplaySettings(BaseModel):
    """What holds for every replay."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    path: Text
    fps: Rate | None = None  # the pace; None: as fast as it is read
    loop: bool = False  # start over and over


class FolderSettings(ReplaySettings):
    """A folder of images, or a single image."""

    kind: Literal["folder"]


class VideoSettings(ReplaySettings):
    """A video file."""

    kind: Literal["video"]


class LiveSettings(BaseModel):
    """What holds for every live camera: when it is lost, when it is frozen, and which pictures are too old."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    fps: Rate | None = None  # by which lost parts are counted; None: as the camera delivers them
    give_up_s: Seconds = 60.0  # a lost camera is tried again for so long, then the run ends
    max_age_s: Seconds = 0.5  # an older picture shows a part that has gone by: MISSED
    frozen_after: Literal[0] | Annotated[int, Field(ge=2)] | None = None  # equal pictures; None: the station's


class DeviceSettings(LiveSettings):
    """A camera that is plugged in. What is left out stays as the camera has it; `fps` is set in it, too."""

    kind: Literal["device"]
    device: Annotated[int, Field(ge=0)] | Text  # its number, or its file
    width: Pixels | None = None
    height: Pixels | None = None
    exposure: Annotated[float, Field(allow_inf_nan=False)] | None = None  # in the driver's own unit; turns auto off
    read_timeout_s: Seconds = 5.0


class NetworkSettings(LiveSettings):
    """A stream by address: RTSP, or HTTP."""

    kind: Literal["network"]
    address: Annotated[str, Field(pattern=r"(?i)^(rtsps?|https?)://.")]
    open_timeout_s: Seconds = 10.0
    read_timeout_s: Seconds = 5.0


class SnapshotSettings(LiveSettings):
    """An address that gives one JPEG picture for each request; asked `fps` times a second (None: 2)."""

    kind: Literal["snapshot"]
    address: Annotated[str, Field(pattern=r"(?i)^https?://.")]
    timeout_s: Seconds = 5.0


CameraSettings: TypeAlias = Annotated[
    FolderSettings | VideoSettings | DeviceSettings | NetworkSettings | SnapshotSettings, Field(discriminator="kind")
]
