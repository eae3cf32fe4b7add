"""Rows that are too old go, in small batches; rejects stay longer, what people judged stays, and so do the counts."""

from datetime import timedelta

import pytest
from recorded import T0, part, run_row

from inspector.record import audit, retention
from inspector.record.opening import open_store
from inspector.record.recorder import Recorder
from inspector.record.retention import Retention, forget
from inspector.record.rows import Label, PartFilter
from inspector.records import Counts, Verdict

DAY = timedelta(days=1)
RULES = Retention(pass_days=10, reject_days=20)
NOW = T0 + timedelta(hours=1)


@pytest.fixture
def filled(store):
    """Thirty days, each with nine passed parts and a reject; the newest are of T0."""
    rows = [
        part(10 * day + n, captured_utc=T0 - day * DAY, verdict=Verdict.FAIL if n == 9 else Verdict.PASS)
        for day in range(30)
        for n in range(10)
    ]
    store.write(rows)
    return store


def days_of(store, wanted):
    return sorted({(T0 - each.row.captured_utc).days for each in store.each(wanted)})


def test_passed_parts_go_first_and_rejects_later(filled):
    assert sum(forget(filled, RULES, NOW)) == 9 * 20 + 10
    assert days_of(filled, PartFilter(verdicts=(Verdict.PASS,))) == list(range(10))
    assert days_of(filled, PartFilter(verdicts=(Verdict.FAIL,))) == list(range(20))
    assert list(forget(filled, RULES, NOW)) == []


def test_what_was_counted_stays_counted(filled):
    before = filled.per_hour()
    assert sum(forget(filled, RULES, NOW)) > 0
    assert filled.counts() == Counts(passed=270, failed=30)
    assert filled.per_hour() == before


def test_pages_pass_over_the_hours_whose_rows_are_gone(filled):
    list(forget(filled, RULES, NOW))
    found, cursor = [], None
    while page := filled.parts(before=cursor, limit=7):
        found += page
        cursor = page[-1].cursor
    assert len(found) == len(list(filled.each())) == 10 * 9 + 20
    assert filled.parts(PartFilter(until=T0 - 25 * DAY)) == []


def test_what_people_judged_stays_with_the_word_on_it_also_one_that_was_taken_back(filled):
    oldest = next(iter(filled.each())).row.key
    other = filled.parts(PartFilter(until=T0 - 28 * DAY), limit=1)[0].row.key
    filled.judge([oldest, other], Label.REALLY_BAD, "ann", T0)
    filled.judge([other], None, "ann", T0)
    list(forget(filled, RULES, NOW))
    assert filled.part(oldest).judged.label is Label.REALLY_BAD
    assert filled.part(other).judged is None


def test_few_rows_go_at_once_and_0_days_are_for_ever(filled, monkeypatch):
    monkeypatch.setattr(retention, "AT_ONCE", 4)
    assert set(forget(filled, Retention(pass_days=10, reject_days=0), NOW)) == {4, 1}
    assert filled.counts(PartFilter(verdicts=(Verdict.FAIL,))).failed == 30
    assert list(forget(filled, Retention(0, 0), NOW)) == []


def test_a_log_that_is_read_again_brings_nothing_back_and_counts_nothing_twice(filled):
    everything = [each.row for each in filled.each()]
    list(forget(filled, RULES, NOW))
    there = len(list(filled.each()))
    assert filled.write_from_log([*everything, part(9999)]) == 1
    assert len(list(filled.each())) == there + 1
    assert filled.counts() == Counts(passed=271, failed=30)


def test_the_trail_stays_whole(filled):
    audit.append(filled, "ann", "set threshold", "alpha", {})
    list(forget(filled, Retention(1, 1), T0 + 9999 * DAY))
    assert list(filled.each()) == []
    assert audit.verify(filled).entries == 1


def test_two_stations_that_forget_at_once_count_right(url):
    with open_store(url) as first, open_store(url, timeout_s=30) as second:
        first.begin_run(run_row())
        first.write([part(n, captured_utc=T0 - 30 * DAY) for n in range(2000)])
        gone = [sum(pair) for pair in zip(forget(first, RULES, NOW), forget(second, RULES, NOW), strict=False)]
        assert sum(gone) + sum(forget(first, RULES, NOW)) == 2000
        assert first.hours_kept([Verdict.PASS], T0) == []


def test_a_running_line_forgets_between_its_batches(url):
    with open_store(url) as store:
        store.begin_run(run_row())
        store.write([part(n, captured_utc=T0 - 30 * DAY) for n in range(1200)])
    recorder = Recorder(lambda: open_store(url), run_row(), retention=RULES, utc_now=lambda: NOW)
    with open_store(url) as store:
        while store.parts(PartFilter(until=T0 - 29 * DAY), limit=1):
            recorder.add(part(5000 + store.counts().captured))
        recorder.close()
        assert store.counts().captured >= 1200
        assert all(each.row.captured_utc > T0 - DAY for each in store.each())
