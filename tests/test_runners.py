"""One model for several callers and threads."""

import gc
import hashlib
import itertools
import os
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from line import PATIENCE_S

from inspector.files import replacing
from inspector.inspection import load_inspector
from inspector.records import Prediction, Verdict
from inspector.runners import Runners, cut
from inspector.shared import SharedModels


def patches(*brightnesses):
    return np.stack([np.full((4, 4, 3), brightness, np.uint8) for brightness in brightnesses])


class Model:
    """Map and score are each patch's brightness; it refuses 255. Remembers what it was asked, and on which threads."""

    def __init__(self, together=1):
        self.meet = threading.Barrier(together, timeout=PATIENCE_S)  # so many runs at once, or nothing comes back
        self.batches = []
        self.threads = set()

    def __call__(self, patches):
        self.batches.append(len(patches))
        self.threads.add(threading.current_thread())
        self.meet.wait()
        if (patches == 255).any():
            raise ValueError("255")
        maps = patches[..., 0].astype(np.float32)
        return Prediction(maps, maps[:, 0, 0])


def ask_together(runners, requests):
    """Ask from a thread each; returns their answers or errors."""
    with ThreadPoolExecutor(len(requests)) as threads:
        asked = [threads.submit(runners, request) for request in requests]
    return [each.exception() or each.result() for each in asked]


def assert_each_has_its_own(requests, answers):
    for request, answer in zip(requests, answers, strict=True):
        np.testing.assert_array_equal(answer.maps, request[..., 0])
        np.testing.assert_array_equal(answer.scores, request[:, 0, 0, 0])


@pytest.mark.parametrize(
    ("count", "sizes", "at_once", "batches"),
    [
        (9, (1, 2, 4, 8, 16), 1, [8, 1]),
        (1, (1, 2), 2, [1]),
        (8, (1, 2), 2, [2, 2, 2, 2]),
        (2, (1, 2), 2, [1, 1]),
        (5, (1, 2), 2, [2, 2, 1]),
        (16, (1, 2), 16, [1] * 16),
        (16, (1, 2), 4, [2] * 8),
    ],
)
def test_batches_are_of_the_given_sizes_and_leave_each_thread_its_share(count, sizes, at_once, batches):
    ends = list(cut(count, sizes, at_once))
    assert [stop - start for start, stop in ends] == batches
    assert [number for start, stop in ends for number in range(start, stop)] == list(range(count))


def test_callers_at_the_same_time_get_each_their_own():
    requests = [patches(*range(start, start + count)) for start, count in enumerate([1, 5, 9, 20, 3, 7] * 5)]
    assert_each_has_its_own(requests, ask_together(Runners(Model(), (1, 2), 3), requests))


def test_a_patch_that_the_model_refuses_harms_only_its_own_caller():
    requests = [patches(1), patches(2), patches(3, 255), patches(4)]
    answers = ask_together(Runners(Model(), (1, 2, 4), 2), requests)
    assert isinstance(answers[2], ValueError)
    assert_each_has_its_own([requests[number] for number in (0, 1, 3)], [answers[number] for number in (0, 1, 3)])


def test_what_is_left_of_a_request_that_failed_is_not_run():
    model = Model()
    runners = Runners(model, (1, 2), 1)
    with pytest.raises(ValueError, match="255"):
        runners(patches(255, 1, 2, 3, 4))
    assert_each_has_its_own([patches(5)], [runners(patches(5))])
    assert model.batches == [2, 1]


def test_no_more_run_at_once_than_may():
    running, most = [], []

    def run(patches):
        running.append(patches)
        most.append(len(running))
        answer = Prediction(patches[..., 0].astype(np.float32), patches[:, 0, 0, 0].astype(np.float32))
        running.pop()
        return answer

    requests = [patches(*range(count)) for count in range(1, 9)] * 4
    assert_each_has_its_own(requests, ask_together(Runners(run, (1, 2), 2), requests))
    assert max(most) <= 2


def test_a_single_patch_is_handed_to_nobody():
    model = Model()
    runners = Runners(model, (1, 2), 4)
    runners(patches(1))
    assert model.threads == {threading.current_thread()}


def test_the_patches_of_one_caller_are_run_at_once_and_the_helpers_end_with_their_object():
    model = Model(together=3)  # one thread alone would wait forever
    runners = Runners(model, (1, 2), 3)
    request = patches(1, 2, 3)
    for _ in range(3):
        assert_each_has_its_own([request], [runners(request)])
    assert len(model.threads) == 3
    helpers = model.threads - {threading.current_thread()}
    assert len(helpers) == 2
    del runners
    for helper in helpers:
        helper.join(PATIENCE_S)
        assert not helper.is_alive()


# ---- how a model uses the cores


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says which cores a program may use")
@pytest.mark.parametrize("cores", [4, 8, 16])
def test_a_grid_left_to_the_model_uses_the_cores_as_the_same_grid_written_down(station, monkeypatch, cores):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(cores)))
    station.alter(grid="4x4")
    arranged = []
    for grid in ("auto", "4x4"):
        station.write(grid=grid)
        before, others = threads_of_this_process(), set(threading.enumerate())
        inspector = load_inspector("alpha", station.config, station.models)
        for timer in set(threading.enumerate()) - others:  # of the warm-up
            timer.join(PATIENCE_S)
        assert threads_of_this_process() < before + cores - 1  # the session has none of its own
        inspector.inspect([station.frame(0)])
        helpers = set(threading.enumerate()) - others
        arranged.append((len(helpers), inspector.detector.at_once))
        del inspector
        for helper in helpers:
            helper.join(PATIENCE_S)
    assert arranged == [(cores - 1, cores)] * 2


def threads_of_this_process():
    return len(os.listdir("/proc/self/task"))


def load(station, models, product="alpha"):
    return load_inspector(product, station.config, station.models, load_model=models)


def test_lines_of_one_model_share_its_session(station):
    models = SharedModels()
    one, other, beta = load(station, models), load(station, models), load(station, models, "beta")
    assert one.detector is other.detector
    assert beta.detector is not one.detector


def test_a_model_that_was_replaced_is_another_one_and_unused_ones_are_forgotten(station):
    models = SharedModels()
    old = load(station, models)
    forgotten = weakref.ref(old.detector)
    station.alter(threshold=6.0)
    new = load(station, models)
    assert (old.threshold, new.threshold) == (5.0, 6.0)
    gc.disable()  # or it may end at any moment, on a thread that judges
    try:
        del old
        assert forgotten() is None
    finally:
        gc.enable()


def test_a_models_hash_is_that_of_what_was_loaded_while_files_are_replaced(station):
    path, versions, over = station.model(), [], threading.Event()
    for threshold in (5.0, 6.0):
        station.alter(threshold=threshold)
        versions.append(path.read_bytes())
    known = {hashlib.sha256(content).hexdigest()[:12]: 5.0 + number for number, content in enumerate(versions)}

    def replace():
        for content in itertools.cycle(versions):
            with replacing(path) as part:
                part.write_bytes(content)
            if over.is_set():
                return

    replacer = threading.Thread(target=replace)
    replacer.start()
    try:
        loaded = [SharedModels()(path) for _ in range(100)]
    finally:
        over.set()
        replacer.join()
    assert {(each.model_hash, each.info.threshold) for each in loaded} == set(known.items())


def test_lines_that_judge_at_once_get_the_verdicts_they_get_alone(station):
    inspector = load_inspector("alpha", station.config, station.models)
    looks = [station.dark, station.bright, station.dark, station.not_a_number]
    frames = [station.frame(index, look) for index, look in enumerate(looks * 25)]
    alone = [inspection.verdict for inspection in inspector.inspect(frames)]
    found = [[] for _ in range(4)]

    def judge(mine):
        for frame in frames:
            mine.extend(each.verdict for each in inspector.inspect([frame]))

    running = [threading.Thread(target=judge, args=(mine,)) for mine in found]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert found == [alone] * 4
    assert set(alone) == {Verdict.PASS, Verdict.FAIL, Verdict.MISSED}
