"""Which part of which run: what names one part in the log, in the record and on the pages."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone


def utc_now() -> datetime:
    """Read the wall clock."""
    return datetime.now(timezone.utc)


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """One run of the program as one camera sees it, and one reading of both clocks.

    Capture times are monotonic. This one reading turns them into UTC: the wall clock may be set during a run, and then
    parts would come out of order. All cameras of a run share its id and its reading.
    """

    id: str  # a UUID
    camera: str  # its name in station.yaml; empty where there is only one
    started_utc: datetime
    started_ns: int  # monotonic, read at the same moment

    @classmethod
    def begin(
        cls,
        camera: str = "",
        now_ns: Callable[[], int] = time.monotonic_ns,
        read_utc: Callable[[], datetime] = utc_now,
    ) -> RunIdentity:
        """Start a run now."""
        return cls(str(uuid.uuid4()), camera, read_utc().astimezone(timezone.utc), now_ns())

    def of(self, camera: str) -> RunIdentity:
        """Return the same run as another camera sees it."""
        return replace(self, camera=camera)

    def utc_of(self, monotonic_ns: int) -> datetime:
        """Turn a monotonic time into UTC."""
        return self.started_utc + timedelta(microseconds=(monotonic_ns - self.started_ns) // 1000)


@dataclass(frozen=True, slots=True)
class PartIdentity:
    """One part of one run. Outside a run (calibration, evaluation) `run` is None."""

    number: int  # contiguous from 0 per run and camera
    captured_ns: int  # monotonic: when the picture was taken; of one that never arrived, when that was noticed
    name: str = ""  # the file's in a replay, empty where the camera knows none
    run: RunIdentity | None = None

    @property
    def captured_utc(self) -> datetime | None:
        """The capture time on the wall clock; None outside a run."""
        return None if self.run is None else self.run.utc_of(self.captured_ns)
