"""The trail of changes: only ever added to, and what was tampered with is found."""

import sqlite3

import pytest
from test_accounts import verb

from inspector.record import audit
from inspector.record.store import Store


@pytest.fixture
def trail(tmp_path):
    """A file with three entries; returns its path."""
    file = tmp_path / "record.db"
    with Store(str(file)) as store:
        for number in range(3):
            audit.append(store, "maria", "set threshold", "bottle", {"new": number})
    return file


def tamper(file, *statements):
    """Change the file as somebody with a database tool could, past the triggers."""
    with sqlite3.connect(file) as database:
        database.execute("DROP TRIGGER audit_no_update")
        database.execute("DROP TRIGGER audit_no_delete")
        for statement in statements:
            database.execute(statement)
    database.close()


def test_a_whole_trail_is_told_with_its_head(trail):
    code, said = verb("audit", "verify", "--record", trail)
    assert code == 0
    assert said.startswith("3 entries, all whole and in their place; head ")
    assert verb("audit", "verify", "--record", trail, "--head", said.split()[-1])[0] == 0


@pytest.mark.parametrize("statement", ["UPDATE audit_entries SET who = 'eve'", "DELETE FROM audit_entries"])
def test_entries_cannot_be_changed_or_removed(trail, statement):
    database = sqlite3.connect(trail)
    with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
        database.execute(statement)
    database.close()


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
    with Store(str(trail)) as first, Store(str(trail)) as second:
        audit.append(first, "maria", "stop line", "line", {})
        audit.append(second, "otto", "stop line", "line", {"why": "\u00e4 \U0001f600"})
        assert audit.verify(first).entries == 5
        assert not audit.verify(second).wrong
