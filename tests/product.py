"""A product as a user works with it: verbs on the command line, files on the disk."""

import contextlib
import io
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

import export.verbs
import inspector.verbs
from inspector import cli
from inspector.inspection import Inspector, load_inspector
from inspector.recipe import recipe_path

VERBS = (*export.verbs.VERBS, *inspector.verbs.VERBS)


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that `make` has filled, once for all processes of this run of the tests."""
    base = factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"once-{name}"
    with FileLock(f"{home}.lock"):
        if not home.exists():
            made = home.with_name(f"{home.name}.part")
            made.mkdir()
            make(made)
            made.rename(home)
    return home


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
        """A verb on this product that does what it should; returns what it printed."""
        code, out, err = self._main(verb, *options)
        assert code == 0, err
        return out

    def refused(self, verb: str, *options: object) -> str:
        """A verb that cannot be done; returns the one line that says why."""
        code, out, err = self._main(verb, *options)
        assert (code, out) == (2, "")
        lines = [line for line in err.splitlines() if line.startswith("error: ")]
        assert lines == err.splitlines()[-1:]
        return lines[0]

    def failed(self, verb: str, *options: object) -> tuple[int, str, str]:
        """A verb that cannot be done; returns its exit code and what it said, more than one line perhaps."""
        return self._main(verb, *options)

    def train(self, *options: object) -> dict[str, object]:
        """`train --json` on the product's data."""
        found: dict[str, object] = json.loads(self.call("train", "--data", self.data, "--json", *options))
        return found

    def evaluate(self, *options: object) -> dict[str, Any]:
        """`evaluate --json` on the product's data."""
        found: dict[str, Any] = json.loads(self.call("evaluate", "--data", self.data, "--json", *options))
        return found

    def _main(self, verb: str, *options: object) -> tuple[int, str, str]:
        place = ["--model-dir", self.home / "models", "--config-dir", self.home / "config"]
        words = [str(word) for word in (verb, "--product", self.name, *place, *options)]
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
            code = cli.main(VERBS, words)
        return code, out.getvalue(), err.getvalue()
