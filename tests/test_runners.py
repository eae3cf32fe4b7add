"""One model for several callers and threads."""

import gc
import hashlib
import itertools
import threading
import weakref

import numpy as np
import pytest
from line import PATIENCE_S, Waits

from inspector.files import replacing
from inspector.inspection import load_inspector
from inspector.records import Prediction, Verdict
from inspector.runners import Runners
from inspector.shared import SharedModels


def patches(*brightnesses):
    return np.stack([np.full((4, 4, 3), brightness, np.uint8) for brightness in brightnesses])


class Model:
    """Map and score are each patch's brightness, it refuses 255; the first run waits until it is let go."""

    def __init__(self):
        self.go_on = Waits()
        self.batches = []

    def __call__(self, patches):
        self.batches.append(len(patches))
        self.go_on()
        if (patches == 255).any():
            raise ValueError("255")
        maps = patches[..., 0].astype(np.float32)
        return Prediction(maps, maps[:, 0, 0])


def ask_together(runners, model, requests, first=1):
    """Ask from a thread each: the first ones are being run while the others wait. Returns their answers or errors."""
    answers = [None] * len(requests)

    def ask(number):
        try:
            answers[number] = runners(requests[number])
        except ValueError as error:
            answers[number] = error

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(requests))]
    for thread in threads[:first]:
        thread.start()
    while len(model.batches) < first:
        pass
    for thread in threads[first:]:
        thread.start()
    while len(runners._waiting._requests) < len(requests) - first:
        pass
    model.go_on.set()
    for thread in threads:
        thread.join()
    return answers


def assert_each_has_its_own(requests, answers):
    for request, answer in zip(requests, answers, strict=True):
        np.testing.assert_array_equal(answer.maps, request[..., 0])
        np.testing.assert_array_equal(answer.scores, request[:, 0, 0, 0])


def test_who_waits_at_the_same_time_shares_a_batch_and_gets_his_own():
    model = Model()
    requests = [patches(1), patches(2, 3), patches(4), patches(5, 6, 7)]
    answers = ask_together(Runners(model, (1, 2, 4, 8), 1), model, requests)
    assert model.batches == [1, 4, 2]
    assert_each_has_its_own(requests, answers)


def test_batches_are_of_the_given_sizes_and_cut_across_what_was_asked():
    model = Model()
    requests = [patches(1), patches(*range(5)), patches(*range(9)), patches(*range(20))]
    answers = ask_together(Runners(model, (1, 2, 4, 8), 1), model, requests)
    assert sorted(model.batches) == [1, 2, 8, 8, 8, 8]
    assert_each_has_its_own(requests, answers)


def test_a_patch_that_the_model_refuses_harms_only_its_own_caller():
    model = Model()
    requests = [patches(1), patches(2), patches(3, 255), patches(4)]
    answers = ask_together(Runners(model, (1, 2, 4), 1), model, requests)
    assert isinstance(answers[2], ValueError)
    assert_each_has_its_own([requests[number] for number in (0, 1, 3)], [answers[number] for number in (0, 1, 3)])


def test_what_is_left_of_a_request_that_failed_is_not_run():
    model = Model()
    model.go_on.set()
    runners = Runners(model, (1, 2), 1)
    with pytest.raises(ValueError, match="255"):
        runners(patches(255, 1, 2, 3, 4))
    assert_each_has_its_own([patches(5)], [runners(patches(5))])
    assert model.batches == [2, 1]


def test_as_many_run_at_once_as_may_and_those_who_wait_share_the_next_turns():
    model = Model()
    requests = [patches(number) for number in range(6)]
    answers = ask_together(Runners(model, (1, 2, 4), 2), model, requests, first=2)
    assert model.batches[:2] == [1, 1]
    assert sum(model.batches) == 6
    assert max(model.batches) == 2  # of four who wait, the first to get a turn takes half
    assert_each_has_its_own(requests, answers)


def test_the_patches_of_one_caller_are_run_at_once():
    """Each run waits for the other two: one thread alone would wait forever."""
    meet = threading.Barrier(3, timeout=PATIENCE_S)
    threads = set()

    def run(patches):
        threads.add(threading.current_thread())
        meet.wait()
        return Prediction(patches[..., 0].astype(np.float32), patches[:, 0, 0, 0].astype(np.float32))

    runners = Runners(run, (1, 2), 3)
    request = patches(1, 2, 3)
    for _ in range(3):
        assert_each_has_its_own([request], [runners(request)])
    assert len(threads) == 3
    assert threading.current_thread() in threads
    helpers = threads - {threading.current_thread()}
    del runners
    for helper in helpers:
        helper.join(PATIENCE_S)
        assert not helper.is_alive()  # they end with what they work for


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


@pytest.mark.parametrize("judges", [1, 2])
def test_lines_that_judge_at_once_get_the_verdicts_they_get_alone(station, judges):
    inspector = load_inspector("alpha", station.config, station.models, judges=judges)
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
