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

import numpy as np

from inspector.cameras.base import Camera
from inspector.channel import Channel, Overflow
from inspector.errors import CameraError, EndOfStream, FrameLost, InspectorError
from inspector.inspection import Inspector
from inspector.records import Cause, Frame, Image, Inspection
from inspector.sinks.base import Sink
from inspector.stats import Stats, Summary

log = logging.getLogger(__name__)

READ_TIMEOUT_S = 0.2  # how soon capture notices a stop
DELIVERY_TICK_S = 0.1  # how soon the caller's thread looks after a changeover when no verdict comes
HANG_S = 20.0  # longer than any camera blocks: opening gives up after 10 s, reading after 5, and a read may do both

LoadInspector = Callable[[str], Inspector]


class Pipeline:
    """One camera, one inspector at a time, any number of sinks.

    `load` makes the inspector of another product, warmed up, for a changeover. `tick` is called on the caller's
    thread between deliveries, at least every 0.1 s: for whatever has to be looked at now and then. A camera that
    does not return from a read for `hang_s` ends the run with CameraError.
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
        hang_s: float = HANG_S,
    ) -> None:
        self._camera = camera
        self._inspector = inspector
        self._sinks = list(sinks)
        self._load = load
        self._tick = tick
        self._hang_s = hang_s
        batch = inspector.recipe.batch_size
        self._frames: Channel[Frame] = Channel(2 * batch, Overflow.NEWEST if camera.live else Overflow.WAIT)
        self._verdicts: Channel[Inspection] = Channel(4 * batch)
        self._stopping = False  # no Event: its lock would be taken twice where a signal interrupts `stop`
        self._reads = 0  # begun
        self._reading = False
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
        for error in self._errors[1:]:
            log.error("and then: %s", error)
        if self._errors:
            raise self._errors[0]
        return self.summary

    def stop(self) -> None:
        """End the run soon; safe from any thread and from a signal handler."""
        self._stopping = True

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
            self._fail(error)
        finally:
            channel.close()

    def _fail(self, error: BaseException) -> None:
        self._errors.append(error)
        self.stop()

    def _capture(self) -> None:
        """Read until the end, number the frames of the run, and account for every one that is lost on the way."""
        index = 0
        expected = 0  # the camera's own count
        with self._camera as camera:
            recipe = self._inspector.recipe
            log.info("inspecting %s, recipe %s, on %s", recipe.product, recipe.hash, self._inspector.detector.provider)
            while not self._stopping:
                try:
                    frame = self._read(camera)
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

    def _read(self, camera: Camera) -> Frame | None:
        """One read, which `_deliver` keeps an eye on."""
        self._reads += 1
        self._reading = True
        try:
            return camera.read(READ_TIMEOUT_S)
        finally:
            self._reading = False

    def _send(self, frame: Frame) -> None:
        if not _is_bgr(frame.image):
            self._miss(frame.index, Cause.DECODE, "not an image of 8-bit BGR pixels", part=frame.part)
            return
        dropped = self._frames.put(frame)
        if dropped is None:
            return
        late = self._stopping
        cause, detail = (Cause.SHUTDOWN, "the run ended first") if late else (Cause.OVERFLOW, "the line is too fast")
        # Where the sinks cannot keep up they get the bare verdict: the pictures would pile up without bound.
        picture = None if self._verdicts.full else dropped
        self._miss(dropped.index, cause, detail, part=dropped.part, frame=picture)

    def _miss(self, index: int, cause: Cause, detail: str, *, part: str = "", frame: Frame | None = None) -> None:
        self._verdicts.put_aside(self._inspector.missed(index, cause, detail, part=part, frame=frame))

    def _judge(self) -> None:
        """Take what is there, judge it together, pass the verdicts on; after a stop, everything left is MISSED."""
        while not self._frames.finished:
            frames = self._frames.take(self._inspector.recipe.batch_size)
            inspector = self._inspector  # after the wait, during which the product may have changed
            if self._stopping:
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
        try:
            while (wanted := self._next_wanted()) is not None:
                self._swap(*wanted)
        except BaseException as error:  # as in a stage
            self._fail(error)

    def _next_wanted(self) -> tuple[str, LoadInspector] | None:
        """The product to load, and with what; None where there is nothing to do, which ends the changeover."""
        with self._changeover:
            product, self._wanted = self._wanted, None
            if product is None or self._load is None or self._stopping:
                self._loading = None
                return None
            return product, self._load

    def _swap(self, product: str, load: LoadInspector) -> None:
        try:
            inspector = load(product)
        except InspectorError as error:
            log.error("changeover refused, %s goes on: %s", self._inspector.recipe.product, error)
            return
        self._inspector = inspector
        log.info("changeover: now inspecting %s, recipe %s", product, inspector.recipe.hash)

    # ---- the caller's thread

    def _deliver(self) -> None:
        """Hand the verdicts to the sinks in frame order until both stages are done."""
        waiting: list[tuple[int, Inspection]] = []
        expected = 0
        idle_ticks = 0  # not a clock: a program that was suspended for a while has not waited
        while not self._verdicts.finished:
            reads = self._reads
            arrived = self._verdicts.take(len(waiting) + 64, DELIVERY_TICK_S)
            for inspection in arrived:
                heapq.heappush(waiting, (inspection.index, inspection))
            while waiting and waiting[0][0] == expected:
                self._hand_out(heapq.heappop(waiting)[1])
                expected += 1
            self._look_around()
            in_one_call = self._stopping or (self._reading and self._reads == reads)
            idle_ticks = idle_ticks + 1 if in_one_call and not arrived else 0
            if idle_ticks * DELIVERY_TICK_S >= self._hang_s:
                self._give_up_camera()

    def _hand_out(self, inspection: Inspection) -> None:
        counts = self._stats.record(inspection)
        for sink in tuple(self._sinks):
            try:
                sink.write(inspection, counts)
            except BaseException as error:
                # The others still get every verdict of what was captured; the run ends with this error.
                self._fail(error)
                self._sinks.remove(sink)
                self._close(sink)

    def _look_around(self) -> None:
        try:
            self._tick()
        except BaseException as error:  # as from a sink: what was captured is still delivered
            self._fail(error)
            self._tick = lambda: None

    def _give_up_camera(self) -> None:
        """Capture hangs in its device: the others must not wait for it."""
        if not self._stopping:
            self._fail(CameraError(f"the camera hangs (no answer for {self._hang_s:g} s): check cable and driver"))
        self._frames.close()

    def _wind_up(self, threads: Sequence[threading.Thread]) -> None:
        """Close what is open. No thread is left, unless it hangs in its device or the user would not wait."""
        patience_s = self._hang_s if self._verdicts.finished else 1
        self._frames.close()
        self._verdicts.close()
        for thread in threads:
            thread.join(min(1, self._hang_s))
            if thread.is_alive():
                self._errors.append(CameraError(f"{thread.name} does not end: the device or its driver hangs"))
        with self._changeover:
            loading = self._loading
        if loading:
            loading.join(patience_s)
        for sink in self._sinks:
            self._close(sink)

    def _close(self, sink: Sink) -> None:
        try:
            sink.close()
        except BaseException as error:
            self._errors.append(error)


def _is_bgr(image: Image) -> bool:
    return image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size > 0
