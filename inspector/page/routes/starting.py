"""Starting and stopping a line from the Setup page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import HTMLResponse

from inspector.cameras.device import camera_name
from inspector.errors import InspectorError, RecipeError
from inspector.page.access import Engineer
from inspector.page.context import Context, Ctx
from inspector.page.errors import Forbidden
from inspector.page.line_process import LineProcess
from inspector.page.teaching import Teaching
from inspector.station import load_station

router = APIRouter(include_in_schema=False)
Phase = Annotated[str, Query(max_length=80)]


def line_process_of(request: Request) -> LineProcess | None:
    """The app's; None where these pages are those of a running line."""
    found: LineProcess | None = request.app.state.line_process
    return found


Started = Annotated[LineProcess | None, Depends(line_process_of)]


@router.get("/setup/line")
def state(
    context: Ctx, asking: Engineer, started: Started, seen: Annotated[str, Query(max_length=80)] = ""
) -> Response:
    """Have the page loaded anew where the line is no longer as it was `seen`."""
    changed = line_state(context, started)["line"] != seen
    return Response(status_code=204, headers={"HX-Refresh": "true"} if changed else {})


@router.post("/setup/line/start")
def start(
    request: Request,
    context: Ctx,
    asking: Engineer,
    started: Started,
    product: Annotated[str, Form(max_length=80)] = "",
    source: Annotated[str, Form(max_length=500)] = "",
    loop: Annotated[bool, Form()] = False,
) -> HTMLResponse:
    """Start a product on a source, or, where neither is given, all cameras of station.yaml."""
    if started is None:
        raise Forbidden("a line runs already: these are its pages")
    what = _options(context, product, source.strip(), loop)
    taught: Teaching = request.app.state.teaching
    if taught.is_training:
        raise InspectorError(f"{taught.product} is being trained: wait for it, or stop it, then start the line")
    context.note(asking, "start line", product or "station.yaml", source=camera_name(source), loop=loop)
    if taught.collection is not None:
        taught.pause()  # the line wants its camera
    started.start(what)
    return HTMLResponse(context.render("_line_state.html.j2", **line_state(context, started)))


@router.post("/setup/line/stop")
def stop(context: Ctx, asking: Engineer, started: Started) -> HTMLResponse:
    """Stop the line that these pages have started, or whose pages they are."""
    if started is not None and started.phase != "starting":
        raise InspectorError("no line runs")
    context.note(asking, "stop line", ", ".join(context.hub.controls) or "starting")
    for control in context.hub.controls.values():
        control.stop()
    if started is not None:
        started.stop()
    return HTMLResponse(context.render("_line_state.html.j2", **line_state(context, started)))


def line_state(context: Context, started: LineProcess | None) -> dict[str, object]:
    """What the page says of the line: none, starting, running or ended, and why."""
    here = [name for name, control in context.hub.controls.items() if control.now.running]
    if started is None:
        phase, why = "running" if here else "over", ""  # over: these pages end, and perhaps others take their place
    else:
        phase, why = started.phase, started.why
    return {"line": phase, "why": why, "inspecting": [context.hub.controls[name].now.product for name in here]}


def _options(context: Context, product: str, source: str, loop: bool) -> list[str]:
    """What to inspect, as `run` takes it. Raises RecipeError where that is not said, or station.yaml is wrong."""
    cameras = load_station(context.config_dir).cameras
    if product and source in cameras:
        if cameras[source].product != product:
            given = cameras[source].product
            raise RecipeError(f"{source} inspects {given} in station.yaml: start its cameras, then change {given} over")
        return []
    if product and source:
        return [f"--product={product}", f"--source={source}", *(["--loop"] if loop else [])]
    if product or source or not cameras:
        raise RecipeError("choose a product and a camera, or write cameras into station.yaml")
    return []
