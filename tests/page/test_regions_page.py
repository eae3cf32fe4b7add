"""Regions of a part, drawn in a real browser on a good picture of a real line."""

import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from test_accessible import RULES
from test_area_page import area, at, draw  # noqa: F401  (one of them a fixture)

from inspector.recipe import MOST_REGIONS, load_recipe
from inspector.record import audit

LEFT = ((0.05, 0.1), (0.45, 0.1), (0.45, 0.9), (0.05, 0.9))
RIGHT = ((0.55, 0.1), (0.95, 0.1), (0.95, 0.9))
TEXT = "region left\njudge 0,0 0.4,0 0.4,1 0,1\nregion right\njudge 0.6,0 1,0 1,1\nignore 0.8,0.2 0.9,0.2 0.9,0.3"

MOUTH = "0.3,0.3 0.7,0.3 0.5,0.7"


def drawn(line):
    """Regions for the next training."""
    return load_recipe(line.station.config / "drafts", "alpha").regions


def region(page, name):
    """Its button in the list, which says how many polygons there are, too."""
    return page.get_by_role("button", name=re.compile(rf"^{name} \d polygons?$"))


def name_it(page, name):
    page.get_by_label("Name of the region").fill(name)
    page.get_by_label("Name of the region").press("Enter")


def type_text(page, text):
    page.locator("#points").fill(text)
    page.locator("#points").blur()


def said(page):
    page.get_by_role("button", name="Save").click()
    return expect(page.locator("#said"))


def test_regions_wait_for_training_and_the_line_keeps_what_it_has(area, line):  # noqa: F811
    before = line.station.recipe().read_bytes()
    draw(area, "Judge", *LEFT)
    area.get_by_role("button", name="Several regions").click()
    expect(area.get_by_label("Name of the region")).to_be_focused()
    name_it(area, "left")
    area.get_by_role("button", name="Add a region").click()
    name_it(area, "right-1")
    draw(area, "Judge", *RIGHT)
    draw(area, "Ignore", (0.7, 0.2), (0.9, 0.2), (0.9, 0.4))
    area.get_by_label("Limit").select_option("has a budget of its own")
    area.get_by_label("Good parts rejected, %").fill("5")
    area.get_by_label("Good parts rejected, %").press("Enter")
    expect(area.locator("#list > li > button")).to_have_text(["left1 polygon", "right-12 polygons"])
    expect(area.get_by_role("list", name="Polygons of right-1").locator("li")).to_have_text(
        ["1. judge, 3 points", "2. ignore, 3 points"]
    )
    area.get_by_role("button", name="Save").click()
    expect(area.locator("#waits")).to_be_visible()
    left, right = drawn(line).values()
    assert list(drawn(line)) == ["left", "right-1"]
    assert np.allclose(left.judge[0], LEFT, atol=0.002)
    assert (len(right.judge), len(right.ignore), right.false_rejects, right.threshold) == (1, 1, 0.05, "auto")
    assert left.shares_budget
    assert line.station.recipe().read_bytes() == before
    assert not line.station.load().recipe.regions  # the next start, too
    (entry, *_) = audit.entries(line.store, limit=1)
    assert (entry.action, entry.subject) == ("save area", "alpha")
    assert f"left {left.hash}, right-1 {right.hash}" in entry.details
    area.reload()
    expect(area.locator("#list > li > button")).to_have_text(["left1 polygon", "right-12 polygons"])
    region(area, "right-1").click()
    expect(area.get_by_label("Good parts rejected, %")).to_have_value("5")
    area.locator("#waits").get_by_role("button", name="Train again").click()
    area.wait_for_url("**/setup#teach-title")
    expect(area.locator("[data-stage=collecting]")).to_contain_text("good parts of alpha")


def test_with_one_area_there_is_one_control_more(area):  # noqa: F811
    draw(area, "Judge", *LEFT)
    expect(area.get_by_role("button", name="Several regions")).to_be_visible()
    expect(area.get_by_label("Name of the region")).to_be_hidden()
    expect(area.locator("#regions-words")).to_be_hidden()
    expect(area.locator("#names span")).to_have_count(0)


def test_the_region_one_is_in_stands_out_and_a_click_on_another_enters_it(area):  # noqa: F811
    type_text(area, TEXT)
    names = area.locator("#names span")
    expect(names).to_have_text(["left", "right"])
    expect(area.locator("#names .chosen")).to_have_text("left")
    expect(area.locator("#lines .other")).to_have_count(2)
    area.mouse.click(*at(area, 0.7, 0.1))
    expect(area.locator("#names .chosen")).to_have_text("right")
    expect(area.get_by_label("Name of the region")).to_have_value("right")
    expect(area.locator("#lines .other")).to_have_count(1)
    region(area, "left").click()
    expect(region(area, "left")).to_be_focused()
    expect(region(area, "left")).to_have_attribute("aria-pressed", "true")
    draw(area, "Ignore", (0.1, 0.1), (0.2, 0.1), (0.2, 0.2))
    expect(area.get_by_role("list", name="Polygons of left").locator("li")).to_have_count(2)


def test_what_lies_on_top_of_each_other_is_chosen_click_by_click(area):  # noqa: F811
    type_text(area, f"region rim\njudge 0,0 1,0 1,1 0,1\nignore {MOUTH}\nregion mouth\njudge {MOUTH}")
    pressed = area.locator("#list .polygons [aria-pressed=true]")
    region(area, "rim").click()
    for found in ("2. ignore, 3 points", "1. judge, 4 points", "1. judge, 3 points"):
        area.mouse.click(*at(area, 0.5, 0.4))
        expect(pressed).to_have_text(found)
    expect(area.locator("#names .chosen")).to_have_text("mouth")


def test_every_step_is_undone(area):  # noqa: F811
    type_text(area, TEXT)
    text = area.locator("#points")
    seen = []
    region(area, "left").click()
    for step in (
        lambda: name_it(area, "rim"),
        lambda: area.get_by_label("Limit").select_option("has a threshold of its own"),
        lambda: area.get_by_role("button", name="Remove this region").click(),
        lambda: area.get_by_role("button", name="Add a region").click(),
        lambda: area.get_by_role("button", name="One area for the part").click(),
    ):
        seen.append(text.input_value())
        step()
        expect(text).not_to_have_value(seen[-1])
    assert seen[0] == TEXT
    assert seen[2].startswith("region rim threshold 1\n")
    assert seen[3].startswith("region right\njudge")
    assert seen[4].endswith("region region-2")
    expect(text).to_have_value("judge 0.6,0 1,0 1,1")  # what the regions judged
    for before in reversed(seen):
        area.get_by_role("button", name="Undo").click()
        expect(text).to_have_value(before)


def test_one_area_becomes_a_region_and_back_without_a_loss(area):  # noqa: F811
    plain = "judge 0.1,0.1 0.9,0.1 0.9,0.9\nignore 0.5,0.5 0.6,0.5 0.6,0.6"
    type_text(area, plain)
    area.get_by_role("button", name="Several regions").click()
    expect(area.locator("#points")).to_have_value(f"region region-1\n{plain}")
    area.get_by_role("button", name="One area for the part").click()
    expect(area.locator("#points")).to_have_value(plain)
    expect(area.get_by_role("button", name="Several regions")).to_be_focused()


def test_regions_are_drawn_with_keys_alone(area):  # noqa: F811
    area.get_by_role("button", name="Several regions").focus()
    area.keyboard.press("Enter")
    area.keyboard.type("rim")
    area.keyboard.press("Enter")
    area.get_by_role("button", name="Judge", exact=True).focus()
    for keys in ("Enter", "Enter", "ArrowRight", "Enter", "ArrowDown", "Enter"):
        area.keyboard.press(keys)
    area.get_by_role("button", name="Close it").focus()
    area.keyboard.press("Enter")
    area.get_by_role("button", name="Add a region").focus()
    area.keyboard.press("Enter")
    area.keyboard.type("mouth")
    area.keyboard.press("Tab")
    expect(area.get_by_label("Limit")).to_be_focused()
    for keys in ("ArrowDown", "ArrowDown", "Tab"):
        area.keyboard.press(keys)
    expect(area.get_by_label("Threshold", exact=True)).to_be_focused()
    area.keyboard.press("Control+a")
    area.keyboard.type("1.5")
    area.keyboard.press("Enter")
    expect(area.locator("#points")).to_have_value(
        "region rim\njudge 0.5,0.5 0.51,0.5 0.51,0.51\nregion mouth threshold 1.5"
    )


def test_a_finger_draws_regions(line, browser):
    line.parts(line.station.dark)
    context = browser.new_context(has_touch=True, viewport={"width": 1024, "height": 1366})
    page = context.new_page()
    page.goto(f"{line.url}/setup/area?product=alpha")
    expect(page.locator("#stage")).to_have_attribute("data-size", "64 x 48")
    page.get_by_role("button", name="Several regions").tap()
    page.get_by_role("button", name="Judge", exact=True).tap()
    for point in ((0.25, 0.25), (0.75, 0.25), (0.5, 0.75)):
        page.touchscreen.tap(*at(page, *point))
    page.touchscreen.tap(*at(page, 0.25, 0.25))  # the first point closes it
    expect(page.get_by_role("list", name="Polygons of region-1").locator("li")).to_have_text(["1. judge, 3 points"])
    page.get_by_label("Limit").select_option("has a budget of its own")
    targets = page.locator("#regions button, #regions input, #regions select, #list button, #several")
    boxes = [each.bounding_box() for each in targets.all() if each.is_visible()]
    assert len(boxes) == 8
    assert all(min(box["width"], box["height"]) >= 44 for box in boxes)
    context.close()


def test_text_says_what_is_wrong_with_it(area):  # noqa: F811
    for typed, words in (
        ("judge 0,0 1,0 1,1\nregion a", "line 2: what stands above it belongs to no region"),
        ("region", "line 1: wants a name for the region"),
        (
            "region a\nregion b budget 3",
            "line 2: wants threshold or false_rejects and a number behind the name, or nothing",
        ),
        (
            "region a false_rejects 2",
            "line 1: wants threshold or false_rejects and a number behind the name, or nothing",
        ),
    ):
        type_text(area, typed)
        expect(area.locator("#points-wrong")).to_have_text(words)
    type_text(area, "region a false_rejects 0.02\njudge 0,0 1,0 1,1")
    expect(area.locator("#points-wrong")).to_be_hidden()
    expect(area.get_by_label("Good parts rejected, %")).to_have_value("2")


def test_what_cannot_be_is_said_where_it_is_typed_and_when_it_is_saved(area):  # noqa: F811
    type_text(area, TEXT)
    wrong = area.locator("#region-wrong")
    name_it(area, "right")
    expect(wrong).to_have_text("This name is the name of another region")
    said(area).to_contain_text("two regions are called right")
    name_it(area, "the rim")
    expect(wrong).to_contain_text("wants letters, digits, - _ and .")
    said(area).to_contain_text("region 'the rim': wants a name of letters")
    name_it(area, "rim")
    expect(wrong).to_be_hidden()
    area.get_by_label("Limit").select_option("has a budget of its own")
    area.get_by_label("Good parts rejected, %").fill("120")
    area.get_by_label("Good parts rejected, %").press("Enter")
    expect(wrong).to_have_text("Wants a number above 0 and below 100")
    area.get_by_role("button", name="Add a region").click()
    said(area).to_contain_text("region region-3: wants polygons to judge")
    draw(area, "Judge", (0.2, 0.2), (0.3, 0.2), (0.3, 0.3))
    draw(area, "Ignore", (0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9))
    said(area).to_contain_text("region region-3: leaves nothing to judge")
    lines = [f"region r{number}\njudge 0,0 1,0 1,1" for number in range(MOST_REGIONS)]
    type_text(area, "\n".join(lines))
    area.get_by_role("button", name="Add a region").click()
    expect(area.locator("#hint")).to_have_text("There are 16 regions: more are not possible")
    type_text(area, "\n".join([*lines, "region more\njudge 0,0 1,0 1,1"]))
    said(area).to_contain_text("17 regions are too many: 16 at most")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_page_breaks_no_rule_while_one_draws_regions(area, line, theme):  # noqa: F811
    area.context.add_cookies([{"name": "theme", "value": theme, "url": line.url}])
    area.reload()
    type_text(area, TEXT)
    area.get_by_label("Limit").select_option("has a budget of its own")
    name_it(area, "no name")
    expect(area.locator("#region-wrong")).to_be_visible()
    area.get_by_role("button", name="Add a region").click()
    region(area, "no name").click()
    area.get_by_role("button", name="Ignore", exact=True).click()
    area.mouse.click(*at(area, 0.4, 0.3))
    found = Axe().run(area, options=RULES)
    assert not found.response["violations"], found.generate_report()


def test_a_recipe_with_regions_is_shown_and_what_is_drawn_takes_their_place(line, page, client, csrf):
    line.parts(line.station.dark)
    line.station.alter(grid="1x2", regions=_learned("left", "right"))
    path = line.station.recipe()
    left, right = "{judge: [[[0,0],[0.4,0],[0.4,1]]], threshold: 2}", "{judge: [[[0.6,0],[1,0],[1,1]]]}"
    path.write_text(path.read_text().replace("...\n", f"regions:\n  left: {left}\n  right: {right}\n...\n"))
    page.goto(f"{line.url}/setup/area?product=alpha")
    expect(page.locator("#points")).to_have_value(
        "region left threshold 2\njudge 0,0 0.4,0 0.4,1\nregion right\njudge 0.6,0 1,0 1,1"
    )
    expect(page.locator("#waits")).to_be_hidden()
    type_text(page, "judge 0,0 1,0 1,1")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#waits")).to_be_visible()
    draft = load_recipe(line.station.config / "drafts", "alpha")
    assert (draft.regions, draft.roi.judge) == ({}, (((0, 0), (1, 0), (1, 1)),))
    state = client.get("/api/products/alpha/area").json()
    assert client.put("/api/products/alpha/area", json={}, headers=csrf).json()["waits"] is True
    wish = {"regions": [{"name": "left", "judge": [[[0, 0], [0.4, 0], [0.4, 1]]], "threshold": 2}]}
    state = client.put("/api/products/alpha/area", json=wish, headers=csrf).json()
    assert state["regions"] == [wish["regions"][0] | {"ignore": [], "false_rejects": None}]


def _learned(*names):
    scores = {"0123456789ab": 1.6, "ba9876543210": 1.7}
    areas = {"left": [[[0, 0], [0.4, 0], [0.4, 1]]], "right": [[[0.6, 0], [1, 0], [1, 1]]]}
    return [{"name": name, "roi": {"judge": areas[name]}, "held_out": scores} for name in names]


def test_only_an_engineer_draws_regions_and_what_is_refused_is_told_in_a_line(line, client, csrf):
    triangle = [[[0, 0], [1, 0], [1, 1]]]
    url, good = "/api/products/alpha/area", {"regions": [{"name": "rim", "judge": triangle}]}
    elsewhere = {"X-Forwarded-For": "203.0.113.5"}
    assert client.put(url, json=good).status_code == 403  # without the token
    assert client.put(url, json=good, headers=csrf | elsewhere).status_code == 403
    for region, words in (
        ({"name": "a b"}, "region 'a b': wants a name of letters"),
        ({"name": "a" * 41}, "of 40 characters at most"),
        ({"threshold": 0}, "region rim: threshold: wants auto or a number above 0, got 0.0"),
        ({"threshold": 1, "false_rejects": 0.1}, "region rim: wants threshold or false_rejects, not both"),
        ({"judge": [[[0, 0], [1, 0]]]}, "region rim: judge.0"),
        ({"judge": []}, "region rim: wants polygons to judge"),
    ):
        answer = client.put(url, json={"regions": [good["regions"][0] | region]}, headers=csrf)
        assert answer.status_code == 409, answer.text
        assert words in answer.json()["detail"]
    asked = client.get("/api/openapi.json").json()["paths"]["/api/products/{product}/area"]["put"]["requestBody"]
    kinds = [each["$ref"].rpartition("/")[2] for each in asked["content"]["application/json"]["schema"]["anyOf"]]
    assert kinds == ["AreaWish", "RegionsWish"]
    for mixed in (good | {"judge": triangle}, {"regions": []}, {"regions": [{"judge": triangle}]}):
        assert client.put(url, json=mixed, headers=csrf).status_code == 422
    many = [[[number / 2000 % 1, number / 3000 % 1] for number in range(1000)] for _ in range(100)]
    answer = client.put(url, json={"regions": [{"name": "rim", "judge": many}]}, headers=csrf)
    assert "use fewer polygons, or fewer points" in answer.json()["detail"]
    assert client.put(url, json=good, headers=csrf).json()["waits"] is True
    assert list(drawn(line)) == ["rim"]
