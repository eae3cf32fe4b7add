"""The recipes that come with the program."""

from pathlib import Path

import pytest

from inspector.recipe import load_recipe, products

CONFIG = Path(__file__).parent.parent / "config"


def test_there_are_recipes():
    assert len(products(CONFIG)) >= 5


@pytest.mark.parametrize("product", products(CONFIG))
def test_a_shipped_recipe_loads_and_waits_for_its_model(product):
    recipe = load_recipe(CONFIG, product)
    assert recipe.product == product
    assert recipe.threshold == "auto", "a number would belong to a model that is not shipped"
    assert recipe.threshold_model is None
