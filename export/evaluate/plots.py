"""The report's plots, as SVG. Figures are made directly, without pyplot: nothing is shared between two reports."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, PercentFormatter, StrMethodFormatter
from numpy.typing import NDArray

from export.evaluate.evaluation import Evaluation, judged_scores
from export.evaluate.metrics import Shares, roc
from export.evaluate.pages import svg_uri
from export.evaluate.pixel_metrics import MAX_FPR

INK, FAINT, GRID = "#22303c", "#5d6b78", "#dfe5ea"
RIGHT, WRONG, GOOD = "#8fa3b3", "#b3261e", "#3f7d58"
LINE = "#1f5f8b"
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "svg.hashsalt": "report",  # the same figures give the same file
}
BINS = 48  # over the width of the histogram
LOGARITHMIC = 30  # from this ratio of the highest score to the lowest, the histogram's axis is logarithmic


@dataclass(frozen=True, slots=True)
class Scores:
    """One row of the histogram: the scores of the judged parts of one kind."""

    kind: str
    good: bool
    scores: NDArray[np.float64]


def score_histogram(evaluation: Evaluation) -> str | None:
    """Draw the scores of each kind of part; None where no part was judged."""
    kinds = evaluation.by_kind().items()
    rows = [Scores(kind, not outcomes[0].anomalous, judged_scores(outcomes)) for kind, outcomes in kinds]
    rows = [row for row in rows if len(row.scores)]
    return svg_uri(histogram(rows, evaluation.result.threshold)) if rows else None


def curves(evaluation: Evaluation) -> list[dict[str, str]]:
    """Draw those that exist: of parts where there are both classes, of pixels where there are masks."""
    results, found = evaluation.metrics.results, []
    judged = np.isfinite(results.scores)
    anomalous, rejected = results.anomalous[judged], results.rejected[judged]
    parts = roc(anomalous, results.scores[judged])
    if parts:
        mark = float(rejected[~anomalous].mean()), float(rejected[anomalous].mean())
        drawn = curve(*parts, ("good parts rejected", "defects found"), mark=mark)
        text = "Each point is a threshold, the red one that in use. The closer to the upper left, the better."
        found.append({"title": "ROC of the parts", "words": text, "uri": svg_uri(drawn)})
    pixels = results.levels.curves()
    if pixels:
        drawn = curve(pixels.fpr, pixels.tpr, ("good pixels marked", "defect pixels marked"))
        text = "The same for single pixels of the maps: large defects weigh most."
        found.append({"title": "ROC of the pixels", "words": text, "uri": svg_uri(drawn)})
        drawn = curve(pixels.fpr, pixels.overlap, ("good pixels marked", "of each defect covered"), MAX_FPR)
        text = "How much of each defect is covered, the mean over all defects; the coloured area is AU-PRO."
        found.append({"title": "PRO", "words": text, "uri": svg_uri(drawn)})
    return found


def histogram(rows: Sequence[Scores], threshold: float) -> bytes:
    """Draw a histogram per kind, one below the other on the same axes; parts that got the wrong verdict stand out."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(10, 0.8 + 0.55 * len(rows)), layout="constrained")
        all_axes: list[Axes] = list(figure.subplots(len(rows), 1, sharex=True, sharey=True, squeeze=False)[:, 0])
        edges = _edges(np.concatenate([row.scores for row in rows]), threshold)
        for axes, row in zip(all_axes, rows, strict=True):
            _bars(axes, row, threshold, edges)
        if _logarithmic(edges):
            all_axes[-1].set_xscale("log")
            all_axes[-1].xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            all_axes[-1].xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            all_axes[-1].xaxis.set_minor_formatter(NullFormatter())
        all_axes[-1].set_xlabel("score of the part" + (" (logarithmic)" if _logarithmic(edges) else ""))
        all_axes[0].annotate(
            f"threshold {threshold:.4g}",
            (threshold, 1.02),
            xycoords=("data", "axes fraction"),
            ha="center",
            va="bottom",
        )
        return _svg(figure)


def curve(
    x: Shares, y: Shares, labels: tuple[str, str], upto: float = 1.0, mark: tuple[float, float] | None = None
) -> bytes:
    """Draw a curve of two shares with the area below it up to `upto`, and where the threshold puts the line."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.1, 2.9), layout="constrained")
        axes: Axes = figure.subplots()
        inside = x <= upto
        xs, ys = np.append(x[inside], upto), np.append(y[inside], np.interp(upto, x, y))
        axes.fill_between(xs, ys, color=LINE, alpha=0.12, linewidth=0)
        axes.plot(xs, ys, color=LINE, linewidth=1.6)
        axes.plot([0, upto], [0, upto], color=FAINT, linewidth=0.8, linestyle=(0, (3, 3)))
        if mark:
            axes.plot(*mark, "o", color=WRONG, markersize=6, clip_on=False, zorder=5)
        margin = 0.02
        axes.set(xlabel=labels[0], ylabel=labels[1], xlim=(-margin * upto, upto * (1 + margin)), ylim=(-margin, 1.02))
        axes.grid(color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        return _svg(figure)


def _bars(axes: Axes, row: Scores, threshold: float, edges: NDArray[np.float64]) -> None:
    wrong = (row.scores > threshold) == row.good
    parts = [row.scores[~wrong], row.scores[wrong]]
    axes.hist(parts, bins=list(edges), stacked=True, color=[GOOD if row.good else RIGHT, WRONG])
    axes.axvline(threshold, color=INK, linewidth=1, linestyle=(0, (4, 2)))
    axes.set_ylabel(f"{row.kind} ({len(row.scores)})", rotation=0, ha="right", va="center")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="x", length=0 if not axes.get_subplotspec().is_last_row() else 3)  # type: ignore[union-attr]


def _edges(scores: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    """Edges of equal bins from below the lowest to above the highest score; the threshold is one of them."""
    low, high = scores.min(initial=threshold), scores.max(initial=threshold)
    if low > 0 and high / low > LOGARITHMIC:
        return np.asarray(np.exp(_steps(np.log(low), np.log(high), np.log(threshold))))
    return _steps(min(low, 0.0), high, threshold)


def _steps(low: float, high: float, through: float) -> NDArray[np.float64]:
    step = (high - low) / BINS or 1.0
    first, last = np.floor((low - through) / step), np.ceil((high - through) / step) + 1
    return np.asarray(through + step * np.arange(first, last + 1))


def _logarithmic(edges: NDArray[np.float64]) -> bool:
    return bool(edges[-1] - edges[-2] > 1.01 * (edges[1] - edges[0]))


def _svg(figure: Figure) -> bytes:
    FigureCanvasSVG(figure)
    target = io.BytesIO()
    figure.savefig(target, format="svg", metadata={"Date": None})
    return target.getvalue()
