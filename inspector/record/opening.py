"""The way to the record: says in one line what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inspector.errors import DependencyError

if TYPE_CHECKING:
    from inspector.record.store import Store

DEFAULT = "record.db"


def open_store(url: str, *, full: bool = False, timeout_s: float = 5.0) -> Store:
    """Open the record at a file or a postgresql:// address; `full`: also a power cut takes nothing that was written.

    Raises StoreError, and DependencyError where the extra is not installed.
    """
    try:
        from inspector.record.store import Store  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise DependencyError(
            f"the record needs {error.name}, which is not installed: pip install '.[station]' in the project's folder"
        ) from None
    return Store(url, synchronous="full" if full else "normal", timeout_s=timeout_s)
