"""The recipe that a training starts from, and what the model that came of it changes in the file."""

from __future__ import annotations

import argparse

from inspector.errors import RecipeError
from inspector.grid import Grid
from inspector.recipe import (
    ColourSettings,
    Recipe,
    Value,
    load_recipe,
    new_recipe,
    recipe_path,
    update_recipe,
    write_recipe,
)


def wanted(arguments: argparse.Namespace) -> Recipe:
    """Return the product's recipe, or a new one, with what the command line says put in."""
    exists = recipe_path(arguments.config_dir, arguments.product).is_file()
    old = load_recipe(arguments.config_dir, arguments.product) if exists else new_recipe(arguments.product)
    if exists and arguments.enhance not in (None, old.colour.enhance):
        raise RecipeError(
            f"{arguments.product}.yaml: colour.enhance is {old.colour.enhance}, but --enhance says "
            f"{arguments.enhance}: change the file first"
        )
    try:
        overlap = old.overlap if arguments.overlap is None else arguments.overlap
        wanted = arguments.grid or old.grid
        grid = wanted if wanted == "auto" else str(Grid.parse(wanted, overlap))
    except ValueError as error:
        raise RecipeError(f"--grid, --overlap: {error}") from None
    if old.regions and grid not in ("auto", "1x1"):
        raise RecipeError(f"{arguments.product}.yaml: regions: each is one patch: leave out --grid, got {grid}")
    changes = {
        "grid": grid,
        "overlap": float(overlap),
        "align": arguments.align or old.align,
        "false_rejects": arguments.false_rejects or old.false_rejects,
        "colour": ColourSettings(enhance=arguments.enhance or old.colour.enhance, tolerance=old.colour.tolerance),
    }
    return old.model_copy(update=changes)


def keep(arguments: argparse.Namespace, recipe: Recipe) -> list[str]:
    """Write a new recipe, or bring the one there is up to date with the new model; returns what to tell the user."""
    path = recipe_path(arguments.config_dir, recipe.product)
    if not path.is_file():
        return [f"wrote {write_recipe(arguments.config_dir, recipe)}"]
    old = load_recipe(arguments.config_dir, recipe.product)
    changes: dict[str, Value] = {
        key: getattr(recipe, key)
        for key in ("grid", "overlap", "align", "false_rejects")
        if getattr(recipe, key) != getattr(old, key)
    }
    if old.threshold_model is not None:  # set for the model that has just been replaced
        changes |= {"threshold": "auto", "threshold_model": None}
    said = [f"{key} {value}" for key, value in changes.items() if value is not None]
    stale = [name for name, region in old.regions.items() if region.threshold_model is not None]
    if stale:
        changes["regions"] = {name: region.uncalibrated for name, region in old.regions.items()}
        said += [f"regions.{name}.threshold auto" for name in stale]
    if changes:
        update_recipe(arguments.config_dir, recipe.product, **changes)
        return [f"changed {path}: {', '.join(said)}"]
    return []
