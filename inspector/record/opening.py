"""The way to the record: says in one line what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from inspector.errors import DependencyError, StoreError

if TYPE_CHECKING:
    from inspector.record.store import Store

DEFAULT = "record.db"


def open_store(url: str, *, full: bool = False, timeout_s: float = 5.0) -> Store:
    """Open the record at a file or a postgresql:// address; `full`: also a power cut takes nothing that was written.

    Raises StoreError, and DependencyError where the extra is not installed.
    """
    with needing_station():
        from inspector.record.store import Store  # noqa: PLC0415
    return Store(url, synchronous="full" if full else "normal", timeout_s=timeout_s)


def existing_store(url: str) -> Store:
    """Open a record to read it: a file that is missing is an error, and is not made. Raises as `open_store` does."""
    if "://" not in url and not Path(url).exists():
        raise StoreError(f"{url}: there is no such record: `run --record {url}` makes one")
    return open_store(url)


@contextmanager
def needing_station() -> Iterator[None]:
    """Where a package of the extra is missing within, say so in one line. Raises DependencyError."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise DependencyError(
            f"the record needs {error.name}, which is not installed: pip install '.[station]' in the project's folder"
        ) from None
