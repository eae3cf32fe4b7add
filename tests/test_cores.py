"""Threads that work are kept apart, and only while they work."""

import os
import sys
import threading

import pytest
from line import PATIENCE_S

from inspector.cores import OwnCores, cores

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a thread on a core")


def where_each_works(threads, own_cores):
    """The cores each of so many threads may use: while all of them work, and after that."""
    all_work = threading.Barrier(threads, timeout=PATIENCE_S)
    working, after = [], []

    def work():
        with own_cores.one():
            working.append(frozenset(os.sched_getaffinity(0)))
            all_work.wait()
        after.append(frozenset(os.sched_getaffinity(0)))

    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return working, after


def test_no_two_work_on_the_same_core_while_there_are_enough():
    usual = frozenset(os.sched_getaffinity(0))
    own_cores = OwnCores()
    for _ in range(3):
        working, after = where_each_works(cores(), own_cores)
        assert set(working) == {frozenset({core}) for core in usual}
        assert after == [usual] * cores()


def test_who_finds_none_free_works_wherever_the_system_likes():
    usual = frozenset(os.sched_getaffinity(0))
    working, after = where_each_works(cores() + 2, OwnCores())
    assert working.count(usual) == (2 if cores() > 1 else 3)
    assert after == [usual] * (cores() + 2)


def test_an_error_gives_the_core_back():
    own_cores = OwnCores()
    usual = os.sched_getaffinity(0)
    for _ in range(cores() + 1):
        with pytest.raises(ValueError, match="broken"), own_cores.one():
            raise ValueError("broken")
    assert os.sched_getaffinity(0) == usual
    assert usual == set().union(*where_each_works(cores(), own_cores)[0])
