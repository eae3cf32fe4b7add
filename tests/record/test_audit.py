"""The trail of changes, on both engines: only ever added to, and what was tampered with is found."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from verb import verb

from inspector.record import audit
from inspector.record.opening import open_store


@pytest.fixture
def trail(url):
    """A record with three entries; returns its address."""
    with open_store(url) as store:
        for number in range(3):
            audit.append(store, "maria", "set threshold", "bottle", {"new": number})
    return url


def run(trail, *statements):
    with open_store(trail) as store, store.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def tamper(trail, statement):
    """Change it as somebody with a database tool could, past the triggers."""
    disarm = ["ALTER TABLE audit_entries DISABLE TRIGGER USER"]
    if "://" not in trail:
        disarm = ["DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete"]
    run(trail, *disarm, statement)


def test_a_whole_trail_is_told_with_its_head(trail):
    code, said = verb("audit", "verify", "--record", trail)
    assert code == 0
    assert said.startswith("3 entries, all whole and in their place; head ")
    assert verb("audit", "verify", "--record", trail, "--head", said.split()[-1])[0] == 0


@pytest.mark.parametrize("statement", ["UPDATE audit_entries SET who = 'eve'", "DELETE FROM audit_entries"])
def test_entries_cannot_be_changed_or_removed(trail, statement):
    with pytest.raises(DBAPIError, match="only ever added"):
        run(trail, statement)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)  # SQLite has no TRUNCATE
def test_the_whole_table_cannot_be_emptied(trail):
    with pytest.raises(DBAPIError, match="only ever added"):
        run(trail, "TRUNCATE audit_entries")


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("UPDATE audit_entries SET who = 'eve' WHERE id = 2", "entry 2 was changed"),
        ("DELETE FROM audit_entries WHERE id = 2", "entry 2 is missing"),
        ("UPDATE audit_entries SET previous = hash WHERE id = 3", "entry 3 does not follow the one before it"),
        ("UPDATE audit_entries SET id = 4 WHERE id = 3", "entry 3 is missing"),
    ],
)
def test_what_was_tampered_with_is_found(trail, statement, wrong):
    tamper(trail, statement)
    code, said = verb("audit", "verify", "--record", trail)
    assert code == 2
    assert wrong in said
    assert said.count("\n") == 1


def test_a_trail_that_was_cut_off_is_found_by_the_head_noted_before(trail):
    head = verb("audit", "verify", "--record", trail)[1].split()[-1]
    tamper(trail, "DELETE FROM audit_entries WHERE id = 3")
    assert verb("audit", "verify", "--record", trail)[0] == 0
    code, said = verb("audit", "verify", "--record", trail, "--head", head)
    assert code == 2
    assert "its end was cut off" in said


def test_two_programs_add_to_one_chain(trail):
    with open_store(trail) as first, open_store(trail) as second:
        audit.append(first, "maria", "stop line", "line", {})
        audit.append(second, "otto", "stop line", "line", {"why": "\u00e4 \U0001f600 \0"})
        assert audit.verify(first).entries == 5
        assert not audit.verify(second).wrong
