"""Good pictures of a product as its model sees them: in the part's aligned frame, before any area is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from inspector.background import in_background
from inspector.detector import Detector
from inspector.errors import DataError
from inspector.grid import Grid
from inspector.images import find_images, read_image
from inspector.page.drafts import Drafts
from inspector.page.errors import Unknown
from inspector.page.live import Hub
from inspector.preparation import Preparation
from inspector.recipe import Align
from inspector.records import Image, Verdict

WHOLE_PX = 4096  # a part has fewer pixels each way, or some are left out
AS_IT_IS = Preparation(Grid(1, 1), (1, 1))  # without a model nobody knows yet how parts are aligned


@dataclass(frozen=True, slots=True)
class PartView:
    """One part in its frame."""

    image: Image
    align: Align  # by what it was aligned


class PartViews:
    """Finds pictures of good parts: the last one that a running line passed, and those that were collected."""

    def __init__(self, hub: Hub, drafts: Drafts, good_folder: Callable[[str], Path]) -> None:
        self._hub = hub
        self._drafts = drafts
        self._good_folder = good_folder
        self._known: dict[tuple[Path, int], Preparation] = {}  # by the model's file and its time: at most one

    def count(self, product: str) -> int:
        """How many pictures there are."""
        return len(self._collected(product)) + (self._passed(product) is not None)

    def view(self, product: str, number: int) -> PartView:
        """One of them, from 0. Raises Unknown where there is none, InspectorError where no part is found in it."""
        passed, collected = self._passed(product), self._collected(product)
        if passed is not None and number == len(collected):
            return self._view(product, passed)
        if not 0 <= number < len(collected):
            raise Unknown(f"no good picture {number} of {product}: collect some")
        return self._view(product, read_image(collected[number]))

    def align(self, product: str) -> Align:
        """How its pictures are aligned. Raises ModelError where its model cannot be read."""
        fixture = self._preparation(product).fixture
        return fixture.by if fixture else "none"

    def _view(self, product: str, image: Image) -> PartView:
        return PartView(self._preparation(product).view(image).image, self.align(product))

    def _preparation(self, product: str) -> Preparation:
        file = self._drafts.model_file(product)
        if file is None:
            return AS_IT_IS
        key = file, file.stat().st_mtime_ns
        if key not in self._known:
            info = in_background(lambda: Detector(file).info)
            # Regions are cut from the part in the camera's own pixels; else it has those that the grid's patches have.
            size = (WHOLE_PX, WHOLE_PX) if info.regions else info.patch_shape
            self._known = {key: Preparation(Grid(1, 1) if info.regions else info.layout, size, info.fixture)}
        return self._known[key]

    def _passed(self, product: str) -> Image | None:
        """The last part of a running line, where it is a good one of this product."""
        for feed in self._hub.feeds.values():
            last = feed.state.last
            if last is not None and last.product == product and last.verdict is Verdict.PASS:
                return last.image
        return None

    def _collected(self, product: str) -> Sequence[Path]:
        try:
            return find_images(self._good_folder(product))
        except DataError:
            return ()
