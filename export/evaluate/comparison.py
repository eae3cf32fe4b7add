"""Several results in one table: one row per product and kind of model, seeds taken together."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from export.evaluate.pages import NOTHING, figure, percent, render
from export.evaluate.results import Result
from inspector.errors import DataError


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of the table."""

    key: str
    title: str
    digits: int = 3


COLUMNS = (
    Column("image_auroc", "image AUROC"),
    Column("pixel_auroc", "pixel AUROC"),
    Column("au_pro", "AU-PRO"),
    Column("f1", "F1"),
    Column("best_f1", "best F1"),
    Column("false_reject_rate", "false rejects (budget)"),
    Column("ms_per_part_p50", "ms per part", 1),
    Column("model_mb", "model MB", 1),
    Column("train_seconds", "training s", 0),
)


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over some seeds."""

    mean: float
    deviation: float | None  # the sample's; None for a single one
    interval: tuple[float, float] | None  # of a single one, where it has one


@dataclass(frozen=True, slots=True)
class Row:
    """One product with one kind of model, on one test set."""

    product: str
    model: str  # its settings in words
    seeds: list[int]
    images: int
    defective: int
    budget: float  # false rejects allowed
    figures: Mapping[str, Spread | None]  # by the columns' keys; None where one of the seeds has none


def rows(results: Mapping[Path, Result]) -> list[Row]:
    """Return the table, in the order in which products and models come. Raises DataError for a model given twice."""
    groups: dict[tuple[object, ...], dict[Path, Result]] = {}
    for path, result in results.items():
        group = groups.setdefault(_identity(result), {})
        for other, known in group.items():
            if known.model.hash == result.model.hash:
                raise DataError(f"{path}: the same model on the same images as {other}: give only one of them")
        group[path] = result
    return [_row(list(group.values())) for group in groups.values()]


def as_markdown(table: Sequence[Row]) -> str:
    """Write a table for a README, an issue or a wiki."""
    head = ["product", "model", "images", *(column.title for column in COLUMNS)]
    lines = [head, ["---", "---", *["---:"] * (len(head) - 2)]]
    for row in table:
        figures = [cell(row, column) for column in COLUMNS]
        lines.append(
            [_plain(row.product), _plain(described(row)), f"{row.images} ({row.defective} defective)", *figures]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def as_html(table: Sequence[Row]) -> str:
    """Write a page that needs nothing but itself."""
    return render("compare.html.j2", table=table, columns=COLUMNS, cell=cell, described=described, interval=interval)


def as_json(table: Sequence[Row]) -> str:
    """Write a list of rows, with every digit."""
    return json.dumps([dataclasses.asdict(row) for row in table])


def described(row: Row) -> str:
    """Return the model in words, and how many seeds the row takes together."""
    return f"{row.model}, {len(row.seeds)} seeds" if len(row.seeds) > 1 else row.model


def cell(row: Row, column: Column) -> str:
    """Return a figure as text: with its deviation over several seeds, and the budget where there is one."""
    spread = row.figures[column.key]
    if spread is None:
        return NOTHING
    if column.key == "false_reject_rate":
        over = "" if spread.deviation is None else f" ± {percent(spread.deviation)}"
        return f"{percent(spread.mean)}{over} ({percent(row.budget)})"
    over = "" if spread.deviation is None else f" ± {spread.deviation:.{column.digits}f}"
    return f"{figure(spread.mean, column.digits)}{over}"


def interval(row: Row, column: Column) -> str:
    """Return the figure's interval as text; empty where there is none."""
    spread = row.figures[column.key]
    if spread is None or spread.interval is None:
        return ""
    shown = percent if column.key == "false_reject_rate" else figure
    return f"{shown(spread.interval[0])} to {shown(spread.interval[1])}"


def _identity(result: Result) -> tuple[object, ...]:
    """Say what results of one row have in common: all but the seed, and what follows from it."""
    return (result.product, _settings(result), result.model.training_set, result.test_set, result.false_reject_budget)


def _settings(result: Result) -> str:
    model = result.model
    said = [model.kind, f"grid {model.grid}" if model.grid != "1x1" else ""]
    said += [f"overlap {model.overlap:g}" if model.overlap else "", "aligned" if model.aligned else ""]
    said += ["painted" if model.painted else "", f"{model.training_images} good images"]
    return ", ".join(word for word in said if word)


def _row(group: Sequence[Result]) -> Row:
    first = group[0]
    return Row(
        product=first.product,
        model=_settings(first),
        seeds=[result.model.seed for result in group],
        images=first.images,
        defective=first.anomalies,
        budget=first.false_reject_budget,
        figures={column.key: _spread(column.key, group) for column in COLUMNS},
    )


def _spread(key: str, group: Sequence[Result]) -> Spread | None:
    values = [_figure(key, result) for result in group]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    if len(known) > 1:
        return Spread(statistics.fmean(known), statistics.stdev(known), None)
    return Spread(known[0], None, getattr(group[0].intervals, key, None))


def _figure(key: str, result: Result) -> float | None:
    value: float | None = result.model.train_seconds if key == "train_seconds" else getattr(result, key)
    return value if key != "f1" or result.anomalies else None


def _plain(text: str) -> str:
    return text.replace("|", "\\|")
