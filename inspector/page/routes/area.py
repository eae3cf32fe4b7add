"""The area of a part that is judged, drawn on a good picture."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from inspector.errors import RecipeError
from inspector.page.access import Engineer
from inspector.page.context import Context, Ctx
from inspector.page.drafts import Area
from inspector.page.errors import Unknown
from inspector.page.part_views import PartViews
from inspector.page.teaching import Teaching
from inspector.page.video import jpeg_of
from inspector.recipe import Align
from inspector.roi import Roi
from inspector.yaml_file import complaint

router = APIRouter()
Point = tuple[float, float]
Product = Annotated[str, Query(max_length=80)]


class AreaWish(BaseModel):
    """Polygons of (x, y), as shares of the view's width and height from its upper left corner."""

    model_config = ConfigDict(extra="forbid")

    judge: Annotated[list[list[Point]], Field(max_length=100)] = []  # none: the whole part
    ignore: Annotated[list[list[Point]], Field(max_length=100)] = []


class AreaState(AreaWish):
    """The area for the next training."""

    product: str
    align: Align
    waits: bool  # the model in use has not learned it
    pictures: int  # that it may be drawn on


@router.get("/setup/area", include_in_schema=False)
def page(request: Request, context: Ctx, asking: Engineer, product: Product = "") -> HTMLResponse:
    """The page."""
    known = _known(request, context)
    product = product or next((each for each in known if not context.drafts.regions(each)), "")
    if product:
        _check_drawable(product, request, context)
    area = _state(request, context, product) if product else None
    aligned = _views(request).align(product) if area else "none"
    return context.page(request, "area.html.j2", products=known, product=product, area=area, aligned=aligned)


@router.get("/setup/area/picture.jpg", include_in_schema=False)
def picture(
    request: Request, context: Ctx, asking: Engineer, product: Product, number: Annotated[int, Query(ge=0)] = 0
) -> Response:
    """A good picture, as the model sees the part."""
    _check_known(product, request, context)
    view = _views(request).view(product, number)
    return Response(jpeg_of(view.image, 90), media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.get("/api/products/{product}/area")
def read(product: str, request: Request, context: Ctx, asking: Engineer) -> AreaState:
    """The area for the next training of a product."""
    _check_known(product, request, context)
    return _state(request, context, product)


@router.put("/api/products/{product}/area")
def put(product: str, wish: AreaWish, request: Request, context: Ctx, asking: Engineer) -> AreaState:
    """Keep an area for the next training. The line goes on with the old one until the new model is taken over."""
    _check_drawable(product, request, context)
    before = context.drafts.area(product)
    drawn = wish.judge or wish.ignore
    wanted = Area(_roi(wish), _views(request).align(product)) if drawn else context.drafts.whole(product)
    old, new = (each.roi.hash if each.roi else "all" for each in (before, wanted))
    context.note(asking, "save area", product, old=old, new=new, align=wanted.align)
    _teaching(request).save_area(product, wanted)
    return _state(request, context, product)


def _roi(wish: AreaWish) -> Roi:
    try:
        return Roi.model_validate(wish.model_dump())
    except ValidationError as error:
        raise RecipeError(f"area: {complaint(error)}") from None


def _state(request: Request, context: Context, product: str) -> AreaState:
    area = context.drafts.area(product)
    polygons = area.roi.model_dump(mode="json") if area.roi else {}
    return AreaState(
        product=product,
        align=area.align,
        waits=context.drafts.waits(product),
        pictures=_views(request).count(product),
        **polygons,
    )


def _known(request: Request, context: Context) -> list[str]:
    """Products that an area may be drawn for; the one that is being taught comes first."""
    taught = _teaching(request).product
    return [*([taught] if taught else []), *(each for each in context.drafts.products() if each != taught)]


def _check_known(product: str, request: Request, context: Context) -> None:
    if product not in _known(request, context):
        raise Unknown(f"no product {product}")


def _check_drawable(product: str, request: Request, context: Context) -> None:
    _check_known(product, request, context)
    if names := context.drafts.regions(product):
        raise RecipeError(
            f"{product} is judged by regions ({', '.join(names)}), not by one area: change their polygons in "
            f"{product}.yaml and train again"
        )


def _views(request: Request) -> PartViews:
    found: PartViews = request.app.state.part_views
    return found


def _teaching(request: Request) -> Teaching:
    found: Teaching = request.app.state.teaching
    return found
