"""Records on both engines: SQLite in a file, and a PostgreSQL server of the tests' own."""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from process import PATIENCE_S
from recorded import run_row

from inspector.record.opening import open_store

_numbers = itertools.count()


@pytest.fixture(scope="session")
def server():
    """Address of a database on a PostgreSQL server of the tests' own."""
    folder = next((Path(found).resolve().parent for found in _binaries()), None)
    if folder is None:
        pytest.skip("no PostgreSQL server on this machine: apt-get install postgresql")
    home = Path(tempfile.mkdtemp(prefix="record-"))
    user = _user()
    if user:
        os.chown(home, pwd.getpwnam(user).pw_uid, -1)
    as_user = {"user": user, "cwd": home, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        make = [folder / "initdb", "-D", home / "data", "-A", "trust", "-U", "tester", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run(make, check=True, **as_user)
        port = _free_port()
        options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={home}", "-c", "fsync=off"]
        with _running([folder / "postgres", "-D", home / "data", "-p", str(port), *options], as_user):
            _wait_for(port)
            yield f"postgresql://tester@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """An empty record of its own, on each engine."""
    if request.param == "sqlite":
        return str(tmp_path / "record.db")
    return new_schema(request.getfixturevalue("server"))


@pytest.fixture
def store(url):
    with open_store(url) as opened:
        opened.begin_run(run_row())
        yield opened


def new_schema(server):
    """A role with a schema of its own, which is all that it sees: made in milliseconds, as no database is."""
    import psycopg  # noqa: PLC0415

    name = f"test{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN")
        connection.execute(f"CREATE SCHEMA AUTHORIZATION {name}")
    return server.replace("tester@", f"{name}@")


def _binaries():
    found = shutil.which("postgres")
    return [*([found] if found else []), *sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True)]


def _user():
    """The server does not run as root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


@contextlib.contextmanager
def _running(command, options):
    process = subprocess.Popen(command, **options)
    try:
        yield
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: nothing of it is needed again
        process.wait(PATIENCE_S)


def _wait_for(port):
    import psycopg  # noqa: PLC0415

    end_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            psycopg.connect(f"postgresql://tester@127.0.0.1:{port}/postgres").close()
        except psycopg.OperationalError:
            assert time.monotonic() < end_s, "the server does not start"
            time.sleep(0.05)
        else:
            return
