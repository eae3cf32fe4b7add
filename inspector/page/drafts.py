"""Products that were drawn or trained anew and that no line uses yet.

A draft is a recipe and a model in folders of their own, CONFIG/drafts and MODELS/drafts, which no line reads. So what
is drawn and trained there changes nothing for a line that runs, nor for its next start, until it is taken over: then
the model is put beside the old one under a name of its own, and one replaced file, the recipe, names both the model
and the area that it has learned.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from inspector.background import in_background
from inspector.detector import Detector
from inspector.errors import ModelError, RecipeError
from inspector.files import replacing
from inspector.golden import check_golden
from inspector.inspection import Inspector
from inspector.page.former_models import remove_former
from inspector.recipe import (
    Align,
    Recipe,
    Region,
    Value,
    load_recipe,
    new_recipe,
    parse_recipe,
    products,
    recipe_path,
    update_recipe,
    write_recipe,
)
from inspector.roi import Roi, same_roi

FOLDER = "drafts"
# Keys of a training.
LEARNED = ("grid", "overlap", "align", "roi", "regions", "false_rejects", "threshold", "threshold_model")


@dataclass(frozen=True, slots=True)
class Area:
    """What is to be judged of a part, and how parts are aligned in the pictures that it was drawn on."""

    roi: Roi | None = None  # None: all of it, or its regions
    align: Align = "auto"
    regions: Mapping[str, Region] = field(default_factory=dict)  # judged apart, by name; then there is no `roi`


class Drafts:
    """The drafts of a station. Its methods read and write files, and hold nothing in between."""

    def __init__(self, config_dir: Path, model_dir: Path) -> None:
        self._in_use = config_dir
        self._models_in_use = model_dir
        self.config_dir = config_dir / FOLDER
        self.model_dir = model_dir / FOLDER

    def products(self) -> list[str]:
        """Every product that has a recipe or a draft, by name."""
        return sorted({*products(self._in_use), *products(self.config_dir)})

    def is_in_use(self, product: str) -> bool:
        """Whether lines can inspect it, or could with a model. Raises RecipeError where it cannot be a product's."""
        return recipe_path(self._in_use, product).is_file()

    def area(self, product: str) -> Area:
        """The area for the next training: the one that was drawn last, or else the one in use. Raises RecipeError."""
        drawn = self._recipe(self.config_dir, product) or self._recipe(self._in_use, product)
        return _area(drawn) if drawn else Area()

    def waits(self, product: str) -> bool:
        """Whether an area was drawn that the model in use has not learned. Raises RecipeError."""
        recipe, drawn = self._recipe(self._in_use, product), self.area(product)
        used = _area(recipe) if recipe else Area()
        return drawn.regions != used.regions or not same_roi(drawn.roi, used.roi)

    def whole(self, product: str) -> Area:
        """All of the part, aligned as if no area had ever been drawn. Raises RecipeError."""
        used = self._recipe(self._in_use, product)
        return Area(align=used.align) if used and used.roi is None and not used.regions else Area()

    def save_area(self, product: str, area: Area) -> None:
        """Keep an area for the next training. Raises RecipeError."""
        self._renew(product, area)

    def begin(self, product: str) -> None:
        """Make the draft the recipe in use with the area that was drawn: what training reads. Raises RecipeError."""
        self._renew(product, self.area(product))

    def model_file(self, product: str) -> Path | None:
        """The model that shows best how parts are aligned: the draft's, else the one in use; None where none is."""
        for config_dir, model_dir in ((self.config_dir, self.model_dir), (self._in_use, self._models_in_use)):
            recipe = self._recipe(config_dir, product)
            if recipe and (model_dir / recipe.model_file).is_file():
                return model_dir / recipe.model_file
        return None

    def take_over(self, product: str) -> None:
        """Put the trained draft into use; then former models that nothing needs any more go. Raises InspectorError, and
        leaves all as it was, where it would not run.
        """
        used = self._recipe(self._in_use, product)
        draft = load_recipe(self.config_dir, product)
        made = self.model_dir / draft.model_file
        detector = in_background(lambda: Detector(made))
        wanted = self._renewed(product, {key: getattr(draft, key) for key in LEARNED})
        in_background(lambda: check_golden(Inspector(wanted, detector), self._in_use))
        name = self._name_for(product, detector.model_hash)
        _copy(made, self._models_in_use / name)
        if name != wanted.model_file:
            wanted = update_recipe(self.config_dir, product, model=name)
        _write(self._in_use, wanted, recipe_path(self.config_dir, product).read_text("utf-8"))
        recipe_path(self.config_dir, product).unlink()
        made.unlink()
        remove_former(product, self._in_use, self._models_in_use, used.model_file if used else "")

    def has_model(self, product: str) -> bool:
        """Whether a model was trained that is not taken over. Raises RecipeError."""
        recipe = self._recipe(self.config_dir, product)
        return recipe is not None and (self.model_dir / recipe.model_file).is_file()

    def discard_model(self, product: str) -> None:
        """Delete the model that was trained and not taken over. The area that was drawn stays."""
        if recipe := self._recipe(self.config_dir, product):
            (self.model_dir / recipe.model_file).unlink(missing_ok=True)

    def discard(self, product: str) -> None:
        """Delete all of it: the model, the area and the recipe."""
        self.discard_model(product)
        recipe_path(self.config_dir, product).unlink(missing_ok=True)

    def _renew(self, product: str, area: Area) -> None:
        """Make the draft's recipe from the one in use."""
        new: dict[str, Value] = {"roi": area.roi, "regions": area.regions, "align": area.align}
        used = self._recipe(self._in_use, product)
        if area.regions and used and used.grid != "auto":
            new["grid"] = "1x1"  # each region is one patch
        self._renewed(product, new | {"threshold": "auto", "threshold_model": None})

    def _renewed(self, product: str, changes: Mapping[str, Value]) -> Recipe:
        """Write the recipe in use, or a new one, into the draft, with some keys changed.

        Its model has the usual name in the draft's own folder: training must not write over the one in use.
        """
        if self.is_in_use(product):
            recipe = load_recipe(self._in_use, product)
            _write(self.config_dir, recipe, recipe_path(self._in_use, product).read_text("utf-8-sig"))
        else:
            write_recipe(self.config_dir, new_recipe(product))
        return update_recipe(self.config_dir, product, **changes, model=None, model_outside=None)

    def _name_for(self, product: str, model_hash: str) -> str:
        """A model in use keeps its file: whatever happens while the recipe is replaced, it has the model it names."""
        usual = f"{product}.onnx"
        taken = self.is_in_use(product) or (self._models_in_use / usual).exists()
        return f"{product}-{model_hash}.onnx" if taken else usual

    def _recipe(self, config_dir: Path, product: str) -> Recipe | None:
        return load_recipe(config_dir, product) if recipe_path(config_dir, product).is_file() else None


def _area(recipe: Recipe) -> Area:
    """What a recipe judges; without the thresholds that were calibrated for one model."""
    return Area(recipe.roi, recipe.align, {name: region.uncalibrated for name, region in recipe.regions.items()})


def _write(config_dir: Path, recipe: Recipe, text: str) -> None:
    """Write a recipe word by word, comments included."""
    path = recipe_path(config_dir, recipe.product)
    parse_recipe(text, path)
    try:
        with replacing(path) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"{path}: cannot be written: {error.strerror}") from None


def _copy(model: Path, to: Path) -> None:
    try:
        with replacing(to) as part:
            shutil.copyfile(model, part)
    except OSError as error:
        raise ModelError(f"{to}: cannot be written: {error.strerror}") from None
