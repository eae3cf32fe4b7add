"""How well maps find the defects' pixels: pixel AUROC, and the area under the per-region-overlap curve (AU-PRO).

Source: Bergmann et al., The MVTec Anomaly Detection Dataset, IJCV 129, 2021. Any non-zero mask pixel is defect, a
region is 8-connected, and maps are compared at the mask's resolution. Images of defects without a mask are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.records import AnomalyMap, Mask

MAX_FPR = 0.3  # AU-PRO looks at thresholds up to this share of good pixels called anomalous
LEVELS = 4096  # thresholds tried: quantiles of the maps' values

Counts = NDArray[np.float64]  # (LEVELS + 1,), pixels per level


@dataclass(frozen=True, slots=True)
class PixelMetrics:
    """nan where no mask was given, or no good pixel."""

    auroc: float
    au_pro: float  # normalised to 0..1


def measure_pixels(pairs: Iterable[tuple[AnomalyMap, Mask]]) -> PixelMetrics:
    """Figures over (map, mask) of every image; a good image's mask is all False."""
    pairs = list(pairs)
    if not any(mask.any() for _, mask in pairs):
        return PixelMetrics(math.nan, math.nan)
    edges = np.unique(np.quantile(np.concatenate([m.ravel() for m, _ in pairs]), np.linspace(0, 1, LEVELS)))
    good = np.zeros(len(edges) + 1)
    regions: list[Counts] = []
    for anomaly_map, mask in pairs:
        levels = _levels(anomaly_map, mask, edges)
        good += np.bincount(levels[~mask], minlength=len(good))
        regions += [np.bincount(levels[region], minlength=len(good)).astype(float) for region in _regions(mask)]
    if not good.sum():
        return PixelMetrics(math.nan, math.nan)
    fpr = _share_above(good)
    overlap = np.mean([_share_above(region) for region in regions], axis=0)
    tpr = _share_above(np.sum(regions, axis=0))
    return PixelMetrics(float(np.trapezoid(tpr, fpr)), _area_up_to(fpr, overlap, MAX_FPR))


def _levels(anomaly_map: AnomalyMap, mask: Mask, edges: NDArray[np.float64]) -> NDArray[np.intp]:
    """How many edges each pixel of the map, scaled to the mask's size, reaches: (height, width)."""
    scaled = cv2.resize(anomaly_map, mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.searchsorted(edges, scaled, side="right")


def _regions(mask: Mask) -> Iterator[Mask]:
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return (labels == region for region in range(1, count))


def _share_above(counts: Counts) -> Counts:
    """Share of pixels at or above each level, from none (the highest threshold) to all."""
    return np.concatenate([[0.0], counts[::-1].cumsum() / counts.sum()])


def _area_up_to(x: Counts, y: Counts, limit: float) -> float:
    """Area below the rising curve from 0 to `limit`, over `limit`; the end is interpolated."""
    inside = x <= limit
    end = float(np.interp(limit, x, y))
    xs, ys = np.append(x[inside], limit), np.append(y[inside], end)
    return float(np.trapezoid(ys, xs) / limit)
