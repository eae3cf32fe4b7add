"""Rows of a record, made for tests."""

from datetime import datetime, timedelta, timezone

from inspector.record.rows import PartRow, RunRow
from inspector.records import Verdict

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)


def part(number, **values):
    """A part that passed, a second after the one before."""
    given = {
        "run_id": "run",
        "camera": "",
        "captured_utc": T0 + timedelta(seconds=number),
        "product": "alpha",
        "recipe_hash": "0123456789ab",
        "model_hash": "ba9876543210",
        "verdict": Verdict.PASS,
        "score": 1.0,
        "threshold": 5.0,
    }
    return PartRow(number=number, **(given | values))


def run_row(run_id="run", started_utc=T0):
    return RunRow(run_id, started_utc, "host", "run --product alpha", "0.1.0")
