"""A product from nothing, or again, to a running one: collect good parts, train, look at the report, take over."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from inspector.cameras.base import Camera
from inspector.errors import DataError, InspectorError, RecipeError
from inspector.page.collecting import Collection, FeedCamera, pictures_in, take_out
from inspector.page.drafts import Area, Drafts
from inspector.page.errors import Unknown
from inspector.page.live import Hub
from inspector.page.sources import target_of
from inspector.page.training import Report, Training
from inspector.page.unfinished import Unfinished, UnfinishedFiles
from inspector.recipe import new_recipe

_logger = logging.getLogger(__name__)
Stage = Literal["start", "collecting", "training", "trained", "taken over"]
Effort = Literal["quick", "standard", "best"]
AMOUNTS = {30: "1 in 10", 60: "1 in 20", 150: "1 in 50", 300: "1 in 100"}  # pictures -> good parts rejected at most
LEAST = 3  # pictures that training can make something of
MORE = 10  # pictures that are taken when enough are there and more are asked for
EFFORTS: dict[Effort, str] = {
    "quick": "quick: fewer pixels, usual settings",
    "standard": "standard: chosen for these parts",
    "best": "best: a larger model, the line becomes slower",
}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A product whose teaching somebody may go on with, also after a restart."""

    product: str
    pictures: int  # of good parts, taken since it was last taken over
    report: Report | None  # of the model that was trained; None: not trained yet

    @property
    def words(self) -> str:
        """How far it is, in a line."""
        if self.report is None:
            return f"{self.pictures} good part{'' if self.pictures == 1 else 's'} taken, not trained on yet"
        return f"trained on {self.report.utc.astimezone():%Y-%m-%d %H:%M}, not taken over yet"


class Teaching:
    """One product at a time. All of it may be called from any thread.

    It trains a draft: lines go on with what they have until `take_over`. What was taken and trained lies in files, so
    another Teaching, after a restart, finds it `waiting`.
    """

    def __init__(
        self,
        hub: Hub,
        drafts: Drafts,
        config_dir: Path,
        data_dir: Path,
        open_camera: Callable[[str, Path], Camera] = lambda source, config_dir: target_of(source, config_dir).open(),
    ) -> None:
        self._hub = hub
        self._drafts = drafts
        self._config_dir = config_dir
        self._data_dir = data_dir
        self._open_camera = open_camera
        self._turn = threading.RLock()
        self.product = ""
        self.camera = ""  # of a running line; empty: `source` is opened
        self.source = ""
        self.effort: Effort = "standard"
        self.collection: Collection | None = None
        self.training: Training | None = None
        self._taken_over = False
        self._unfinished = UnfinishedFiles(drafts.config_dir)
        self._kept: Report | None = None  # of a training before this was opened

    @property
    def stage(self) -> Stage:
        """How far it is."""
        with self._turn:
            if self._taken_over:
                return "taken over"
            if self.training is not None and self.training.report is None:
                return "training"
            if self.report is not None:
                return "trained"
            return "start" if self.collection is None else "collecting"

    @property
    def report(self) -> Report | None:
        """What training said of the draft's model; None before."""
        return self.training.report if self.training else self._kept

    @property
    def is_training(self) -> bool:
        """Whether a training is under way."""
        return self.training is not None and self.training.running

    def good_folder(self, product: str) -> Path:
        """Where the good pictures of a product lie."""
        return self._data_dir / product / "train" / "good"

    def waiting(self) -> Sequence[Waiting]:
        """Products that were taught in part, by name. Raises InspectorError."""
        found = []
        for product in self._unfinished.products():
            kept = self._unfinished.read(product)
            if kept is not None:
                new = len(self._new_pictures(product, kept))
                found.append(Waiting(product, new, kept.report if self._drafts.has_model(product) else None))
        return [each for each in found if each.report or each.pictures]

    def begin(self, product: str, camera: str, source: str, wanted: int) -> None:
        """Collect pictures of a new product from a running line, or from a source of its own. Raises InspectorError."""
        with self._turn:
            _check_name(product)
            if self._drafts.is_in_use(product):
                raise RecipeError(f"there is a product {product} already: teach it again, or give another name")
            opened = self._camera(camera, source)
            self._open(product, camera, source, wanted)
            self._collected().start(opened)

    def begin_again(self, product: str) -> None:
        """Open the good pictures of a product that there is, to add to them and to train. Raises InspectorError."""
        with self._turn:
            if product not in [*self._drafts.products(), *self._unfinished.products()]:
                raise Unknown(f"no product {product}")
            if product == self.product and not self._taken_over:
                return
            kept = self._unfinished.read(product)
            feeding = [name for name, control in self._hub.controls.items() if control.now.product == product]
            source = kept.source if kept else ""
            self._open(product, (feeding or [*self._hub.controls, ""])[0], source or self.source, LEAST)
            collection = self._collected()
            collection.wanted = max(LEAST, len(collection.taken))
            if kept and self._drafts.has_model(product):
                self._kept = kept.report

    def pause(self) -> None:
        """Take no more pictures for now."""
        with self._turn:
            self._collected().stop()

    def go_on(self, source: str = "") -> None:
        """Take more, from another source where one is given. Raises InspectorError."""
        with self._turn:
            collection = self._collected()
            opened = self._camera(self.camera, source or self.source)
            self.source = source or self.source
            if collection.enough:
                collection.wanted = len(collection.taken) + MORE
            collection.start(opened)

    def reopen(self) -> None:
        """Go back from the report to the pictures, to take more or to train again. The model keeps waiting."""
        with self._turn:
            self._collected()
            if not self.is_training:
                self.training = self._kept = None

    def remove(self, name: str) -> None:
        """Take a picture out of the good ones."""
        with self._turn:
            self._collected().remove(name)
            if not self.is_training:
                self._forget_training(self.product)  # what it made was learned from that picture, too

    def save_area(self, product: str, area: Area) -> None:
        """Keep an area for the next training. Raises InspectorError."""
        with self._turn:
            _check_name(product)
            if product == self.product and self.is_training:
                raise InspectorError(f"{product} is being trained: wait for it, or stop it, then draw")
            self._drafts.save_area(product, area)
            self._forget_training(product)  # it learned another area

    def train(self, effort: Effort = "standard") -> None:
        """Begin to train on what was collected. Raises InspectorError where that is too little."""
        with self._turn:
            collection = self._collected()
            if self.is_training:
                return
            if len(collection.taken) < LEAST:
                raise DataError(f"{len(collection.taken)} pictures are too few: take {LEAST} at least")
            collection.stop()
            self._drafts.begin(self.product)
            self._forget_training(self.product)
            self.effort = effort
            folders = ("--model-dir", str(self._drafts.model_dir), "--config-dir", str(self._drafts.config_dir))
            data = str(self._data_dir / self.product)
            options = ("--product", self.product, "--data", data, "--effort", effort, *folders)
            self.training = Training(options, partial(self._keep, self.product))

    def take_over(self, camera: str) -> None:
        """Put the product into use, and let a running line inspect it (empty: none does). Raises InspectorError."""
        with self._turn:
            if self.stage != "trained":
                raise InspectorError("there is nothing to take over yet: train first")
            control = self._hub.controls.get(camera)
            if camera and control is None:
                raise Unknown(f"no line for camera {camera} in this process")
            self._drafts.take_over(self.product)
            self._unfinished.end(self.product)
            self._taken_over = True
            if control is not None:
                self.camera = camera
                control.change_product(self.product)

    def discard(self, product: str) -> None:
        """Discard the model that waits; where there is none, the good parts that were taken and not trained on: they go
        to the folder `taken_out`. Raises InspectorError.
        """
        with self._turn:
            kept = self._unfinished.read(product)
            if kept is None:
                raise Unknown(f"nothing of {product} waits")
            if product == self.product:
                if self.is_training:
                    raise InspectorError(f"{product} is being trained: stop that first")
                self.forget()
            if kept.report is not None and self._drafts.has_model(product):
                self._drafts.discard_model(product)
                self._unfinished.learned(product, None)
                return
            for file in self._new_pictures(product, kept):
                take_out(file)
            if not self._drafts.is_in_use(product):
                self._drafts.discard(product)
            self._unfinished.end(product)

    def forget(self) -> None:
        """Begin anew; pictures and models stay where they are."""
        with self._turn:
            self.close()
            self.product, self.collection, self.training, self._taken_over = "", None, None, False
            self._kept = None

    def close(self) -> None:
        """Leave nothing running."""
        if self.collection is not None:
            self.collection.stop()
        if self.training is not None:
            self.training.cancel()

    def _open(self, product: str, camera: str, source: str, wanted: int) -> None:
        self.forget()
        names = [file.name for file in pictures_in(self.good_folder(product))]
        self._unfinished.begin(product, names, "" if camera else source)
        self.product, self.camera, self.source = product, camera, source
        self.collection = Collection(self.good_folder(product), wanted)

    def _new_pictures(self, product: str, kept: Unfinished) -> Sequence[Path]:
        return [file for file in pictures_in(self.good_folder(product)) if file.name not in kept.before]

    def _keep(self, product: str, report: Report) -> None:
        """Keep what training said for whoever comes after a restart. Called by training's own thread, without a turn:
        whoever has it may wait for that thread.
        """
        try:
            self._unfinished.learned(product, report)
        except InspectorError as error:
            _logger.warning("the report of %s is not kept: %s", product, error)

    def _forget_training(self, product: str) -> None:
        self._unfinished.learned(product, None)
        if product == self.product:
            self.training = self._kept = None

    def _camera(self, camera: str, source: str) -> Camera:
        if not camera:
            return self._open_camera(source, self._config_dir)
        if camera not in self._hub.feeds:
            raise Unknown(f"no camera {camera}")
        return FeedCamera(self._hub.feeds[camera])

    def _collected(self) -> Collection:
        if self.collection is None:
            raise InspectorError("nothing is being taught: begin with a name for the product")
        return self.collection


def _check_name(product: str) -> None:
    """Raise RecipeError where a name cannot be a product's, or its folder's."""
    new_recipe(product)
    if re.search(r"\.\.|\.$", product):
        raise RecipeError(f"product {product}: wants a name that does not end in a dot and has no two in a row")
