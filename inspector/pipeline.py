"""The only threads: capture and inspection beside the caller's, which delivers the verdicts.

    camera -> [capture] -> frames -> [inspect] -> verdicts -> [the caller's thread] -> sinks

Every frame captured gets exactly one verdict, and verdicts are delivered in frame order. Whatever goes wrong, the
run winds up the same way: what was captured and not judged is delivered as MISSED, then the error is raised.
"""

from __future__ import annotations

import dataclasses
import heapq
import logging
import threading
import time
from collections.abc import Callable, Sequence

from inspector.cameras.base import Camera
from inspector.channel import Channel, Overflow
from inspector.errors import CameraError, EndOfStream, FrameLost, InspectorError, SinkError
from inspector.inspection import Inspector
from inspector.records import Cause, Frame, Inspection
from inspector.sinks.base import Sink
from inspector.stats import Stats, Summary

log = logging.getLogger(__name__)

READ_TIMEOUT_S = 0.2  # how soon capture notices a stop
DELIVERY_TICK_S = 0.1  # how soon the caller's thread looks after a changeover when no verdict comes
HANG_S = 15.0  # longer than any camera blocks in a read or in opening

LoadInspector = Callable[[str], Inspector]


class Pipeline:
    """One camera, one inspector at a time, any number of sinks.

    `load` makes the inspector of another product, warmed up, for a changeover. `tick` is called on the caller's
    thread between deliveries, at least every 0.1 s: for whatever has to be looked at now and then.
    """

    def __init__(
        self,
        camera: Camera,
        inspector: Inspector,
        sinks: Sequence[Sink],
        *,
        load: LoadInspector | None = None,
        tick: Callable[[], None] = lambda: None,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._camera = camera
        self._inspector = inspector
        self._sinks = list(sinks)
        self._load = load
        self._tick = tick
        self._now_ns = now_ns
        batch = inspector.recipe.batch_size
        self._frames: Channel[Frame] = Channel(2 * batch, Overflow.NEWEST if camera.live else Overflow.WAIT)
        self._verdicts: Channel[Inspection] = Channel(4 * batch)
        self._stopping = threading.Event()
        self._errors: list[BaseException] = []
        self._stats = Stats(now_ns)
        self._changeover = threading.Lock()
        self._loading: threading.Thread | None = None
        self._wanted: str | None = None  # asked for while another changeover was loading

    def run(self) -> Summary:
        """Inspect until the source ends or `stop` is called; returns what was done.

        Raises the first error of any stage, after every captured frame has its verdict and the sinks are closed.
        """
        threads = [
            threading.Thread(target=self._guarded, args=(stage, channel), name=f"line-{name}", daemon=True)
            for name, stage, channel in (
                ("capture", self._capture, self._frames),
                ("inspect", self._judge, self._verdicts),
            )
        ]
        for thread in threads:
            thread.start()
        try:
            self._deliver()
        finally:
            self.stop()
            self._wind_up(threads)
        if self._errors:
            raise self._errors[0]
        return self.summary

    def stop(self) -> None:
        """End the run soon; safe from any thread and from a signal handler."""
        self._stopping.set()

    @property
    def summary(self) -> Summary:
        """The run so far."""
        return self._stats.summary()

    @property
    def inspector(self) -> Inspector:
        """The one that judges at present."""
        return self._inspector

    def change_product(self, product: str) -> None:
        """Load and warm the recipe of `product` beside the running one, then swap between two frames.

        Returns at once. A recipe that cannot be used is refused in the log and the old one goes on. Asking again
        while one is loading replaces what comes after it.
        """
        with self._changeover:
            self._wanted = product
            if self._loading is None:
                self._loading = threading.Thread(target=self._change, name="line-changeover", daemon=True)
                self._loading.start()

    # ---- the stages, each on its own thread

    def _guarded(self, stage: Callable[[], None], channel: Channel[Frame] | Channel[Inspection]) -> None:
        """Run a stage; its error stops the run and reaches the caller of `run`."""
        try:
            stage()
        except BaseException as error:
            self._errors.append(error)
            self.stop()
        finally:
            channel.close()

    def _capture(self) -> None:
        """Read until the end, number the frames of the run, and account for every one that is lost on the way."""
        index = 0
        expected = 0  # the camera's own count
        with self._camera as camera:
            while not self._stopping.is_set():
                try:
                    frame = camera.read(READ_TIMEOUT_S)
                except EndOfStream:
                    return
                except FrameLost as lost:
                    self._miss(index, lost.cause, str(lost), part=lost.part)
                    index, expected = index + 1, expected + 1
                    continue
                if frame is None:
                    continue
                for _ in range(frame.index - expected):
                    self._miss(index, Cause.CAMERA, "the camera skipped a frame")
                    index += 1
                expected = frame.index + 1
                self._send(dataclasses.replace(frame, index=index))
                index += 1

    def _send(self, frame: Frame) -> None:
        dropped = self._frames.put(frame)
        if dropped is not None:
            late = self._stopping.is_set()
            cause = Cause.SHUTDOWN if late else Cause.OVERFLOW
            self._miss(dropped.index, cause, "the run ended first" if late else "the line is too fast", frame=dropped)

    def _miss(self, index: int, cause: Cause, detail: str, *, part: str = "", frame: Frame | None = None) -> None:
        self._verdicts.put_aside(self._inspector.missed(index, cause, detail, part=part, frame=frame))

    def _judge(self) -> None:
        """Take what is there, judge it together, pass the verdicts on; after a stop, everything left is MISSED."""
        while not self._frames.finished:
            inspector = self._inspector
            frames = self._frames.take(inspector.recipe.batch_size)
            if self._stopping.is_set():
                self._miss_all(frames, Cause.SHUTDOWN, "the run ended first")
                continue
            try:
                inspections = inspector.inspect(frames)
            except BaseException as error:
                self._miss_all(frames, Cause.MODEL, str(error) or type(error).__name__)
                self._miss_all(self._rest(), Cause.SHUTDOWN, "the run ended first")
                raise
            for inspection in inspections:
                self._verdicts.put(inspection)

    def _rest(self) -> list[Frame]:
        """Everything capture still sends, once it is told to stop."""
        self.stop()
        rest: list[Frame] = []
        while not self._frames.finished:
            rest += self._frames.take(1)
        return rest

    def _miss_all(self, frames: Sequence[Frame], cause: Cause, detail: str) -> None:
        for frame in frames:
            self._miss(frame.index, cause, detail, frame=frame)

    def _change(self) -> None:
        """Load what is wanted, swap, and look whether something else is wanted by now."""
        while True:
            with self._changeover:
                product, self._wanted = self._wanted, None
                if product is None or self._load is None or self._stopping.is_set():
                    self._loading = None
                    return
            try:
                inspector = self._load(product)
            except InspectorError as error:
                log.error("changeover refused, %s goes on: %s", self._inspector.recipe.product, error)
                continue
            self._inspector = inspector
            log.info("changeover: now inspecting %s, recipe %s", product, inspector.recipe.hash)

    # ---- the caller's thread

    def _deliver(self) -> None:
        """Hand the verdicts to the sinks in frame order until both stages are done."""
        waiting: list[tuple[int, Inspection]] = []
        expected = 0
        give_up_ns: int | None = None
        while not self._verdicts.finished:
            if self._stopping.is_set():
                give_up_ns = give_up_ns or self._now_ns() + round(HANG_S * 1e9)
                if self._now_ns() > give_up_ns:
                    self._frames.close()  # capture hangs in its device: the others must not wait for it
            for inspection in self._verdicts.take(len(waiting) + 64, DELIVERY_TICK_S):
                heapq.heappush(waiting, (inspection.index, inspection))
            while waiting and waiting[0][0] == expected:
                self._hand_out(heapq.heappop(waiting)[1])
                expected += 1
            self._tick()

    def _hand_out(self, inspection: Inspection) -> None:
        counts = self._stats.record(inspection)
        for sink in tuple(self._sinks):
            try:
                sink.write(inspection, counts)
            except BaseException as error:
                # The others still get every verdict of what was captured; the run ends with this error.
                self._sinks.remove(sink)
                self._errors.append(error)
                self.stop()
                _close(sink, self._errors)

    def _wind_up(self, threads: Sequence[threading.Thread]) -> None:
        with self._changeover:
            loading = self._loading
        for thread in (*threads, *([loading] if loading else [])):
            thread.join(1 if self._frames.finished else HANG_S)
            if thread.is_alive():
                self._errors.append(CameraError(f"{thread.name} does not end: the device or its driver hangs"))
        for sink in self._sinks:
            _close(sink, self._errors)


def _close(sink: Sink, errors: list[BaseException]) -> None:
    try:
        sink.close()
    except (SinkError, OSError) as error:
        errors.append(error)
