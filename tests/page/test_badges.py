"""The row of badges: each thing that a line needs, made to fail on a real line."""

import dataclasses
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from playwright.sync_api import expect
from running import Running, wait_until

from inspector.errors import FrameLost
from inspector.page.badges import LONG_S, LOST_S, badges
from inspector.records import Cause


def badge(line, name):
    """State and words of a badge, as the API has them at this moment."""
    (camera,) = line.hub.feeds
    state, now = line.feed.state, line.hub.controls[camera].now
    found = badges(state, now, 0.5, now_s(line), line.hub.troubles(camera))
    return next((each.state, each.words) for each in found if each.name == name)


def now_s(line):
    recent = line.feed.state.recent
    return recent[-1].written_s if recent else 0.0


@pytest.mark.parametrize(
    ("fault", "state", "words"),
    [
        (np.zeros((50, 60, 3), np.uint8), "deviates", "pictures of another size: 1 of the last 5 parts"),
        (FrameLost("cannot be decoded", cause=Cause.DECODE), "deviates", "1 of the last 5 parts missed"),
    ],
)
def test_a_picture_that_is_not_as_the_recipe_wants_it_turns_the_camera_amber(station, fault, state, words):
    station.alter(image_shape=(48, 64))
    with Running(station).served() as line:
        line.parts(*[station.dark] * 4)
        assert badge(line, "camera") == ("good", "pictures come")
        line.parts(fault)
        assert badge(line, "camera") == (state, words)


def test_a_model_that_gives_no_number_is_amber_and_then_red(station):
    with Running(station).served() as line:
        line.parts(station.dark)
        assert badge(line, "model")[0] == "good"
        line.parts(station.not_a_number)
        assert badge(line, "model") == ("deviates", "1 of the last 2 parts missed")
        line.parts(station.not_a_number, station.not_a_number)
        assert badge(line, "model") == ("lost", "the model gave no number")


def test_a_recipe_that_was_refused_turns_the_model_amber(line, page):
    line.parts(line.station.dark)
    page.goto(line.url)
    model = page.locator("[data-badge=model]")
    expect(model).to_have_attribute("data-state", "good")
    line.station.model("beta").write_bytes(b"no model")
    line.pipeline.change_product("beta")
    expect(model).to_have_attribute("data-state", "deviates")
    expect(page.locator("[data-alarm=refused]")).to_contain_text("alpha goes on")


def test_a_model_that_is_too_slow_is_amber(station):
    station.write(deadline_ms=0.001)
    with Running(station).served() as line:
        line.parts(station.dark)
        assert badge(line, "model") == ("deviates", "too slow for 1 of the last 1 parts")


def test_what_a_controller_was_not_told_stays_amber_for_a_while(line):
    line.output.away = "tcp plc:9000 does not answer"
    line.parts(line.station.dark)
    line.output.away = ""
    line.parts(*[line.station.dark] * 3)
    assert badge(line, "controller") == ("deviates", "1 of the last 4 parts missed")


def test_what_is_not_kept_is_amber_with_its_reason(line):
    assert badge(line, "disk")[0] == "good"
    line.hub.add(line.feed, line.hub.controls["line"], lambda: ["archive: cannot be written"])
    assert badge(line, "disk") == ("deviates", "archive: cannot be written")


class TestTrigger:
    """No source has a trigger: what can be known is whether pictures come in time."""

    def test_a_picture_that_the_camera_skipped_is_amber(self, station):
        with Running(station).served() as line:
            line.parts(station.dark)
            assert badge(line, "trigger") == ("none", "none: each picture is a part")
            line.belt.skip()
            line.belt.put(station.dark)
            wait_until(lambda: line.feed.sequence == 3)
            assert badge(line, "trigger") == ("deviates", "the camera skipped 1 of the last 3 pictures")

    @pytest.mark.parametrize(
        ("set_hz", "silent_s", "state", "words"),
        [
            (10.0, 0, "good", "free running, 10 a second"),
            (None, 0, "none", "free running, 10 a second"),
            (25.0, 0, "deviates", "10 pictures a second, 25 are set"),
            (10.0, LONG_S + 1, "deviates", "no picture for 6 s"),
            (10.0, LOST_S + 1, "lost", "no picture for 16 s, 10 a second are set"),
            (None, 3600, "deviates", "no picture for 3600 s"),  # the line may stand still
            (0.1, LOST_S + 1, "deviates", "no picture for 16 s"),  # two periods: that is not long
        ],
    )
    def test_the_rate_of_pictures_is_compared_with_the_one_that_was_set(self, line, set_hz, silent_s, state, words):
        line.parts(line.station.dark)
        (part,) = line.feed.state.recent
        start = datetime(2026, 3, 2, tzinfo=timezone.utc)
        recent = tuple(
            dataclasses.replace(part, utc=start + timedelta(seconds=0.1 * number), written_s=0.1 * number)
            for number in range(30)
        )
        now = dataclasses.replace(line.hub.controls["line"].now, rate_hz=set_hz)
        assert self.after(line, recent, now, silent_s) == (state, words)

    def after(self, line, recent, now, silent_s):
        """The badge when nothing has come for so long."""
        found = badges(dataclasses.replace(line.feed.state, recent=recent), now, 0.5, recent[-1].written_s + silent_s)
        return next((each.state, each.words) for each in found if each.name == "trigger")

    def test_most_pictures_skipped_are_red(self, station):
        with Running(station).served() as line:
            line.parts(station.dark)
            for _ in range(9):
                line.belt.skip()
            line.belt.put(station.dark)
            wait_until(lambda: line.feed.sequence == 11)
            assert badge(line, "trigger") == ("deviates", "the camera skipped 9 of the last 11 pictures")
            line.belt.skip()
            line.belt.put(station.dark)
            wait_until(lambda: line.feed.sequence == 13)
            assert badge(line, "trigger") == ("lost", "the camera skipped 10 of the last 13 pictures")

    def test_few_pictures_are_enough_where_the_rate_was_set(self, line):
        line.parts(line.station.dark)
        now = dataclasses.replace(line.control.now, rate_hz=2.0)
        assert self.after(line, line.feed.state.recent, now, 1) == ("none", "none: each picture is a part")
        assert self.after(line, line.feed.state.recent, now, 20) == ("lost", "no picture for 20 s, 2 a second are set")

    def test_a_line_that_has_ended_or_a_replay_wants_no_pictures(self, line):
        line.parts(line.station.dark)
        for change in ({"running": False}, {"live": False}):
            now = dataclasses.replace(line.control.now, rate_hz=2.0, **change)
            assert self.after(line, line.feed.state.recent, now, 3600)[0] == "none"
