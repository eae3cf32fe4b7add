"""What is written is found again, by every question that the history asks, on both engines."""

import csv
import io
import threading
from collections import Counter
from datetime import timedelta

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from recorded import T0, part, run_row

from inspector.errors import StoreError
from inspector.record import queries
from inspector.record.opening import open_store
from inspector.record.rows import AlarmRow, Cursor, Label, PartFilter, PartKey, Place, ThresholdRow
from inspector.record.tables import Base
from inspector.records import Counts, Verdict

HOUR = timedelta(hours=1)
FILTERS = {
    "all": PartFilter(),
    "to the second": PartFilter(since=T0 + timedelta(seconds=1801), until=T0 + 3 * HOUR + timedelta(seconds=7)),
    "from": PartFilter(since=T0 + timedelta(minutes=90)),
    "until": PartFilter(until=T0 + timedelta(minutes=90)),
    "whole hours": PartFilter(since=T0 + HOUR, until=T0 + 3 * HOUR),
    "within an hour": PartFilter(since=T0 + timedelta(minutes=10), until=T0 + timedelta(minutes=20)),
    "product": PartFilter(product="beta"),
    "camera": PartFilter(camera="left"),
    "run": PartFilter(run_id="second"),
    "rejects": PartFilter(verdicts=(Verdict.FAIL, Verdict.MISSED)),
    "passed": PartFilter(verdicts=(Verdict.PASS,)),
    "cause": PartFilter(cause="decode"),
    "cause and product": PartFilter(cause="camera", product="alpha", since=T0 + timedelta(minutes=5)),
    "id": PartFilter(part="SN1"),
    "id and verdict": PartFilter(part="SN", verdicts=(Verdict.FAIL,)),
    "archived": PartFilter(archived=True),
    "not archived": PartFilter(archived=False, camera="left"),
    "model": PartFilter(model_hash="other"),
    "unknown": PartFilter(product="none"),
}


def some_parts(count=400):
    """Parts of five hours, two runs, cameras and products; several at the very same time."""
    rng = np.random.default_rng(0)
    for number in range(count):
        verdict = (Verdict.PASS, Verdict.PASS, Verdict.FAIL, Verdict.MISSED)[rng.integers(4)]
        missed = verdict is Verdict.MISSED
        yield part(
            number,
            run_id=("run", "second")[number // 250],
            camera=("left", "right")[rng.integers(2)],
            captured_utc=T0 + timedelta(seconds=int(rng.integers(1200)) * 15),
            product=("alpha", "beta")[rng.integers(2)],
            model_hash=("ba9876543210", "other")[rng.integers(2)],
            verdict=verdict,
            part=f"SN{number}" if number % 2 else "",
            cause=("decode", "camera")[rng.integers(2)] if missed else None,
            score=None if missed else float(rng.random()),
            worst_x=None if missed else float(rng.random()),
            worst_y=None if missed else float(rng.random()),
            image_path=f"{number}.png" if number % 3 == 0 else None,
        )


def meant(wanted, row):
    """Whether a part is meant, by the words of PartFilter."""
    return (
        (wanted.since is None or row.captured_utc >= wanted.since)
        and (wanted.until is None or row.captured_utc < wanted.until)
        and all(
            getattr(wanted, name) in (None, getattr(row, name))
            for name in ("run_id", "camera", "product", "cause", "model_hash")
        )
        and (not wanted.verdicts or row.verdict in wanted.verdicts)
        and row.part.startswith(wanted.part or "")
        and wanted.archived in (None, row.image_path is not None)
    )


@pytest.fixture
def filled(store):
    store.begin_run(run_row("second", T0 + HOUR))
    assert store.write(list(some_parts())) == 400
    return store


def keys(found):
    return [each.row.key for each in found]


def all_pages(store, wanted, size, *, forward):
    """Every page, one after the other, newest first; `forward`: from the oldest on."""
    pages, cursor = [], Cursor(T0 - HOUR, 0) if forward else None
    while page := store.parts(wanted, limit=size, **{"after" if forward else "before": cursor}):
        assert len(page) <= size
        pages.append(page)
        cursor = Cursor.parse(str(page[0 if forward else -1].cursor))
    return [each for page in (pages[::-1] if forward else pages) for each in page]


def test_every_question_is_answered_as_by_looking_at_each_part(filled):
    rows = list(some_parts())
    for name, wanted in FILTERS.items():
        chosen = [row for row in rows if meant(wanted, row)]
        verdicts = Counter(row.verdict for row in chosen)
        assert {each.row.key: each.row for each in filled.each(wanted)} == {row.key: row for row in chosen}, name
        assert filled.counts(wanted) == Counts(*(verdicts[verdict] for verdict in Verdict)), name
        assert filled.causes(wanted) == Counter(row.cause for row in chosen if row.cause), name
        hours = Counter((row.captured_utc.replace(minute=0, second=0), row.verdict) for row in chosen)
        found = {(each.hour, v): getattr(each.counts, _NAMES[v]) for each in filled.per_hour(wanted) for v in Verdict}
        assert +Counter(found) == hours, name
        places = Counter((int(row.worst_y * 3), int(row.worst_x * 4)) for row in chosen if row.verdict is Verdict.FAIL)
        found = filled.worst_places(wanted, (3, 4))
        assert {(place.row, place.col): place.parts for place in found} == places, name
        assert [place.parts for place in found] == sorted(places.values(), reverse=True), name


_NAMES = {Verdict.PASS: "passed", Verdict.FAIL: "failed", Verdict.MISSED: "missed"}


@pytest.mark.parametrize("size", [1, 29])
@pytest.mark.parametrize("forward", [False, True])
def test_pages_have_each_part_once_newest_first(filled, size, forward):
    names = ["within an hour"] if size == 1 else FILTERS
    for name in names:
        wanted = FILTERS[name]
        found = all_pages(filled, wanted, size, forward=forward)
        assert sorted(keys(found)) == sorted(row.key for row in some_parts() if meant(wanted, row)), name
        times = [each.row.captured_utc for each in found]
        assert times == sorted(times, reverse=True), name


def test_what_is_written_twice_is_there_once_and_counted_once(store):
    rows = [part(number) for number in range(10)]
    assert store.write(rows[:6]) == 6
    assert store.write(rows) == 4
    assert store.write([part(3, verdict=Verdict.FAIL)]) == 0
    assert store.counts() == Counts(passed=10)
    assert store.part(PartKey("run", "", 3)).row.verdict is Verdict.PASS


def test_of_rows_that_cannot_all_be_written_none_is(store):
    with pytest.raises(StoreError):
        store.write([part(0), part(1, run_id="never begun")])
    assert store.counts() == Counts()
    assert store.parts() == []


def test_the_newest_word_on_a_part_counts_until_it_is_withdrawn(filled):
    first, second = (each.row.key for each in filled.parts(limit=2))
    assert filled.judge([first, second, PartKey("run", "none", 0)], Label.REALLY_BAD, "ann", T0) == 2
    assert filled.judge([second], Label.ACTUALLY_GOOD, "bob", T0 + HOUR) == 1
    assert keys(filled.parts(PartFilter(label=Label.REALLY_BAD))) == [first]
    assert filled.counts(PartFilter(label=Label.ACTUALLY_GOOD)).captured == 1
    said = filled.part(second).judged
    assert (said.label, said.who, said.utc) == (Label.ACTUALLY_GOOD, "bob", T0 + HOUR)
    filled.judge([first], None, "ann", T0 + HOUR)
    assert filled.part(first).judged is None
    assert filled.parts(PartFilter(label=Label.REALLY_BAD)) == []


def test_ids_that_too_many_share_are_refused(store, monkeypatch):
    monkeypatch.setattr(queries, "MANY", 10)
    store.write([part(number, part=f"SN{number:03}") for number in range(20)])
    assert [each.row.number for each in store.parts(PartFilter(part="SN011"))] == [11]
    for ask in (store.parts, store.counts, store.per_hour, store.worst_places, lambda w: list(store.each(w))):
        with pytest.raises(StoreError, match="10 parts or more have ids that begin with SN0: give more of it"):
            ask(PartFilter(part="SN0"))


def test_recent_scores_are_the_last_of_a_camera_oldest_first(filled):
    rows = sorted((row for row in some_parts() if row.camera == "left"), key=lambda row: row.captured_utc)
    found = filled.recent_scores("left", 20)
    assert [point.captured_utc for point in found] == [row.captured_utc for row in rows[-20:]]
    assert {(p.number, p.score, p.verdict) for p in found} <= {(r.number, r.score, r.verdict) for r in rows}


def test_a_place_on_the_edge_belongs_to_the_last_field(store):
    store.write([part(0, verdict=Verdict.FAIL, worst_x=1.0, worst_y=1.0)])
    assert store.worst_places(bins=(4, 5)) == [Place(3, 4, 1)]


def test_runs_products_thresholds_and_alarms_are_kept(filled):
    filled.end_run("second", T0 + HOUR)
    assert [(run.id, run.ended_utc) for run in filled.runs()] == [("second", T0 + HOUR), ("run", None)]
    assert (filled.products(), filled.cameras()) == (["alpha", "beta"], ["left", "right"])
    moved = [ThresholdRow("alpha", 5.0, 4.0, "ann", T0, "a" * 12), ThresholdRow("beta", 9.0, 8.0, "bob", T0, "b" * 12)]
    for change in moved:
        filled.change_threshold(change)
    assert filled.threshold_changes() == moved[::-1]
    assert filled.threshold_changes("alpha") == moved[:1]
    numbers = [filled.raise_alarm(AlarmRow(T0, "left", "drift", text)) for text in ("one", "two")]
    filled.end_alarm(numbers[0], T0 + HOUR)
    assert [(alarm.id, alarm.text) for alarm in filled.alarms(open_only=True)] == [(numbers[1], "two")]
    assert [alarm.ended_utc for alarm in filled.alarms()] == [None, T0 + HOUR]


def test_the_table_has_every_part_and_nothing_that_a_spreadsheet_computes(store):
    store.write([part(0, part="=1+2"), part(1, part="a\nb"), part(2, part="caf\u00e9")])
    store.judge([PartKey("run", "", 1)], Label.REALLY_BAD, "ann", T0)
    text = "".join(store.export_csv())
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["part"] for row in found] == ["'=1+2", "a\\nb", "caf\u00e9"]
    assert [row["label"] for row in found] == ["", "really_bad", ""]
    assert found[1]["captured_utc"] == "2026-03-01T12:00:01.000Z"
    assert text.count("\r\n") == 4


def test_names_that_are_no_text_are_kept_as_well_as_can_be(store):
    store.write([part(0, part="b\udcff"), part(1, part="nul\0", detail="x\0")])
    assert [each.row.part for each in store.each()] == ["b\\udcff", "nul\\0"]


def test_two_who_write_at_once_lose_nothing_and_count_right(url):
    with open_store(url) as store:
        store.begin_run(run_row())

    def write():
        with open_store(url, timeout_s=30) as own:
            for start in range(0, 200, 10):
                own.write([part(number) for number in range(start, start + 10)])

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with open_store(url) as store:
        assert store.counts() == Counts(passed=200)
        assert [each.row.number for each in store.each()] == list(range(200))


def test_the_migrations_make_the_tables_that_the_program_uses(store):
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_a_record_is_as_it_was_when_it_is_opened_again(url):
    with open_store(url) as store:
        store.begin_run(run_row())
        store.write([part(0)])
    with open_store(url, full=True) as store:
        assert store.part(part(0).key).row == part(0)
