"""Parts whose verdict is known must come out right before a line may start."""

import cv2
import numpy as np
import pytest
from line import Waits, no_thread_is_left  # noqa: F401

from inspector.errors import DataError, ModelError
from inspector.golden import check_golden
from inspector.pipeline import Pipeline
from inspector.testing import FakeCamera


def save(path, brightness):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((48, 64, 3), brightness, np.uint8))


@pytest.fixture
def golden(station):
    """A golden set that alpha judges right and beta does not: it passes what is bright."""
    folder = station.config / "golden"
    for number in range(3):
        save(folder / "good" / f"{number}.png", station.dark)
        save(folder / "bad" / "bright" / f"{number}.png", station.bright)
    for product in ("alpha", "beta"):
        station.write(product, golden="golden")
    return folder


def loaded(station, product="alpha"):
    """As `run` loads it."""
    inspector = station.load(product)
    check_golden(inspector, station.config)
    return inspector


def test_a_recipe_that_is_right_about_them_is_ready(station, golden):
    assert loaded(station).recipe.golden == "golden"


def test_a_recipe_that_is_wrong_is_refused_with_their_names(station, golden):
    save(golden / "good" / "dusty.png", station.not_a_number)
    with pytest.raises(ModelError) as caught:
        loaded(station, "beta")
    said = str(caught.value)
    assert said.startswith("beta.yaml: golden: 4 of 7 parts came out wrong: good/dusty.png MISSED (the model gave no")
    assert "bad/bright/2.png PASS (score 7.8" in said
    assert "threshold 9.000)" in said


@pytest.mark.parametrize("folder", ["good", "bad"])
def test_a_golden_set_without_good_or_bad_parts_shows_nothing(station, golden, folder):
    (golden / folder).rename(golden / "away")
    with pytest.raises(DataError, match=folder):
        loaded(station)


def test_a_changeover_to_a_recipe_that_is_wrong_is_refused_and_the_old_one_goes_on(station, golden, caplog):
    tried = Waits()

    def load(product):
        try:
            return loaded(station, product)
        finally:
            tried.set()

    def script():
        line.change_product("beta")
        tried()
        yield from (station.frame(index, station.bright) for index in range(5))

    line = Pipeline(FakeCamera(script(), live=False), loaded(station), [], load=load)
    assert line.run().counts.failed == 5
    assert "changeover refused, alpha goes on: beta.yaml: golden: 3 of 6 parts came out wrong" in caplog.text
