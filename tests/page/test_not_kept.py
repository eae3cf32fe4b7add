"""What goes wrong with record and archive is told in one line and on the page, and the line keeps judging."""

from functools import partial

import httpx
import pytest
from running import Running, wait_until
from sqlalchemy import text

from inspector.identity import RunIdentity
from inspector.page.record_link import RecordLink
from inspector.record.archive import ArchiveSettings
from inspector.record.composition import recording
from inspector.record.opening import open_store


def newer(folder):
    with open_store(str(folder / "record.db")) as store, store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))


def no_database(folder):
    (folder / "record.db").write_bytes(b"part,verdict\n" * 1000)


def missing(folder):
    (folder / "record.db").symlink_to(folder / "away" / "record.db")


def no_folder(folder):
    (folder / "archive").write_text("a file, and no folder")


@pytest.mark.parametrize(
    ("spoil", "settings", "words"),
    [
        (newer, {}, "written by a newer program"),
        (no_database, {}, "is no database of this program"),
        (missing, {}, "cannot be opened"),
        (no_folder, {}, "no pictures are archived"),
        (lambda folder: None, {"free_bytes": 10**18}, "free on its disk"),
    ],
    ids=["newer schema", "no database", "database missing", "archive not writable", "disk full"],
)
def test_the_line_keeps_judging_and_the_page_says_what_is_not_kept(station, tmp_path, caplog, spoil, settings, words):
    spoil(tmp_path)
    url, identity = str(tmp_path / "record.db"), RunIdentity.begin()
    sink = recording(url, identity, tmp_path / "logs", station.load, ArchiveSettings(tmp_path / "archive", **settings))
    line = Running(station, identity=identity, sinks=[sink])
    line.hub.add(line.feed, line.control, lambda: sink.troubles)
    with RecordLink(partial(open_store, url)) as link, line.served(link=link):
        line.parts(station.dark, station.bright, station.bright)
        wait_until(lambda: words in httpx.get(line.url).text)
        assert line.feed.state.counts.captured == 3
        (badge,) = [
            each for each in httpx.get(f"{line.url}/api/live").json()["cameras"][0]["badges"] if each["name"] == "disk"
        ]
        assert badge["state"] == "deviates"
        assert httpx.get(f"{line.url}/history").status_code == 200
    assert sum(words in record.getMessage() for record in caplog.records) == 1


def test_who_sits_elsewhere_sees_nothing_while_nobody_knows_who_has_an_account(station, tmp_path):
    no_database(tmp_path)
    with (
        RecordLink(partial(open_store, str(tmp_path / "record.db"))) as link,
        Running(station).served(link=link) as line,
    ):
        answer = httpx.get(line.url, headers={"Forwarded": "for=elsewhere"})
        assert answer.status_code == 503
        assert "is no database of this program" in answer.text


def test_a_record_that_comes_later_is_taken(tmp_path):
    """The link tries again by itself."""
    no_database(tmp_path)
    url = tmp_path / "record.db"
    with RecordLink(partial(open_store, str(url)), retry_s=0.01) as link:
        assert (link.store, "is no database" in link.trouble) == (None, True)
        url.unlink()
        wait_until(lambda: link.store)
        assert link.trouble == ""
        store = link.store
        assert store is not None
        assert store.counts().captured == 0
