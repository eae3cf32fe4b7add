"""Real bottles on the pages of a real run, in a real browser."""

import pytest

playwright = pytest.importorskip("playwright.sync_api")


@pytest.fixture
def address(bottle, start, tmp_path):
    """Where the pages of a run of all test bottles are, a thousand a minute, again and again."""
    process = start(
        *("run", "--product", "bottle", "--source", bottle.data / "test", "--fps", "17", "--loop"),
        *("--model-dir", bottle.home / "models", "--config-dir", bottle.home / "config"),
        *(
            "--log-dir",
            tmp_path / "logs",
            "--record",
            tmp_path / "record.db",
            "--archive",
            tmp_path / "archive",
            "--serve",
            "127.0.0.1:0",
        ),
    )
    return process.err.until("pages: ")[-1].removeprefix("pages: ")


def test_the_line_moves_and_its_rejects_are_seen(address, page):
    page.goto(address)
    playwright.expect(page.locator("[data-count=passed]")).not_to_have_text("0")
    playwright.expect(page.locator("[data-rejects] li")).to_have_count(4)
    playwright.expect(page.locator(".verdict.fail strong")).to_have_text("FAIL")
    playwright.expect(page.locator("[data-badge=model]")).to_have_attribute("data-state", "good")


def test_a_threshold_is_taken_over_without_losing_a_part(address, page):
    page.goto(f"{address}threshold")
    page.get_by_role("button", name="reject no good one").click()
    page.locator("#apply").click()
    page.get_by_role("button", name="Yes").click()
    playwright.expect(page.locator("#progress")).to_contain_text("In use: ")
    page.goto(address)
    playwright.expect(page.locator("[data-count=missed]")).to_have_text("0")
