"""The area of a part, drawn in a real browser on a good picture of a real line."""

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from test_accessible import RULES

from inspector.recipe import load_recipe
from inspector.record import audit


@pytest.fixture
def area(line, page):
    """The page, once it has a good picture and nothing drawn on it."""
    line.parts(line.station.dark)
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{line.url}/setup/area?product=alpha")
    expect(page.locator("#which")).to_have_text("1 of 1")
    expect(page.locator("#stage")).to_have_attribute("data-size", "64 x 48")
    return page


def at(page, x, y):
    """The pixel of the browser at a share of the picture."""
    box = page.locator("#stage").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def draw(page, kind, *points):
    """A polygon, by mouse."""
    page.get_by_role("button", name=kind, exact=True).click()
    for point in points:
        page.mouse.click(*at(page, *point))
    page.get_by_role("button", name="Close it").click()


def drawn(line):
    """The area for the next training."""
    return load_recipe(line.station.config / "drafts", "alpha").roi


def test_what_is_drawn_waits_for_training_and_the_line_keeps_what_it_has(area, line):
    before = line.station.recipe().read_bytes()
    expect(area.locator("#save")).to_be_disabled()
    draw(area, "Judge", (0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9))
    draw(area, "Ignore", (0.4, 0.4), (0.6, 0.4), (0.6, 0.6))
    expect(area.locator("#list li")).to_have_text(["1. judge, 4 points", "2. ignore, 3 points"])
    area.get_by_role("button", name="Save").click()
    expect(area.locator("#waits")).to_be_visible()
    assert np.allclose(drawn(line).judge[0], [(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)], atol=0.002)
    assert len(drawn(line).ignore[0]) == 3
    assert line.station.recipe().read_bytes() == before
    assert line.station.load().preparation.roi is None  # the next start, too
    (entry, *_) = audit.entries(line.store, limit=1)
    assert (entry.action, entry.subject) == ("save area", "alpha")
    assert drawn(line).hash in entry.details
    area.reload()
    expect(area.locator("#list li")).to_have_count(2)
    area.locator("#waits").get_by_role("button", name="Train again").click()
    area.wait_for_url("**/setup#teach-title")
    expect(area.locator("[data-stage=collecting]")).to_contain_text("good parts of alpha")


def test_points_are_dragged_added_and_taken_away_and_all_of_it_undone(area):
    draw(area, "Judge", (0.2, 0.2), (0.8, 0.2), (0.8, 0.8))
    text = area.locator("#points")
    expect(text).to_have_value("judge 0.2,0.2 0.8,0.2 0.8,0.8")
    area.mouse.move(*at(area, 0.8, 0.8))
    area.mouse.down()
    area.mouse.move(*at(area, 0.5, 0.6), steps=3)
    area.mouse.up()
    expect(text).to_have_value("judge 0.2,0.2 0.8,0.2 0.5,0.6")
    area.mouse.click(*at(area, 0.5, 0.2))  # the small one between the first two
    expect(text).to_have_value("judge 0.2,0.2 0.5,0.2 0.8,0.2 0.5,0.6")
    area.keyboard.press("Delete")
    expect(text).to_have_value("judge 0.2,0.2 0.8,0.2 0.5,0.6")
    for _ in range(3):
        area.keyboard.press("Control+z")
    expect(text).to_have_value("judge 0.2,0.2 0.8,0.2 0.8,0.8")
    area.get_by_role("button", name="Delete", exact=True).click()
    expect(area.locator("#none")).to_be_visible()


def test_it_is_drawn_with_keys_alone(area):
    area.get_by_role("button", name="Ignore", exact=True).focus()
    for keys in ("Enter", "Enter", "ArrowRight", "Enter", "ArrowDown", "Enter"):
        area.keyboard.press(keys)
    area.get_by_role("button", name="Close it").focus()
    area.keyboard.press("Enter")
    expect(area.locator("#points")).to_have_value("ignore 0.5,0.5 0.51,0.5 0.51,0.51")
    expect(area.get_by_role("button", name="Point 1 of 3, 50 % from the left, 50 % from the top")).to_be_focused()
    area.keyboard.press("ArrowLeft")
    area.keyboard.press("Shift+ArrowUp")
    expect(area.locator("#points")).to_have_value("ignore 0.49,0.499 0.51,0.5 0.51,0.51")


def test_a_finger_draws_as_the_mouse_does(line, browser):
    line.parts(line.station.dark)
    context = browser.new_context(has_touch=True, viewport={"width": 1024, "height": 1366})
    page = context.new_page()
    page.goto(f"{line.url}/setup/area?product=alpha")
    expect(page.locator("#stage")).to_have_attribute("data-size", "64 x 48")
    page.get_by_role("button", name="Judge", exact=True).tap()
    expect(page.locator("#list li")).to_have_text(["1. judge, 0 points …"])
    for point in ((0.25, 0.25), (0.75, 0.25), (0.5, 0.75)):
        page.touchscreen.tap(*at(page, *point))
    page.touchscreen.tap(*at(page, 0.25, 0.25))  # the first point closes it
    expect(page.locator("#list li")).to_have_text(["1. judge, 3 points"])
    sizes = [handle.bounding_box() for handle in page.locator(".handle").all()]
    assert len(sizes) == 6
    assert all(min(box["width"], box["height"]) >= 44 for box in sizes)
    context.close()


def test_coordinates_are_also_text_and_what_is_wrong_with_them_is_said(area):
    text, wrong = area.locator("#points"), area.locator("#points-wrong")
    for typed, said in (
        ("look 0,0 1,0 1,1", "line 1: wants judge, ignore or region first, got look"),
        ("judge 0,0 1,0", "line 1: a polygon has three points at least"),
        ("judge 0,0 1,0 1,2", "line 1: wants x,y from 0 to 1, got 1,2"),
    ):
        text.fill(typed)
        text.blur()
        expect(wrong).to_have_text(said)
    text.fill("ignore 0,0 1,0 1,1 0,1")
    text.blur()
    expect(wrong).to_be_hidden()
    area.get_by_role("button", name="Save").click()
    expect(area.locator("#said")).to_contain_text("nothing to judge")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_page_breaks_no_rule_while_one_draws(area, line, theme):
    area.context.add_cookies([{"name": "theme", "value": theme, "url": line.url}])
    area.reload()
    draw(area, "Judge", (0.1, 0.1), (0.9, 0.1), (0.5, 0.9))
    area.get_by_role("button", name="Ignore", exact=True).click()
    area.mouse.click(*at(area, 0.4, 0.3))
    found = Axe().run(area, options=RULES)
    assert not found.response["violations"], found.generate_report()


def test_only_an_engineer_draws(line, client, csrf):
    wish = {"judge": [[[0, 0], [1, 0], [1, 1]]]}
    elsewhere = {"X-Forwarded-For": "203.0.113.5"}
    assert client.put("/api/products/alpha/area", json=wish).status_code == 403  # without the token
    assert client.put("/api/products/alpha/area", json=wish, headers=csrf | elsewhere).status_code == 403
    assert client.put("/api/products/nothing/area", json=wish, headers=csrf).status_code == 404
    assert client.put("/api/products/alpha/area", json=wish, headers=csrf).json()["waits"] is True
    assert client.put("/api/products/alpha/area", json={}, headers=csrf).json()["waits"] is False
