"""What a page refuses, apart from what the rest of the program does."""

from __future__ import annotations

from inspector.errors import InspectorError


class Unknown(InspectorError):
    """There is no such camera, part or product."""


class Forbidden(InspectorError):
    """They may not do that."""


class LoginNeeded(Forbidden):
    """Somebody with an account might."""


class TooManyGuesses(InspectorError):
    """Wrong passwords came too often."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"too many wrong passwords: wait {wait_s:.0f} s")
        self.wait_s = wait_s
