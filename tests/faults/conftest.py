"""Every fault is tried on a line of real threads, which must leave none behind."""

import pytest
from line import Hang, no_thread_is_left

__all__ = ["no_thread_is_left"]


@pytest.fixture
def hang():
    """Something to hang in until the test is over."""
    made = Hang()
    yield made
    made.release()
