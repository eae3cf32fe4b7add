"""What is drawn on the page, typed for the API: one area of a part, or several regions; and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from inspector.errors import RecipeError
from inspector.page.drafts import Area
from inspector.recipe import MOST_NAME, MOST_REGIONS, PRODUCT, Align, Region
from inspector.roi import Roi
from inspector.yaml_file import complaint

Point = tuple[float, float]
Polygons = Annotated[list[list[Point]], Field(max_length=100)]


class AreaWish(BaseModel):
    """Polygons of (x, y), as shares of the view's width and height from its upper left corner."""

    model_config = ConfigDict(extra="forbid")

    judge: Polygons = []  # none: the whole part
    ignore: Polygons = []


class NamedRegion(AreaWish):
    """A region of a part, with a threshold or a budget of its own where it does not share the part's."""

    name: Annotated[str, Field(max_length=200)]
    threshold: float | None = None
    false_rejects: float | None = None  # share of good parts that this region may reject


class RegionsWish(BaseModel):
    """Regions that are judged apart, instead of the whole part or one area of it."""

    model_config = ConfigDict(extra="forbid")

    regions: Annotated[list[NamedRegion], Field(min_length=1, max_length=100)]


class AreaState(AreaWish):
    """The area, or the regions, for the next training."""

    product: str
    align: Align
    waits: bool  # the model in use has not learned it
    pictures: int  # that it may be drawn on
    regions: list[NamedRegion] = []  # none: one area


def area_of(wish: AreaWish | RegionsWish, align: Align) -> Area:
    """Return what was drawn, on pictures that were aligned so. Raises RecipeError, in words for who drew it."""
    if isinstance(wish, RegionsWish):
        return Area(align=align, regions=dict(_regions(wish.regions)))
    try:
        return Area(Roi.model_validate(wish.model_dump()), align)
    except ValidationError as error:
        raise RecipeError(f"area: {complaint(error)}") from None


def as_drawn(area: Area) -> dict[str, Any]:
    """Return what AreaState has of it."""
    if area.roi:
        return area.roi.model_dump(mode="json")
    return {"regions": [_drawn(name, region) for name, region in area.regions.items()]}


def in_words(area: Area) -> str:
    """Return what the audit trail has of it: its hash, or those of its regions by name."""
    if area.regions:
        return ", ".join(f"{name} {region.hash}" for name, region in area.regions.items())
    return area.roi.hash if area.roi else "all"


def _regions(wanted: Sequence[NamedRegion]) -> Iterator[tuple[str, Region]]:
    if len(wanted) > MOST_REGIONS:
        raise RecipeError(f"{len(wanted)} regions are too many: {MOST_REGIONS} at most")
    names: set[str] = set()
    for each in wanted:
        if not re.fullmatch(PRODUCT, each.name) or len(each.name) > MOST_NAME:
            raise RecipeError(
                f"region {each.name!r}: wants a name of letters, digits, - _ and . that begins with one of the first "
                f"two, of {MOST_NAME} characters at most"
            )
        if each.name in names:
            raise RecipeError(f"two regions are called {each.name}: give each a name of its own")
        names.add(each.name)
        try:
            yield each.name, Region.model_validate(each.model_dump(exclude={"name"}, exclude_none=True))
        except ValidationError as error:
            raise RecipeError(f"region {each.name}: {complaint(error)}") from None


def _drawn(name: str, region: Region) -> dict[str, Any]:
    own = {key: getattr(region, key) for key in ("threshold", "false_rejects") if getattr(region, key) != "auto"}
    return {"name": name, **region.area.model_dump(mode="json"), **own}
