"""A product from nothing, or again, to a running one: collect good parts, train, look at the report, take over."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from inspector.cameras.base import Camera
from inspector.errors import DataError, InspectorError, RecipeError
from inspector.page.collecting import Collection, FeedCamera
from inspector.page.drafts import Area, Drafts
from inspector.page.errors import Unknown
from inspector.page.live import Hub
from inspector.page.sources import target_of
from inspector.page.training import Report, Training
from inspector.recipe import new_recipe

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


class Teaching:
    """One product at a time. All of it may be called from any thread.

    It trains a draft: lines go on with what they have until `take_over`.
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

    @property
    def stage(self) -> Stage:
        """How far it is."""
        with self._turn:
            if self._taken_over:
                return "taken over"
            if self.training is not None:
                return "training" if self.training.report is None else "trained"
            return "start" if self.collection is None else "collecting"

    @property
    def report(self) -> Report | None:
        """What training said; None before."""
        return self.training.report if self.training else None

    @property
    def is_training(self) -> bool:
        """Whether a training is under way."""
        return self.training is not None and self.training.running

    def good_folder(self, product: str) -> Path:
        """Where the good pictures of a product lie."""
        return self._data_dir / product / "train" / "good"

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
            if product not in self._drafts.products():
                raise Unknown(f"no product {product}")
            if product == self.product and not self._taken_over:
                return
            feeding = [name for name, control in self._hub.controls.items() if control.now.product == product]
            self._open(product, (feeding or [*self._hub.controls, ""])[0], self.source, LEAST)
            collection = self._collected()
            collection.wanted = max(LEAST, len(collection.taken))

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

    def remove(self, name: str) -> None:
        """Take a picture out of the good ones."""
        with self._turn:
            self._collected().remove(name)
            if not self.is_training:
                self.training = None  # what it made was learned from that picture, too

    def save_area(self, product: str, area: Area) -> None:
        """Keep an area for the next training. Raises InspectorError."""
        with self._turn:
            _check_name(product)
            if product == self.product and self.is_training:
                raise InspectorError(f"{product} is being trained: wait for it, or stop it, then draw")
            self._drafts.save_area(product, area)
            if product == self.product:
                self.training = None  # it learned another area

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
            self.effort = effort
            folders = ("--model-dir", str(self._drafts.model_dir), "--config-dir", str(self._drafts.config_dir))
            data = str(self._data_dir / self.product)
            self.training = Training(("--product", self.product, "--data", data, "--effort", effort, *folders))

    def take_over(self, camera: str) -> None:
        """Put the product into use, and let a running line inspect it (empty: none does). Raises InspectorError."""
        with self._turn:
            if self.stage != "trained":
                raise InspectorError("there is nothing to take over yet: train first")
            control = self._hub.controls.get(camera)
            if camera and control is None:
                raise Unknown(f"no line for camera {camera} in this process")
            self._drafts.take_over(self.product)
            self._taken_over = True
            if control is not None:
                self.camera = camera
                control.change_product(self.product)

    def forget(self) -> None:
        """Begin anew; pictures and models stay where they are."""
        with self._turn:
            self.close()
            self.product, self.collection, self.training, self._taken_over = "", None, None, False

    def close(self) -> None:
        """Leave nothing running."""
        if self.collection is not None:
            self.collection.stop()
        if self.training is not None:
            self.training.cancel()

    def _open(self, product: str, camera: str, source: str, wanted: int) -> None:
        self.forget()
        self.product, self.camera, self.source = product, camera, source
        self.collection = Collection(self.good_folder(product), wanted)

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
