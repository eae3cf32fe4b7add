"""Golden parts judged while the line runs: by its model as it is, and with another threshold before that is used."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from inspector.background import REST, in_background
from inspector.detector import read_model
from inspector.errors import InspectorError, ModelError
from inspector.files import replacing
from inspector.golden import check_golden
from inspector.inspection import Inspector
from inspector.model_info import content_hash
from inspector.recipe import load_recipe, recipe_path

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GoldenResult:
    """What came of a golden check."""

    utc: datetime  # of its end
    product: str
    recipe_hash: str
    parts: int  # that were judged; 0 where it failed
    wrong: str  # why it failed, in one line; empty where all came out right


class GoldenCheck:
    """Judges the golden parts by the running model, when somebody asks.

    It runs on a thread that gives way to the line's, and rests after each part as long as that took: see
    `inspector.background`. Any thread may ask.
    """

    def __init__(self, running: Callable[[], Inspector], config_dir: Path) -> None:
        self._running = running
        self._config_dir = config_dir
        self._turn = threading.Lock()
        self._under_way = False
        self.last: GoldenResult | None = None

    @property
    def under_way(self) -> bool:
        """Whether one is being made."""
        return self._under_way

    def begin(self, done: Callable[[GoldenResult], None] = lambda result: None) -> None:
        """Begin a check; `done` gets its result, on a thread of its own. Raises ModelError where it cannot begin."""
        inspector = self._running()
        with self._turn:
            if self._under_way:
                raise ModelError("the golden parts are being checked already")
            if inspector.recipe.golden is None:
                raise ModelError(f"{inspector.recipe.product}: its recipe names no golden parts")
            self._under_way = True
        threading.Thread(target=self._check, args=(inspector, done), name="page-golden", daemon=True).start()

    def _check(self, inspector: Inspector, done: Callable[[GoldenResult], None]) -> None:
        parts, wrong = 0, ""
        try:
            parts = in_background(lambda: check_golden(inspector, self._config_dir, REST))
        except InspectorError as error:
            wrong = str(error)
        finally:
            self._under_way = False
        recipe = inspector.recipe
        self.last = result = GoldenResult(datetime.now(timezone.utc), recipe.product, recipe.hash, parts, wrong)
        if wrong:
            _logger.error("golden check: %s", wrong)
        done(result)


def with_threshold(running: Inspector, config_dir: Path, model_dir: Path, threshold: float | None) -> Inspector:
    """Return an inspector of the running product with another threshold (None: the model's own), right about its
    golden parts. Nothing is written. Raises InspectorError where the recipe cannot have this threshold.
    """
    recipe = load_recipe(config_dir, running.recipe.product)
    model_hash = running.detector.model_hash
    if content_hash(read_model(model_dir / recipe.model_file)) != model_hash:
        raise ModelError(f"{recipe.model_file} has been replaced since it was loaded: change over to it first")
    changes = (
        {"threshold": "auto", "threshold_model": None}
        if threshold is None
        else {"threshold": threshold, "threshold_model": model_hash}
    )
    tried = Inspector(recipe.model_copy(update=changes), running.detector)
    in_background(lambda: check_golden(tried, config_dir, REST))
    return tried


@contextmanager
def unchanged_on_error(config_dir: Path, product: str) -> Iterator[None]:
    """Where InspectorError is raised within, the recipe's file is put back as it was before."""
    path = recipe_path(config_dir, product)
    before = path.read_bytes()
    try:
        yield
    except InspectorError:
        if path.read_bytes() != before:
            with replacing(path) as part:
                part.write_bytes(before)
        raise
