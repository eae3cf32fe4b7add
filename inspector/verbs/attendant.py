"""Look after a running line between its ticks: a recipe that was changed on disk, the keys of its window."""

from __future__ import annotations

import time
from pathlib import Path

from inspector.errors import RecipeError
from inspector.pipeline import Pipeline
from inspector.recipe import load_recipe, products, recipe_path
from inspector.sinks.window import Window, WindowRequest
from inspector.verbs.options import RunOptions

PERIOD_NS = 500_000_000


class RecipeWatch:
    """Asks for a changeover when the running product's recipe file changes on disk."""

    def __init__(self, config_dir: Path) -> None:
        self._config_dir = config_dir
        self._seen = ("", 0, 0)
        self._next_ns = 0

    def __call__(self, pipeline: Pipeline) -> None:
        """Look, at most twice a second."""
        if time.monotonic_ns() < self._next_ns:
            return
        self._next_ns = time.monotonic_ns() + PERIOD_NS
        before, self._seen = self._seen, self._state(pipeline)
        product, changed_ns, _ = self._seen
        if self._seen != before and (changed_ns if product == before[0] else self._is_outdated(pipeline)):
            pipeline.change_product(product)

    def _is_outdated(self, pipeline: Pipeline) -> bool:
        """Return whether the recipe was changed while it was loaded, perhaps into one that has to be refused."""
        running = pipeline.inspector.recipe
        try:
            return load_recipe(self._config_dir, running.product).hash != running.hash
        except RecipeError:
            return True

    def _state(self, pipeline: Pipeline) -> tuple[str, int, int]:
        product = pipeline.inspector.recipe.product
        try:
            stat = recipe_path(self._config_dir, product).stat()
        except OSError:  # being replaced this moment, or removed: the running recipe goes on
            return product, 0, 0
        return product, stat.st_mtime_ns, stat.st_size


class Attendant:
    """Looks after one line, now and then, on the caller's thread: its recipe's file, its window and the keys there."""

    def __init__(self, options: RunOptions, window: Window | None = None) -> None:
        self._options = options
        self._window = window
        self._watch = RecipeWatch(options.config_dir)

    def __call__(self, pipeline: Pipeline) -> None:
        """Look after `pipeline`."""
        self._watch(pipeline)
        request = self._window.poll() if self._window else None
        if request is WindowRequest.QUIT:
            pipeline.stop()
        elif request is WindowRequest.NEXT_PRODUCT:
            self._next_product(pipeline)

    def _next_product(self, pipeline: Pipeline) -> None:
        """Change to the next product, by name, that has a recipe and a model."""
        running = pipeline.inspector.recipe.product
        ready = [product for product in products(self._options.config_dir) if self._has_model(product)]
        after = [product for product in ready if product > running]
        if (after or ready)[:1] not in ([], [running]):
            pipeline.change_product((after or ready)[0])

    def _has_model(self, product: str) -> bool:
        try:
            recipe = load_recipe(self._options.config_dir, product)
        except RecipeError:  # of another product: no reason to stop this one
            return False
        return (self._options.model_dir / recipe.model_file).is_file()
