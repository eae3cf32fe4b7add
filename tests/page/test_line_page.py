"""The live page, in a real browser over a real line."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

from playwright.sync_api import expect
from running import wait_until

from inspector.page.broadcast import Broadcast


def test_counts_move(line, page):
    page.goto(line.url)
    expect(page.locator("[data-count=captured]")).to_have_text("0")
    line.parts(line.station.dark, line.station.dark, line.station.bright)
    expect(page.locator("[data-count=captured]")).to_have_text("3")
    expect(page.locator("[data-count=passed]")).to_have_text("2")
    expect(page.locator("[data-count=failed]")).to_have_text("1")
    expect(page.locator("[data-count=yield]")).to_have_text("66.7%")


def test_a_reject_appears_in_word_and_shape(line, page):
    page.goto(line.url)
    line.parts(line.station.dark)
    expect(page.locator(".verdict.pass strong")).to_have_text("PASS")
    line.parts(line.station.bright)
    expect(page.locator(".verdict.fail strong")).to_have_text("FAIL")
    expect(page.locator(".verdict.fail svg")).to_be_visible()


def test_the_view_moves_while_somebody_looks(line, page):
    line.parts(line.station.dark)
    page.goto(line.url)
    picture = page.locator("img.live")
    wait_until(lambda: picture.evaluate("image => image.naturalWidth") >= 640)


def test_what_the_api_says_is_what_the_line_did(line, client):
    line.parts(line.station.dark, line.station.bright)
    wait_until(lambda: client.get("/api/live").json()["cameras"][0]["sequence"] == 2)
    (camera,) = client.get("/api/live").json()["cameras"]
    assert (camera["name"], camera["product"], camera["verdicts"]) == ("line", "alpha", "PF")
    assert camera["counts"] == {"captured": 2, "passed": 1, "failed": 1, "missed": 0, "yield_percent": 50.0}
    assert [part["part"] for part in client.get("/api/cameras/line/parts").json()] == ["part-0", "part-1"]


def test_a_viewer_who_leaves_in_the_middle_takes_nothing_from_the_next(line):
    line.parts(line.station.dark)
    context = line.app.state.context

    async def look():
        broadcast = Broadcast(context.hub, context.snapshots, context.videos, context.pages)
        leaves, stays = broadcast.events(), broadcast.events()
        first = asyncio.ensure_future(anext(leaves))
        await asyncio.sleep(0)  # now its state is being made
        first.cancel()
        return await anext(stays)

    with ThreadPoolExecutor(1) as thread:
        (camera,) = json.loads(thread.submit(asyncio.run, look()).result().removeprefix("data: "))["cameras"]
    assert camera["verdicts"] == "P"
