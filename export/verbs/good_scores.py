"""Scores of good parts that the model did not learn from, as thresholds of a part and of its regions need them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from export.dataset import all_unreadable_named, good_images
from export.evaluate.evaluation import score_images
from export.learn import regions
from inspector.errors import ModelError
from inspector.inspection import Inspector
from inspector.model_info import ModelInfo, file_hash

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class GoodScores:
    """In units of the model's limits, whatever thresholds the recipe has.

    None is by a model that learned from that part.
    """

    info: ModelInfo
    counted: tuple[str, ...]  # hashes of the parts held out in training that count here
    new: Scores  # (n, patches) of other parts

    @classmethod
    def of(cls, inspector: Inspector, data: Path | None) -> GoodScores:
        """Those that the model brings, or (`data`) those of images, as a line without thresholds of its own scores
        them. Raises DataError, and ModelError where the model has learned from all of them.
        """
        info = inspector.detector.info
        if data is None:
            return cls(info, tuple(info.held_out), np.empty((0, inspector.grid.patches)))
        images = good_images(data)
        hashes = [file_hash(path) for path in images]
        others = [path for path, digest in zip(images, hashes, strict=True) if digest not in info.learned_from]
        with all_unreadable_named(images):
            new = score_images(inspector, others)
        found = cls(info, tuple(digest for digest in hashes if digest in info.held_out), new)
        if not len(found):
            raise ModelError(
                f"{data}: {info.product}.onnx has learned from all of these images, so they say nothing about new "
                "parts: give images of other good parts"
            )
        return found

    def __len__(self) -> int:
        """How many parts."""
        return len(self.counted) + len(self.new)

    def held_out(self, shared: Sequence[str]) -> dict[str, float]:
        """Scores of the part in training, by all parts' hashes, where only these of its regions count."""
        info = self.info
        if len(shared) == len(info.regions):
            return dict(info.held_out)
        raw = np.array([[region.held_out[part] for region in info.regions] for part in info.held_out])
        told = regions.held_out(raw, info.false_rejects, self._numbers(shared))
        return dict(zip(info.held_out, told.tolist(), strict=True))

    def new_of(self, shared: Sequence[str]) -> list[float]:
        """Scores of the part of those that are new, where only these of its regions count."""
        table = self.new[:, self._numbers(shared)] if self.info.regions else self.new
        return [float(score) for score in table.max(1)]

    def of_part(self, shared: Sequence[str]) -> list[float]:
        """Scores of the part of all of them, where only these of its regions count."""
        held_out = self.held_out(shared)
        return [held_out[part] for part in self.counted] + self.new_of(shared)

    def of_region(self, name: str) -> list[float]:
        """Scores of one region, of all of them, in the same order."""
        (number,) = self._numbers([name])
        region, limit = self.info.regions[number], float(self.info.limits[number])
        return [region.held_out[part] / limit for part in self.counted] + [float(each) for each in self.new[:, number]]

    def _numbers(self, names: Sequence[str]) -> list[int]:
        return [number for number, region in enumerate(self.info.regions) if region.name in names]
