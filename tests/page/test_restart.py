"""What an engineer began on the Setup page is there after the pages were restarted, until it is used or discarded."""

import shutil
import signal
from contextlib import contextmanager
from datetime import datetime, timezone

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from test_accessible import RULES
from test_serving import options
from test_setup_page import TRAINING_MS, drawn

from inspector.images import write_image
from inspector.page.app import create_app
from inspector.page.server import Server, listen
from inspector.page.training import Report
from inspector.page.unfinished import UnfinishedFiles

ENDED = datetime(2026, 3, 4, 5, 6, tzinfo=timezone.utc)


@contextmanager
def restarted(line):
    """Other pages over the same line and the same files, as after a restart; gives their address."""
    app = create_app(line.hub, line.station.config, line.station.models, store=line.store)
    with Server(app, line.hub, listen("127.0.0.1:0")) as server:
        yield server.address.rstrip("/")


def taken(line, page, product, numbers):
    """Take a picture of each of these parts, on the page."""
    page.goto(f"{line.url}/setup")
    page.get_by_label("Name of the product").fill(product)
    page.get_by_role("button", name="Take pictures").click()
    expect(page.locator("[data-stage=collecting]")).to_be_visible()
    for number in numbers:
        line.parts(drawn(number))
        expect(page.locator("[data-taken]")).to_have_text(str(number + 1))


def pictures(line, product, folder="train/good"):
    return sorted((line.station.config.parent / "data" / product / folder).glob("*.png"))


def trained(station, product="alpha"):
    """A model in the draft of a product, and what training said of it."""
    drafts = station.config / "drafts"
    drafts.mkdir()
    shutil.copy(station.recipe(product), drafts)
    (station.models / "drafts").mkdir()
    shutil.copy(station.model(product), station.models / "drafts")
    kept = UnfinishedFiles(drafts)
    kept.begin(product, [], "")
    kept.learned(product, Report(ENDED, images=41, seconds=12, ms_per_part=9, threshold=5, budget=0.1, guaranteed=True))


def test_good_parts_that_were_taken_are_offered_again(line, page):
    taken(line, page, "disc", range(3))
    with restarted(line) as address:
        page.goto(f"{address}/setup")
        waiting = page.locator("[data-waiting=disc]")
        expect(waiting).to_contain_text("3 good parts taken, not trained on yet")
        waiting.get_by_role("button", name="Go on with disc").click()
        expect(page.locator("[data-taken]")).to_have_text("3")
        page.get_by_role("button", name="Take more").click()
        expect(page.get_by_role("button", name="Pause")).to_be_visible()
        line.parts(drawn(3))
        expect(page.locator("[data-taken]")).to_have_text("4")


def test_good_parts_that_were_taken_can_be_discarded_and_lie_aside(line, page):
    mine = line.station.config.parent / "data" / "disc" / "train" / "good" / "mine.png"
    mine.parent.mkdir(parents=True)
    write_image(mine, drawn(0))
    taken(line, page, "disc", (1, 2))
    with restarted(line) as address:
        page.goto(f"{address}/setup")
        page.get_by_role("button", name="Discard what waits of disc").click()
        page.get_by_role("button", name="Yes").click()
        expect(page.locator("[data-waiting]")).to_have_count(0)
        expect(page.locator("[data-stage=start]")).to_be_visible()
    assert pictures(line, "disc") == [mine]
    assert len(pictures(line, "disc", "taken_out")) == 2
    with restarted(line) as address:
        page.goto(f"{address}/setup")
        expect(page.locator("[data-stage=start]")).to_be_visible()
        expect(page.locator("[data-waiting]")).to_have_count(0)


def test_a_model_that_was_trained_is_offered_again_with_its_report(line, page):
    trained(line.station)
    page.emulate_media(reduced_motion="reduce")
    when = f"rained on {ENDED.astimezone():%Y-%m-%d %H:%M}, not taken over yet"
    with restarted(line) as address:
        page.goto(f"{address}/setup")
        expect(page.locator("[data-waiting=alpha]")).to_contain_text(when)
        expect(page.locator("[data-product=alpha]")).to_contain_text(when)
        assert not Axe().run(page, options=RULES).response["violations"]
        page.get_by_role("button", name="Report of alpha").click()
        expect(page.locator("#taught")).to_contain_text(when)
        assert not Axe().run(page, options=RULES).response["violations"]
        expect(page.locator("[data-report]")).to_contain_text("41 good parts, 12 s")
        page.get_by_role("button", name="Take over").click()
        expect(page.locator("[data-arrived]")).to_be_visible()
        page.get_by_role("button", name="Teach another").click()
        expect(page.locator("[data-stage=start]")).to_be_visible()
        expect(page.locator("[data-waiting]")).to_have_count(0)
    assert line.station.load().recipe.model.startswith("alpha-")


def test_a_model_that_was_trained_can_be_discarded(line, page):
    trained(line.station)
    before = line.station.recipe().read_bytes()
    with restarted(line) as address:
        page.goto(f"{address}/setup")
        page.get_by_role("button", name="Report of alpha").click()
        expect(page.locator("[data-report]")).to_be_visible()  # the list before it has a button to discard, too
        page.get_by_role("button", name="Discard").click()
        page.get_by_role("button", name="Yes").click()
        expect(page.locator("[data-stage=start]")).to_be_visible()
        expect(page.locator("[data-waiting]")).to_have_count(0)
        expect(page.locator("[data-product=alpha] span")).to_have_text("ready")
    assert not list((line.station.models / "drafts").glob("*.onnx"))
    assert line.station.recipe().read_bytes() == before


def test_a_model_does_not_wait_once_another_area_was_drawn(line, client, csrf):
    trained(line.station)
    line.parts(line.station.dark)
    assert "data-waiting" in client.get("/setup").text
    area = {"judge": [[(0.1, 0.1), (0.9, 0.1), (0.9, 0.9)]]}
    client.put("/api/products/alpha/area", json=area, headers=csrf).raise_for_status()
    assert "data-waiting" not in client.get("/setup").text


def test_a_note_that_was_damaged_stops_nothing(line, client):
    trained(line.station)
    (line.station.config / "drafts" / "alpha.json").write_text("{")
    assert client.get("/setup").status_code == 200


def test_a_program_that_was_killed_offers_what_it_had_taken(start, station, tmp_path, page):
    for number in range(4):
        write_image(tmp_path / f"{number}.png", drawn(number))
    killed = start("serve", "127.0.0.1:0", *options(station, tmp_path))
    page.goto(killed.err.until("pages: ")[-1].removeprefix("pages: ") + "setup")
    page.get_by_label("Name of the product").fill("disc")
    page.locator("#teach-source").fill(str(tmp_path))
    page.get_by_role("button", name="Take pictures").click()
    expect(page.locator("[data-taken]")).to_have_text("4")
    killed.kill()
    served = start("serve", "127.0.0.1:0", *options(station, tmp_path))
    page.goto(served.err.until("pages: ")[-1].removeprefix("pages: ") + "setup")
    expect(page.locator("[data-waiting=disc]")).to_contain_text("4 good parts taken, not trained on yet")
    page.get_by_role("button", name="Go on with disc").click()
    expect(page.locator("#more-source")).to_have_value(str(tmp_path))
    assert served.end(signal.SIGTERM) == 0


@pytest.mark.slow
def test_what_training_said_is_kept(line, page):
    page.set_default_timeout(TRAINING_MS)
    taken(line, page, "disc", range(5))
    page.get_by_label("Effort").select_option("quick: fewer pixels, usual settings")
    page.get_by_role("button", name="Train with 5 parts").click()
    expect(page.locator("[data-report]")).to_be_visible(timeout=TRAINING_MS)
    said = page.locator("[data-report]").inner_text()
    with restarted(line) as address:
        page.goto(f"{address}/setup")
        page.get_by_role("button", name="Report of disc").click()
        expect(page.locator("[data-report]")).to_be_visible()
        assert page.locator("[data-report]").inner_text() == said
        page.get_by_role("button", name="Take more, train again").click()
        expect(page.locator("[data-stage=collecting]")).to_be_visible()
        expect(page.locator("[data-taken]")).to_have_text("5")
