"""What needs somebody is told, with what to do."""

from contextlib import closing

import numpy as np
import pytest
from playwright.sync_api import expect

from inspector.errors import FrameLost
from inspector.identity import PartIdentity
from inspector.page.alarms import alarms
from inspector.page.feed import Feed
from inspector.records import Cause, Counts, Inspection, InspectionContext, Judgement, Verdict


def feed_of(*inspections):
    """A feed that has taken these."""
    with closing(Feed("")) as feed:
        for inspection in inspections:
            feed.write(inspection, Counts())
    return feed.state


def judged(index, score, verdict=Verdict.PASS, **facts):
    context = InspectionContext("alpha", "r", "m", 5.0)
    return Inspection(PartIdentity(index, 0, f"part-{index}"), context, verdict, Judgement(score), **facts)


def missed(index, detail, cause=Cause.CAMERA):
    return judged(index, float("nan"), Verdict.MISSED, cause=cause, detail=detail)


def keys(state, now=None, drift="", free=0.5):
    return [alarm.key for alarm in alarms(state, now, drift, free)]


def test_twenty_rejects_in_a_row_are_told_with_a_way_to_stop(line, page):
    page.goto(line.url)
    line.parts(*[line.station.bright] * 19)
    expect(page.locator("[data-count=failed]")).to_have_text("19")
    expect(page.locator("[data-alarm=streak]")).to_have_count(0)
    line.parts(line.station.bright)
    alarm = page.locator("[data-alarm=streak]")
    expect(alarm).to_contain_text("20 rejects in a row")
    alarm.get_by_role("button", name="Stop the line").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".ended")).to_be_visible()
    assert not line.pipeline.running


def test_a_streak_ends_with_the_first_good_part(line, page):
    line.parts(*[line.station.bright] * 20)
    page.goto(line.url)
    expect(page.locator("[data-alarm=streak]")).to_be_visible()
    line.parts(line.station.dark)
    expect(page.locator("[data-alarm=streak]")).to_have_count(0)


def test_a_camera_that_is_lost_turns_its_badge_red(line, page):
    page.goto(line.url)
    line.parts(line.station.dark)
    badge = page.locator("[data-badge=camera]")
    expect(badge).to_have_attribute("data-state", "good")
    line.belt.put(*[FrameLost("camera 0 does not answer", cause=Cause.CAMERA)] * 3)
    expect(badge).to_have_attribute("data-state", "lost")
    expect(page.locator("[data-alarm=camera]")).to_contain_text("camera 0 does not answer")
    expect(page.locator(".verdict.missed strong")).to_have_text("MISSED")


def test_a_controller_that_is_away_is_red(line, page):
    line.output.away = "tcp plc:9000 does not answer"
    page.goto(line.url)
    badge = page.locator("[data-badge=controller]")
    expect(badge).to_have_attribute("data-state", "lost")
    expect(badge).to_contain_text("does not answer")


def test_a_page_without_its_station_says_that_it_is_old(line, page):
    page.goto(line.url)
    line.parts(line.station.dark)
    expect(page.locator("[data-count=captured]")).to_have_text("1")
    expect(page.locator("#stale")).to_be_hidden()
    line.hub.close()
    page.context.set_offline(True)
    expect(page.locator("#stale")).to_be_visible()


def test_a_frozen_camera_is_told_from_one_that_is_lost():
    assert keys(feed_of(*[missed(i, "camera 0 is frozen: 3 pictures alike") for i in range(3)])) == ["frozen"]
    assert keys(feed_of(*[missed(i, "camera 0 does not answer") for i in range(3)])) == ["camera"]
    assert keys(feed_of(judged(0, 1.0), missed(1, "x"), missed(2, "x"))) == []


@pytest.mark.parametrize(("free", "severe"), [(0.09, False), (0.01, True)])
def test_a_disk_is_told_before_it_is_full(free, severe):
    (alarm,) = alarms(feed_of(), None, "", free)
    assert (alarm.key, alarm.severe) == ("disk", severe)


def test_drift_has_a_message_of_its_own():
    (alarm,) = alarms(feed_of(), None, "brighter than in training: clean the lamp", 0.5)
    assert alarm.key == "drift"
    assert "threshold" not in alarm.advice.lower() + alarm.title.lower()


def test_scores_that_never_vary_and_rates_that_parts_do_not_have_are_told(line):
    now = line.hub.controls["line"].now
    rng = np.random.default_rng(0)
    alike = feed_of(*[judged(i, 1.25) for i in range(60)])
    half = [Verdict.FAIL if i % 2 else Verdict.PASS for i in range(60)]
    failing = feed_of(*[judged(i, rng.uniform(0, 9), verdict) for i, verdict in enumerate(half)])
    few = feed_of(*[judged(i, rng.uniform(0, 4), Verdict.PASS) for i in range(60)])
    assert (keys(alike, now), keys(failing, now), keys(few, now)) == (["alike"], ["rate"], [])
