"""What a page may do to a line. Pages know the protocol only; a station without a line has none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from inspector.errors import InspectorError, ModelError, RecipeError
from inspector.inspection import Inspector
from inspector.page.trials import GoldenCheck, GoldenResult, unchanged_on_error, with_threshold
from inspector.pipeline import Pipeline
from inspector.recipe import Recipe, load_recipe, products, update_recipe
from inspector.text import told_apart


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a product could be inspected."""

    product: str
    ready: bool
    why_not: str = ""  # one line, where it is not
    golden: bool = False  # whether parts with a known verdict are checked before it may start


@dataclass(frozen=True, slots=True)
class Running:
    """What a line runs at this moment."""

    product: str
    recipe: Recipe
    recipe_hash: str
    model_hash: str
    provider: str  # what the model runs on
    threshold: float
    model_threshold: float  # what the model itself suggests
    deadline_ms: float | None
    budget: float  # share of good parts that the threshold may reject
    held_out: tuple[float, ...]  # scores of good parts by a model that never saw them
    outputs: int  # how many are told the verdicts
    away: str  # why one of them cannot be told at present; empty where all can
    live: bool  # parts come by themselves; a replay's do not
    rate_hz: float | None  # of parts, where it was set
    running: bool
    failed: str  # the first error of the line; empty where all is well
    loading: str  # the product that is being loaded; empty where none is
    refused: str  # why the last changeover was refused; empty where it was not
    checking: bool  # whether its golden parts are being judged
    golden: GoldenResult | None  # what came of that last


class LineControl(Protocol):
    """One line as its pages see it. All of it may be called from any thread and returns at once."""

    @property
    def name(self) -> str:
        """The camera's; empty where it is the only one."""

    @property
    def now(self) -> Running:
        """What it runs at this moment."""

    def products(self) -> Sequence[Readiness]:
        """Every product that has a recipe, by name."""

    def check_product(self, product: str) -> None:
        """Raise InspectorError where it is known beforehand that the product cannot be inspected."""

    def change_product(self, product: str) -> None:
        """Begin a changeover."""

    def check_threshold(self, threshold: float | None) -> None:
        """Raise InspectorError where the running product cannot have this threshold."""

    def set_threshold(self, threshold: float | None, settle: Callable[[], None] = lambda: None) -> None:
        """Try another threshold (None: the model's own) on the golden parts; then write it into the recipe, call
        `settle`, and take it over between two parts. Where any of that raises InspectorError the recipe stays as it
        was, and `now.refused` says why.
        """

    def check_golden(self, done: Callable[[GoldenResult], None]) -> None:
        """Begin to judge the golden parts by the running model; see GoldenCheck. Raises ModelError."""

    def stop(self) -> None:
        """End the run."""


class PipelineControl:
    """A LineControl over a pipeline of this process."""

    def __init__(self, pipeline: Pipeline, config_dir: Path, model_dir: Path, rate_hz: float | None = None) -> None:
        self._pipeline = pipeline
        self._config_dir = config_dir
        self._model_dir = model_dir
        self._rate_hz = rate_hz
        self._golden = GoldenCheck(lambda: pipeline.inspector, config_dir)

    @property
    def name(self) -> str:
        return self._pipeline.name

    @property
    def now(self) -> Running:
        pipeline = self._pipeline
        inspector = pipeline.inspector
        recipe, detector = inspector.recipe, inspector.detector
        return Running(
            product=recipe.product,
            recipe=recipe,
            recipe_hash=recipe.hash,
            model_hash=detector.model_hash,
            provider=detector.provider,
            threshold=inspector.threshold,
            model_threshold=detector.info.threshold,
            deadline_ms=recipe.deadline_ms,
            budget=inspector.budget,
            held_out=tuple(inspector.held_out.values()),
            outputs=pipeline.outputs,
            away=pipeline.away,
            live=pipeline.live,
            rate_hz=self._rate_hz,
            running=pipeline.running,
            failed=str(pipeline.errors[0]) if pipeline.errors else "",
            loading=pipeline.loading,
            refused=pipeline.refusal,
            checking=self._golden.under_way,
            golden=self._golden.last,
        )

    def products(self) -> Sequence[Readiness]:
        return [readiness_of(product, self._config_dir, self._model_dir) for product in products(self._config_dir)]

    def check_product(self, product: str) -> None:
        readiness = readiness_of(product, self._config_dir, self._model_dir)
        if not readiness.ready:
            raise ModelError(readiness.why_not)

    def change_product(self, product: str) -> None:
        self._pipeline.change_product(product)

    def check_threshold(self, threshold: float | None) -> None:
        beyond = self._pipeline.inspector.detector.info.beyond
        if threshold is not None and not 0 < threshold <= beyond:
            given, most = told_apart(threshold, beyond)
            raise RecipeError(f"threshold {given}: wants a number above 0 and up to {most}: beyond it all passes")

    def set_threshold(self, threshold: float | None, settle: Callable[[], None] = lambda: None) -> None:
        self.check_threshold(threshold)
        running = self._pipeline.inspector
        product = running.recipe.product

        def write() -> None:
            if self._pipeline.inspector is not running:
                raise RecipeError(f"{product} has been changed in the meantime: look again, then set the threshold")
            value = "auto" if threshold is None else threshold
            model = None if threshold is None else running.detector.model_hash
            with unchanged_on_error(self._config_dir, product):
                update_recipe(self._config_dir, product, threshold=value, threshold_model=model)
                settle()

        def load(product: str) -> Inspector:
            return with_threshold(running, self._config_dir, self._model_dir, threshold)

        self._pipeline.change_product(product, load, write)

    def check_golden(self, done: Callable[[GoldenResult], None]) -> None:
        self._golden.begin(done)

    def stop(self) -> None:
        self._pipeline.stop()


def readiness_of(product: str, config_dir: Path, model_dir: Path) -> Readiness:
    """Look whether a product has a recipe that can be read, and a model."""
    try:
        recipe = load_recipe(config_dir, product)
    except InspectorError as error:
        return Readiness(product, False, str(error))
    if not (model_dir / recipe.model_file).is_file():
        return Readiness(product, False, f"no model {recipe.model_file}: train it", bool(recipe.golden))
    return Readiness(product, True, golden=bool(recipe.golden))
