"""Products trained once for all tests, the way a user trains them. Name this module in `pytest_plugins` to use them."""

import contextlib
import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from drawn import nail, nudged, poses, save

import export.verbs
import inspector.verbs
from inspector import cli
from inspector.inspection import Inspector, load_inspector
from inspector.recipe import recipe_path

VERBS = (*export.verbs.VERBS, *inspector.verbs.VERBS)


@dataclass(frozen=True)
class Product:
    """A product of a station, and the images it learned from."""

    name: str
    home: Path  # of models/ and config/
    data: Path

    @property
    def model(self) -> Path:
        return self.home / "models" / f"{self.name}.onnx"

    @property
    def recipe(self) -> Path:
        return recipe_path(self.home / "config", self.name)

    @property
    def good(self) -> list[Path]:
        """The images it learned from."""
        return sorted((self.data / "train" / "good").iterdir())

    def load(self) -> Inspector:
        """What the line loads."""
        return load_inspector(self.name, self.home / "config", self.home / "models")

    def copy(self, home: Path) -> "Product":
        """The same product in another place, to be changed there."""
        for folder in ("models", "config"):
            shutil.copytree(self.home / folder, home / folder)
        return Product(self.name, home, self.data)

    def call(self, verb: str, *options: object) -> str:
        """A verb on this product; returns what it printed, and fails where it does."""
        place = ["--model-dir", self.home / "models", "--config-dir", self.home / "config"]
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = cli.main(VERBS, [str(word) for word in (verb, "--product", self.name, *place, *options)])
        assert code == 0
        return out.getvalue()

    def train(self, *options: object) -> dict[str, object]:
        """`train --json` on the product's data."""
        found: dict[str, object] = json.loads(self.call("train", "--data", self.data, "--json", *options))
        return found


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
