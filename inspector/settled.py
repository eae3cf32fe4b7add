"""Read a recipe once it has stopped changing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from inspector import yaml_file
from inspector.errors import RecipeError
from inspector.recipe import Recipe, load_recipe, parse_recipe, recipe_path

SETTLED_S = 1.0  # unchanged for so long
PATIENCE_S = 30.0  # for a file that keeps changing
LOOK_S = 0.1


class SettledRecipes:
    """Reads recipes that have been left alone for a second, and refuses what looks like the beginning of one.

    `now_s` is the time of day, as files have it; `wait` sleeps.
    """

    def __init__(self, now_s: Callable[[], float] = time.time, wait: Callable[[float], None] = time.sleep) -> None:
        self._now_s = now_s
        self._wait = wait
        self._taken: dict[Path, str] = {}  # what each file said when it was read last

    def __call__(self, config_dir: Path, product: str) -> Recipe:
        """Return the recipe, as load_recipe. Raises RecipeError also where it keeps changing or is cut short."""
        path = recipe_path(config_dir, product)
        if not path.exists():
            return load_recipe(config_dir, product)  # which says what there is instead
        text = self._settled(path)
        recipe = parse_recipe(text, path)
        self._check_whole(path, text)
        self._taken[path] = text
        return recipe

    def _settled(self, path: Path) -> str:
        state, since_s = _state(path), 0.0
        waited_s = 0.0
        while waited_s <= PATIENCE_S:
            age_s = self._now_s() - state[0] / 1e9
            if waited_s - since_s >= SETTLED_S or age_s >= SETTLED_S:  # a clock that differs: seen so long, unchanged
                text = _text(path)
                if _state(path) == state:
                    return text
            self._wait(LOOK_S)
            waited_s += LOOK_S
            before, state = state, _state(path)
            if state != before:
                since_s = waited_s
        raise RecipeError(f"{path.name}: keeps changing: write it in one go")

    def _check_whole(self, path: Path, text: str) -> None:
        if not text.endswith("\n"):
            raise RecipeError(f"{path.name}: looks half-written: its last line has no line break: add one and save")
        before = self._taken.get(path, "")
        if len(text) < len(before) and before.startswith(text) and not yaml_file.is_marked(text):
            raise RecipeError(
                f"{path.name}: looks half-written: it is the beginning of the former file; "
                "if that is meant, begin it with a line --- and end it with a line ..."
            )


def _state(path: Path) -> tuple[int, int, int]:
    try:
        stat = path.stat()
    except OSError:
        return 0, -1, 0  # being replaced this moment: not what it was, nor what it will be
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _text(path: Path) -> str:
    try:
        return yaml_file.read_text(path)
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such file any more") from None
