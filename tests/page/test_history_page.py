"""The history, in a real browser over a real line that records."""

import csv
import io
from datetime import datetime, timedelta, timezone

import pytest
from page_record import recording
from playwright.sync_api import expect
from running import wait_until

START = datetime(2026, 3, 2, 6, 30, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def dark_and_bright():
    """Brightnesses: every third part fails."""
    return [40, 40, 200] * 20


@pytest.fixture
def line(station, tmp_path, dark_and_bright):
    """A line that has recorded twenty hours."""
    with recording(station, tmp_path, START, timedelta(minutes=20)) as running:
        running.parts(*dark_and_bright)
        wait_until(lambda: running.store.counts().captured == len(dark_and_bright))
        yield running


def parts(page):
    """The parts in the table, from above."""
    return page.locator(".results a.row")


def expect_figures(page, **figures):
    for name, figure in figures.items():
        expect(page.locator(f"[data-figure={name}]")).to_have_text(figure)


def test_pages_lead_through_all_parts_and_back(line, page):
    page.goto(f"{line.url}/history")
    expect(parts(page)).to_have_text([f"part-{number}" for number in range(59, 9, -1)])
    page.get_by_role("link", name="Older").click()
    expect(parts(page)).to_have_text([f"part-{number}" for number in range(9, -1, -1)])
    page.get_by_role("link", name="Newer").click()
    expect(parts(page)).to_have_text([f"part-{number}" for number in range(59, 9, -1)])


def test_a_search_keeps_to_verdict_time_and_part(line, page):
    page.goto(f"{line.url}/history")
    expect_figures(page, captured="60", passed="40", failed="20")
    page.get_by_label("Verdict").select_option("rejects")
    page.get_by_role("button", name="Search").click()
    expect_figures(page, captured="20", passed="0", failed="20")
    expect(parts(page)).to_have_text([f"part-{number}" for number in range(59, 0, -3)])
    page.get_by_label("From").fill(f"{(START + timedelta(hours=15)).astimezone():%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Search").click()
    expect(parts(page)).to_have_text([f"part-{number}" for number in range(59, 44, -3)])
    page.get_by_label("Part begins with").fill("part-5")
    page.get_by_role("button", name="Search").click()
    expect(parts(page)).to_have_text(["part-59", "part-56", "part-53", "part-50"])
    page.get_by_role("link", name="Clear").click()
    expect(parts(page)).to_have_count(50)


def test_the_worst_places_are_drawn_and_ranked(line, page):
    page.goto(f"{line.url}/history")
    first = page.locator(".ranks li").first
    expect(first).to_contain_text("20 100 %")
    expect(page.locator("svg.part image")).to_have_count(1)
    expect(page.locator("svg.part rect")).to_have_count(1)


def test_rejects_per_hour_are_charted_and_told(line, page):
    page.goto(f"{line.url}/history")
    expect(page.locator(".hours canvas")).to_be_visible()
    page.get_by_text("As a table").click()
    rows = page.get_by_role("region", name="Parts per hour").locator("tbody tr")
    counts = [[int(cell) for cell in row.locator("td.n").all_text_contents()] for row in rows.all()]
    assert [sum(column) for column in zip(*counts, strict=True)] == [60, 20, 0]


def test_the_export_has_what_was_searched(line, page):
    page.goto(f"{line.url}/history?verdict=fail&part=part-1")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    text = download.value.path().read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["part"] for row in rows] == ["part-11", "part-14", "part-17"]
    assert {row["verdict"] for row in rows} == {"fail"}
    assert download.value.suggested_filename.endswith(".csv")


def test_a_part_has_a_page_of_its_own(line, page):
    page.goto(f"{line.url}/history?verdict=pass")
    page.get_by_role("link", name="part-58").click()
    expect(page.locator("h2")).to_have_text("PASS")
    picture = page.get_by_alt_text("as the model expected it")
    wait_until(lambda: picture.evaluate("image => image.naturalWidth") > 100)


def test_nonsense_is_refused_in_order(line, client):
    assert client.get("/history", params={"before": "yesterday"}).status_code == 422
    assert client.get("/history", params={"since": "the day before"}).status_code == 422
    assert client.get("/api/parts/run~~999").status_code == 404
    assert client.get("/api/parts/nothing/image.jpg").status_code == 404


def test_the_api_gives_the_same_parts_page_by_page(line, client):
    seen, before = [], None
    while True:
        found = client.get("/api/parts", params={"limit": 25} | ({"before": before} if before else {})).json()
        if not found["parts"]:
            break
        seen += [part["number"] for part in found["parts"]]
        before = found["older"]
    assert seen == list(range(59, -1, -1))
