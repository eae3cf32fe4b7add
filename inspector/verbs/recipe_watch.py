"""Looks whether the running recipe's file has changed."""

from __future__ import annotations

import time
from pathlib import Path

from inspector.errors import RecipeError
from inspector.pipeline import Pipeline
from inspector.recipe import load_recipe, recipe_path

PERIOD_NS = 500_000_000


class RecipeWatch:
    """Asks for a changeover when the running product's recipe file changes on disk."""

    def __init__(self, config_dir: Path, pipeline: Pipeline) -> None:
        self._config_dir = config_dir
        self._pipeline = pipeline
        self._seen = ("", 0, 0)
        self._next_ns = 0

    def __call__(self) -> None:
        if time.monotonic_ns() < self._next_ns:
            return
        self._next_ns = time.monotonic_ns() + PERIOD_NS
        before, self._seen = self._seen, self._state()
        product, changed_ns, _ = self._seen
        if self._seen != before and (changed_ns if product == before[0] else self._is_outdated()):
            self._pipeline.change_product(product)

    def _is_outdated(self) -> bool:
        """Whether somebody changed the recipe while it was being loaded, perhaps into one that has to be refused."""
        running = self._pipeline.inspector.recipe
        try:
            return load_recipe(self._config_dir, running.product).hash != running.hash
        except RecipeError:
            return True

    def _state(self) -> tuple[str, int, int]:
        product = self._pipeline.inspector.recipe.product
        try:
            stat = recipe_path(self._config_dir, product).stat()
        except OSError:  # being replaced this moment, or removed: the running recipe goes on
            return product, 0, 0
        return product, stat.st_mtime_ns, stat.st_size
