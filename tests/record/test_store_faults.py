"""A record that cannot be used is told in one line that says what to do."""

import contextlib
import os
import socket
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from recorded import part, run_row
from sqlalchemy import event, make_url, text

from inspector.errors import StoreError
from inspector.record.engine import open_engine
from inspector.record.opening import open_store
from inspector.records import Counts


def refused(url, **options):
    with pytest.raises(StoreError) as raised:
        open_store(str(url), **options)
    (line,) = str(raised.value).splitlines()
    return line


def test_a_newer_schema_is_refused_and_left_as_it_is(url):
    with open_store(url) as store, store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert "written by a newer program (schema 9999" in refused(url)
    assert "update this program" in refused(url)


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "record.db").write_bytes(b"part,verdict\n" * 1000)
    assert "is no database of this program" in refused(tmp_path / "record.db")


def test_a_database_of_another_program_is_not_touched(tmp_path):
    path = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE parts (x)")
        other.commit()
    assert "belongs to another program" in refused(path)
    with contextlib.closing(sqlite3.connect(path)) as other:
        assert [name for (name,) in other.execute("SELECT name FROM sqlite_master")] == ["parts"]


def test_a_damaged_database(tmp_path):
    with open_store(str(tmp_path / "record.db")) as store:
        store.begin_run(run_row())
        store.write([part(number) for number in range(2000)])
    content = bytearray((tmp_path / "record.db").read_bytes())
    content[4096 * 3 :] = b"\x55" * (len(content) - 4096 * 3)
    (tmp_path / "record.db").write_bytes(content)
    with pytest.raises(StoreError, match="is damaged: restore it"), open_store(str(tmp_path / "record.db")) as store:
        list(store.each())


def test_a_folder_that_is_missing_or_no_file(tmp_path):
    assert f"there is no folder {tmp_path / 'none'}" in refused(tmp_path / "none" / "record.db")
    assert "cannot be opened: give a file in a folder that can be written" in refused(tmp_path)


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="needs a folder in which nobody can make a file")
def test_a_place_that_cannot_be_written():
    assert "cannot be opened: give a file in a folder that can be written" in refused("/proc/record.db")


def test_a_locked_database(tmp_path):
    path = tmp_path / "record.db"
    with open_store(str(path), timeout_s=0.05) as store, contextlib.closing(sqlite3.connect(path)) as other:
        store.begin_run(run_row())
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is locked by another program"):
            store.write([part(0)])
        assert store.counts() == Counts()  # who reads does not wait
        other.rollback()
        assert store.write([part(0)]) == 1


def test_a_disk_that_is_full(tmp_path):
    with open_store(str(tmp_path / "record.db")) as store:
        store.begin_run(run_row())
        event.listen(store.engine, "checkout", lambda connection, *_: connection.execute("PRAGMA max_page_count = 100"))
        with pytest.raises(StoreError, match="the disk is full"):
            store.write([part(number) for number in range(5000)])
        assert store.counts() == Counts()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://host/name", "wants SQLite or PostgreSQL"),
        ("sqlite://", "names no file"),
        ("postgresql://:::", "no database's address"),
    ],
)
def test_an_address_that_is_none(url, said):
    assert said in refused(url)


def test_a_server_that_is_away_and_a_password_that_is_not_shown():
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    line = refused(f"postgresql://ann:secret@127.0.0.1:{port}/line")
    assert f"ann:***@127.0.0.1:{port}/line" in line
    assert "secret" not in line


def test_a_database_that_the_server_lacks(server):
    assert "does not exist" in refused(server.replace("/postgres", "/nowhere"))


def test_without_the_extra_the_record_says_what_to_install_and_the_line_needs_none_of_it():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['sqlalchemy', 'alembic', 'psycopg']))\n"
        "import inspector.verbs.run, inspector.verbs.line\n"
        "from inspector.errors import DependencyError\n"
        "from inspector.record.opening import open_store\n"
        "try: open_store('record.db')\n"
        "except DependencyError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "the record needs sqlalchemy, which is not installed: pip install '.[station]' in the project's folder"
    ]


def test_who_opens_a_new_record_in_the_same_moment_waits(tmp_path):
    """SQLite refuses the second one at once, whatever time it was given, while the first one sets its journal up."""

    def connect(round_number, gate):
        engine = open_engine(make_url(f"sqlite:///{tmp_path}/{round_number}.db"), "normal", 5.0)
        gate.wait()
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
        engine.dispose()

    with ThreadPoolExecutor(4) as people:
        for number in range(60):
            gate = threading.Barrier(4)
            list(people.map(connect, [number] * 4, [gate] * 4))  # raises what one of them raised
