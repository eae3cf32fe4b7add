"""What must be known after a restart of a product that is being taught: one small file for each, beside its draft.

Pictures, draft and model are files already. These say of them which pictures are new, and what training said of the
model. A file goes when the product is taken over, or when what it tells of was discarded.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from inspector.cameras.device import camera_name
from inspector.errors import RecipeError
from inspector.files import replacing
from inspector.page.training import Report
from inspector.recipe import PRODUCT, recipe_path

_logger = logging.getLogger(__name__)


class Unfinished(BaseModel):
    """One product, from the first picture that was taken to its take-over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    before: tuple[str, ...] = ()  # names of the good pictures that were there before
    source: str = ""  # of the pictures, where it was no line and its address holds no password
    report: Report | None = None  # what training said of the draft's model; None: it has not learned these pictures yet


class UnfinishedFiles:
    """The files of a station: PRODUCT.json in the drafts' folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def products(self) -> list[str]:
        """Names of all products that have one."""
        return sorted(path.stem for path in self._folder.glob("*.json") if re.fullmatch(PRODUCT, path.stem))

    def read(self, product: str) -> Unfinished | None:
        """What the file says; None where there is none, or none that can be read."""
        path = self._path(product)
        try:
            return Unfinished.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            _logger.warning("%s: cannot be read, and is passed over: %s", path, str(error).splitlines()[0])
            return None

    def begin(self, product: str, pictures: Collection[str], source: str) -> None:
        """Write one for a product that has these good pictures; an earlier one stays. Raises RecipeError."""
        kept = self.read(product) or Unfinished(before=tuple(sorted(pictures)))
        self._write(product, kept.model_copy(update={"source": source if camera_name(source) == source else ""}))

    def learned(self, product: str, report: Report | None) -> None:
        """Keep what training said (None: nothing that still holds), where there is a file. Raises RecipeError."""
        kept = self.read(product)
        if kept is not None:
            self._write(product, kept.model_copy(update={"report": report}))

    def end(self, product: str) -> None:
        """Remove it."""
        self._path(product).unlink(missing_ok=True)

    def _write(self, product: str, kept: Unfinished) -> None:
        path = self._path(product)
        try:
            with replacing(path) as part:
                part.write_text(kept.model_dump_json(indent=1), encoding="utf-8")
        except OSError as error:
            raise RecipeError(f"{path}: cannot be written: {error.strerror}") from None

    def _path(self, product: str) -> Path:
        return recipe_path(self._folder, product).with_name(f"{product}.json")
