"""What looks after a running line: keys in its window change the product or end the run."""

import itertools

import pytest
from line import Scripted, no_thread_is_left  # noqa: F401

from inspector.pipeline import Pipeline
from inspector.sinks.window import WindowRequest
from inspector.testing import MemorySink
from inspector.verbs.attendant import Attendant
from inspector.verbs.options import RunOptions


class Keys:
    """In place of a display: the keys that are pressed, one after the other, each when the last has had its effect."""

    def __init__(self, products):
        self.line = None
        self._products = iter(products)  # that the line comes to, by `p`
        self._awaited = None

    def poll(self):
        if self._awaited not in (None, self.line.inspector.recipe.product):
            return None
        self._awaited = next(self._products, "")
        return WindowRequest.NEXT_PRODUCT if self._awaited else WindowRequest.QUIT


@pytest.mark.parametrize(
    ("with_recipe", "order"),
    [
        (["alpha", "beta", "gamma"], ["beta", "gamma", "alpha"]),
        (["alpha", "gamma"], ["gamma", "alpha"]),  # beta has no recipe
        (["alpha", "beta", "omega"], ["beta", "alpha"]),  # omega has no model
    ],
)
def test_a_key_goes_to_the_next_product_and_another_ends_the_run(station, with_recipe, order):
    for recipe in station.config.glob("*.yaml"):
        recipe.unlink()
    for product in with_recipe:
        station.write(product)
    keys, seen = Keys(order), MemorySink()
    attendant = Attendant(RunOptions(config_dir=station.config, model_dir=station.models), keys)

    def tick(line):
        keys.line = line
        attendant(line)

    camera = Scripted(map(station.frame, range(20_000)), live=False)
    Pipeline(camera, station.load(), [seen], load=station.load, tick=tick).run()
    products = [product for product, _ in itertools.groupby(inspection.product for inspection in seen.inspections)]
    assert products == ["alpha", *order][: len(products)]
    assert len(products) >= len(order)  # the last one may come with the end
