"""Intervals of figures: what they hold, when they exist, and that the same images give the same ones."""

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from export.evaluate.bootstrap import intervals, share_interval
from export.evaluate.metrics import Results
from export.evaluate.pixel_metrics import count_levels

NAMES = ("image_auroc", "pixel_auroc", "au_pro", "f1", "best_f1", "false_reject_rate")


def results(good, defects, threshold=5.0, masks=False):
    """Parts of these scores (nan: never judged). With masks, every map is right on the left half and noise beside."""
    scores = np.array([*good, *defects], float)
    anomalous = np.array([False] * len(good) + [True] * len(defects))
    rejected = ~(scores <= threshold)
    rng = np.random.default_rng(1)
    maps, labels = [], []
    for defective in anomalous:
        mask = np.zeros((16, 16), bool)
        mask[:, :8] = defective
        maps.append((mask + rng.normal(0, 1, mask.shape)).astype(np.float32))
        labels.append(mask)
    levels = count_levels(maps, labels if masks else [None] * len(maps))
    return Results(anomalous, rejected, scores, levels)


def kinds(good, defects):
    return ["good"] * len(good) + ["dent"] * len(defects)


def test_every_interval_holds_its_figure_and_has_width():
    rng = np.random.default_rng(0)
    good, defects = rng.normal(4, 1.5, 30), rng.normal(6, 1.5, 30)
    measured = results(good, defects, masks=True)
    found, figures = intervals(measured, kinds(good, defects)), measured.figures()
    for name in NAMES:
        low, high = found[name]
        assert 0 <= low < getattr(figures, name) < high <= 1, name


@pytest.mark.parametrize("seed", range(8))
def test_figures_of_a_resampling_are_those_of_the_images_it_drew(seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 12, 40) / 2.0  # many are equal
    measured = results(scores[:20], scores[20:] + 1.5, masks=True)
    weights = rng.multinomial(40, np.full(40, 1 / 40))
    figures = measured.figures(weights)
    drawn = np.repeat(np.arange(40), weights)
    truth, scores = drawn >= 20, measured.scores[drawn]
    assert figures.image_auroc == pytest.approx(roc_auc_score(truth, scores))
    assert figures.f1 == pytest.approx(f1_score(truth, scores > 5))
    assert figures.best_f1 == pytest.approx(max(f1_score(truth, scores >= limit) for limit in np.unique(scores)))
    assert figures.false_reject_rate == pytest.approx(np.mean(scores[~truth] > 5))
    assert math.isfinite(figures.au_pro)


def test_each_kind_keeps_its_number_of_images():
    # Were kinds not kept apart, some resamplings would hold more or less than half of the parts as defects, and with
    # all parts rejected, F1 would follow: 2 * share / (1 + share).
    measured = results([6] * 10, [7] * 10)
    assert intervals(measured, kinds([6] * 10, [7] * 10))["f1"] == pytest.approx((2 / 3, 2 / 3))


def test_the_same_images_give_the_same_intervals():
    good, defects = [1, 2, 6, 3], [9, 8, 2, 7]
    once, again = (intervals(results(good, defects), kinds(good, defects)) for _ in range(2))
    assert once == again


def test_what_does_not_exist_has_no_interval():
    found = intervals(results([1, 2, 6], []), ["good"] * 3)
    assert [found[name] for name in ("image_auroc", "best_f1", "pixel_auroc", "au_pro")] == [None] * 4
    assert found["false_reject_rate"] == (0, 1)
    assert intervals(results([], [9, 3]), ["dent"] * 2)["false_reject_rate"] is None


def test_parts_that_were_never_judged_count_as_rejected():
    found = intervals(results([math.nan] * 3, [math.nan] * 2), kinds([0] * 3, [0] * 2))
    assert found["false_reject_rate"] == (1, 1)
    assert found["image_auroc"] is None


def test_a_replicate_without_a_judged_defect_is_passed_over():
    low, high = intervals(results([1, 2], [9, math.nan, math.nan]), kinds([0] * 2, [0] * 3))["image_auroc"]
    assert (low, high) == (1, 1)


def test_none_of_twenty_is_not_none_for_sure():
    low, high = share_interval(0, 20)
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 20))  # then 0 of 20 has a chance of 2.5 %
