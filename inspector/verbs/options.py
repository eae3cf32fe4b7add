"""What the user asked `run` for."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from pathlib import Path

from inspector.record.opening import DEFAULT

ARCHIVE = Path("archive")  # where the record's pictures lie


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of one run; `run --help` explains them. Each field is named as its option."""

    product: str | None = None
    source: str | None = None
    fps: float | None = None
    loop: bool = False
    log_dir: Path = Path("logs")
    save_overlays: Path | None = None
    keep_pass_every: int = 20
    save_video: Path | None = None
    window: bool = False
    serve: str | None = None
    record: str | None = None
    archive: Path | None = None
    model_dir: Path = Path("models")
    config_dir: Path = Path("config")

    @property
    def record_url(self) -> str | None:
        """Where the record lies; None where none is kept."""
        return self.record or (DEFAULT if self.serve else None)

    @property
    def archive_dir(self) -> Path | None:
        """Where pictures of parts are kept; None where none are."""
        return self.archive or (ARCHIVE if self.record_url else None)

    @classmethod
    def from_arguments(cls, arguments: argparse.Namespace) -> RunOptions:
        """Take them from the command line."""
        return cls(**{field.name: getattr(arguments, field.name) for field in fields(cls)})
