"""A camera that comes back: reopens a lost one, and accounts for every part that passed unseen."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import statistics
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

from inspector.cameras.base import Camera
from inspector.errors import CameraError, CameraLost, FrameLost
from inspector.records import Cause, Frame

_logger = logging.getLogger(__name__)


@dataclasses.dataclass(slots=True)
class _Outage:
    """The time from a loss until the camera answers again, and the parts that passed unseen in it."""

    since_ns: int  # the camera's last answer
    noticed_ns: int
    end_ns: int  # when to give up
    period_ns: int  # of the line's parts
    retry_ns: int = 0  # when to open it next
    attempts: int = 0  # to open it
    reported: int = 0  # unseen parts raised as FrameLost so far
    unseen: int | None = None  # how many there were in all, once the camera is back

    def back_off(self, now_ns: int) -> None:
        """Put off the next attempt: 0.5 s, doubled with each, at most 8 s."""
        self.retry_ns = now_ns + (500_000_000 << min(self.attempts, 4))

    def over(self, now_ns: int, frame: Frame | None) -> None:
        """End the outage: no further parts pass unseen, and `frame` itself was seen."""
        passed = (now_ns - self.since_ns) / self.period_ns
        self.unseen = int(passed) if frame is None else round(passed) - 1

    def covers(self, taken_ns: int, now_ns: int) -> bool:
        """Return whether the part of a picture taken then was already reported: the picture lay in a buffer."""
        waited = now_ns - taken_ns > self.period_ns / 2
        return waited and taken_ns < self.since_ns + (self.reported - 0.5) * self.period_ns

    def owes(self, now_ns: int) -> bool:
        """Return whether a part has passed unseen that is not yet reported; the first is due with the loss itself."""
        passed = (min(now_ns, self.end_ns) - self.since_ns) // self.period_ns
        return self.reported < max(passed if self.unseen is None else self.unseen, 1)


class Reconnecting:
    """Another camera, opened anew whenever it is lost; its frames are numbered on over the gaps.

    While it is away `read` raises one FrameLost per frame period, at least one per loss. The period comes from
    `fps` (Hz), else from the frames seen so far, else it is 1 s. After `give_up_s` the camera is lost for good.
    A camera that cannot be opened in the first place is an error at once. Messages call it by `name`.
    """

    live = True

    def __init__(
        self,
        open_camera: Callable[[], Camera],
        fps: float | None,
        give_up_s: float = 60.0,
        name: str = "camera",
        now_ns: Callable[[], int] = time.monotonic_ns,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._open_camera = open_camera
        self._fps = fps
        self._give_up_s = give_up_s
        self._name = name
        self._now_ns = now_ns
        self._wait = wait
        self._opened = False
        self._camera: Camera | None = None  # None while it is away

    def __enter__(self) -> Reconnecting:
        self._outage: _Outage | None = None
        self._first: Frame | None = None  # after an outage: held back until the unseen parts are reported
        self._captured_ns: deque[int] = deque(maxlen=33)  # of the last frames
        self._next = self._inner_next = 0  # index of the next frame, by our count and by the inner camera's
        self._connect()
        self._heard_ns = self._now_ns()  # the camera's last answer
        self._opened = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened = False
        self._disconnect()

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None if neither a frame nor a loss was due within `timeout_s`.

        Raises FrameLost for a part that passed unseen, CameraLost when the camera is lost for good.
        """
        if not self._opened:
            raise CameraError(f"{self._name}: read() before it was opened")
        deadline_ns = self._now_ns() + round(timeout_s * 1e9)
        if self._outage is None:
            try:
                return self._numbered(self._read(timeout_s))
            except CameraLost as error:
                self._outage = self._begin(error)
        return self._read_away(self._outage, deadline_ns)

    def _read(self, timeout_s: float) -> Frame | None:
        """Read the inner camera, its frame as yet with its own index."""
        assert self._camera is not None
        try:
            frame = self._camera.read(timeout_s)
        except FrameLost:
            self._next += 1
            self._inner_next += 1
            raise
        self._heard_ns = self._now_ns()
        return frame

    def _numbered(self, frame: Frame | None) -> Frame | None:
        if frame is None:
            return None
        skipped = max(frame.index - self._inner_next, 0)  # by the camera itself: the gap stays to be seen
        index = self._next + skipped
        self._next, self._inner_next = index + 1, frame.index + 1
        self._captured_ns.append(frame.captured_ns)
        return dataclasses.replace(frame, index=index)

    def _begin(self, error: CameraLost) -> _Outage:
        _logger.warning("%s; reconnecting", error)
        self._disconnect()
        now_ns = self._now_ns()
        outage = _Outage(self._heard_ns, now_ns, now_ns + round(self._give_up_s * 1e9), self._period_ns())
        outage.back_off(now_ns)
        return outage

    def _read_away(self, outage: _Outage, deadline_ns: int) -> Frame | None:
        while True:
            now_ns = self._now_ns()
            if outage.owes(now_ns):
                self._report(outage)
            if outage.unseen is not None:
                return self._end(outage)
            if now_ns >= outage.end_ns:
                self._disconnect()
                raise CameraLost(f"{self._name} gone for {self._give_up_s:g} s: check cable and power")
            if self._camera is not None:
                self._await_answer(outage, deadline_ns - now_ns)
            elif now_ns >= outage.retry_ns:
                self._retry(outage)
            elif now_ns >= deadline_ns:
                return None
            else:
                self._wait((self._next_event_ns(outage, deadline_ns) - now_ns) / 1e9)

    def _report(self, outage: _Outage) -> None:
        outage.reported += 1
        self._next += 1
        attempt = outage.attempts + (self._camera is None)
        raise FrameLost(f"{self._name} gone, reconnecting (attempt {attempt})", cause=Cause.CAMERA)

    def _retry(self, outage: _Outage) -> None:
        outage.attempts += 1
        try:
            self._connect()
        except CameraError as error:
            _logger.info("%s: attempt %d: %s", self._name, outage.attempts, error)
            outage.back_off(self._now_ns())

    def _await_answer(self, outage: _Outage, timeout_ns: int) -> None:
        """Read the camera that was opened again: only when it answers is it back.

        Some open willingly and are lost with the first read: they get no fresh patience.
        """
        try:
            frame = self._read(max(timeout_ns, 0) / 1e9)
        except CameraLost:
            self._disconnect()
            outage.back_off(self._now_ns())
            return
        taken_ns = self._heard_ns if frame is None else min(frame.captured_ns, self._heard_ns)
        if frame is not None and outage.covers(taken_ns, self._heard_ns):
            self._inner_next = frame.index + 1
            return
        self._first = frame
        outage.over(taken_ns, frame)

    def _end(self, outage: _Outage) -> Frame | None:
        away_s = (self._heard_ns - outage.noticed_ns) / 1e9
        _logger.warning("%s is back after %.1f s, %d parts were missed", self._name, away_s, outage.reported)
        self._outage = None
        return self._numbered(self._first)

    def _next_event_ns(self, outage: _Outage, deadline_ns: int) -> int:
        next_loss_ns = outage.since_ns + (outage.reported + 1) * outage.period_ns
        return min(next_loss_ns, outage.retry_ns, deadline_ns, outage.end_ns)

    def _period_ns(self) -> int:
        if self._fps is not None:
            return max(round(1e9 / self._fps), 1)
        gaps = [after - before for before, after in itertools.pairwise(self._captured_ns)]
        return round(statistics.median(gaps) if gaps else 0) or 1_000_000_000

    def _connect(self) -> None:
        camera = self._open_camera()
        camera.__enter__()
        self._camera, self._inner_next = camera, 0

    def _disconnect(self) -> None:
        if self._camera is not None:
            self._camera.__exit__(None, None, None)
        self._camera = None
