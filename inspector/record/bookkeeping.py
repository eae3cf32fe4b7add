"""What the record keeps for itself: how far logs were read, and how the first pictures of a model looked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from inspector.record import writing
from inspector.record.drift import Look
from inspector.record.store import Store
from inspector.record.tables import LogFile, ModelLooks


def log_read(store: Store, host: str, path: str) -> int:
    """How many bytes of a log are known to be in the record. Raises StoreError."""
    query = select(LogFile.read_bytes).where(LogFile.host == host, LogFile.path == path)
    with store.reading() as connection:
        return int(connection.scalar(query) or 0)


def note_log_read(store: Store, host: str, path: str, read_bytes: int) -> None:
    """Remember how far a log was read. Raises StoreError."""
    with store.changing() as connection:
        writing.note_log_read(connection, host, path, read_bytes)


@dataclass(frozen=True, slots=True)
class CameraLooks:
    """How the first pictures of a model looked in front of a camera. Both methods raise StoreError."""

    store: Store
    camera: str

    def recall(self, model_hash: str) -> Sequence[Look]:
        """What was kept; empty where nothing was."""
        query = select(ModelLooks.looks).where(ModelLooks.camera == self.camera, ModelLooks.model_hash == model_hash)
        with self.store.reading() as connection:
            found: list[list[float]] = json.loads(connection.scalar(query) or "[]")
            return found

    def keep(self, model_hash: str, looks: Sequence[Look]) -> None:
        """Keep it; what is known already stays."""
        with self.store.changing() as connection:
            writing.keep_looks(connection, self.camera, model_hash, json.dumps(looks))
