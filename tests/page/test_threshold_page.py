"""The threshold, moved in a real browser over a real line."""

from playwright.sync_api import expect
from running import wait_until
from test_changeover_page import golden_parts

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


def test_a_part_that_would_change_sides_is_told_apart_from_the_threshold(line, page):
    line.station.alter("alpha", held_out={"0123456789ab": 1.725})
    line.control.change_product("alpha")
    wait_until(lambda: 1.725 in line.control.now.held_out)
    line.parts(44)  # 1.7255
    page.goto(f"{line.url}/threshold")
    page.get_by_role("button", name="reject no good one").click()
    expect(page.locator("#sides li p")).to_have_text("would FAIL1.7255")
    expect(page.locator("#value")).to_have_text("1.725")  # not 1.7250: what is typed as 5 is not shown as 5.000
    expect(page.locator("#change")).to_have_text("now 5")


def test_a_threshold_that_passes_everything_is_refused_and_the_recipe_stays(line, client, csrf):
    answer = client.put("/api/cameras/line/threshold", json={"threshold": 1e6}, headers=csrf)
    assert answer.status_code == 409
    assert "1.000e+06" in answer.json()["detail"]
    assert load_recipe(line.station.config, "alpha").threshold == "auto"


def test_a_threshold_that_golden_parts_refuse_never_stays_in_the_recipe(line, client, csrf):
    golden_parts(line.station, "alpha")
    line.pipeline.change_product("alpha")
    wait_until(lambda: line.pipeline.inspector.recipe.golden)
    address, text = "/api/cameras/line/threshold", line.station.recipe().read_text()
    client.put(address, json={"threshold": 9.0}, headers=csrf).raise_for_status()  # the bad golden part scores 7.8
    wait_until(lambda: client.get(address).json()["refused"])
    state = client.get(address).json()
    assert "bad/1.png PASS" in state["refused"]
    assert (state["threshold"], state["history"]) == (5.0, [])
    assert line.station.recipe().read_text() == text
    client.put(address, json={"threshold": 4.0}, headers=csrf).raise_for_status()
    wait_until(lambda: client.get(address).json()["threshold"] == 4.0)
    assert load_recipe(line.station.config, "alpha").threshold == 4.0
    assert [move["new"] for move in client.get(address).json()["history"]] == [4.0]


def test_a_threshold_that_the_record_cannot_keep_is_refused_too(line, client, csrf):
    text = line.station.recipe().read_text()
    with line.store.changing() as connection:
        connection.exec_driver_sql("DROP TABLE threshold_changes")
    client.put("/api/cameras/line/threshold", json={"threshold": 4.0}, headers=csrf)
    wait_until(lambda: line.hub.controls["line"].now.refused)
    assert line.station.recipe().read_text() == text
    assert line.pipeline.inspector.threshold == 5.0
