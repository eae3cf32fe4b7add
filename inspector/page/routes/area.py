"""The area of a part that is judged, or several regions of it, drawn on a good picture."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from inspector.page.access import Engineer
from inspector.page.context import Context, Ctx
from inspector.page.drawing import AreaState, AreaWish, RegionsWish, area_of, as_drawn, in_words
from inspector.page.errors import Unknown
from inspector.page.part_views import PartViews
from inspector.page.teaching import Teaching
from inspector.page.video import jpeg_of
from inspector.recipe import MOST_NAME, MOST_REGIONS, PRODUCT

router = APIRouter()
Product = Annotated[str, Query(max_length=80)]


@router.get("/setup/area", include_in_schema=False)
def page(request: Request, context: Ctx, asking: Engineer, product: Product = "") -> HTMLResponse:
    """The page."""
    known = _known(request, context)
    product = product or next(iter(known), "")
    if product:
        _check_known(product, request, context)
    area = _state(request, context, product) if product else None
    return context.page(
        request,
        "area.html.j2",
        products=known,
        product=product,
        area=area,
        aligned=_views(request).align(product) if area else "none",
        names={"pattern": PRODUCT, "most": MOST_NAME, "regions": MOST_REGIONS},
    )


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
    """The area, or the regions, for the next training of a product."""
    _check_known(product, request, context)
    return _state(request, context, product)


@router.put("/api/products/{product}/area")
def put(product: str, wish: AreaWish | RegionsWish, request: Request, context: Ctx, asking: Engineer) -> AreaState:
    """Keep an area, or regions, for the next training. The line goes on with what it has until the new model is taken
    over.
    """
    _check_known(product, request, context)
    before = context.drafts.area(product)
    drawn = isinstance(wish, RegionsWish) or wish.judge or wish.ignore
    wanted = area_of(wish, _views(request).align(product)) if drawn else context.drafts.whole(product)
    context.note(asking, "save area", product, old=in_words(before), new=in_words(wanted), align=wanted.align)
    _teaching(request).save_area(product, wanted)
    return _state(request, context, product)


def _state(request: Request, context: Context, product: str) -> AreaState:
    area = context.drafts.area(product)
    return AreaState(
        product=product,
        align=area.align,
        waits=context.drafts.waits(product),
        pictures=_views(request).count(product),
        **as_drawn(area),
    )


def _known(request: Request, context: Context) -> list[str]:
    """Products that an area may be drawn for; the one that is being taught comes first."""
    taught = _teaching(request).product
    return [*([taught] if taught else []), *(each for each in context.drafts.products() if each != taught)]


def _check_known(product: str, request: Request, context: Context) -> None:
    if product not in _known(request, context):
        raise Unknown(f"no product {product}")


def _views(request: Request) -> PartViews:
    found: PartViews = request.app.state.part_views
    return found


def _teaching(request: Request) -> Teaching:
    found: Teaching = request.app.state.teaching
    return found
