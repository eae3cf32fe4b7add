"""Pixel AUROC and AU-PRO against cases small enough to compute by hand."""

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from export.evaluate.pixel_metrics import measure_pixels


def pair(values, defects):
    """A 4x4 map that is 0 but for `values`, and a mask of the pixels in `defects`."""
    anomaly_map, mask = np.zeros((4, 4), np.float32), np.zeros((4, 4), bool)
    for at, value in values.items():
        anomaly_map[at] = value
    for at in defects:
        mask[at] = True
    return anomaly_map, mask


def test_every_region_counts_the_same_whatever_its_size():
    # Region of one pixel: found. Region of two pixels: one of them found. The 13 good pixels look like the missed one,
    # so the mean overlap runs straight from (0, 0.75) to (1, 1), and the share of all from (0, 2/3) to (1, 1).
    metrics = measure_pixels([pair({(0, 0): 3, (3, 2): 3}, [(0, 0), (3, 2), (3, 3)])])
    assert metrics.au_pro == pytest.approx((0.75 + (0.75 + 0.25 * 0.3)) / 2)
    assert metrics.auroc == pytest.approx((2 / 3 + 1) / 2)


def test_diagonal_neighbours_are_one_region():
    # Two found pixels that touch at a corner: one region, found whole; beside it a missed one: 0.5, not 2/3.
    metrics = measure_pixels([pair({(0, 0): 3, (1, 1): 3}, [(0, 0), (1, 1), (3, 3)])])
    assert metrics.au_pro == pytest.approx((0.5 + (0.5 + 0.5 * 0.3)) / 2)


def test_a_perfect_map_scores_one_and_a_flat_one_is_a_coin():
    perfect = measure_pixels([pair({(1, 1): 5}, [(1, 1)]), pair({}, [])])
    assert (perfect.auroc, perfect.au_pro) == (1, 1)
    flat = measure_pixels([pair({}, [(1, 1)])])
    assert flat.auroc == pytest.approx(0.5)
    assert flat.au_pro == pytest.approx(0.15)  # the diagonal up to 0.3, normalised by 0.3


def test_without_masks_there_is_no_figure():
    metrics = measure_pixels([pair({(0, 0): 1}, [])])
    assert math.isnan(metrics.auroc)
    assert math.isnan(metrics.au_pro)


def test_agrees_with_the_exact_area_on_maps_of_many_values():
    rng = np.random.default_rng(3)
    mask = np.zeros((64, 64), bool)
    mask[10:20, 30:50] = True
    anomaly_map = (rng.normal(0, 1, mask.shape) + mask).astype(np.float32)
    exact = roc_auc_score(mask.ravel(), anomaly_map.ravel())
    assert measure_pixels([(anomaly_map, mask)]).auroc == pytest.approx(exact, abs=1e-3)


def test_maps_are_compared_at_the_masks_resolution():
    coarse, mask = np.zeros((4, 4), np.float32), np.zeros((400, 400), bool)
    coarse[0, 0] = 1
    mask[:50, :50] = True  # the corner of the coarse cell, where its value is highest
    assert measure_pixels([(coarse, mask)]).auroc == 1
