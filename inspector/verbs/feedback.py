"""`feedback`: parts that people judged become images to learn from and to be tested on."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from inspector.cli import add_folders
from inspector.errors import DataError
from inspector.files import replacing
from inspector.inspection import Inspector, load_inspector
from inspector.model_info import file_hash
from inspector.record.archive import Archive
from inspector.record.opening import existing_store
from inspector.record.options import add_record, archive_of
from inspector.record.rejudging import judge
from inspector.record.rows import FoundPart, Label, PartFilter
from inspector.records import Verdict

PLACES = {Label.ACTUALLY_GOOD: Path("train", "good"), Label.REALLY_BAD: Path("test", Label.REALLY_BAD.value)}
PREFIX = "feedback-"


@dataclass(frozen=True, slots=True)
class Judged:
    """A part with a person's word on it, and the copy of its picture."""

    part: FoundPart
    label: Label
    copy: Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the verb understands."""
    parser.add_argument("--product", required=True)
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="the product's images, in MVTec AD layout: DIR/train/good",
    )
    parser.add_argument(
        "--after", action="store_true", help="after training again: compare with what the line said; copies nothing"
    )
    add_record(parser)
    add_folders(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Copy what is new and say how to go on; or compare."""
    if not arguments.data.is_dir():
        raise DataError(f"{arguments.data}: no such folder")
    judged = list(_judged(arguments))
    if arguments.after:
        inspector = load_inspector(arguments.product, arguments.config_dir, arguments.model_dir)
        print(*comparison(inspector, [each for each in judged if each.copy.is_file()]), sep="\n")
        return 0
    archive = archive_of(arguments)
    outcome = [_copied(each, archive) for each in judged]
    for label, place in PLACES.items():
        of_it = [done for each, done in zip(judged, outcome, strict=True) if each.label is label]
        print(f"{label.value.replace('_', ' ')}: {of_it.count('new')} new in {arguments.data / place}, {_rest(of_it)}")
    if taken_back := _take_back(arguments):
        print(f"{taken_back} removed: what was said of them is withdrawn")
    print(*_next_steps(arguments), sep="\n")
    return 0


def comparison(inspector: Inspector, judged: Sequence[Judged]) -> list[str]:
    """Before and after on both sets. A good part that the model has learned from counts with its held-out score."""
    info = inspector.detector.info
    lines = [f"{'':14} {'parts':>6} {'right before':>13} {'right after':>12}"]
    for label in PLACES:
        of_it = [each for each in judged if each.label is label]
        scores = [info.held_out.get(file_hash(each.copy)) for each in of_it]
        again = iter(judge(inspector, [each.copy for each, score in zip(of_it, scores, strict=True) if score is None]))
        rejected = [next(again).verdict.reject if score is None else score > inspector.threshold for score in scores]
        bad = label is Label.REALLY_BAD
        before = sum((each.part.row.verdict is not Verdict.PASS) == bad for each in of_it)
        after = sum(each == bad for each in rejected)
        lines.append(f"{label.value.replace('_', ' '):14} {len(of_it):6} {before:13} {after:12}")
    return [*lines, "good parts that were learned from count with their held-out scores"]


def _judged(arguments: argparse.Namespace) -> Iterator[Judged]:
    """Every part of the product with a word on it."""
    with existing_store(arguments.record) as store:
        for label, place in PLACES.items():
            for part in store.each(PartFilter(product=arguments.product, label=label)):
                yield Judged(part, label, arguments.data / place / _name(part))


def _take_back(arguments: argparse.Namespace) -> int:
    """Remove the copies of parts of which what was said is withdrawn; returns how many there were."""
    with existing_store(arguments.record) as store:
        names = [_name(part) for part in store.withdrawn(arguments.product)]
    copies = [arguments.data / place / name for place in PLACES.values() for name in names]
    there = [copy for copy in copies if copy.is_file()]
    for copy in there:
        copy.unlink()
    return len(there)


def _name(part: FoundPart) -> str:
    key = part.row.key
    camera = "".join(c if c.isalnum() else "_" for c in key.camera)
    return f"{PREFIX}{key.run_id[:8]}-{camera}-{key.number:08d}{Path(part.row.image_path or '').suffix}"


def _copied(each: Judged, archive: Archive) -> str:
    """Copy its picture: new, there, or gone from the archive. A word that was changed moves the copy."""
    data = each.copy.parents[len(PLACES[each.label].parts)]
    for label, place in PLACES.items():
        if label is not each.label:
            (data / place / each.copy.name).unlink(missing_ok=True)
    if each.copy.is_file():
        return "there"
    source = archive.find(each.part.row.image_path)
    if source is None:
        return "gone"
    try:
        with replacing(each.copy) as part:
            shutil.copyfile(source, part)
    except OSError as error:
        raise DataError(f"{each.copy}: cannot be written: {error.strerror}") from None
    return "new"


def _rest(outcome: Sequence[str]) -> str:
    gone = outcome.count("gone")
    there = f"{outcome.count('there')} there already"
    return there + (f", {gone} without a picture in the archive" if gone else "")


def _next_steps(arguments: argparse.Namespace) -> list[str]:
    what = f"--product {arguments.product} --data {arguments.data}"
    return [
        "next, to train again and see what it brings:",
        f"  line-inspector evaluate {what} --json > before.json",
        f"  line-inspector train {what}",
        f"  line-inspector evaluate {what} --json > after.json && line-inspector compare before.json after.json",
        f"  line-inspector feedback {what} --record {arguments.record} --archive {arguments.archive} --after",
    ]
