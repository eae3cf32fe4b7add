"""`rejudge`: what archived parts would be called by another model or threshold, and which of them change sides."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from inspector.cli import add_folders
from inspector.detector import Detector
from inspector.errors import DataError
from inspector.inspection import Inspector
from inspector.recipe import load_recipe
from inspector.record.archive import Archive
from inspector.record.opening import existing_store
from inspector.record.options import add_period, add_record, archive_of, period_of
from inspector.record.rejudging import Again, timed, workers
from inspector.record.rows import FoundPart, PartFilter
from inspector.records import Verdict
from inspector.text import number

SHOWN = 50  # parts that change sides, named one by one


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the verb understands."""
    parser.add_argument("--product", required=True)
    parser.add_argument("--model", type=Path, metavar="FILE", help="judge by this model (default: the recipe's)")
    parser.add_argument("--threshold", type=_positive, metavar="X", help="and this threshold (default: the recipe's)")
    parser.add_argument(
        "--workers",
        type=_workers,
        default=("processes", 1),
        metavar="N|ray|ray:N",
        help="judge in N processes, or on Ray",
    )
    parser.add_argument(
        "--efficiency", action="store_true", help="judge with one worker first, and say how well several share the work"
    )
    add_period(parser, required=False)
    add_record(parser)
    add_folders(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Judge what the archive has, and print which parts change sides."""
    kind, count = arguments.workers
    make = partial(make_inspector, *_choice(arguments))
    make()  # what is wrong with recipe or model is told here, in one line
    parts, paths = _archived(arguments, archive_of(arguments))
    if arguments.efficiency and count > 1:
        with workers(make, 1, kind) as one:
            _, alone_s = timed(one, paths)
        print(f"1 worker: {len(paths) / alone_s:.1f} parts/s, efficiency 100%")
    with workers(make, count, kind) as several:
        found, seconds = timed(several, paths)
    share = f", efficiency {alone_s / (count * seconds):.0%}" if arguments.efficiency and count > 1 else ""
    print(f"{count} worker{'s' if count > 1 else ''}: {len(paths) / seconds:.1f} parts/s{share}")
    print(*flips(parts, found), sep="\n")
    return 0


def make_inspector(product: str, config_dir: Path, model: Path, threshold: float | None) -> Inspector:
    """Return an inspector of the product's recipe with this model and threshold."""
    recipe = load_recipe(config_dir, product)
    detector = Detector(model)
    changes: dict[str, object] = {}
    if threshold is not None:
        changes = {"threshold": threshold, "threshold_model": None}
    elif recipe.threshold_model not in (None, detector.model_hash):  # a number that belongs to the other model
        changes = {"threshold": "auto", "threshold_model": None}
    inspector = Inspector(recipe.model_copy(update=changes), detector)
    inspector.warm_up()
    return inspector


def flips(parts: Sequence[FoundPart], found: Sequence[Again]) -> list[str]:
    """Lines on what changes: each part that changes sides, and how many of which kind."""
    changed = [(part, now) for part, now in zip(parts, found, strict=True) if part.row.verdict is not now.verdict]
    lines = [_line(part, now) for part, now in changed[:SHOWN]]
    if len(changed) > SHOWN:
        lines.append(f"... and {len(changed) - SHOWN} more")
    kinds = Counter((part.row.verdict, now.verdict) for part, now in changed)
    for (before, after), count in sorted(kinds.items(), key=lambda item: -item[1]):
        lines.append(f"{before.value} -> {after.value}: {count}")
    lines.append(f"{len(changed)} of {len(found)} parts change sides")
    return lines


def _line(part: FoundPart, now: Again) -> str:
    row = part.row
    name = row.part or f"no. {row.number}"
    said = f", a person said: {part.judged.label.value.replace('_', ' ')}" if part.judged else ""
    was = f"{row.verdict.value} ({number(row.score if row.score is not None else float('nan'))})"
    why = f": {now.detail}" if now.verdict is Verdict.MISSED else ""
    return (
        f"{row.captured_utc:%Y-%m-%d %H:%M:%S}Z {name}: {was} -> {now.verdict.value} ({number(now.score)}){why}{said}"
    )


def _choice(arguments: argparse.Namespace) -> tuple[str, Path, Path, float | None]:
    recipe = load_recipe(arguments.config_dir, arguments.product)
    model = arguments.model or arguments.model_dir / recipe.model_file
    return arguments.product, arguments.config_dir, model, arguments.threshold


def _archived(arguments: argparse.Namespace, archive: Archive) -> tuple[list[FoundPart], list[Path]]:
    """The parts whose picture is still there. Raises DataError where there is none."""
    period = period_of(arguments, datetime.now().astimezone())
    since, until = (period.since, period.until) if period else (None, None)
    wanted = PartFilter(since=since, until=until, product=arguments.product, archived=True)
    with existing_store(arguments.record) as store:
        known = [(part, archive.find(part.row.image_path)) for part in store.each(wanted)]
    there = [(part, path) for part, path in known if path]
    if not there:
        gone = f": {len(known)} were, and their pictures are gone" if known else ""
        raise DataError(f"{arguments.archive}: no part of {arguments.product} is archived for this time{gone}")
    if len(there) < len(known):
        print(f"{len(known) - len(there)} parts are left out: the archive no longer has their pictures")
    return [part for part, _ in there], [path for _, path in there]


def _workers(text: str) -> tuple[str, int]:
    kind, _, count = text.partition(":") if text.startswith("ray") else ("processes", "", text)
    if kind == "ray" and not count:
        return kind, os.cpu_count() or 1
    if kind not in ("ray", "processes") or not count.isdecimal() or int(count) < 1:
        raise argparse.ArgumentTypeError(f"wants a whole number from 1, ray or ray:N, got {text!r}")
    return kind, int(count)


def _positive(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 < found < float("inf"):
        raise argparse.ArgumentTypeError(f"wants a number above 0, got {text!r}")
    return found
