"""A running line with its pages, and a browser to look at them."""

import httpx
import pytest
from running import PATIENCE_S, Running

from inspector.record.store import Store


@pytest.fixture
def line(station, tmp_path):
    """A line of alpha with its pages, by somebody at the machine itself."""
    with Store(str(tmp_path / "record.db")) as store, Running(station).served(store=store) as running:
        running.store = store
        yield running


@pytest.fixture
def client(line):
    """Asks the line's pages as a program does."""
    with httpx.Client(base_url=line.url, timeout=PATIENCE_S) as made:
        yield made


@pytest.fixture
def csrf(client):
    """The header that each change must carry."""
    return {"X-CSRF-Token": client.get("/api/session").json()["csrf"]}
