"""Accounts and sessions, on both engines."""

from datetime import datetime, timezone

import pytest
from sqlalchemy import update
from verb import verb

from inspector.errors import StoreError
from inspector.record.accounts import IDLE, Accounts, Session


@pytest.fixture
def accounts(store):
    found = Accounts(store)
    found.put("ann", "engineer", "hash of ann")
    found.put("bob", "viewer", "hash of bob")
    return found


def test_an_account_has_a_role_and_a_password(store, accounts):
    assert [(each.name, each.role) for each in accounts.all()] == [("ann", "engineer"), ("bob", "viewer")]
    assert accounts.any()
    assert (accounts.password_hash("ann"), accounts.password_hash("eve")) == ("hash of ann", None)
    created = accounts.all()[0].created_utc
    accounts.put("ann", "operator", "another")
    assert (accounts.all()[0].role, accounts.all()[0].created_utc) == ("operator", created)


def test_who_has_a_token_is_known_until_the_session_ends(accounts):
    accounts.begin_session("ann", "token")
    assert accounts.whose("token").name == "ann"
    assert accounts.whose("tokem") is None
    accounts.end_session("token")
    assert accounts.whose("token") is None


def test_a_new_password_or_role_and_a_removal_end_the_sessions(accounts):
    for name in ("ann", "bob"):
        accounts.begin_session(name, f"token of {name}")
    accounts.put("ann", "engineer", "another")
    accounts.remove("bob")
    assert [accounts.whose(f"token of {name}") for name in ("ann", "bob")] == [None, None]
    with pytest.raises(StoreError, match="no account bob"):
        accounts.remove("bob")


def test_a_session_that_nobody_used_for_a_shift_is_over_and_use_prolongs_it(store, accounts):
    def last_used(token_of, ago):
        with store.changing() as connection:
            used = datetime.now(timezone.utc) - ago
            connection.execute(update(Session).where(Session.name == token_of).values(used_utc=used))

    for name in ("ann", "bob"):
        accounts.begin_session(name, name)
    last_used("bob", 1.01 * IDLE)
    assert accounts.whose("bob") is None
    last_used("ann", 0.9 * IDLE)
    assert accounts.whose("ann").name == "ann"
    with store.reading() as connection:
        used = connection.execute(Session.__table__.select().where(Session.name == "ann")).one().used_utc
    assert datetime.now(timezone.utc) - used < 0.1 * IDLE


def test_the_verbs_do_the_same_on_either_engine(url):
    assert verb("account", "add", "eva", "--role", "operator", "--record", url, typed="a long password\n") == (0, "")
    assert verb("account", "list", "--record", url)[1].startswith("eva  operator  since ")
    assert verb("account", "remove", "eva", "--record", url) == (0, "")
    assert verb("account", "list", "--record", url) == (0, "")
    trail = verb("audit", "list", "--record", url)[1].splitlines()
    assert ["add account" in line or "remove account" in line for line in trail] == [True, True]
