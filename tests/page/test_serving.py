"""`run --serve` and `serve`: from the command line to the pages."""

import signal
import sys

import httpx
import numpy as np
import pytest
from drawn import save
from verb import verb

from inspector.page.server import listen


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


def test_a_port_that_is_taken_ends_the_run_before_it_starts(station, source, tmp_path):
    with listen("127.0.0.1:0") as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, said = verb(
            "run", "--product", "alpha", "--source", source, "--serve", address, *options(station, tmp_path)
        )
    assert code == 2
    assert (
        said
        == f"error: --serve {address}: cannot listen there (Address already in use): give another address or port\n"
    )
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize("package", ["fastapi", "uvicorn", "argon2", "sqlalchemy"])
def test_what_to_install_is_told_in_a_line(station, source, tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    code, said = verb("run", "--product", "alpha", "--source", source, "--serve", *options(station, tmp_path))
    assert code == 2
    assert said.count("\n") == 1
    assert package in said
    assert "pip install '.[station]'" in said
