"""`evaluate`: measure a product on a labelled test set, by the very code that the line runs."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from export.dataset import Labelled, labelled_images, missing_masks
from export.evaluate.evaluation import Evaluation, inspect_images, judged_area
from export.evaluate.metrics import NAMES, Metrics, Outcome, measure
from export.evaluate.pages import write_page
from export.evaluate.pixel_metrics import PixelMetrics
from export.evaluate.points import ORIENTATION, ThresholdEffect, digits_of, operating_points
from export.evaluate.reconstructions import MISSING, save_worst
from export.evaluate.report import known_parts, report
from export.evaluate.results import describe, latency_ms, seen_in_training
from inspector.cli import add_folders, whole_number
from inspector.files import check_writable
from inspector.inspection import Inspector, load_inspector
from inspector.model_info import file_hash
from inspector.text import digits_apart, number

TOP = 3  # patch scores shown per image


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the verb understands."""
    parser.add_argument("--product", required=True)
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="test set in MVTec AD layout: DIR/test/good (or ok), DIR/test/<defect>",
    )
    parser.add_argument(
        "--plot-reconstructions",
        type=whole_number(0),
        nargs="?",
        const=8,
        default=0,
        metavar="N",
        help="save the N worst patches beside their reconstruction and its error (default N: 8)",
    )
    parser.add_argument(
        "--plot-dir", type=Path, default=Path("reconstructions"), metavar="DIR", help="default: reconstructions/"
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="write a page of figures, plots and pictures to FILE, as report.html",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else")
    add_folders(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Judge every image of the test set and print what came out."""
    images = labelled_images(arguments.data)
    if arguments.report:
        check_writable(arguments.report.parent)  # now, not after minutes of judging
    inspector = load_inspector(arguments.product, arguments.config_dir, arguments.model_dir)
    outcomes = judge_all(inspector, images)
    metrics = measure(outcomes)
    paths = {image.name: image.path for image in images}
    plots = save_worst(inspector, outcomes, paths, arguments.plot_reconstructions, arguments.plot_dir)
    if arguments.json or arguments.report:
        model = arguments.model_dir / inspector.recipe.model_file
        result = describe(inspector, images, outcomes, metrics, model)
    if arguments.report:
        write_page(arguments.report, report(Evaluation(inspector, outcomes, metrics, result, paths)))
    if arguments.json:
        print(result.model_dump_json())
    else:
        written = [*plots, arguments.report] if arguments.report else plots
        lines = [*_lines(inspector, outcomes, metrics), *_warnings(inspector, arguments.data, images)]
        missing = [MISSING] if written and not inspector.detector.reconstructs else []
        print(*lines, *missing, *(f"wrote {path}" for path in written), sep="\n")
    return 0


def judge_all(inspector: Inspector, images: Sequence[Labelled]) -> list[Outcome]:
    """Give the line's verdict on every image, without the pictures: a test set may be large."""
    inspections = inspect_images(inspector, [image.path for image in images])
    return [
        Outcome(
            image.name,
            image.defect,
            image.anomalous,
            inspection.without_image(),
            image.masks,
            judged_area(inspector, inspection),
        )
        for image, inspection in zip(images, inspections, strict=True)
    ]


def _lines(inspector: Inspector, outcomes: Sequence[Outcome], metrics: Metrics) -> list[str]:
    width = max(len(outcome.name) for outcome in outcomes)
    threshold, best = inspector.threshold, _figure(metrics.best_f1, 3)
    digits = digits_apart(threshold, [outcome.inspection.score for outcome in outcomes])
    room = max(8, digits + 3)  # of a score
    highest = f"{'highest patches':<{TOP * (room + 1) - 1}}"
    header = f"{'image':<{width}}  {'score':>{room}}  {highest}  {'anomalous':>9}  verdict"
    return [
        header,
        *(_row(outcome, width, room, digits) for outcome in outcomes),
        "",
        *_report(metrics),
        "",
        f"image AUROC {_figure(metrics.image_auroc)}   {_pixels(metrics.pixels)}",
        f"threshold {number(threshold, digits)}   F1 {metrics.f1:.3f}, best possible {best}   "
        f"false rejects {metrics.false_reject_rate:.2%} (budget {inspector.budget:.2%})   "
        f"{latency_ms(outcomes, 50):.1f} ms per part",
        *_points(operating_points(metrics.results, threshold)),
    ]


def _points(points: Mapping[str, ThresholdEffect]) -> list[str]:
    """Return the threshold in use beside others, a line each."""
    if not points:
        return []
    digits = digits_of(points.values())
    room = max(10, digits + 3)
    rows = [
        f"{point.words:<20}{number(point.threshold, digits):>{room}}   "
        f"{f'{point.found} of {point.defects}':>14} {point.recall:>6.1%}   "
        f"{f'{point.false_rejects} of {point.good}':>14} {point.false_reject_rate:>6.1%}"
        for point in points.values()
    ]
    return [
        "",
        f"{'threshold':<20}{'at':>{room}}   {'defects found':>21}   {'good parts rejected':>21}",
        *rows,
        ORIENTATION,
    ]


def _warnings(inspector: Inspector, data: Path, images: Sequence[Labelled]) -> list[str]:
    """Say what to know before trusting the figures, a line each."""
    seen = seen_in_training(inspector.detector.info, {image.name: file_hash(image.path) for image in images})
    said = (known_parts(seen, len(images)), missing_masks(data, images))
    return [f"warning: {words}" for words in said if words]


def _figure(value: float, digits: int = 4) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def _pixels(pixels: PixelMetrics) -> str:
    if math.isnan(pixels.auroc):
        return "pixels not judged: no masks of judged defects"
    return f"pixel AUROC {pixels.auroc:.4f}   AU-PRO {pixels.au_pro:.4f} (false positives up to 30 %)"


def _row(outcome: Outcome, width: int, room: int, digits: int) -> str:
    inspection = outcome.inspection
    if inspection.patch_scores is None:
        return f"{outcome.name:<{width}}  {'-':>{room}}  {inspection.detail}"
    highest = np.sort(inspection.patch_scores, axis=None)[::-1][:TOP]
    patches = " ".join(f"{number(float(score), digits):>{room}}" for score in highest)
    verdict = f"{inspection.verdict.value.upper():<6} {'right' if outcome.right else 'WRONG'}"
    figures = f"{number(inspection.score, digits):>{room}}  {patches:<{TOP * (room + 1) - 1}}"
    row = f"{outcome.name:<{width}}  {figures}  {inspection.anomalous_patches:>9}  {verdict}"
    return f"{row}  {inspection.worst_region}".rstrip()


def _report(metrics: Metrics) -> list[str]:
    rows = [f"{'':<14}{'precision':>10}{'recall':>10}{'F1':>10}{'support':>10}"]
    for name in (*reversed(NAMES), "macro avg", "weighted avg"):
        row = metrics.report[name]
        figures = "".join(f"{row[key]:>10.3f}" for key in ("precision", "recall", "f1-score"))
        rows.append(f"{name:<14}{figures}{row['support']:>10.0f}")
    rows.append(f"{'accuracy':<14}{'':>20}{metrics.accuracy:>10.3f}{metrics.images:>10}")
    return rows
