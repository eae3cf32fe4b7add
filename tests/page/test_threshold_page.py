"""The threshold, moved in a real browser over a real line."""

from playwright.sync_api import expect

from inspector.recipe import load_recipe


def test_a_threshold_is_tried_applied_and_taken_back(line, page):
    line.parts(line.station.dark, line.station.bright, 100)  # 1.6, 7.8 and 3.9; alpha's threshold is 5
    page.goto(f"{line.url}/threshold")
    expect(page.locator("#value")).to_have_text("5")
    expect(page.locator("#fails")).to_contain_text("1 of 3")
    page.locator("#slider").fill("250")  # of 1000, up to 2.2 times the threshold: 2.75
    expect(page.locator("#value")).to_have_text("2.75")
    expect(page.locator("#fails")).to_contain_text("2 of 3")
    expect(page.locator("#sides li.to-fail")).to_have_attribute("data-number", "2")
    page.locator("#apply").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("#progress")).to_have_text("In use: 2.75")
    assert load_recipe(line.station.config, "alpha").threshold == 2.75
    line.parts(100)
    assert line.feed.state.last.verdict.name == "FAIL"
    expect(page.locator("#history tr")).to_have_count(1)
    page.locator("#back").click()
    expect(page.locator("#progress")).to_have_text("In use: 5")
    assert load_recipe(line.station.config, "alpha").threshold == "auto"
    line.parts(100)
    assert line.feed.state.last.verdict.name == "PASS"
    assert line.feed.state.counts.captured == 5


def test_the_point_that_rejects_no_good_part_is_the_strangest_held_out_one(line, page):
    page.goto(f"{line.url}/threshold")
    page.get_by_role("button", name="reject no good one").click()
    expect(page.locator("#value")).to_have_text("1.7")
    expect(page.locator("#heldout")).to_contain_text("0 of 2")
    expect(page.get_by_role("button", name="miss nothing")).to_be_disabled()


def test_a_threshold_that_passes_everything_is_refused_and_the_recipe_stays(line, client, csrf):
    answer = client.put("/api/cameras/line/threshold", json={"threshold": 1e6}, headers=csrf)
    assert answer.status_code == 409
    assert "1e+06" in answer.json()["detail"]
    assert load_recipe(line.station.config, "alpha").threshold == "auto"
