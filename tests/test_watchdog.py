"""Who does not move is noticed, and who merely waits is not."""

import pytest

from inspector.pipeline.watchdog import Abandoned, Stage, Watchdog
from inspector.testing import ManualClock


@pytest.fixture
def clock():
    return ManualClock()


def look_for(seconds, watchdog, clock, *stages):
    """A look every second; what was found."""
    found = []
    for _ in range(seconds):
        clock.wait(1)
        found += [(stage.name, doing) for stage, doing in watchdog.look(stages)]
    return found


def test_a_stage_that_does_one_thing_for_too_long_is_named_once(clock):
    stage, watchdog = Stage("capture"), Watchdog(20, clock)
    doing = stage.doing("reading")
    doing.__enter__()
    assert look_for(20, watchdog, clock, stage) == []
    assert look_for(30, watchdog, clock, stage) == [("capture", "reading")]
    with pytest.raises(Abandoned):
        doing.__exit__(None, None, None)
    with pytest.raises(Abandoned), stage.doing("anything more"):
        pass


def test_a_stage_that_moves_or_waits_has_no_fault(clock):
    busy, idle, watchdog = Stage("inspect"), Stage("deliver"), Watchdog(20, clock)
    for _ in range(10):
        with busy.doing("a batch"):
            assert look_for(15, watchdog, clock, busy, idle) == []
    assert look_for(100, watchdog, clock, busy, idle) == []


def test_hours_without_a_look_are_not_held_against_anyone(clock):
    stage, watchdog = Stage("capture"), Watchdog(20, clock)
    with stage.doing("reading"):
        look_for(1, watchdog, clock, stage)
        clock.wait(7200)
        assert watchdog.look([stage]) == []


def test_who_moves_at_the_last_moment_is_not_given_up():
    stage = Stage("capture")
    with stage.doing("reading"):
        moves, _ = stage.state
    with stage.doing("reading on"):
        assert not stage.give_up(moves)
    assert not stage.given_up
