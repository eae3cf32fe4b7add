"""Nothing but the model: sessions in several arrangements, to compare a line with the best of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inspector.cores import cores
from inspector.detector import Detector, bare_session
from inspector.records import Patches

BATCHES = (1, 2, 4, 8)
ROUNDS = 3  # to find the best: in turn, and a fourth one before them to warm up


@dataclass(frozen=True)
class Arrangement:
    """Sessions, each asked by a thread of its own for batches of so many patches."""

    sessions: Sequence[Callable[[Patches], object]]
    batch: int


@dataclass(frozen=True)
class BareRun:
    """How fast one of them was."""

    rate_hz: float  # parts a second
    cpu_ms: float  # processor time a part


def arrangements(detector: Detector) -> dict[str, Arrangement]:
    """Every arrangement that may be the best, by what it is called. Raises ModelError."""
    count = cores() if detector.provider == "CPU" else 1
    kinds = {f"{count} sessions of 1 thread": [bare_session(detector.path, 1) for _ in range(count)]}
    if count > 1:
        kinds[f"1 session of {count} threads"] = [bare_session(detector.path, count)]
    together = detector.info.patches_at_once
    return {
        f"{kind}, batches of {together * batch}": Arrangement(sessions, together * batch)
        for kind, sessions in kinds.items()
        for batch in BATCHES
    }


def best_of(candidates: Mapping[str, Arrangement], part: Patches, parts: int) -> tuple[str, dict[str, float]]:
    """Return which is the fastest, and the parts a second of each: medians of short runs in turn."""
    rates: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(ROUNDS + 1):
        for name, candidate in candidates.items():
            rate_hz = run_bare(candidate, part, parts).rate_hz
            if turn:
                rates[name].append(rate_hz)
    medians = {name: float(np.median(each)) for name, each in rates.items()}
    return max(medians, key=medians.__getitem__), medians


def run_bare(arrangement: Arrangement, part: Patches, parts: int) -> BareRun:
    """Run the patches of a part (n, height, width, 3) again and again, `parts` parts or a few more."""
    batch, sessions = arrangement.batch, arrangement.sessions
    runs = -(-parts * len(part) // (batch * len(sessions)))
    patches = np.concatenate([part] * -(-batch // len(part)))[:batch]

    def ask(session: Callable[[Patches], object]) -> None:
        for _ in range(runs):
            session(patches)

    threads = [threading.Thread(target=ask, args=(session,), name="bare") for session in sessions]
    started_s, cpu_s = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = runs * batch * len(sessions) / len(part)
    return BareRun(done / (time.perf_counter() - started_s), 1e3 * (time.process_time() - cpu_s) / done)
