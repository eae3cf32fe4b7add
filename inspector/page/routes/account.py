"""Logging in and out, and who has an account."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from inspector.page.access import COOKIE, Anyone, Engineer, csrf_token, give_cookie, who
from inspector.page.context import Ctx
from inspector.page.errors import Forbidden, TooManyGuesses
from inspector.page.schemas import Credentials, Identity
from inspector.record import audit

router = APIRouter()


@router.get("/login", include_in_schema=False)
def login_page(request: Request, context: Ctx, to: str = "/") -> HTMLResponse:
    """The form."""
    return context.page(request, "login.html.j2", to=_own(to), wrong="")


@router.post("/login", include_in_schema=False)
def login(
    request: Request,
    context: Ctx,
    name: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=1000)],
    to: Annotated[str, Form()] = "/",
) -> Response:
    """Begin a session, and go where they wanted to."""
    response = RedirectResponse(_own(to), 303)
    try:
        context.gate.log_in(request, response, name, password)
    except (Forbidden, TooManyGuesses) as error:
        return context.page(request, "login.html.j2", to=_own(to), wrong=str(error))
    context.say(name, "log in", name)
    return response


@router.post("/logout", include_in_schema=False)
def logout(request: Request, context: Ctx) -> Response:
    """End the session."""
    context.gate.log_out(request)
    response = RedirectResponse("/", 303)
    response.delete_cookie(COOKIE)
    return response


@router.get("/audit", include_in_schema=False)
def trail(request: Request, context: Ctx, asking: Engineer, before: int | None = None) -> HTMLResponse:
    """Who changed what, newest first."""
    rows = audit.entries(context.record, before=before, limit=100) if context.store else []
    return context.page(request, "audit.html.j2", rows=rows, kept=context.store is not None)


@router.get("/api/session")
def session(request: Request, response: Response, asking: Anyone) -> Identity:
    """Who you are, and the token that each change must carry in the header X-CSRF-Token."""
    cookie = request.cookies.get(COOKIE) or give_cookie(request, response)
    return Identity(name=asking.name, role=asking.role.name.lower(), csrf=csrf_token(cookie))


@router.post("/api/session")
def begin_session(request: Request, response: Response, context: Ctx, credentials: Credentials) -> None:
    """Log in; the answer sets the session's cookie."""
    context.gate.log_in(request, response, credentials.name, credentials.password)
    context.say(credentials.name, "log in", credentials.name)


@router.delete("/api/session")
def end_session(request: Request, response: Response, context: Ctx) -> None:
    """Log out."""
    asking = who(request)
    context.gate.log_out(request)
    response.delete_cookie(COOKIE)
    context.note(asking, "log out", asking.name)


def _own(address: str) -> str:
    """An address of this station, whatever was asked for."""
    parts = urlsplit(address)
    inside = not parts.scheme and not parts.netloc and address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if inside else "/"
