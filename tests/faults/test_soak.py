"""A line that runs for long: its memory stays flat and its account holds.

SOAK_S sets for how long, in seconds (default: ten minutes).
"""

import gc
import itertools
import os
import resource
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from line import check_summary

from inspector.outputs.file import FileOutput
from inspector.pipeline import Pipeline
from inspector.sinks.log import LogSink
from inspector.testing import FakeCamera

SOAK_S = float(os.environ.get("SOAK_S", "600"))
WARM_UP = 0.2  # share of the time after which memory must be flat
LIMIT_MB = 10
ORDER = [40, 200, 41, 254, 42]  # pass, reject, pass, missed, pass

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]


def memory_mb():
    """What the process really holds at this moment."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


class Ends:
    """Counts what a sink gets; keeps nothing."""

    def __init__(self):
        self.written = 0

    def write(self, inspection, counts):
        assert inspection.index == self.written
        self.written += 1

    def close(self):
        pass


@pytest.mark.parametrize("live", [False, True])
def test_memory_is_flat_and_the_account_holds(station, tmp_path, capsys, live):
    station.write(deadline_ms=1000)
    images = [np.full((480, 640, 3), brightness, np.uint8) for brightness in ORDER]
    begun_s, seconds = time.monotonic(), SOAK_S / 2
    found = []

    def script():
        marks = iter([WARM_UP, *np.linspace(0.4, 1, 4)])
        mark_s = next(marks) * seconds
        for index in itertools.count():
            if live:
                time.sleep(0.004)
            if time.monotonic() - begun_s > mark_s:
                found.append(memory_mb())
                mark_s = next(marks, 0) * seconds
                if not mark_s:
                    return
            yield images[index % len(images)]

    ends = Ends()
    log = LogSink(tmp_path / "logs", lambda: datetime.now(timezone.utc))
    output = FileOutput(tmp_path / "state.json")
    pipeline = Pipeline(FakeCamera(script(), live), station.load(), [ends], [output], journal=log)
    summary = pipeline.run()
    check_summary(pipeline)
    assert ends.written == summary.captured
    assert len(log.paths[1].read_bytes().splitlines()) == summary.captured
    with capsys.disabled():
        print(f"\nlive={live}", *summary.lines(), "MB " + " ".join(f"{mb:.1f}" for mb in found), sep="\n  ")
    assert max(found[1:]) - found[0] < LIMIT_MB
