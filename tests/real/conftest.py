"""Real images: where they are, and the models that the tests here share. The folder's own README describes them."""

import os
from pathlib import Path

import pytest
from product import Product, made_once

ROOT = Path(__file__).parent.parent.parent
DATA = Path(os.environ.get("LINE_INSPECTOR_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def real():
    """Give a folder or file of real data by its path in it; the test is skipped where it is absent."""

    def find(name):
        path = DATA / name
        if not path.exists():
            pytest.skip(f"no real data: {path} does not exist (set LINE_INSPECTOR_DATA)")
        return path

    return find


@pytest.fixture(scope="session")
def bottle(real, tmp_path_factory):
    """The model of `--effort quick`, from all 209 good bottles; the default effort is that of leather and coffee."""
    return learned("bottle", real("mvtec/bottle"), tmp_path_factory, "--effort", "quick")


@pytest.fixture(scope="session")
def evaluated_bottles(bottle):
    """What `evaluate --json` says of them."""
    return bottle.evaluate()


@pytest.fixture(scope="session")
def leather(real, tmp_path_factory):
    """The default model, from four good pictures of leather."""
    return learned("leather", real("mvtec/leather_sample"), tmp_path_factory)


@pytest.fixture(scope="session")
def coffee(real, tmp_path_factory):
    """The default model of the hardest product: pods of several colours, in any turn, under several lamps."""
    return learned("coffee", real("more/coffee_pods"), tmp_path_factory)


def learned(name, data, tmp_path_factory, *options):
    home = made_once(tmp_path_factory, name, lambda home: Product(name, home, data).train(*options))
    return Product(name, home, data)
