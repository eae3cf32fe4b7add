"""The account of processor time: each thread's goes to the stage it is in, and nothing is counted twice.

What was counted twice, or before the account was begun, would be missing in what has no name: that would be negative.
"""

import threading
import time

from inspector.metering import UNNAMED, Meter

WORK_MS = 50
CLOCKS_MS = 1  # the clocks of a process and of its threads are read one after the other


def work():
    """Keep a core busy until this thread has had it for so long."""
    until_s = time.thread_time() + WORK_MS / 1e3
    while time.thread_time() < until_s:
        pass


def on_a_thread(name, *steps):
    def run():
        for step in steps:
            step()

    thread = threading.Thread(target=run, name=name)
    thread.start()
    return thread


def test_a_stage_within_a_stage_is_charged_apart():
    meter = Meter()
    with meter.stage("outer"):
        work()
        with meter.stage("inner"):
            work()
        work()
    account = meter.ms_per_part(parts=10)
    assert account["outer"] >= 2 * WORK_MS / 10
    assert account["inner"] >= WORK_MS / 10
    assert account[UNNAMED] > -CLOCKS_MS


def test_a_thread_is_charged_from_its_beginning():
    meter = Meter()

    def stage():
        with meter.stage("stage"):
            work()

    on_a_thread("line-inspect-2", work, stage).join()
    account = meter.ms_per_part(parts=1)
    assert account["thread line-inspect"] >= WORK_MS
    assert account["stage"] >= WORK_MS
    assert account[UNNAMED] > -CLOCKS_MS


def test_what_a_thread_did_before_the_account_is_not_in_it():
    meter: Meter
    begun, go_on = threading.Event(), threading.Event()
    thread = on_a_thread("model-1", work, begun.set, go_on.wait, lambda: meter.stage("stage").__enter__())
    begun.wait()
    meter = Meter()
    go_on.set()
    thread.join()
    account = meter.ms_per_part(parts=1)
    assert "thread model" in account
    assert account[UNNAMED] > -CLOCKS_MS


def test_what_nobody_names_is_said():
    meter = Meter()
    on_a_thread("somebody", work).join()
    assert meter.ms_per_part(parts=1)[UNNAMED] >= WORK_MS - CLOCKS_MS
