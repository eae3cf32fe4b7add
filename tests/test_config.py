"""The recipe that comes with the program."""

from pathlib import Path

from inspector.recipe import load_recipe, new_recipe, products

CONFIG = Path(__file__).parent.parent / "config"


def test_the_template_is_a_recipe_of_defaults():
    """What a user copies differs in nothing from what `train` would write."""
    assert products(CONFIG) == ["template"]
    assert load_recipe(CONFIG, "template") == new_recipe("template")
