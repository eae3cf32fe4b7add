"""Drift is found soon, named by what has changed, and hardly ever where there is none."""

from dataclasses import asdict

import cv2
import numpy as np
import pytest
from drawn import nail, nudged
from recorded import part, run_row
from scipy.stats import mannwhitneyu

from inspector.record.drift import CLEAR, LOOKED_AT, DriftWatch
from inspector.record.evidence import LEAST, Evidence, rank_test
from inspector.record.looks import looks_of
from inspector.record.opening import open_store
from inspector.record.recorder import Recorder
from inspector.records import Verdict

ONE_IN = 1e7


def scores(rng, count):
    return rng.gamma(4, 0.25, count).tolist()


def first_alarm(evidence, values, one_in=ONE_IN):
    """How many values it takes; None where it does not come to an alarm."""
    for number, value in enumerate(values, 1):
        evidence.add(value)
        if evidence.total >= one_in:
            return number
    return None


@pytest.mark.parametrize("count", [LEAST, 200])
def test_false_alarms_are_as_rare_as_promised(count):
    rng = np.random.default_rng(count)
    length, one_in, streams = 500, 5000, 300
    alarms = [
        first_alarm(Evidence(scores(rng, count), seed), scores(rng, length), one_in) is not None
        for seed in range(streams)
    ]
    assert sum(alarms) / streams <= length / one_in


def test_values_that_are_all_alike_are_no_evidence():
    assert first_alarm(Evidence([1.0] * 50), [1.0] * 2000) is None


@pytest.mark.parametrize(("shift", "within"), [(1.0, 40), (-0.9, 60), (0.5, 250)])
def test_a_change_is_found_soon_either_way(shift, within):
    rng = np.random.default_rng(0)
    evidence = Evidence(scores(rng, 200))
    assert first_alarm(evidence, [score + shift for score in scores(rng, 1000)]) <= within
    assert (evidence.more > evidence.less) == (shift > 0)


def test_a_change_that_is_there_from_the_start_is_found_among_few_good_parts_too():
    rng = np.random.default_rng(0)
    few = scores(rng, 29)
    assert first_alarm(Evidence(few), [score + 1 for score in scores(rng, 500)]) <= 50
    assert first_alarm(Evidence(few), scores(rng, 500)) is None


def test_the_rank_test_gives_the_chance_that_statistics_have():
    rng = np.random.default_rng(0)
    for before, after in [(scores(rng, 30), scores(rng, 50)), ([1.0, 2, 2, 3] * 8, [2.0, 3, 3, 4] * 5)]:
        known = mannwhitneyu(before, after, use_continuity=False, method="asymptotic").pvalue
        assert rank_test(sorted(before), after) == pytest.approx(known)


def test_a_change_is_found_after_a_long_quiet_time_too():
    rng = np.random.default_rng(0)
    evidence = Evidence(scores(rng, 200))
    assert first_alarm(evidence, scores(rng, 8000)) is None
    assert first_alarm(evidence, [score + 1 for score in scores(rng, 100)]) is not None


def test_too_few_values_are_no_reference():
    with pytest.raises(ValueError, match="at least 20"):
        Evidence([1.0] * 19)


class Kept:
    """What a watch remembers."""

    def __init__(self):
        self.looks = {}

    def recall(self, model_hash):
        return self.looks.get(model_hash, [])

    def keep(self, model_hash, looks):
        self.looks[model_hash] = list(looks)


def darker(image):
    return (image * 0.8).astype(np.uint8)


def blurred(image):
    return cv2.GaussianBlur(image, (0, 0), 2)


def warmer(image):
    return np.clip(image * np.array([0.9, 1.0, 1.06]), 0, 255).astype(np.uint8)


def moved(image):
    return np.roll(image, 8, axis=1)


CHANGES = [
    (darker, "brightness", "darker"),
    (blurred, "focus", "blurred"),
    (warmer, "colour", "yellower"),
    (moved, "position across", "further right"),
]


@pytest.fixture(scope="module")
def pictures():
    """Parts in a holder, as the camera sees them."""
    return [nail(pose, seed) for seed, pose in enumerate(nudged(LOOKED_AT + 60))]


def looking(number, image, score=1.0, **values):
    return part(number, score=score, **values, **asdict(looks_of(image)))


@pytest.mark.parametrize(("change", "aspect", "way"), CHANGES, ids=[change.__name__ for change, _, _ in CHANGES])
def test_the_message_names_what_has_changed_and_never_the_threshold(pictures, change, aspect, way):
    rng = np.random.default_rng(0)
    watch = DriftWatch(lambda _: scores(rng, 200), Kept())
    score = iter(scores(rng, len(pictures)))
    for number, image in enumerate(pictures[:LOOKED_AT]):
        assert watch.take(looking(number, image, next(score))) is None
    found = [watch.take(looking(n, change(image), next(score))) for n, image in enumerate(pictures[LOOKED_AT:])]
    (news,) = [each for each in found if each]
    assert found.index(news) < 45
    assert f"{aspect} " in news.alarm.text
    assert f"({way}" in news.alarm.text
    assert "good parts look" not in news.alarm.text
    assert "threshold" not in news.alarm.text
    others = {other for _, other, _ in CHANGES} - {aspect}
    assert not [other for other in others if f"{other} " in news.alarm.text and other != "focus"]


def test_pictures_that_stay_the_same_are_no_news(pictures):
    rng = np.random.default_rng(1)
    watch = DriftWatch(lambda _: scores(rng, 200), Kept())
    assert not any(watch.take(looking(n, image, *scores(rng, 1))) for n, image in enumerate(pictures))


def test_how_pictures_looked_is_known_to_the_next_run(pictures):
    kept = Kept()
    for change in (lambda image: image, darker):  # two runs: the lamp was changed in between
        watch = DriftWatch(lambda _: [1.0] * 50, kept)
        news = [watch.take(looking(n, change(image))) for n, image in enumerate(pictures)]
    assert any(news)


def test_stranger_scores_are_told_once_and_over_when_they_are_as_before():
    rng = np.random.default_rng(0)
    watch = DriftWatch(lambda _: scores(rng, 200), Kept())
    stranger = [watch.take(part(n, score=score + 1)) for n, score in enumerate(scores(rng, 300))]
    (news,) = [each for each in stranger if each]
    assert "good parts look stranger than in training" in news.alarm.text
    assert "brightness, focus, colour and position are as before" in news.alarm.text
    after = [watch.take(part(n, score=score)) for n, score in enumerate(scores(rng, 3 * CLEAR))]
    (over,) = [each for each in after if each]
    assert over.over
    assert over.alarm == news.alarm


def test_scores_of_rejects_say_nothing_of_drift():
    watch = DriftWatch(lambda _: [1.0] * 50, Kept())
    assert not any(watch.take(part(n, verdict=Verdict.FAIL, score=9.0)) for n in range(300))


def test_a_lamp_that_failed_is_found_though_nothing_passes_any_more(pictures):
    watch = DriftWatch(lambda _: [1.0] * 50, Kept())
    for number, image in enumerate(pictures[:LOOKED_AT]):
        watch.take(looking(number, image))
    dark = [looking(n, darker(image), verdict=Verdict.FAIL, score=9.0) for n, image in enumerate(pictures[LOOKED_AT:])]
    (news,) = [found for row in dark if (found := watch.take(row))]
    assert "(darker)" in news.alarm.text


def test_a_few_rejects_that_look_otherwise_are_no_drift(pictures):
    watch = DriftWatch(lambda _: [1.0] * 50, Kept())
    for number in range(5 * len(pictures)):
        image = pictures[number % len(pictures)]
        reject = number % 10 == 9
        seen = looking(number, darker(image) if reject else image, verdict=Verdict.FAIL if reject else Verdict.PASS)
        assert watch.take(seen) is None


def test_an_alarm_is_in_the_record(tmp_path):
    rng = np.random.default_rng(0)
    path = str(tmp_path / "record.db")
    recorder = Recorder(lambda: open_store(path), run_row(), good_scores=lambda _: scores(rng, 200))
    for number, score in enumerate(scores(rng, 200)):
        recorder.add(part(number, score=score + 1))
    recorder.close()
    with open_store(path) as store:
        (alarm,) = store.alarms(open_only=True)
        assert alarm.kind == "drift"
        assert store.counts().passed == 200
