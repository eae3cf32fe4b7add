"""The pictures of recorded parts, in the sizes that pages show."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import cv2
import numpy as np

from inspector.detector import Detector
from inspector.errors import ModelError
from inspector.images import read_image
from inspector.inspection import Inspector
from inspector.overlay.picture import inside_of
from inspector.page.errors import Unknown
from inspector.page.video import give_way, jpeg_of
from inspector.recipe import load_recipe
from inspector.record.rows import PartRow
from inspector.records import Image
from inspector.sinks.pictures import fitted

THUMB_PX, LARGE_PX = 360, 1100
EXPECTED_PX = 480
KEPT = 64  # parts of which the reconstruction is remembered
Kind = Literal["image", "overlay"]


def picture_file(archive: Path | None, row: PartRow, kind: Kind) -> Path:
    """Where a part's picture lies. Raises Unknown where none was kept, or it is gone."""
    path = row.image_path if kind == "image" else row.overlay_path
    if archive is None or path is None or ".." in PurePosixPath(path).parts:
        raise Unknown("no picture of this part was kept")
    file = archive / path
    if not file.is_file():
        raise Unknown("the picture of this part is no longer in the archive")
    return file


def jpeg_from(file: Path, kind: Kind, longest_px: int) -> bytes:
    """A picture as a JPEG of at most so many pixels; of an overlay only what shows the part. Raises DataError."""
    picture = read_image(file)
    return jpeg_of(fitted(inside_of(picture) if kind == "overlay" else picture, longest_px, longest_px))


@dataclass(frozen=True, slots=True)
class Expected:
    """The strangest field of a part, as the model saw it, and as it would look had it been good: JPEG each."""

    seen: bytes
    expected: bytes


class Expectations:
    """What the model expected of recorded parts: its reconstruction. One after another, on a thread that gives way."""

    def __init__(self, config_dir: Path, model_dir: Path) -> None:
        self._config_dir = config_dir
        self._model_dir = model_dir
        self._known: OrderedDict[str, Expected] = OrderedDict()
        self._inspectors: dict[str, Inspector] = {}  # at most one: a model takes tens of megabytes
        self._turn = threading.Lock()
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="page-expected", initializer=give_way)

    def known(self, key: str) -> Expected:
        """What was worked out before. Raises Unknown."""
        with self._turn:
            if key not in self._known:
                raise Unknown("not worked out yet")
            return self._known[key]

    def work_out(self, key: str, row: PartRow, archive: Path | None) -> Expected:
        """Work it out; takes a second where the model must be loaded. Raises InspectorError."""
        with self._turn:
            if key in self._known:
                return self._known[key]
        found = self._expected(row, picture_file(archive, row, "image"))
        with self._turn:
            self._known[key] = found
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return found

    def _expected(self, row: PartRow, file: Path) -> Expected:
        inspector = self._inspector(row)
        patches = inspector.preparation.patches(read_image(file))
        cell = (row.worst_row or 0) * inspector.grid.cols + (row.worst_col or 0)
        seen, expected = inspector.detector.reconstruction(patches, cell)
        return Expected(*(jpeg_of(_enlarged(picture)) for picture in (seen, expected)))

    def _inspector(self, row: PartRow) -> Inspector:
        """The one whose model judged the part. Raises ModelError where that model is no longer there."""
        if row.model_hash not in self._inspectors:
            recipe = load_recipe(self._config_dir, row.product)
            detector = Detector(self._model_dir / recipe.model_file)
            if detector.model_hash != row.model_hash:
                raise ModelError("the model that judged this part has been replaced since")
            self._inspectors.clear()
            self._inspectors[row.model_hash] = Inspector(recipe, detector)
        return self._inspectors[row.model_hash]


def _enlarged(picture: Image) -> Image:
    """Shown with its pixels as squares: a model sees coarsely, and that should be seen."""
    factor = max(1, EXPECTED_PX // max(picture.shape[:2]))
    size = picture.shape[1] * factor, picture.shape[0] * factor
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST), np.uint8)
