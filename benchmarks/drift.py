"""How often drift is said where there is none, and how soon where there is some, on the scores of real good parts.

    python -m benchmarks.drift --homes FOLDER [DIR...]

Each DIR is a product in MVTec AD's layout; without any, all products of the folder of real images are taken, as in
accuracy.py. Its model is trained into FOLDER/NAME where it is not there yet. What is watched are scores of good parts:
those held out in training as the reference, as on a line, and then

- new: the good test parts that pass, each once, in random orders. None of them was learned from or calibrated on.
- promise: streams drawn from the reference's own values, against references drawn from them too, so that nothing has
  changed: how many came to an alarm set at one in PROMISED values, of which STREAM / PROMISED at most may.
- after: streams moved by one or two standard deviations; what is above the threshold then is rejected, not watched.
  How many parts came until the alarm, median and worst of TRIES, from the start and after QUIET unchanged parts.

No constant of the watch is fitted to these scores.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.accuracy import products, verb
from export.dataset import labelled_images
from inspector.inspection import Inspector, load_inspector
from inspector.record.drift import ONE_IN
from inspector.record.evidence import LEAST, Evidence
from inspector.record.rejudging import judge
from inspector.records import Verdict

ORDERS = 100
STREAMS, STREAM, PROMISED = 200, 2000, 10_000
TRIES = 40
QUIET = 2000
PATIENCE = 2000  # parts: where no alarm comes, it is counted as later than that


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of good parts of one product that pass."""

    reference: Sequence[float]
    new: Sequence[float]
    threshold: float


def main() -> None:
    """Measure each product."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="*", metavar="DIR", help="default: all real products")
    parser.add_argument("--homes", type=Path, required=True, metavar="FOLDER", help="where models are, or are made")
    arguments = parser.parse_args()
    print("| product | reference | new parts | alarms in 100 orders | promise kept | +1 sd | +2 sd | +1 sd, later |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    alarms = []
    for data in arguments.data or products():
        scores = scores_of(data, inspector_of(data, arguments.homes / data.name))
        if len(scores.reference) < LEAST:
            print(f"| {data.name} | {len(scores.reference)} | too few to watch | | | | | |", flush=True)
            continue
        early = false_alarms(scores)
        alarms.append(early)
        delays = [delay(scores, shift, quiet) for shift, quiet in ((1, 0), (2, 0), (1, QUIET))]
        cells = [
            data.name,
            len(scores.reference),
            len(scores.new),
            new_alarms(scores),
            f"{early} of {STREAMS}",
            *delays,
        ]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
    share = STREAM / PROMISED
    print(f"all: {sum(alarms)} of {len(alarms) * STREAMS} streams of {STREAM} values alarmed at one in {PROMISED:,}; "
          f"promised: {share:.0%} at most")  # fmt: skip


def inspector_of(data: Path, home: Path) -> Inspector:
    """The product's model, trained where it is not there yet."""
    if not (home / "models" / f"{data.name}.onnx").exists():
        place = ("--model-dir", home / "models", "--config-dir", home / "config")
        verb("train", "--product", data.name, "--data", data, *place)
    return load_inspector(data.name, home / "config", home / "models")


def scores_of(data: Path, inspector: Inspector) -> Scores:
    """Held-out scores of the model, and those of the good test parts."""
    threshold = inspector.threshold
    good = [image.path for image in labelled_images(data) if not image.anomalous]
    new = [found.score for found in judge(inspector, good) if found.verdict is Verdict.PASS]
    held_out = inspector.detector.info.held_out.values()
    return Scores([score for score in held_out if score <= threshold], new, threshold)


def new_alarms(scores: Scores) -> int:
    """In how many random orders the new parts come to an alarm."""
    rng = np.random.default_rng(0)
    orders = (rng.permutation(scores.new) for _ in range(ORDERS))
    return sum(alarm_at(Evidence(scores.reference, seed), order) is not None for seed, order in enumerate(orders))


def false_alarms(scores: Scores) -> int:
    """How many unchanged streams come to an alarm that is set low enough to count some."""
    rng = np.random.default_rng(0)
    draws = (
        (rng.choice(scores.reference, len(scores.reference)), rng.choice(scores.reference, STREAM))
        for _ in range(STREAMS)
    )
    found = (alarm_at(Evidence(before.tolist(), n), after, PROMISED) for n, (before, after) in enumerate(draws))
    return sum(each is not None for each in found)


def delay(scores: Scores, deviations: float, quiet: int) -> str:
    """After how many moved parts there is an alarm: median and worst."""
    shift = deviations * statistics.stdev(scores.reference)
    found = []
    for seed in range(TRIES):
        rng = np.random.default_rng(seed)
        evidence = Evidence(scores.reference, seed)
        alarm_at(evidence, rng.choice(scores.reference, quiet))
        moved = rng.choice(scores.reference, PATIENCE) + shift
        found.append(alarm_at(evidence, moved, threshold=scores.threshold) or PATIENCE + 1)
    middle, worst = statistics.median(found), max(found)
    return " / ".join(f"> {PATIENCE}" if number > PATIENCE else f"{number:.0f}" for number in (middle, worst))


def alarm_at(
    evidence: Evidence, values: Iterable[float], one_in: float = ONE_IN, threshold: float = np.inf
) -> int | None:
    """How many parts come until the alarm; None where none comes. Parts above the threshold are not watched."""
    for number, value in enumerate(values, 1):
        if value <= threshold:
            evidence.add(float(value))
            if evidence.total >= one_in:
                return number
    return None


if __name__ == "__main__":
    main()
