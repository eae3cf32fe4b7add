"""Who asks, and what they may do."""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request

FORWARDED = ("forwarded", "x-forwarded-for", "via", "x-real-ip")  # somebody asks for somebody else


class Role(enum.IntEnum):
    """What somebody may do; each may also do what those before it may."""

    VIEWER = 1  # look
    OPERATOR = 2  # changeover, judge rejects
    ENGINEER = 3  # threshold, recipes, training


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody."""

    name: str  # empty: nobody has logged in
    role: Role

    def may(self, role: Role) -> bool:
        """Whether they may do what this role may."""
        return self.role >= role


def who(request: Request) -> Who:
    """Who asks. Without accounts: an engineer at the machine itself, a viewer elsewhere."""
    return Who("", Role.ENGINEER if is_local(request) else Role.VIEWER)


def is_local(request: Request) -> bool:
    """Whether the request comes from this machine, to this machine by a name of its own, and for nobody else.

    The name is looked at because a page of somebody else's may have its own name lead to this machine.
    """
    if request.client is None or any(header in request.headers for header in FORWARDED):
        return False
    return _is_loopback(request.client.host) and _is_loopback(request.url.hostname or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def needs(role: Role) -> Callable[[Request], Who]:
    """A dependency: somebody who may do what this role may, or 403."""

    def check(request: Request) -> Who:
        asking = who(request)
        if not asking.may(role):
            raise HTTPException(403, f"this needs the role {role.name.lower()}")
        return asking

    return check


Anyone = Annotated[Who, Depends(needs(Role.VIEWER))]
Operator = Annotated[Who, Depends(needs(Role.OPERATOR))]
Engineer = Annotated[Who, Depends(needs(Role.ENGINEER))]
