"""`run --serve` and `serve`: from the command line to the pages."""

import signal
import sqlite3
import sys
from contextlib import closing

import httpx
import numpy as np
import pytest
from drawn import save
from running import wait_until
from verb import verb

from inspector.page.server import listen
from inspector.record.opening import open_store


@pytest.fixture
def source(tmp_path):
    return save(tmp_path / "parts" / "part.png", np.full((48, 64, 3), 40, np.uint8)).parent


def options(station, tmp_path):
    return (
        *("--model-dir", station.models, "--config-dir", station.config, "--log-dir", tmp_path / "logs"),
        *("--record", tmp_path / "record.db", "--archive", tmp_path / "archive"),
    )


def test_a_run_shows_its_pages_and_ends_with_them(start, station, source, tmp_path):
    process = start(
        *("run", "--product", "alpha", "--source", source, "--fps", "20", "--loop", "--serve", "127.0.0.1:0"),
        *options(station, tmp_path),
    )
    address = process.err.until("pages: ")[-1].removeprefix("pages: ")
    process.out.until("PASS")
    assert httpx.get(f"{address}api/live").json()["cameras"][0]["product"] == "alpha"
    assert process.end(signal.SIGTERM) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(address)


def test_the_record_is_served_without_a_line(start, tmp_path):
    process = start("serve", "127.0.0.1:0", "--record", tmp_path / "record.db")
    address = process.err.until("pages: ")[-1].removeprefix("pages: ")
    assert "No line runs here" in httpx.get(address).text
    assert process.end(signal.SIGTERM) == 0


def test_a_line_whose_port_is_taken_runs_and_gets_its_pages_when_it_is_free(start, station, source, tmp_path):
    with listen("127.0.0.1:0") as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        process = start(
            *("run", "--product", "alpha", "--source", source, "--fps", "20", "--loop", "--serve", address),
            *options(station, tmp_path),
        )
        assert "pages come when the port is free" in process.err.until(f"--serve {address}: cannot listen there")[-1]
        process.out.until("PASS")
    process.err.until(f"pages: http://{address}/")
    assert httpx.get(f"http://{address}/readyz").text == "ready\n"
    assert process.end(signal.SIGTERM) == 0


def test_an_address_that_is_none_ends_the_run_before_it_starts(station, source, tmp_path):
    code, said = verb("run", "--product", "alpha", "--source", source, "--serve", "8080x", *options(station, tmp_path))
    assert (code, said.count("\n")) == (2, 1)
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("package", ["fastapi", "uvicorn", "argon2", "sqlalchemy"])
def test_what_to_install_is_told_in_a_line(station, source, tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    code, said = verb("run", "--product", "alpha", "--source", source, "--serve", *options(station, tmp_path))
    assert code == 2
    assert said.count("\n") == 1
    assert package in said
    assert "pip install '.[station]'" in said


def test_a_record_that_is_locked_stops_neither_line_nor_pages_and_is_taken_when_it_is_free(
    start, station, source, tmp_path
):
    """Until then nobody may change anything: who may is in the record."""
    with open_store(str(tmp_path / "record.db")):
        pass
    with closing(sqlite3.connect(tmp_path / "record.db", isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        process = start(
            *("run", "--product", "alpha", "--source", source, "--fps", "20", "--loop", "--serve", "127.0.0.1:0"),
            *options(station, tmp_path),
        )
        address = process.err.until("pages: ")[-1].removeprefix("pages: ")
        process.out.until("PASS")
        wait_until(lambda: "is locked by another program" in httpx.get(address).text)
        assert "is locked by another program" in httpx.get(f"{address}history").text
        with httpx.Client(base_url=address) as client:
            token = {"X-CSRF-Token": client.get("/api/session").json()["csrf"]}
            refused = client.put("/api/cameras/line/product", json={"product": "beta"}, headers=token)
        assert (refused.status_code, "pages only show the line" in refused.text) == (503, True)
        other.execute("COMMIT")
    wait_until(lambda: "PASS" in httpx.get(f"{address}history").text)
    assert "not all of it is kept" not in httpx.get(address).text
    assert process.end(signal.SIGTERM) == 0
