"""Judge what is there, in a few threads at once.

Threads: `Judging.run` runs on "line-inspect-1" and so on (JUDGES or more); `give_up` is called on the watchdog's.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from inspector.channel import Channel
from inspector.inspection import Inspector
from inspector.pipeline.ledger import PendingFrame
from inspector.pipeline.run import RunState
from inspector.pipeline.watchdog import Stage
from inspector.records import Cause, Frame, Inspection

# Threads that run it, at least: while one prepares or judges, the other has the model. More where the model can run
# the patches of more parts at once (docs/performance.md).
JUDGES = 2


class Judging:
    """Judges `frames` into `verdicts`, in no order. After a stop, or an error, which ends the run, all are MISSED."""

    def __init__(
        self,
        frames: Channel[Frame],
        verdicts: Channel[PendingFrame | Inspection],
        run: RunState,
        judges: int,
    ) -> None:
        self._frames = frames
        self._verdicts = verdicts
        self._run = run
        self._judges = judges
        self._turn = threading.Lock()  # to take frames
        self._in_hand: dict[Stage, Sequence[Frame]] = {}

    def run(self, stage: Stage) -> None:
        """Take what is there until nothing more comes."""
        while not self._frames.finished:
            frames, inspector = self._next()
            if self._run.stopping:
                self._miss(frames, Cause.SHUTDOWN, "the run ended first")
            elif in_time := self._in_time(frames, inspector):
                self._judge(stage, inspector, in_time)

    def give_up(self, stage: Stage) -> None:
        """Miss what a thread gave to a model that hangs."""
        self._miss(self._in_hand.get(stage, ()), Cause.MODEL, "the model gave no answer")

    def _next(self) -> tuple[list[Frame], Inspector]:
        """Take some frames, and the inspector that judges them.

        One thread at a time: no frame after a changeover is judged by the old inspector, none before it by the new one.
        """
        with self._turn:
            frames = self._frames.take(self._run.inspector.recipe.batch_size, takers=self._judges)
            return frames, self._run.inspector  # after the wait, during which the product may have changed

    def _judge(self, stage: Stage, inspector: Inspector, frames: Sequence[Frame]) -> None:
        self._in_hand[stage] = frames
        try:
            with stage.doing("running the model"):
                inspections = inspector.inspect(frames)
        except Exception as error:
            self._miss(frames, Cause.MODEL, str(error) or type(error).__name__)
            self._run.fail(error)
            return
        for inspection in inspections:
            self._verdicts.put(inspection)

    def _in_time(self, frames: Sequence[Frame], inspector: Inspector) -> list[Frame]:
        """Return the frames worth judging: after an overload, time goes to those that can still be in time."""
        now_ns = self._run.now_ns()
        in_time: list[Frame] = []
        for frame in frames:
            if PendingFrame(frame.identity, inspector).expired(now_ns):
                self._miss([frame], Cause.DEADLINE, "waited for the model beyond its deadline")
            else:
                in_time.append(frame)
        return in_time

    def _miss(self, frames: Sequence[Frame], cause: Cause, detail: str) -> None:
        for frame in frames:
            self._verdicts.put_unbounded(self._run.inspector.missed(frame.identity, cause, detail, frame.image))
