"""Passwords: argon2id, and an answer that comes later the more often somebody guesses."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from inspector.errors import InspectorError

LEAST = 10  # characters of a new password
FREE = 5  # wrong guesses before anybody has to wait
LONGEST_S = 300.0
REMEMBERED = 10_000  # names and addresses

# OWASP's smaller setting: 19 MiB, about 30 ms. A line runs beside it.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def hashed(password: str) -> str:
    """What is kept of a password. Raises InspectorError where it is too short."""
    if len(password) < LEAST:
        raise InspectorError(f"the password is too short: at least {LEAST} characters")
    return _HASHER.hash(password)


_NOBODYS = _HASHER.hash("no account has this password")


def is_right(password: str, kept: str | None) -> bool:
    """Whether it is the password. Without an account it takes as long, so that names cannot be found out."""
    try:
        return _HASHER.verify(kept or _NOBODYS, password) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


class Throttle:
    """Who guessed wrong too often must wait: 1 s after the fifth time, twice as long after each further one.

    By the account's name and by the address that asks, whichever is worse. Safe from any thread.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._turn = threading.Lock()
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how often, and until when to wait

    def wait_s(self, *keys: str) -> float:
        """How long they still have to wait; 0: not at all."""
        with self._turn:
            until_s = max((self._wrong.get(key, (0, 0.0))[1] for key in keys), default=0.0)
            return max(0.0, until_s - self._now_s())

    def wrong(self, *keys: str) -> None:
        """Another wrong guess."""
        with self._turn:
            for key in keys:
                times = self._wrong.pop(key, (0, 0.0))[0] + 1
                pause_s = min(LONGEST_S, 2.0 ** (times - FREE)) if times >= FREE else 0.0
                self._wrong[key] = (times, self._now_s() + pause_s)
            while len(self._wrong) > REMEMBERED:
                self._wrong.popitem(last=False)

    def right(self, *keys: str) -> None:
        """Forget what was wrong before."""
        with self._turn:
            for key in keys:
                self._wrong.pop(key, None)
