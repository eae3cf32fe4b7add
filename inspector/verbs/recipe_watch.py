"""Looks whether the running recipe's file has changed."""

from __future__ import annotations

import time
from pathlib import Path

from inspector.pipeline import Pipeline
from inspector.recipe import recipe_path

PERIOD_NS = 500_000_000


class RecipeWatch:
    """Asks for a changeover when the running product's recipe file changes on disk."""

    def __init__(self, config_dir: Path, pipeline: Pipeline) -> None:
        self._config_dir = config_dir
        self._pipeline = pipeline
        self._seen = self._state()
        self._next_ns = 0

    def __call__(self) -> None:
        if time.monotonic_ns() < self._next_ns:
            return
        self._next_ns = time.monotonic_ns() + PERIOD_NS
        before, self._seen = self._seen, self._state()
        product, changed_ns, _ = self._seen
        if changed_ns and product == before[0] and self._seen != before:
            self._pipeline.change_product(product)

    def _state(self) -> tuple[str, int, int]:
        product = self._pipeline.inspector.recipe.product
        try:
            stat = recipe_path(self._config_dir, product).stat()
        except OSError:  # being replaced this moment, or removed: the running recipe goes on
            return product, 0, 0
        return product, stat.st_mtime_ns, stat.st_size
