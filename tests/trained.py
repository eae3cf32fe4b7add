"""Products trained once for all tests, the way a user trains them. Name this module in `pytest_plugins` to use them."""

import pytest
from drawn import nail, nudged, poses, save
from product import Product


@pytest.fixture(scope="session")
def feature_model(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """Nails in any pose, each with its own light, and the default model of them."""
    home = tmp_path_factory.mktemp("feature")
    for number, pose in enumerate(poses(10)):
        save(home / "data" / "train" / "good" / f"{number}.png", nail(pose, number))
    product = Product("nail", home, home / "data")
    product.train()
    return product


@pytest.fixture(scope="session")
def pixel_model(tmp_path_factory: pytest.TempPathFactory) -> Product:
    """Nails in a holder, and a pixel model of four overlapping patches of them."""
    home = tmp_path_factory.mktemp("pixel")
    for number, pose in enumerate(nudged(10)):
        save(home / "data" / "train" / "good" / f"{number}.png", nail(pose, number))
    product = Product("held", home, home / "data")
    product.train("--model", "pixel", "--epochs", "3", "--grid", "2x2", "--overlap", "0.25")
    return product
