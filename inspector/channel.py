"""The bounded queue between two stages: the only waiting between threads."""

from __future__ import annotations

import enum
import math
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Overflow(enum.Enum):
    """What a full channel does with one item more."""

    WAIT = "wait"  # the sender waits: a replay loses nothing
    NEWEST = "newest"  # the oldest waiting item is evicted: a live line cannot be stopped


class Channel(Generic[T]):
    """A first-in first-out queue of at most `capacity` items between threads.

    Where it can `weigh` its items, they weigh no more than `most` together (bytes), but one always has room.
    """

    def __init__(
        self,
        capacity: int,
        overflow: Overflow = Overflow.WAIT,
        *,
        weigh: Callable[[T], int] = lambda item: 0,
        most: float = math.inf,
    ) -> None:
        self._items: deque[T] = deque()
        self._capacity = capacity
        self._weigh = weigh
        self._most = most
        self._weight = 0  # of all items
        self._overflow = overflow
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: T) -> T | None:
        """Send one item; return the one that did not get its place, if any.

        That is the oldest item where the policy is NEWEST and the channel is full, the item itself when the channel
        is closed. The caller accounts for it.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._overflow is not Overflow.WAIT or not self._full)
            if self._closed:
                return item
            evicted = self._pop() if self._full else None
            self._append(item)
            return evicted

    def shed(self) -> T | None:
        """Take the oldest item where they weigh too much together; the caller accounts for it. None where they do not.

        To be asked after `put` where the policy is NEWEST: in place of one item a much larger one may have come.
        """
        with self._changed:
            return self._pop() if self._weight > self._most and len(self._items) > 1 else None

    def put_unbounded(self, item: T) -> None:
        """Send one item beyond the capacity and without waiting, also when closed: for news that must not get lost."""
        with self._changed:
            self._append(item)

    def take(self, at_most: int, timeout_s: float | None = None, *, takers: int = 1) -> list[T]:
        """Wait for something to be there and return it, up to `at_most` items; never waits for more.

        One of several `takers` leaves the others their share. Empty when `timeout_s` ran out, or when the channel is
        closed and everything was taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, timeout_s)
            taken = [self._pop() for _ in range(min(at_most, -(-len(self._items) // takers)))]
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        """Send nothing more; what is there can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def full(self) -> bool:
        """No room for one item more; what was put aside counts."""
        with self._changed:
            return self._full

    @property
    def finished(self) -> bool:
        """Closed, and everything taken."""
        with self._changed:
            return self._closed and not self._items

    @property
    def _full(self) -> bool:
        return len(self._items) >= self._capacity or (self._weight >= self._most and bool(self._items))

    def _append(self, item: T) -> None:
        self._items.append(item)
        self._weight += self._weigh(item)
        self._changed.notify_all()

    def _pop(self) -> T:
        item = self._items.popleft()
        self._weight -= self._weigh(item)
        return item
