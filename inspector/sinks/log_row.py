"""One part as a row of the log: its columns, and how CSV and JSON Lines spell them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from datetime import datetime, timezone

from inspector.records import Inspection
from inspector.text import finite

LogRow = dict[str, str | int | float | None]

COLUMNS = (
    "utc",
    "product",
    "recipe",
    "model",
    "frame",
    "part",
    "verdict",
    "score",
    "threshold",
    "percentile",
    "worst_row",
    "worst_col",
    "anomalous_patches",
    "latency_ms",
    "cause",
    "detail",
    "run",
    "camera",
    "captured_utc",
    "captured_ns",
    "worst_x",
    "worst_y",
    "wait_ms",
    "judge_ms",
    "region",
)
# In the CSV they are spelt out: a row is one line, for every tool that reads lines, and no code for a terminal.
CONTROLS = {n: chr(n).encode("unicode_escape").decode("ascii") for n in (*range(32), *range(127, 160), 0x2028, 0x2029)}
FORMULA = ("=", "+", "-", "@")  # what begins so, a spreadsheet would compute


def row_of(inspection: Inspection, utc: datetime) -> LogRow:
    """Return one inspection as a row. None stands for what there is no value of; never NaN or infinity."""
    run, captured_utc = inspection.identity.run, inspection.identity.captured_utc
    worst_row, worst_col = inspection.worst_patch or (None, None)
    worst_x, worst_y = inspection.worst_place or (None, None)
    values = (
        iso(utc, "milliseconds"),
        inspection.product,
        inspection.context.recipe_hash,
        inspection.context.model_hash,
        inspection.index,
        inspection.part,
        inspection.verdict.value,
        finite(inspection.score),
        finite(inspection.threshold),
        finite(inspection.percentile, 4),
        worst_row,
        worst_col,
        None if inspection.patch_scores is None else inspection.anomalous_patches,
        finite(inspection.latency_ms, 3),
        None if inspection.cause is None else inspection.cause.value,
        inspection.detail or None,
        None if run is None else run.id,
        None if run is None else run.camera or None,
        None if captured_utc is None else iso(captured_utc, "microseconds"),
        None if run is None else inspection.identity.captured_ns,
        worst_x,
        worst_y,
        finite(inspection.wait_ms, 3),
        finite(inspection.judge_ms, 3),
        inspection.worst_region or None,
    )
    return dict(zip(COLUMNS, values, strict=True))


def iso(utc: datetime, precision: str) -> str:
    """Return an aware time in UTC, as 2024-05-01T12:30:15.123Z."""
    return utc.astimezone(timezone.utc).isoformat(timespec=precision).replace("+00:00", "Z")


def csv_line(values: Iterable[object]) -> str:
    """Return a line of CSV with its end. No text in it is computed by a spreadsheet or leaves its line."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow(_cell(value) if isinstance(value, str) else value for value in values)
    return text.getvalue()


def json_line(row: LogRow) -> bytes:
    """Return a line in ASCII: some readers take U+0085 or U+2028 in a name for the end of the line."""
    return (json.dumps(row, allow_nan=False) + "\n").encode("ascii")


def _cell(text: str) -> str:
    return ("'" if text.startswith(FORMULA) else "") + text.translate(CONTROLS)
