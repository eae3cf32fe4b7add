"""No page breaks a rule of WCAG 2 AA that axe-core can check, dark or light."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

PAGES = ("/", "/rejects", "/threshold", "/changeover", "/history", "/setup", "/audit", "/login")
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_page_breaks_a_rule(line, page, theme):
    line.parts(*[line.station.bright] * 20, line.station.dark, *[line.station.bright] * 20)
    page.context.add_cookies([{"name": "theme", "value": theme, "url": line.url}])
    page.emulate_media(reduced_motion="reduce")  # a button half way between two colours is not a colour of the page
    for address in PAGES:
        page.goto(line.url + address)
        if address == "/":
            expect(page.locator("[data-alarm=streak]")).to_be_visible()
        if address == "/threshold":
            page.locator("#slider").fill("900")
            expect(page.locator("#sides li").first).to_be_visible()
        found = Axe().run(page, options=RULES)
        assert not found.response["violations"], (address, found.generate_report())


def test_targets_are_large_enough_for_gloves(line, page):
    for address in PAGES:
        page.goto(line.url + address)
        # All in one look: the page renews its parts meanwhile.
        targets = page.locator("button, .top a, a.button, input").evaluate_all(
            """found => found.filter(each => each.checkVisibility()).map(each => {
                const box = each.getBoundingClientRect();
                return [each.outerHTML, box.width, box.height];
            })"""
        )
        assert targets
        small = [text for text, width, height in targets if min(width, height) < 44]
        assert not small, (address, small)


def test_the_theme_is_kept(line, page):
    page.emulate_media(color_scheme="dark")
    page.goto(line.url)
    page.locator("#theme").click()
    assert page.locator("html").get_attribute("data-theme") == "light"
    page.goto(f"{line.url}/changeover")
    assert page.locator("html").get_attribute("data-theme") == "light"
