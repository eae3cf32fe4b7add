"""Work that gives way to the line: its result and errors come back, and it leaves nothing behind."""

import os
import sys
import threading

import pytest
from line import no_thread_is_left  # noqa: F401  (checks every test here)

from inspector.background import in_background


def niceness():
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_its_result_comes_back():
    assert in_background(lambda: 42) == 42


def test_its_error_reaches_the_caller():
    with pytest.raises(ValueError, match="invalid literal"):
        in_background(lambda: int("seven"))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a priority for each thread")
def test_it_gives_way_and_its_caller_does_not():
    before = niceness()
    assert in_background(niceness) > before
    assert niceness() == before
    assert in_background(niceness) > before  # nor does the next one start from where the last one was
