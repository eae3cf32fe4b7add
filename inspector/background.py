"""Work that must not hold up the line."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")

# Of the thread, as `nice` counts. It gets a thirtieth of what an ordinary thread gets where both want the same core.
# Not less: while it holds Python's lock, the line waits for it.
NICENESS = 15

# Of a step's own length, after each: what the line fell behind in the meantime it has caught up with before the next.
REST = 1.0

_here = threading.local()


def gives_way() -> bool:
    """Whether the calling thread is one of those."""
    return getattr(_here, "gives_way", False)


def in_background(work: Callable[[], T]) -> T:
    """Do it on a thread that gives way to all others, and wait for it; raises what it raises.

    Not the caller's own thread, which could not raise its priority again. Where the system has no priority for a
    thread of its own (anything but Linux), it is a thread like any other.
    """
    done: Future[T] = Future()
    thread = threading.Thread(target=_do, args=(work, done), name="line-background", daemon=True)
    thread.start()
    thread.join()
    return done.result()


def rested(step: Callable[[], T], rest: float) -> T:
    """Do one of several steps, then sleep for `rest` times as long as it took."""
    started_s = time.monotonic()
    result = step()
    time.sleep(rest * (time.monotonic() - started_s))
    return result


def _do(work: Callable[[], T], done: Future[T]) -> None:
    _here.gives_way = True
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
    try:
        done.set_result(work())
    except BaseException as error:
        done.set_exception(error)
