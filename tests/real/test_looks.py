"""Real bottles under another lamp, out of focus, tinted, or shifted: drift is found and named."""

from dataclasses import asdict

import cv2
import numpy as np
import pytest

from inspector.images import read_image
from inspector.record.drift import LOOKED_AT, DriftWatch
from inspector.record.looks import looks_of
from inspector.record.rows import PartRow
from inspector.record.tables import EPOCH
from inspector.records import Verdict

SOON = 30  # parts


class Forgets:
    def recall(self, model_hash):
        return []

    def keep(self, model_hash, looks):
        pass


@pytest.fixture(scope="module")
def pictures(real):
    return [read_image(path) for path in sorted(real("mvtec/bottle/train/good").iterdir())]


def row(number, image, verdict=Verdict.PASS):
    looks = asdict(looks_of(image))
    return PartRow("run", "", number, EPOCH, "bottle", "", "", verdict, threshold=1.0, score=0.5, **looks)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda image: (image * 0.9).astype(np.uint8), "(darker)"),
        (lambda image: cv2.GaussianBlur(image, (0, 0), 1.0), "(blurred"),
        (lambda image: np.clip(image * np.array([0.94, 1, 1.04]), 0, 255).astype(np.uint8), "(yellower)"),
        (lambda image: np.roll(image, 15, axis=1), "(further right)"),
    ],
    ids=["darker", "blurred", "warmer", "shifted"],
)
def test_what_has_changed_is_named_soon_and_nothing_before(pictures, change, words):
    watch = DriftWatch(lambda _: [0.5] * 50, Forgets())
    order = np.random.default_rng(0).permutation(len(pictures))
    same, later = order[: LOOKED_AT + 60], order[LOOKED_AT + 60 :]
    assert not any(watch.take(row(number, pictures[number])) for number in same)
    news = [watch.take(row(number, change(pictures[number]), Verdict.FAIL)) for number in later]
    found = next(number for number, each in enumerate(news) if each)
    assert found < SOON
    assert words in news[found].alarm.text
