"""YAML -> frozen, strict models; the only reader of config files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from inspector.errors import RecipeError
from inspector.files import replacing
from inspector.grid import Grid

PRODUCT = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"


def _grid(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError("wants ROWSxCOLS, for example 2x3")
    return str(Grid.parse(str(value)))


class Colour(BaseModel):
    """Highlighting of colours that no good part shows."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    enhance: Literal["none", "overlay", "model"] = "overlay"
    tolerance: Annotated[int, Field(ge=0, le=64)] | None = None  # None: the model's own suggestion


class Recipe(BaseModel):
    """How one product is inspected (its batch config)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    product: Annotated[str, Field(pattern=PRODUCT)]
    model: str = ""  # file in the model folder; empty: PRODUCT.onnx
    grid: Annotated[str, BeforeValidator(_grid)] = "1x1"
    overlap: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    align: Literal["auto", "none", "object"] = "auto"  # turn the part into one pose; auto: as the model was trained
    unaligned: Literal["missed", "judge"] = "missed"  # a picture in which no part is found
    threshold: Annotated[float, Field(gt=0, allow_inf_nan=False)] | Literal["auto"] = "auto"
    threshold_model: str | None = None  # the model (its hash) that the threshold was set for
    false_rejects: Annotated[float, Field(gt=0, lt=1)] = 0.01
    colour: Colour = Colour()
    batch_size: Annotated[int, Field(ge=1, le=64)] = 8

    @model_validator(mode="after")
    def _threshold_for_a_number(self) -> Recipe:
        if self.threshold == "auto" and self.threshold_model is not None:
            raise ValueError("threshold_model belongs to a threshold that is a number")
        return self

    @property
    def layout(self) -> Grid:
        """The grid as an object."""
        return Grid.parse(self.grid, self.overlap)

    @property
    def model_file(self) -> str:
        """Name of the model's file in the model folder."""
        return self.model or f"{self.product}.onnx"

    @property
    def hash(self) -> str:
        """12 hexadecimal digits that change when any setting does; comments and order do not matter."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:12]


def recipe_path(config_dir: Path, product: str) -> Path:
    """Where the recipe of a product lies."""
    return config_dir / f"{product}.yaml"


def products(config_dir: Path) -> list[str]:
    """Names of all products that have a recipe."""
    return sorted(path.stem for path in config_dir.glob("*.yaml"))


def load_recipe(config_dir: Path, product: str) -> Recipe:
    """Read config_dir/PRODUCT.yaml. Raises RecipeError in one line that names file and key."""
    path = recipe_path(config_dir, product)
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors on Windows write a byte order mark
    except FileNotFoundError:
        known = ", ".join(products(config_dir)) or "none"
        raise RecipeError(f"unknown product {product}: no {path} (there are: {known}); make it with `train`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read: {error}") from None
    return parse_recipe(text, path)


def parse_recipe(text: str, path: Path) -> Recipe:
    """The recipe in `text`; `path` is named in errors, and its stem must be the product."""
    try:
        data = yaml.load(text, Loader=_UniqueKeys)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # the last two: a date of month 13, a thousand [
        raise RecipeError(f"{path.name}: not valid YAML: {_where(error)}") from None
    if not isinstance(data, dict):
        raise RecipeError(f"{path.name}: wants `key: value` lines, got {type(data).__name__}")
    try:
        recipe = Recipe.model_validate(data)
    except ValidationError as error:
        raise RecipeError(f"{path.name}: {_complaint(error)}") from None
    if recipe.product != path.stem:
        raise RecipeError(f"{path.name}: product is {recipe.product!r}, but the file is named for {path.stem!r}")
    return recipe


def new_recipe(product: str) -> Recipe:
    """A recipe with every setting at its default. Raises RecipeError where the name cannot be a product's."""
    try:
        return Recipe(product=product)
    except ValidationError as error:
        raise RecipeError(_complaint(error)) from None


def write_recipe(config_dir: Path, recipe: Recipe) -> Path:
    """Write a new recipe, with a comment at each key that a user may want to change."""
    path = recipe_path(config_dir, recipe.product)
    model = f"model: {_scalar(recipe.model)}\n" if recipe.model else ""
    unaligned = "" if recipe.unaligned == "missed" else f"unaligned: {recipe.unaligned}\n"
    threshold_model = f"threshold_model: {_scalar(recipe.threshold_model)}\n" if recipe.threshold_model else ""
    tolerance = "" if recipe.colour.tolerance is None else f"  tolerance: {recipe.colour.tolerance}\n"
    _save(
        path,
        f"""\
# Recipe of {recipe.product}: how one product is inspected.
product: {_scalar(recipe.product)}
{model}grid: {recipe.grid}            # patches per frame, ROWSxCOLS; must be the grid the model was trained for
overlap: {recipe.overlap}         # share of a patch's side that neighbours have in common, 0 to 0.5
align: {recipe.align}          # turn each part into one pose: auto (train decides), none, object
{unaligned}threshold: {recipe.threshold}      # auto: the one the model was calibrated to; or a number, see `calibrate`
{threshold_model}false_rejects: {recipe.false_rejects}  # budget: share of good parts that may be rejected
colour:
  enhance: {recipe.colour.enhance}    # colours that no good part shows: none, overlay (drawn), model (seen by it too)
{tolerance}batch_size: {recipe.batch_size}        # frames judged at once when the line is faster than the inspection
""",
    )
    return path


def update_recipe(config_dir: Path, product: str, **changes: str | float | None) -> Recipe:
    """Change top-level keys of a recipe and keep the rest of the file, comments included. None removes a key."""
    path = recipe_path(config_dir, product)
    load_recipe(config_dir, product)
    text = path.read_text(encoding="utf-8-sig")
    for key, value in changes.items():
        text = _with_key(text, key, value)
    recipe = parse_recipe(text, path)
    _save(path, text)
    return recipe


def _save(path: Path, text: str) -> None:
    try:
        with replacing(path) as part:  # a running line that watches the file never reads half of it
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"{path}: cannot be written: {error.strerror}") from None


def _with_key(text: str, key: str, value: str | float | None) -> str:
    """The text with one top-level key changed, added, or (None) removed."""
    if value is None:
        return re.sub(rf"^{key}:[^\n]*\n?", "", text, flags=re.MULTILINE)
    line = re.compile(rf"^{key}:[^\n#]*?(?P<comment>[ \t]*(?:#[^\n]*)?)$", re.MULTILINE)
    if line.search(text):
        return line.sub(lambda match: f"{key}: {_scalar(value)}{match['comment']}", text, count=1)
    return f"{text.rstrip()}\n{key}: {_scalar(value)}\n"


def _scalar(value: str | float) -> str:
    """A value as YAML reads it back: the product "12" or the hash "1234e5678901" would come back as a number."""
    if not isinstance(value, str):
        return str(value)
    try:
        plain = yaml.load(value, Loader=_UniqueKeys) == value
    except (yaml.YAMLError, ValueError):
        plain = False
    return value if plain else "'" + value.replace("'", "''") + "'"


class _UniqueKeys(yaml.SafeLoader):
    """A SafeLoader for which a key given twice is an error: PyYAML silently keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                continue  # refused by PyYAML itself
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key}", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


# Numbers as in YAML 1.2. In 1.1, which PyYAML reads, 1e-05 is a string, 0x3 is 3, 010 is 8 and 1:30 is 90.
_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_UniqueKeys.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in (_INT, _FLOAT)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_UniqueKeys.add_implicit_resolver(_INT, re.compile(r"[-+]?(0|[1-9][0-9]*)$"), list("-+0123456789"))
_UniqueKeys.add_implicit_resolver(
    _FLOAT,
    re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?$|[-+]?\.inf$|\.nan$"),
    list("-+.0123456789"),
)


def _where(error: Exception) -> str:
    if not isinstance(error, yaml.MarkedYAMLError):
        return str(error).splitlines()[0]
    mark = error.problem_mark or error.context_mark
    return f"line {mark.line + 1}: {error.problem}" if mark else str(error.problem)


def _complaint(error: ValidationError) -> str:
    first = error.errors()[0]
    where = first["loc"][:1] if "threshold" in first["loc"] else first["loc"]  # behind it: what else it may be
    key = ".".join(str(part) for part in where)
    if first["type"] == "extra_forbidden":
        return f"unknown key {key}"
    if first["type"] == "missing":
        return f"key {key} is missing"
    if key == "threshold":
        return f"threshold: wants auto or a number above 0, got {first['input']!r}"
    message = first["msg"].removeprefix("Value error, ")
    given = "" if isinstance(first["input"], dict) else f", got {first['input']!r}"
    return f"{key}: {message}{given}" if key else message
