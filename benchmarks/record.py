"""How long the record's history takes to answer from ten million parts, and what a part costs on the line.

    python benchmarks/record.py record.db --parts 10000000
    python benchmarks/record.py postgresql://USER@HOST/NAME

A year of parts of two cameras and three products, one in 100 failed, one in 1,000 missed, is written by Store.write; an
existing record is asked as it is. Each question is asked five times: the first answer and the slowest of the others.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

from inspector.record.opening import open_store
from inspector.record.retention import AT_ONCE as AT_ONCE_FORGOTTEN
from inspector.record.retention import Retention, forget
from inspector.record.rows import Label, PartFilter, PartKey, PartRow, RunRow
from inspector.record.store import Store
from inspector.records import Verdict

START = datetime(2025, 1, 1, tzinfo=timezone.utc)
YEAR = timedelta(days=365)
PRODUCTS = ("bottle", "bracket", "seal")
CAMERAS = ("left", "right")
CAUSES = ("decode", "overflow", "camera", "deadline")
AT_ONCE = 5000
LINE_BATCH = 128  # parts: what half a second of a fast line brings
PER_RUN = 100_000
GENERATE = f"""
INSERT INTO parts (run_id, camera, number, captured_utc, captured_ns, product, recipe_hash, model_hash, verdict, part,
    threshold, score, percentile, cause, detail, worst_row, worst_col, worst_x, worst_y, anomalous_patches, latency_ms,
    image_path, brightness, focus, colour_a, colour_b, position_x, position_y)
SELECT lpad(to_hex(n / {PER_RUN}), 32, '0'), (ARRAY['left', 'right'])[1 + n % 2], n,
    {int(START.timestamp())}000000 + (n * %(step)s)::bigint, n * 1000000::bigint,
    (ARRAY['bottle', 'bracket', 'seal'])[1 + (n / 50000) % 3], '0123456789ab', 'ba9876543210', verdict,
    'SN' || lpad(n::text, 10, '0'), 2.5, score, 0.5,
    CASE WHEN verdict = 'missed' THEN (ARRAY['decode', 'overflow', 'camera', 'deadline'])[1 + n % 4] END, '', 0, 0,
    x, y, 0, 31.5, CASE WHEN verdict = 'fail' OR n % 1000 = 0 THEN '2025-01-01/' || n || '.png' END,
    128, 0.1, 0, 0, 0.5, 0.5
FROM (SELECT n, random() * random() AS x, random() * random() AS y, 2 * random() AS score,
    (ARRAY['missed', 'fail', 'pass'])[1 + (c >= 0.001)::int + (c >= 0.011)::int] AS verdict
    FROM (SELECT n, random() AS c FROM generate_series(%(first)s::int, %(last)s::int) AS n) AS drawn) AS made
""".replace("% ", "%% ")
TALLY = """
INSERT INTO hour_tallies (hour, product, camera, verdict, cause, run_id, parts, kept)
SELECT captured_utc / 3600000000, product, camera, verdict, coalesce(cause, ''), run_id, count(*), count(*)
FROM parts GROUP BY 1, 2, 3, 4, 5, 6
"""


def main() -> None:
    """Write the parts where there are none, then ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("record", help="file, or postgresql:// address")
    parser.add_argument("--parts", type=int, default=10_000_000)
    arguments = parser.parse_args()
    with open_store(arguments.record) as store:
        if store.counts().captured == 0:
            (_write if store.engine.dialect.name == "sqlite" else _generate)(store, arguments.parts)
        _ask(store)
        _line_cost(store)
        _size(store)
        _forget_cost(store)


def _write(store: Store, count: int) -> None:
    begun = time.perf_counter()
    for start in range(0, count, AT_ONCE):
        rows = list(_rows(start, min(count, start + AT_ONCE), YEAR / count))
        for run_id in {row.run_id for row in rows}:
            store.begin_run(RunRow(run_id, rows[0].captured_utc, "bench", "run", "0"))
        store.write(rows)
        if start % 1_000_000 == 0 and start:
            print(f"{start:,} parts after {time.perf_counter() - begun:.0f} s", flush=True)
    seconds = time.perf_counter() - begun
    print(f"written: {count:,} parts in {seconds:.0f} s, {1e6 * seconds / count:.0f} us per part", flush=True)
    _judge(store)


def _generate(store: Store, count: int) -> None:
    """The same kind of parts, made by the server itself: through the client, ten million take an hour."""
    begun = time.perf_counter()
    for run in range(0, count, PER_RUN):
        store.begin_run(RunRow(f"{run // PER_RUN:032x}", START + run * (YEAR / count), "bench", "run", "0"))
    with store.changing() as connection:
        for start in range(0, count, 1_000_000):
            bounds = {
                "first": start,
                "last": min(count, start + 1_000_000) - 1,
                "step": YEAR.total_seconds() * 1e6 / count,
            }
            connection.exec_driver_sql(GENERATE, bounds)
            print(f"{bounds['last'] + 1:,} parts after {time.perf_counter() - begun:.0f} s", flush=True)
        connection.exec_driver_sql(TALLY)
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")  # as the server does by itself, a minute later
    _judge(store)


def _judge(store: Store) -> None:
    rejects = [each.row.key for each in store.parts(PartFilter(verdicts=(Verdict.FAIL,)), limit=2000)]
    store.judge(rejects[::2], Label.REALLY_BAD, "bench", START + YEAR)


def _rows(start: int, stop: int, step: timedelta) -> Iterator[PartRow]:
    rng = np.random.default_rng(start)
    chance, score, x, y = rng.random(stop - start), rng.gamma(4, 0.25, stop - start), *rng.beta(2, 5, (2, stop - start))
    for at, number in enumerate(range(start, stop)):
        missed, failed = chance[at] < 0.001, 0.001 <= chance[at] < 0.011
        yield PartRow(
            run_id=f"{number // PER_RUN:032x}",
            camera=CAMERAS[number % 2],
            number=number,
            captured_utc=START + number * step,
            captured_ns=number * 1_000_000,
            product=PRODUCTS[(number // 50_000) % 3],
            recipe_hash="0123456789ab",
            model_hash="ba9876543210",
            verdict=Verdict.MISSED if missed else Verdict.FAIL if failed else Verdict.PASS,
            part=f"SN{number:010d}",
            threshold=2.5,
            score=None if missed else float(score[at] + 2 * failed),
            percentile=None if missed else 0.5,
            cause=CAUSES[number % 4] if missed else None,
            detail="a word on it" if missed else "",
            worst_x=None if missed else float(x[at]),
            worst_y=None if missed else float(y[at]),
            worst_row=0,
            worst_col=0,
            anomalous_patches=int(failed),
            latency_ms=31.5,
            image_path=f"2025-01-01/{number}.png" if failed or number % 1000 == 0 else None,
            brightness=128.0,
            focus=0.1,
            colour_a=0.0,
            colour_b=0.0,
            position_x=0.5,
            position_y=0.5,
        )


def _questions(store: Store) -> dict[str, Callable[[], object]]:
    newest = store.parts(limit=1)[0].row.captured_utc
    middle = store.parts(PartFilter(until=newest - YEAR / 2), limit=1)[0]
    month = PartFilter(since=newest - timedelta(days=30, minutes=17), until=newest - timedelta(minutes=5))
    week = PartFilter(since=newest - timedelta(days=7), until=newest)
    fail, missed = (Verdict.FAIL,), (Verdict.MISSED,)
    return {
        "newest page": store.parts,
        "page in the middle of the year": lambda: store.parts(before=middle.cursor),
        "page of a product": lambda: store.parts(PartFilter(product="seal")),
        "page of a camera": lambda: store.parts(PartFilter(camera="left")),
        "page of rejects": lambda: store.parts(PartFilter(verdicts=fail)),
        "page of rejects of a product and camera, a year ago": lambda: store.parts(
            PartFilter(product="seal", camera="left", verdicts=fail, until=START + timedelta(days=20))
        ),
        "page of a cause": lambda: store.parts(PartFilter(cause="decode")),
        "page of a cause and product": lambda: store.parts(
            PartFilter(cause="camera", product="bracket", verdicts=missed)
        ),
        "page of a run and verdict": lambda: store.parts(PartFilter(run_id=middle.row.run_id, verdicts=fail)),
        "page of 10,000 parts by how their id begins": lambda: store.parts(PartFilter(part="SN000123")),
        "page of parts called really bad": lambda: store.parts(PartFilter(label=Label.REALLY_BAD)),
        "page of passed parts with a picture": lambda: store.parts(PartFilter(archived=True, verdicts=(Verdict.PASS,))),
        "nothing found: an unknown product": lambda: store.parts(PartFilter(product="none")),
        "nothing found: a product never missed so": lambda: store.parts(PartFilter(product="seal", cause="model")),
        "one part": lambda: store.part(PartKey(middle.row.run_id, middle.row.camera, middle.row.number)),
        "last 200 scores of a camera": lambda: store.recent_scores("left"),
        "counts of the year": store.counts,
        "counts of a month, to the minute": lambda: store.counts(month),
        "counts of a product and verdict": lambda: store.counts(PartFilter(product="seal", verdicts=fail)),
        "causes of the year": store.causes,
        "per hour, a week": lambda: store.per_hour(week),
        "per hour, the year": store.per_hour,
        "worst places, the year": store.worst_places,
        "worst places of a product, a month": lambda: store.worst_places(
            PartFilter(product="seal", since=month.since, until=month.until), (16, 16)
        ),
        "products": store.products,
        "runs": store.runs,
    }


def _ask(store: Store) -> None:
    print(f"{store.counts().captured:,} parts in {store.name}")
    slowest = 0.0
    for name, question in _questions(store).items():
        first, *rest = [_seconds(question) for _ in range(5)]
        slowest = max(slowest, first, *rest)
        print(f"{1000 * first:9.1f} ms, then {1000 * max(rest):8.1f} ms  {name}", flush=True)
    print(f"slowest answer: {slowest:.3f} s")


def _line_cost(store: Store) -> None:
    """Rows as the line writes them: in batches of half a second."""
    run_id = f"line-{time.time_ns()}"
    store.begin_run(RunRow(run_id, START + YEAR, "bench", "run", "0"))
    made = _rows(0, 100 * LINE_BATCH, YEAR / 10_000_000)
    rows = [dataclasses.replace(row, run_id=run_id, captured_utc=row.captured_utc + YEAR) for row in made]
    batches = [rows[at : at + LINE_BATCH] for at in range(0, len(rows), LINE_BATCH)]
    seconds = [_seconds(functools.partial(store.write, batch)) for batch in batches]
    middle, worst = 1000 * float(np.median(seconds)), 1000 * max(seconds)
    print(f"a batch of {LINE_BATCH} parts: median {middle:.1f} ms, worst {worst:.1f} ms, beside the line")


def _size(store: Store) -> None:
    """Bytes of a part's row with its share of the indices."""
    with store.reading() as connection:
        if connection.dialect.name == "sqlite":
            size = Path(store.name).stat().st_size
        else:
            size = connection.exec_driver_sql("SELECT pg_total_relation_size('parts')").scalar_one()
        parts = connection.exec_driver_sql("SELECT count(*) FROM parts").scalar_one()
    print(f"{size / 1e9:.2f} GB, {size / parts:.0f} bytes for a part")


def _forget_cost(store: Store) -> None:
    """Rows that are too old, as a running line removes them. They are gone then."""
    forgetting = forget(store, Retention(pass_days=300, reject_days=0), START + YEAR)
    seconds = [_seconds(lambda: next(forgetting)) for _ in range(20)]
    middle, worst = 1000 * float(np.median(seconds)), 1000 * max(seconds)
    print(f"{AT_ONCE_FORGOTTEN} rows removed: median {middle:.1f} ms, worst {worst:.1f} ms, twice a second at most")


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
