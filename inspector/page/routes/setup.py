"""Setting a station up: whether a camera works, and a product from nothing, or again, to a running line."""

from __future__ import annotations

import asyncio
import base64
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse

from inspector.cameras.device import camera_name
from inspector.errors import InspectorError, RecipeError
from inspector.page.access import Engineer
from inspector.page.context import Context, Ctx
from inspector.page.control import Readiness, readiness_of
from inspector.page.diagnosis import diagnose
from inspector.page.drafts import Area
from inspector.page.errors import Unknown
from inspector.page.routes.starting import Started, line_state
from inspector.page.sources import Source, known_sources, target_of
from inspector.page.teaching import AMOUNTS, EFFORTS, LEAST, Effort, Teaching, Waiting
from inspector.page.video import jpeg_of
from inspector.sinks.pictures import fitted

router = APIRouter(include_in_schema=False)
PREVIEW_PX = 960
Name = Annotated[str, Form(max_length=80)]
Address = Annotated[str, Form(max_length=500)]


def teaching_of(request: Request) -> Teaching:
    """The app's."""
    found: Teaching = request.app.state.teaching
    return found


Taught = Annotated[Teaching, Depends(teaching_of)]


@router.get("/setup")
def setup(request: Request, context: Ctx, asking: Engineer, taught: Taught, started: Started) -> HTMLResponse:
    """The page."""
    sources, wrong = _sources(context)
    found = [readiness_of(product, context.config_dir, context.model_dir) for product in context.drafts.products()]
    waiting = {each.product: each for each in taught.waiting()}
    values: dict[str, object] = {
        "sources": sources,
        "wrong": wrong,
        "station_cameras": [source for source in sources if source.product],
        "products": [(each.product, _words(context, each, waiting.get(each.product))) for each in found],
        "ready": [each.product for each in found if each.ready],
        "startable": started is not None,
    }
    return context.page(
        request, "setup.html.j2", **values, **_teaching(context, taught), **line_state(context, started)
    )


@router.post("/setup/diagnosis")
async def diagnosis(
    context: Ctx, asking: Engineer, source: Address, fps: Annotated[str, Form(max_length=20)] = ""
) -> HTMLResponse:
    """Look at a source, step by step. Changes nothing."""
    target = target_of(source.strip(), context.config_dir, _rate(fps))
    found = await asyncio.to_thread(diagnose, target)
    preview = ""
    if found.image is not None:
        jpeg = jpeg_of(fitted(found.image, PREVIEW_PX, PREVIEW_PX))
        preview = base64.b64encode(jpeg).decode()
    return HTMLResponse(context.render("_diagnosis.html.j2", found=found, preview=preview))


@router.get("/setup/teach")
def teach(context: Ctx, asking: Engineer, taught: Taught, seen: Annotated[str, Query(max_length=200)] = "") -> Response:
    """The part of the page that shows how far teaching is; 204 where nothing has changed since."""
    values = _teaching(context, taught)
    return Response(status_code=204) if seen == values["state"] else _part(context, values)


@router.post("/setup/teach/begin")
def begin(
    context: Ctx,
    asking: Engineer,
    taught: Taught,
    product: Name,
    wanted: Annotated[int, Form(ge=1, le=5000)] = 60,
    camera: Name = "",
    source: Address = "",
) -> HTMLResponse:
    """Collect pictures of a new product."""
    context.note(asking, "teach", product, camera=camera, source=camera_name(source), wanted=wanted)
    taught.begin(product.strip(), camera, source.strip(), wanted)
    return _part(context, _teaching(context, taught))


@router.post("/setup/teach/again")
def again(context: Ctx, asking: Engineer, taught: Taught, product: Name) -> Response:
    """Open the good pictures of a product that there is, and go to where it is taught."""
    context.note(asking, "teach again", product)
    taught.begin_again(product)
    return Response(status_code=204, headers={"HX-Redirect": "/setup#teach-title"})


@router.post("/setup/teach/open")
def open_again(context: Ctx, asking: Engineer, taught: Taught, product: Name) -> HTMLResponse:
    """Open a product that there is, or that waits, on the very page."""
    context.note(asking, "teach again", product)
    taught.begin_again(product)
    return _part(context, _teaching(context, taught))


@router.post("/setup/teach/discard")
def discard(context: Ctx, asking: Engineer, taught: Taught, product: Name) -> Response:
    """Discard what was trained and not taken over, or what was taken and not trained on; the page is loaded anew."""
    found = next((each.words for each in taught.waiting() if each.product == product), "")
    context.note(asking, "teach: discard", product, what=found)
    taught.discard(product)
    return Response(status_code=204, headers={"HX-Refresh": "true"})


@router.post("/setup/teach/{act}")
def go(
    act: str,
    context: Ctx,
    asking: Engineer,
    taught: Taught,
    started: Started,
    camera: Name = "",
    source: Address = "",
    effort: Annotated[Effort, Form()] = "standard",
) -> HTMLResponse:
    """Pause, go on, train, take over, go back to the pictures, or begin anew, which also stops training."""
    acts = {
        "pause": taught.pause,
        "go-on": lambda: taught.go_on(source.strip()),
        "train": lambda: taught.train(effort),
        "take-over": lambda: taught.take_over(camera),
        "reopen": taught.reopen,
        "forget": taught.forget,
    }
    if act not in acts:
        raise Unknown(f"no such step: {act}")
    if started is not None and started.phase == "starting":
        raise InspectorError("a line is starting: teach on its own pages in a moment")
    context.note(asking, f"teach: {act}", taught.product, camera=camera)
    acts[act]()
    return _part(context, _teaching(context, taught))


@router.delete("/setup/teach/pictures/{name}")
def remove(name: str, context: Ctx, asking: Engineer, taught: Taught) -> HTMLResponse:
    """Take a picture out of the good ones."""
    context.note(asking, "teach: remove picture", taught.product, picture=name)
    taught.remove(name)
    return _part(context, _teaching(context, taught))


@router.get("/setup/teach/pictures/{name}")
def picture(name: str, asking: Engineer, taught: Taught) -> Response:
    """A small picture of a part that was taken."""
    taken = taught.collection.taken if taught.collection else ()
    found = next((each for each in taken if each.name == name), None)
    if found is None:
        raise Unknown(f"no picture {name}")
    return Response(found.small, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400"})


def _part(context: Context, values: dict[str, object]) -> HTMLResponse:
    return HTMLResponse(context.render("_teach.html.j2", **values))


def _words(context: Context, readiness: Readiness, waiting: Waiting | None) -> str:
    """How a product is, in words."""
    if not context.drafts.is_in_use(readiness.product):
        return waiting.words if waiting else "not taken over yet"
    if readiness.ready and waiting:
        return f"ready; {waiting.words}"
    if readiness.ready and context.drafts.waits(readiness.product):
        return "ready; the area that was drawn waits for training"
    return readiness.why_not or "ready"


def _sources(context: Context) -> tuple[list[Source], str]:
    """What a user may choose, and what is wrong with station.yaml."""
    try:
        return known_sources(context.config_dir), ""
    except RecipeError as error:
        return [], str(error)


def _teaching(context: Context, taught: Teaching) -> dict[str, object]:
    """What the page needs to know; `state` differs whenever any of it does."""
    stage, collection, training = taught.stage, taught.collection, taught.training
    taken = collection.taken if collection else ()
    collecting = collection is not None and collection.running
    share, step = training.progress if training else (0.0, "")
    control = context.hub.controls.get(taught.camera)
    now = control.now if control and stage == "taken over" else None
    arrived = now is not None and now.product == taught.product and not now.loading
    refused = now.refused if now is not None and not arrived else ""
    failure = training.failure if training else ""
    trouble = collection.trouble if collection else ""
    facts = (stage, taken[-1].name if taken else "", len(taken), collecting, round(share, 2), step, arrived)
    return {
        "taught": taught,
        "stage": stage,
        "taken": taken,
        "least": LEAST,
        "collecting": collecting,
        "share": share,
        "step": step,
        "failure": failure,
        "report": taught.report,
        "area": context.drafts.area(taught.product) if taught.product else Area(),
        "arrived": arrived,
        "refused": refused,
        "lines": list(context.hub.controls),
        "waiting": taught.waiting() if stage == "start" else (),
        "amounts": AMOUNTS,
        "efforts": EFFORTS,
        "state": "|".join(map(str, (*facts, bool(failure), bool(trouble), bool(refused)))),
    }


def _rate(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 < rate < 1e6:
        raise InspectorError(f"pictures a second: wants a number above 0, got {text[:20]!r}")
    return rate
