"""The page on which the product is changed."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse

from inspector.errors import InspectorError
from inspector.page.access import Anyone, Operator, Who
from inspector.page.context import Context, Ctx
from inspector.page.schemas import Golden, Product, ProductState, ProductWish
from inspector.page.trials import GoldenResult

router = APIRouter()
_logger = logging.getLogger(__name__)


@router.get("/changeover", include_in_schema=False)
def page(request: Request, context: Ctx, asking: Anyone) -> HTMLResponse:
    """All cameras, and what each could inspect."""
    states = [state_of(context, camera) for camera in context.hub.controls]
    return context.page(request, "changeover.html.j2", states=states)


@router.get("/cameras/{camera}/products", include_in_schema=False)
def products(camera: str, request: Request, context: Ctx, asking: Anyone) -> HTMLResponse:
    """The part of the page that is about one camera."""
    return context.page(request, "_products.html.j2", state=state_of(context, camera))


@router.post("/cameras/{camera}/product", include_in_schema=False)
def change(
    camera: str, product: Annotated[str, Form(max_length=200)], request: Request, context: Ctx, asking: Operator
) -> HTMLResponse:
    """Begin a changeover, from the page."""
    _change(context, camera, product, asking)
    return context.page(request, "_products.html.j2", state=state_of(context, camera))


@router.post("/cameras/{camera}/stop", include_in_schema=False)
def stop(camera: str, context: Ctx, asking: Operator) -> Response:
    """End the run, from the page."""
    end_run(camera, context, asking)
    return Response(status_code=204)


@router.post("/cameras/{camera}/golden", include_in_schema=False)
def check(camera: str, request: Request, context: Ctx, asking: Operator) -> HTMLResponse:
    """Begin to check the golden parts, from the page."""
    _check_golden(context, camera, asking)
    return context.page(request, "_products.html.j2", state=state_of(context, camera))


@router.get("/api/cameras/{camera}/product")
def read(camera: str, context: Ctx, asking: Anyone) -> ProductState:
    """What a line inspects, and what it could."""
    return state_of(context, camera)


@router.put("/api/cameras/{camera}/product", status_code=202)
def put(camera: str, wish: ProductWish, context: Ctx, asking: Operator) -> ProductState:
    """Inspect another product from now on. It is loaded beside the running one: see `loading` and `refused`."""
    _change(context, camera, wish.product, asking)
    return state_of(context, camera)


@router.post("/api/cameras/{camera}/golden", status_code=202)
def check_golden(camera: str, context: Ctx, asking: Operator) -> ProductState:
    """Judge the golden parts by the running model, beside the line: see `checking` and `golden`."""
    _check_golden(context, camera, asking)
    return state_of(context, camera)


@router.post("/api/cameras/{camera}/stop", status_code=202)
def end_run(camera: str, context: Ctx, asking: Operator) -> None:
    """End the run; outputs go to their safe state."""
    control = context.control(camera)
    context.note(asking, "stop line", camera)
    control.stop()


def state_of(context: Context, camera: str) -> ProductState:
    """What a camera's line inspects, and what it could. Raises Unknown."""
    control = context.control(camera)
    now = control.now
    found = [
        Product(product=each.product, ready=each.ready, why_not=each.why_not, golden=each.golden)
        for each in control.products()
    ]
    last = now.golden
    return ProductState(
        camera=camera,
        running=now.product,
        loading=now.loading,
        refused=now.refused,
        checking=now.checking,
        golden=Golden(utc=last.utc, product=last.product, parts=last.parts, wrong=last.wrong) if last else None,
        products=found,
    )


def _change(context: Context, camera: str, product: str, asking: Who) -> None:
    control = context.control(camera)
    control.check_product(product)
    context.note(asking, "change product", product, camera=camera, before=control.now.product)
    control.change_product(product)


def _check_golden(context: Context, camera: str, asking: Who) -> None:
    control = context.control(camera)
    product = control.now.product

    def keep(result: GoldenResult) -> None:
        """Write what came of it into the trail, by whoever asked."""
        outcome = result.wrong or f"all {result.parts} came out right"
        try:
            context.note(asking, "golden parts checked", product, camera=camera, outcome=outcome)
        except InspectorError as error:
            _logger.error("golden check: its result is not in the audit trail: %s", error)

    control.check_golden(keep)
    context.note(asking, "check golden parts", product, camera=camera)
