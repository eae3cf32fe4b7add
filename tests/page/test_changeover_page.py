"""The product, changed in a real browser over a real line."""

import numpy as np
from drawn import save
from playwright.sync_api import expect
from running import wait_until

from inspector.record import audit


def test_the_product_is_changed_between_two_parts(line, page):
    line.parts(line.station.bright)
    assert line.feed.state.last.verdict.name == "FAIL"
    page.goto(f"{line.url}/changeover")
    page.locator("[data-product=beta]").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".product.running")).to_have_attribute("data-product", "beta")
    line.parts(line.station.bright)
    assert line.feed.state.last.verdict.name == "PASS"


def test_who_thinks_about_it_changes_the_product_all_the_same(line, page):
    """The page is renewed every second, and its buttons with it."""
    page.goto(f"{line.url}/changeover")
    page.locator("[data-product=beta]").click()
    asked = page.query_selector("[data-product=beta]")
    wait_until(lambda: not asked.evaluate("button => button.isConnected"))
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".product.running")).to_have_attribute("data-product", "beta")


def test_a_question_that_no_longer_holds_is_not_answered(line, page):
    page.goto(f"{line.url}/changeover")
    page.locator("[data-product=gamma]").click()
    line.pipeline.change_product("beta")
    wait_until(lambda: page.locator(".product.running").get_attribute("data-product") == "beta")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("#said")).to_have_text("It has changed meanwhile: look again")
    expect(page.locator(".product.running")).to_have_attribute("data-product", "beta")


def test_a_product_without_a_model_says_so_and_cannot_be_chosen(line, page):
    line.station.model("gamma").unlink()
    page.goto(f"{line.url}/changeover")
    button = page.locator("[data-product=gamma]")
    expect(button).to_be_disabled()
    expect(button).to_contain_text("no model gamma.onnx")


def test_why_a_product_was_refused_is_told(line, page):
    line.station.model("beta").write_bytes(line.station.model("beta").read_bytes()[:-10])
    page.goto(f"{line.url}/changeover")
    page.locator("[data-product=beta]").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("[data-refused]")).to_contain_text("alpha goes on")
    expect(page.locator("[data-refused]")).to_contain_text("beta.onnx")
    expect(page.locator(".product.running")).to_have_attribute("data-product", "alpha")


def golden_parts(station, *products):
    """Golden parts that alpha's own threshold judges right."""
    save(station.config / "golden" / "good" / "0.png", np.full((48, 64, 3), station.dark, np.uint8))
    save(station.config / "golden" / "bad" / "1.png", np.full((48, 64, 3), station.bright, np.uint8))
    for product in products:
        station.write(product, golden="golden")


def test_golden_parts_are_checked_while_the_line_runs(line, page):
    """Their verdicts are told with the time, and are in the audit trail; a later check that fails is an alarm."""
    golden_parts(line.station, "alpha")
    line.pipeline.change_product("alpha")
    wait_until(lambda: line.pipeline.inspector.recipe.golden)
    page.goto(f"{line.url}/changeover")
    golden = page.locator("[data-golden]")
    golden.get_by_role("button").click()
    expect(golden).to_contain_text("All 2 golden parts of alpha came out right.", timeout=60_000)
    save(line.station.config / "golden" / "good" / "dusty.png", np.full((48, 64, 3), line.station.bright, np.uint8))
    golden.get_by_role("button").click()
    expect(golden).to_contain_text("good/dusty.png FAIL", timeout=60_000)
    line.parts(line.station.dark)
    assert line.feed.state.counts.captured == 1
    wait_until(lambda: len(audit.entries(line.store, limit=9)) == 4)
    assert "all 2 came out right" in str(audit.entries(line.store, limit=9)[2].details)
    page.goto(line.url)
    expect(page.locator("[data-alarm=golden]")).to_contain_text("good/dusty.png FAIL")
