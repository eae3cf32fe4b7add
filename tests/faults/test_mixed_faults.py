"""Everything at once, in an order that only the seed knows: whatever happens, the account holds."""

import json
import random
import time
from datetime import datetime, timezone

import numpy as np
import pytest
from line import Scripted, check_account, line_threads

from inspector.channel import Overflow
from inspector.errors import CameraLost, FrameLost, OutputError, SinkError
from inspector.outputs.base import OutputState
from inspector.pipeline import Pipeline
from inspector.records import Cause, Frame, Verdict
from inspector.sinks.log import LogSink
from inspector.testing import MemoryOutput, MemorySink

PARTS = 200


class Moody(MemorySink):
    """A sink that is slow at times and may fail."""

    def __init__(self, chance, fails):
        super().__init__()
        self._chance = chance
        self._fails = fails

    def write(self, inspection, counts):
        if self._chance.random() < 0.05:
            time.sleep(0.005)
        if self._chance.random() < self._fails:
            raise SinkError("disk full")
        super().write(inspection, counts)


class MoodyOutput(MemoryOutput):
    """An output that may fail."""

    def __init__(self, chance, fails):
        super().__init__()
        self._chance = chance
        self._fails = fails

    def apply(self, inspection):
        if self._chance.random() < self._fails:
            raise OutputError("controller gone")
        super().apply(inspection)


class Trouble:
    """A camera's script, and what else happens to its line."""

    def __init__(self, station, chance, fails):
        self._looks = [station.dark] * 6 + [station.bright, station.not_a_number]
        self._chance = chance
        self._events = [self._look, *[self._mildly] * 2] + [self._badly] * fails
        self._index = 0
        self.line = None

    def __call__(self):
        for _ in range(PARTS):
            yield from (self._chance.choice(self._events) if self._chance.random() < 0.1 else self._look)()

    def _look(self):
        yield self._frame(np.full((*self._chance.choice([(48, 64), (9, 70)]), 3), self._chance.choice(self._looks)))

    def _mildly(self):
        kind = self._chance.randrange(6)
        if kind == 0:
            self._index = max(0, self._index + self._chance.choice([-5, 3, 1_000_000]))
        elif kind == 1:
            self.line.change_product(self._chance.choice(["alpha", "beta", "nothing"]))
        elif kind == 2:
            time.sleep(0.01)
        elif kind == 3:
            self._index += 1
            yield FrameLost("cut off", part="x", cause=Cause.DECODE)
        else:
            yield None if kind == 4 else self._frame(np.zeros((48, 64)))

    def _badly(self):
        if self._chance.random() < 0.5:
            yield CameraLost("cable pulled")
        self.line.stop()

    def _frame(self, image):
        index, self._index = self._index, self._index + 1
        return Frame(index, time.monotonic_ns(), image.astype(np.uint8), f"part-{index}")


@pytest.mark.parametrize("seed", range(12))
def test_the_account_holds_through_faults_of_all_kinds(station, tmp_path, seed):
    chance, fails = random.Random(seed), seed % 3 == 0
    deadline_ms, batch_size = chance.choice([None, 2, 50]), chance.choice([1, 2, 8])
    for product in ("alpha", "beta"):
        station.write(product, batch_size=batch_size, deadline_ms=deadline_ms)
    trouble = Trouble(station, chance, fails)
    seen, told, moody = MemorySink(), MemoryOutput(), MoodyOutput(random.Random(seed), 0.002 * fails)
    log = LogSink(tmp_path, lambda: datetime.now(timezone.utc))
    camera = Scripted(trouble(), live=chance.random() < 0.5)
    trouble.line = Pipeline(
        camera,
        station.load(),
        [seen, Moody(random.Random(seed), 0.005 * fails)],
        [told, moody],
        journal=log,
        load=station.load,
        overflow=chance.choice([None, *Overflow]),
    )
    try:
        trouble.line.run()
    except (CameraLost, SinkError, OutputError):
        assert fails
    check_account(seen, trouble.line, camera, told)
    assert (moody.state, moody.closed) == (OutputState.SAFE, True)
    assert [json.loads(row)["frame"] for row in log.paths[1].read_text().splitlines()] == list(
        range(len(seen.inspections))
    )
    judged = [inspection for inspection in seen.inspections if inspection.verdict is not Verdict.MISSED]
    assert all(inspection.latency_ms < (deadline_ms or float("inf")) for inspection in judged)
    assert not line_threads()
