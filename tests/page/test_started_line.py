"""A line that is started and stopped from the pages of `serve`, in processes of their own."""

import contextlib
import os
import signal
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from running import PATIENCE_S, wait_until
from test_accessible import RULES
from test_serving import options, source  # noqa: F401  (a fixture)

from inspector.record import audit
from inspector.record.store import Store

WAIT_MS = 1000 * PATIENCE_S


@pytest.fixture
def served(start, station, tmp_path):
    """The program that serves, and its address. A line that a failed test left behind ends with the test."""
    process = start("serve", "127.0.0.1:0", *options(station, tmp_path))
    process.address = process.err.until("pages: ")[-1].removeprefix("pages: ")
    yield process
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(tmp_path).encode() in line.read_bytes():
                os.kill(int(line.parent.name), signal.SIGKILL)


def children(process):
    pid = process._process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_an_engineer_starts_a_line_and_stops_it(served, source, tmp_path, page):  # noqa: F811
    page.set_default_timeout(WAIT_MS)
    page.goto(f"{served.address}setup")
    page.emulate_media(reduced_motion="reduce")
    found = Axe().run(page, options=RULES)
    assert not found.response["violations"], found.generate_report()
    page.get_by_label("Product", exact=True).select_option("alpha")
    page.get_by_label("From the camera, address or folder").fill(str(tmp_path / "nowhere"))
    page.get_by_role("button", name="Start the line").click()
    expect(page.locator("[data-why]")).to_contain_text("nowhere: no such source", timeout=WAIT_MS)
    page.get_by_label("Product", exact=True).select_option("alpha")
    page.get_by_label("From the camera, address or folder").fill(str(source))
    page.get_by_label("folder or video again and again").check()
    page.get_by_role("button", name="Start the line").click()
    expect(page.locator("[data-line=running]")).to_contain_text("Inspecting alpha", timeout=WAIT_MS)
    page.get_by_role("link", name="See the line").click()
    expect(page.locator(".verdict strong")).to_have_text("PASS", timeout=WAIT_MS)
    page.get_by_role("link", name="Setup").click()
    page.get_by_role("button", name="Stop the line").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("[data-why]")).to_contain_text("it was stopped", timeout=WAIT_MS)
    expect(page.get_by_role("button", name="Start the line")).to_be_visible()
    with Store(str(tmp_path / "record.db")) as store:
        said = [(entry.action, entry.subject) for entry in audit.entries(store, limit=10)]
    assert said == [("stop line", "line"), ("start line", "alpha"), ("start line", "alpha")]
    assert served.end(signal.SIGTERM) == 0


def test_a_line_goes_on_without_the_program_that_started_it(served, source, station, tmp_path, start):  # noqa: F811
    csrf = begun(served, source)
    (line,) = children(served)
    os.kill(line, signal.SIGKILL)
    wait_until(lambda: "it was ended from outside (SIGKILL)" in answer(served, "setup").text)
    camera = f"camera: {{kind: folder, path: {source}, loop: true}}"
    (station.config / "station.yaml").write_text(
        f"cameras:\n  left: {{product: alpha, {camera}}}\n  right: {{product: beta, {camera}}}\n"
    )
    csrf = begun(served)
    assert [each["name"] for each in answer(served, "api/live").json()["cameras"]] == ["left", "right"]
    served.kill()
    seen = judged(served)
    wait_until(lambda: judged(served) > seen)
    again = start("serve", served.address.removeprefix("http://").rstrip("/"), *options(station, tmp_path))
    assert again.wait() == 2
    assert "cannot listen there" in again.err.next()
    httpx.post(f"{served.address}setup/line/stop", timeout=PATIENCE_S, **csrf)
    wait_until(lambda: answer(served, "") is None)


def answer(served, path):
    """None where nobody answers, or who did has just left."""
    try:
        return httpx.get(served.address + path, timeout=PATIENCE_S)
    except httpx.TransportError:
        return None


def judged(served):
    """How many parts the line has judged; 0 where none runs."""
    live = answer(served, "api/live")
    return sum(camera["sequence"] for camera in live.json()["cameras"]) if live else 0


def begun(served, source=None):  # noqa: F811
    """Start alpha on a source, or all cameras of the station, and wait for it; returns what a change must carry."""
    session = answer(served, "api/session")
    csrf = {"headers": {"X-CSRF-Token": session.json()["csrf"]}, "cookies": dict(session.cookies)}
    wish = {"product": "alpha", "source": str(source), "loop": "true"} if source else {}
    assert httpx.post(f"{served.address}setup/line/start", data=wish, timeout=PATIENCE_S, **csrf).status_code == 200
    wait_until(lambda: judged(served))
    return csrf
