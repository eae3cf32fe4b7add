"""A few known defects: what the budgets catch of them, and when a looser one is worth it."""

import numpy as np
import pytest
from drawn import nail, nudged, save
from product import Product

from export.evaluate.known_defects import Known
from export.learn import calibration
from inspector.recipe import load_recipe

GOOD = np.linspace(0.2, 1, 300).tolist()
BUDGETS = [calibration.threshold(GOOD, budget) for budget in calibration.BUDGETS]


def known(*scores, choose=True):
    return Known(scores, BUDGETS, BUDGETS[0], choose)


def test_the_tightest_budget_that_catches_clearly_more_is_worth_it():
    found = known(*[2.0] * 4, *[0.97] * 2, *[0.92] * 4)  # caught from 1, 5 and 10 per cent on
    assert found.worth_it.budget == 0.05
    assert "4 at 1% false rejects" in found.words[0]
    assert found.words[1].startswith("so the budget is 5% in place of 1%, the threshold 0.9")
    assert found.words[1].endswith("it catches 2 more")


@pytest.mark.parametrize("scores", [[2.0] * 9 + [0.97], [2.0] * 10, [0.1] * 10])
def test_one_more_by_chance_or_none_is_not(scores):
    found = known(*scores)
    assert found.worth_it is found.usual
    assert len(found.words) == 1


def test_a_budget_that_was_given_stays():
    assert known(*[0.97] * 10, choose=False).worth_it.budget == 0.01


def test_known_defects_are_judged_by_the_trained_model_and_too_few_are_refused_before_training(tmp_path):
    product = Product("nail", tmp_path, tmp_path / "data")
    for number, pose in enumerate(nudged(12)):
        save(product.data / f"{number}.png", nail(pose, number))
    for number, pose in enumerate(nudged(8)):
        save(tmp_path / "defects" / f"{number}.png", nail(pose, 50 + number, spot=(10, 5)))
    found = product.train("--effort", "quick", "--align", "none", "--defects", str(tmp_path / "defects"))
    assert found["known_defects"]["images"] == 8
    assert found["known_defects"]["caught"] >= 6
    assert load_recipe(product.recipe.parent, "nail").product == "nail"
    (tmp_path / "defects" / "0.png").unlink()
    assert "defects: holds 7 images of known defects, wanted 8 or more" in product.refused(
        "train", "--data", product.data, "--defects", tmp_path / "defects"
    )
