"""Six cameras on one page, in a real browser: more than it opens connections to a host."""

from contextlib import ExitStack

import pytest
from playwright.sync_api import expect
from running import Running, wait_until

NAMES = [f"camera-{number}" for number in range(1, 7)]


@pytest.fixture
def lines(station):
    """Six running lines with one set of pages; the first has its address."""
    first, *others = made = [Running(station, name) for name in NAMES]
    for line in others:
        first.hub.add(line.feed, line.control)
    with ExitStack() as stack:
        for line in others:
            stack.enter_context(line.running())
        stack.enter_context(first.served())
        yield made


def test_six_cameras_move_and_the_pages_still_answer(lines, page):
    page.goto(lines[0].url)
    page.evaluate("document.documentElement.style.zoom = '15%'")  # all of them in sight
    for number, line in enumerate(lines):
        line.parts(*[line.station.dark] * (number + 1))
    for number, line in enumerate(lines):
        section = page.locator(f"[data-camera={line.feed.name}]")
        expect(section.locator("[data-count=captured]")).to_have_text(str(number + 1))
        picture = section.locator("img.live")
        wait_until(lambda picture=picture: picture.evaluate("image => image.naturalWidth") >= 640)
    other = page.context.new_page()  # a second tab: each takes one connection
    other.goto(f"{lines[0].url}/changeover")
    expect(other.locator(".changeover")).to_have_count(6)


def test_a_camera_that_is_out_of_sight_sends_no_pictures(lines, page):
    page.set_viewport_size({"width": 1920, "height": 700})
    page.goto(lines[0].url)
    for line in lines:
        line.parts(line.station.dark)
    videos = lines[0].app.state.context.videos
    wait_until(lambda: videos[NAMES[0]].encoded)
    assert videos[NAMES[-1]].encoded == 0
    page.locator(f"[data-camera={NAMES[-1]}]").scroll_into_view_if_needed()
    wait_until(lambda: videos[NAMES[-1]].encoded)
