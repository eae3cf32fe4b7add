"""YAML -> frozen, strict models; the only reader of config files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from inspector import yaml_edit, yaml_file
from inspector.errors import RecipeError
from inspector.files import replacing
from inspector.grid import Grid
from inspector.roi import Roi
from inspector.text import shortened

PRODUCT = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
Align = Literal["auto", "none", "object", "template", "any-turn"]
MOST_REGIONS = 16
MOST_NAME = 40  # characters of a region's name
STATION = "station"  # config/station.yaml is about the machine, and no product's recipe


def _grid(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError("wants ROWSxCOLS, for example 2x3, or auto")
    return value if value == "auto" else str(Grid.parse(str(value)))


class ColourSettings(BaseModel):
    """Highlighting of colours that no good part shows."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    enhance: Literal["none", "overlay", "model"] = "overlay"
    tolerance: Annotated[int, Field(ge=0, le=64)] | None = None  # None: the model's own suggestion


class Region(Roi):
    """An area of the part that is judged by a model and a threshold of its own."""

    threshold: Annotated[float, Field(gt=0, allow_inf_nan=False)] | Literal["auto"] = "auto"  # auto: the part's
    threshold_model: str | None = None  # the model (its hash) for which the threshold was found by `calibrate`
    # Budget of this region alone; auto: the part's, which all such regions share.
    false_rejects: Annotated[float, Field(gt=0, lt=1)] | Literal["auto"] = "auto"

    @property
    def area(self) -> Roi:
        """Only where it is."""
        return Roi(judge=self.judge, ignore=self.ignore)

    @property
    def shares_budget(self) -> bool:
        """Whether it keeps the budget of the part together with the others."""
        return self.threshold == self.false_rejects == "auto"

    @property
    def set_by_hand(self) -> bool:
        """Whether its threshold is somebody's own, for whatever model."""
        return self.threshold != "auto" and self.threshold_model is None

    @property
    def uncalibrated(self) -> Region:
        """As a person wrote it: without the threshold that `calibrate` found for one model."""
        if self.threshold_model is None:
            return self
        return self.model_copy(update={"threshold": "auto", "threshold_model": None})

    @model_validator(mode="after")
    def _says_where(self) -> Region:
        if not self.judge:
            raise ValueError("wants polygons to judge")
        if self.set_by_hand and self.false_rejects != "auto":
            raise ValueError("wants threshold or false_rejects, not both")
        if self.threshold_model is not None and "auto" in (self.threshold, self.false_rejects):
            raise ValueError("threshold_model belongs to a threshold that is a number, and the false_rejects it keeps")
        return self


class Recipe(BaseModel):
    """How one product is inspected (its batch config)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    product: Annotated[str, Field(pattern=PRODUCT)]
    model: str = ""  # file in the model folder; empty: PRODUCT.onnx
    model_outside: bool = False  # the file is meant to lie elsewhere
    grid: Annotated[str, BeforeValidator(_grid)] = "1x1"  # auto: as the model was trained
    overlap: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    align: Align = "auto"  # bring the part into one pose; auto: as the model was trained
    unaligned: Literal["missed", "judge"] = "missed"  # a picture in which no part is found
    roi: Roi | None = None  # the area of the part that is judged, as the model was trained; None: all of it
    # Areas that are judged by a model and a threshold each, by name, instead of the whole part.
    regions: Annotated[
        Mapping[Annotated[str, Field(pattern=PRODUCT, max_length=MOST_NAME)], Region], Field(max_length=MOST_REGIONS)
    ] = Field(default_factory=dict)
    any_size: bool = False  # judge pictures of another size than the good ones had, too
    threshold: Annotated[float, Field(gt=0, allow_inf_nan=False)] | Literal["auto"] = "auto"
    threshold_model: str | None = None  # the model (its hash) that the threshold was set for
    # Budget of the threshold: share of good parts that may be rejected; auto: the tightest that train can guarantee.
    false_rejects: Annotated[float, Field(gt=0, lt=1)] | Literal["auto"] = "auto"
    colour: ColourSettings = ColourSettings()
    batch_size: Annotated[int, Field(ge=1, le=64)] = 8
    deadline_ms: Annotated[float, Field(gt=0, le=3_600_000)] | None = None  # later is MISSED; None: any time
    golden: Annotated[str, Field(min_length=1)] | None = None  # folder of parts that must come out right before a start

    @model_validator(mode="after")
    def _not_the_station(self) -> Recipe:
        if self.product == STATION:
            raise ValueError(f"product: {STATION}.yaml is the station's own file; name the product otherwise")
        return self

    @model_validator(mode="after")
    def _model_in_its_folder(self) -> Recipe:
        if not self.model_outside and any(
            map(_leads_elsewhere, (PurePosixPath(self.model), PureWindowsPath(self.model)))
        ):
            raise ValueError(
                f"model: wants a file in the model folder, got {self.model!r}; "
                "where another place is meant, write model_outside: true"
            )
        return self

    @model_validator(mode="after")
    def _regions_alone(self) -> Recipe:
        if self.regions and self.roi:
            raise ValueError("regions: each has its own polygons to judge and to ignore: leave out roi")
        if self.regions and self.grid not in ("1x1", "auto"):
            raise ValueError(f"regions: each is one patch: leave out grid, got {self.grid}")
        return self

    @model_validator(mode="after")
    def _threshold_for_a_number(self) -> Recipe:
        if self.threshold == "auto" and self.threshold_model is not None:
            raise ValueError("threshold_model belongs to a threshold that is a number")
        return self

    @property
    def layout(self) -> Grid | None:
        """The grid as an object; None: the model's own."""
        return None if self.grid == "auto" or self.regions else Grid.parse(self.grid, self.overlap)

    @property
    def model_file(self) -> str:
        """Name of the model's file in the model folder."""
        return self.model or f"{self.product}.onnx"

    @property
    def hash(self) -> str:
        """12 hexadecimal digits that change when any setting does; comments and order do not matter."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


Value = str | float | Roi | Mapping[str, Region] | None  # of a top-level key that a program may change
OF_A_REGION = ("threshold", "threshold_model", "false_rejects")  # its keys beside the polygons


def _leads_elsewhere(file: PurePath) -> bool:
    return bool(file.anchor) or ".." in file.parts


def recipe_path(config_dir: Path, product: str) -> Path:
    """Return where the recipe of a product lies. Raises RecipeError where the name cannot be a product's."""
    if not re.fullmatch(PRODUCT, product):
        given = repr(shortened(product, 80))
        raise RecipeError(
            f"product {given}: wants a name of letters, digits, - _ and . that begins with one of the first two"
        )
    return config_dir / f"{product}.yaml"


def products(config_dir: Path) -> list[str]:
    """Return names of all products that have a recipe."""
    return sorted(path.stem for path in config_dir.glob("*.yaml") if path.stem != STATION)


def load_recipe(config_dir: Path, product: str) -> Recipe:
    """Read config_dir/PRODUCT.yaml. Raises RecipeError in one line that names file and key."""
    path = recipe_path(config_dir, product)
    try:
        text = yaml_file.read_text(path)
    except FileNotFoundError:
        known = ", ".join(products(config_dir)) or "none"
        raise RecipeError(f"unknown product {product}: no {path} (there are: {known}); make it with `train`") from None
    return parse_recipe(text, path)


def parse_recipe(text: str, path: Path) -> Recipe:
    """Return the recipe in `text`; `path` is named in errors, and its stem must be the product."""
    recipe = yaml_file.parse(Recipe, text, path.name)
    if recipe.product != path.stem:
        raise RecipeError(f"{path.name}: product is {recipe.product!r}, but the file is named for {path.stem!r}")
    return recipe


def new_recipe(product: str) -> Recipe:
    """Return a recipe with every setting at its default. Raises RecipeError where the name cannot be a product's."""
    try:
        return Recipe(product=product)
    except ValidationError as error:
        raise RecipeError(yaml_file.complaint(error)) from None


def write_recipe(config_dir: Path, recipe: Recipe) -> Path:
    """Write a new recipe, with a comment at each key that a user may want to change."""
    path = recipe_path(config_dir, recipe.product)
    model = f"model: {yaml_file.scalar(recipe.model)}\n" if recipe.model else ""
    model += "model_outside: true\n" if recipe.model_outside else ""
    unaligned = "" if recipe.unaligned == "missed" else f"unaligned: {recipe.unaligned}\n"
    roi = f"roi: {recipe.roi.model_dump_json()}\n" if recipe.roi else ""
    roi += _regions_in_lines(recipe.regions)
    any_size = "any_size: true\n" if recipe.any_size else ""
    threshold_model = f"threshold_model: {yaml_file.scalar(recipe.threshold_model)}\n" if recipe.threshold_model else ""
    deadline = "" if recipe.deadline_ms is None else f"deadline_ms: {recipe.deadline_ms}\n"
    golden = f"golden: {yaml_file.scalar(recipe.golden)}\n" if recipe.golden else ""
    tolerance = "" if recipe.colour.tolerance is None else f"  tolerance: {recipe.colour.tolerance}\n"
    _save(
        path,
        f"""\
---
# Recipe of {recipe.product}: how one product is inspected.
product: {yaml_file.scalar(recipe.product)}
{model}grid: {recipe.grid}            # patches per frame, ROWSxCOLS, as the model was trained; auto: train decides
overlap: {recipe.overlap}         # share of a patch's side that neighbours have in common, 0 to 0.5
align: {recipe.align}          # bring parts into one pose: auto (train decides), none, object, template
{unaligned}threshold: {recipe.threshold}      # auto: the one the model was calibrated to; or a number, see `calibrate`
{threshold_model}false_rejects: {recipe.false_rejects}  # budget: share of good parts that may be rejected
colour:
  enhance: {recipe.colour.enhance}    # colours that no good part shows: none, overlay (drawn), model (seen by it too)
{tolerance}batch_size: {recipe.batch_size}        # frames judged at once when the line is faster than the inspection
{deadline}{golden}{roi}{any_size}...
""",
    )
    return path


def update_recipe(config_dir: Path, product: str, **changes: Value) -> Recipe:
    """Change top-level keys of a recipe and keep the rest of the file, comments included. None removes a key.

    Regions whose polygons stay are not written anew either. Raises RecipeError.
    """
    path = recipe_path(config_dir, product)
    before = load_recipe(config_dir, product)
    text = path.read_text(encoding="utf-8-sig")
    for key, value in changes.items():
        text = _with_regions(text, before.regions, value) if isinstance(value, Mapping) else _with_key(text, key, value)
        if len(text) > yaml_file.MOST_CHARACTERS:  # which nobody could read again; reading it now would take minutes
            raise RecipeError(f"{path.name}: would have {len(text)} characters: use fewer polygons, or fewer points")
    recipe = parse_recipe(text, path)
    _save(path, text)
    return recipe


def _regions_in_lines(regions: Mapping[str, Region]) -> str:
    """As the recipe's key, each region in a line; nothing where there are none."""
    lines = (
        f"  {yaml_file.scalar(name)}: {region.model_dump_json(exclude_defaults=True)}\n"
        for name, region in regions.items()
    )
    return "".join(("regions:\n", *lines)) if regions else ""


def _save(path: Path, text: str) -> None:
    try:
        with replacing(path) as part:  # a running line that watches the file never reads half of it
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"{path}: cannot be written: {error.strerror}") from None


def _with_regions(text: str, before: Mapping[str, Region], wanted: Mapping[str, Region]) -> str:
    """Return the text with other regions; where they lie as before, only what else differs is changed."""
    if [(name, region.area) for name, region in before.items()] != [(name, one.area) for name, one in wanted.items()]:
        text = yaml_edit.without(text, "regions")
        return yaml_edit.with_added(text, _regions_in_lines(wanted)) if wanted else text
    for name, region in wanted.items():
        for key in OF_A_REGION:
            if getattr(region, key) != getattr(before[name], key):
                text = yaml_edit.with_nested(text, ("regions", name, key), getattr(region, key))
    return text


def _with_key(text: str, key: str, value: str | float | Roi | None) -> str:
    """Return the text with one top-level key changed, added, or (None) removed, with the lines that are part of it."""
    if value is None:
        return yaml_edit.without(text, key)
    if isinstance(value, Roi):
        return yaml_edit.with_added(yaml_edit.without(text, key), f"{key}: {value.model_dump_json()}")
    line = re.compile(rf"^{key}:[^\n#]*?(?P<comment>[ \t]*(?:#[^\n]*)?)$", re.MULTILINE)
    written = yaml_file.scalar(value)
    if line.search(text):
        return line.sub(lambda match: f"{key}: {written}{match['comment']}", text, count=1)
    return yaml_edit.with_added(text, f"{key}: {written}")
