"""Who asks, and what they may do."""

from __future__ import annotations

import enum
import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response
from starlette.requests import HTTPConnection

from inspector.errors import InspectorError, StoreError
from inspector.page.errors import Forbidden, LoginNeeded, TooManyGuesses
from inspector.page.passwords import Throttle, is_right
from inspector.page.record_link import RecordLink
from inspector.record.accounts import Accounts

COOKIE = "line_inspector_session"
CSRF_HEADER, CSRF_FIELD = "X-CSRF-Token", "csrf"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
FORWARDED = ("forwarded", "x-forwarded-for", "via", "x-real-ip")  # somebody asks for somebody else


class Role(enum.IntEnum):
    """What somebody may do; each may also do what those before it may."""

    NOBODY = 0  # log in
    VIEWER = 1  # look
    OPERATOR = 2  # changeover, judge rejects
    ENGINEER = 3  # threshold, recipes, training


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody."""

    name: str  # empty: nobody has logged in
    role: Role
    address: str = ""

    def may(self, role: Role) -> bool:
        """Whether they may do what this role may."""
        return self.role >= role

    @property
    def title(self) -> str:
        """As the audit trail calls them."""
        return self.name or f"(no account) {self.address}"


class Gate:
    """Knows who asks by the cookie of their session.

    Without accounts, who sits at the machine itself is an engineer, and everybody else looks. With accounts, who sits
    at the machine looks without one, and everybody else logs in. While the record cannot be asked nobody knows whether
    there are accounts: then who sits at the machine looks, and everybody else waits.
    """

    def __init__(self, link: RecordLink) -> None:
        self._link = link
        self._throttle = Throttle()

    @property
    def _accounts(self) -> Accounts | None:
        """None where no record is kept. Raises StoreError where it cannot be opened."""
        if self._link.trouble:
            raise StoreError(self._link.trouble)
        return Accounts(self._link.store) if self._link.store else None

    @property
    def has_accounts(self) -> bool:
        """Whether anybody can log in."""
        try:
            accounts = self._accounts
            return accounts is not None and accounts.any()
        except StoreError:
            return False

    def who(self, request: HTTPConnection) -> Who:
        """Who asks. Raises StoreError for somebody elsewhere while the record cannot be asked."""
        try:
            return self._who(request)
        except StoreError:
            if is_local(request):
                return Who("", Role.VIEWER, _address(request))
            raise

    def _who(self, request: HTTPConnection) -> Who:
        address, local, accounts = _address(request), is_local(request), self._accounts
        if accounts is None or not accounts.any():
            return Who("", Role.ENGINEER if local else Role.VIEWER, address)
        account = accounts.whose(request.cookies.get(COOKIE, ""))
        if account:
            return Who(account.name, Role[account.role.upper()], address)
        return Who("", Role.VIEWER if local else Role.NOBODY, address)

    def log_in(self, request: Request, response: Response, name: str, password: str) -> None:
        """Begin a session; the answer gets its cookie. Raises Forbidden, TooManyGuesses, StoreError."""
        accounts = self._accounts
        if accounts is None:
            raise Forbidden("there are no accounts: add one with `line-inspector account add`")
        keys = f"name {name}", f"address {_address(request)}"
        if wait_s := self._throttle.wait_s(*keys):
            raise TooManyGuesses(wait_s)
        if not is_right(password, accounts.password_hash(name)):
            self._throttle.wrong(*keys)
            raise Forbidden("wrong name or password")
        self._throttle.right(*keys)
        self.log_out(request)
        token = give_cookie(request, response)
        accounts.begin_session(name, token)

    def log_out(self, request: Request) -> None:
        """End the session. Raises StoreError."""
        accounts = self._accounts
        if accounts is not None:
            accounts.end_session(request.cookies.get(COOKIE, ""))

    def why_not(self, asking: Who, role: Role) -> InspectorError:
        """Why they may not do what needs this role."""
        if self._link.trouble:
            return StoreError(f"{self._link.trouble}; until then the pages only show the line")
        if not asking.name and self.has_accounts:
            return LoginNeeded(f"log in first: this needs the role {role.name.lower()}")
        return Forbidden(f"this needs the role {role.name.lower()}, and you are {asking.role.name.lower()}")


def give_cookie(request: Request, response: Response) -> str:
    """A new cookie, which no script can read and no other site's page sends; returns it."""
    token = secrets.token_urlsafe(32)
    response.set_cookie(COOKIE, token, httponly=True, samesite="lax", secure=request.url.scheme == "https")
    return token


def csrf_token(cookie: str) -> str:
    """What a page of ours sends back with each change: another site's page cannot know it."""
    return hashlib.sha256(f"csrf {cookie}".encode()).hexdigest()


async def check_csrf(request: Request) -> None:
    """Raise Forbidden where a change does not come from a page of ours."""
    if request.method in SAFE_METHODS:
        return
    cookie, sent = request.cookies.get(COOKIE, ""), request.headers.get(CSRF_HEADER, "")
    kind = request.headers.get("content-type", "")
    if not sent and kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data")):
        sent = str((await request.form()).get(CSRF_FIELD, ""))
    if not cookie or not hmac.compare_digest(sent.encode(), csrf_token(cookie).encode()):
        raise Forbidden("the page is too old, or the request does not come from it: load the page again")


def is_local(request: HTTPConnection) -> bool:
    """Whether the request comes from this machine, to this machine by a name of its own, and for nobody else.

    The name is looked at because a page of somebody else's may have its own name lead to this machine.
    """
    if request.client is None or any(header in request.headers for header in FORWARDED):
        return False
    return _is_loopback(request.client.host) and _is_loopback(request.url.hostname or "")


def _address(request: HTTPConnection) -> str:
    return request.client.host if request.client else ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def who(request: HTTPConnection) -> Who:
    """Who asks."""
    gate: Gate = request.app.state.gate
    return gate.who(request)


def needs(role: Role) -> Callable[[Request], Who]:
    """A dependency: somebody who may do what this role may; else it raises LoginNeeded or Forbidden."""

    def check(request: Request) -> Who:
        asking = who(request)
        if asking.may(role):
            return asking
        gate: Gate = request.app.state.gate
        raise gate.why_not(asking, role)

    return check


Anyone = Annotated[Who, Depends(needs(Role.VIEWER))]
Operator = Annotated[Who, Depends(needs(Role.OPERATOR))]
Engineer = Annotated[Who, Depends(needs(Role.ENGINEER))]
