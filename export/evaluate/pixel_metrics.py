"""How well maps find the defects' pixels: pixel AUROC, and the area under the per-region-overlap curve (AU-PRO).

Source: Bergmann et al., The MVTec Anomaly Detection Dataset, IJCV 129, 2021. Any non-zero mask pixel is defect, a
region is 8-connected, and maps are compared at the mask's resolution. Images of defects without a mask are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.records import AnomalyMap, Mask

MAX_FPR = 0.3  # AU-PRO looks at thresholds up to this share of good pixels called anomalous
LEVELS = 4096  # thresholds tried: quantiles of the maps' values

Counts = NDArray[np.float64]  # (..., levels), pixels per level


@dataclass(frozen=True, slots=True)
class PixelMetrics:
    """nan where no mask was given, or no good pixel."""

    auroc: float
    au_pro: float  # normalised to 0..1


@dataclass(frozen=True, slots=True)
class PixelCurves:
    """By falling threshold, from one that no pixel reaches to one that all do; each (levels + 1,)."""

    fpr: Counts  # share of the good pixels called anomalous
    tpr: Counts  # share of the defects' pixels
    overlap: Counts  # share of a region, the mean over all regions

    def metrics(self) -> PixelMetrics:
        """Return the areas under ROC and PRO."""
        return PixelMetrics(float(np.trapezoid(self.tpr, self.fpr)), _area_up_to(self.fpr, self.overlap, MAX_FPR))


@dataclass(frozen=True, slots=True, eq=False)
class PixelLevels:
    """Each image's pixels by the level its map reaches there: all that the figures need, without maps and masks."""

    good: Counts  # (images, levels), pixels that are no defect
    defect: Counts  # (images, levels), pixels of defects
    overlap: Counts  # (images, levels), the same as shares of their region, summed over the image's regions
    regions: NDArray[np.int64]  # (images,), how many defects the image has

    def curves(self, weights: NDArray[np.int64] | None = None) -> PixelCurves | None:
        """ROC and PRO over all images, each counted `weights` times (default: once); None where they do not exist."""
        each = np.ones(len(self.regions), np.int64) if weights is None else weights
        good, regions = each @ self.good, each @ self.regions
        if not (regions and good.any()):
            return None
        tpr, overlap = _share_above(each @ self.defect), _share_above(each @ self.overlap)
        return PixelCurves(_share_above(good), tpr, overlap)

    def metrics(self, weights: NDArray[np.int64] | None = None) -> PixelMetrics:
        """Return the figures over all images, each counted `weights` times."""
        curves = self.curves(weights)
        return curves.metrics() if curves else PixelMetrics(math.nan, math.nan)


def measure_pixels(pairs: Iterable[tuple[AnomalyMap, Mask]]) -> PixelMetrics:
    """Return figures over (map, mask) of every image; a good image's mask is all False."""
    maps, masks = zip(*pairs, strict=True)
    return count_levels(maps, masks).metrics()


def count_levels(
    maps: Sequence[AnomalyMap | None], masks: Iterable[Mask | None], areas: Iterable[Mask | None] = repeat(None)
) -> PixelLevels:
    """Count the pixels of every image by level. An image without map or mask has none.

    `masks` may be a generator: one at a time is held. `areas` say where a part is judged, at any resolution (None:
    everywhere); what lies outside is not counted.
    """
    edges = _edges([one for one in maps if one is not None])
    good, defect, overlap = np.zeros((3, len(maps), len(edges) + 1))
    regions = np.zeros(len(maps), np.int64)
    for number, (anomaly_map, mask, area) in enumerate(zip(maps, masks, areas)):  # noqa: B905  (areas may be endless)
        if anomaly_map is None or mask is None:
            continue
        counted = np.ones_like(mask) if area is None else _resized(area, mask.shape)
        levels = _levels(anomaly_map, mask, edges)
        good[number] = _count(levels[counted & ~mask], edges)
        for region in _regions(counted & mask):
            counts = _count(levels[region], edges)
            defect[number] += counts
            overlap[number] += counts / counts.sum()
            regions[number] += 1
    return PixelLevels(good, defect, overlap, regions)


def _resized(mask: Mask, size: tuple[int, ...]) -> Mask:
    return cv2.resize(mask.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST).astype(np.bool_)


def _edges(maps: Sequence[AnomalyMap]) -> NDArray[np.float64]:
    if not maps:
        return np.zeros(0)
    return np.unique(np.quantile(np.concatenate([m.ravel() for m in maps]), np.linspace(0, 1, LEVELS)))


def _levels(anomaly_map: AnomalyMap, mask: Mask, edges: NDArray[np.float64]) -> NDArray[np.intp]:
    """Say how many edges each pixel of the map, scaled to the mask's size, reaches: (height, width)."""
    scaled = cv2.resize(anomaly_map, mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.searchsorted(edges, scaled, side="right")


def _count(levels: NDArray[np.intp], edges: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.bincount(levels, minlength=len(edges) + 1)


def _regions(mask: Mask) -> Iterator[Mask]:
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return (labels == region for region in range(1, count))


def _share_above(counts: Counts) -> Counts:
    """Return share of pixels at or above each level, from none (the highest threshold) to all."""
    return np.concatenate([[0.0], counts[::-1].cumsum() / counts.sum()])


def _area_up_to(x: Counts, y: Counts, limit: float) -> float:
    """Area below the rising curve from 0 to `limit`, over `limit`; the end is interpolated."""
    inside = x <= limit
    end = float(np.interp(limit, x, y))
    xs, ys = np.append(x[inside], limit), np.append(y[inside], end)
    return float(np.trapezoid(ys, xs) / limit)
