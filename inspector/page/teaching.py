"""From no product to a running one: collect good parts, train, look at the report, take over."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from inspector.cameras.base import Camera
from inspector.cameras.source import open_source
from inspector.errors import InspectorError, RecipeError
from inspector.page.collecting import Collection, FeedCamera
from inspector.page.errors import Unknown
from inspector.page.live import Hub
from inspector.page.training import Report, Training
from inspector.recipe import new_recipe, recipe_path

Stage = Literal["start", "collecting", "training", "trained", "running"]
Effort = Literal["quick", "standard", "best"]
AMOUNTS = {30: "1 in 10", 60: "1 in 20", 150: "1 in 50", 300: "1 in 100"}  # pictures -> good parts rejected at most
LEAST = 3  # pictures that training can make something of
EFFORTS: dict[Effort, str] = {
    "quick": "quick: usual settings",
    "standard": "standard: chosen for these parts",
    "best": "best: a larger model, the line becomes slower",
}


class Teaching:
    """One product at a time. All of it may be called from any thread."""

    def __init__(
        self,
        hub: Hub,
        config_dir: Path,
        model_dir: Path,
        data_dir: Path,
        options: Sequence[str] = (),
        open_camera: Callable[[str], Camera] = lambda source: open_source(source, None, loop=False),
    ) -> None:
        """`options` are given to `train` as well."""
        self._hub = hub
        self._config_dir = config_dir
        self._model_dir = model_dir
        self._data_dir = data_dir
        self._options = tuple(options)
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
                return "running"
            if self.training is not None and self.training.report is not None:
                return "trained"
            if self.training is not None:
                return "training"
            return "collecting" if self.collection is not None else "start"

    @property
    def report(self) -> Report | None:
        """What training said; None before."""
        return self.training.report if self.training else None

    def begin(self, product: str, camera: str, source: str, wanted: int) -> None:
        """Collect pictures of a new product from a running line, or from a source of its own. Raises InspectorError."""
        with self._turn:
            self._check(product)
            made = self._camera(camera, source)
            self.forget()
            self.product, self.camera, self.source = product, camera, source
            self.collection = Collection(self._data_dir / product / "train" / "good", wanted)
            self.collection.start(made)

    def pause(self) -> None:
        """Take no more pictures for now."""
        with self._turn:
            self._collected().stop()

    def go_on(self) -> None:
        """Take more. Raises InspectorError."""
        with self._turn:
            collection = self._collected()
            if collection.enough:
                collection.wanted += 10
            collection.start(self._camera(self.camera, self.source))

    def remove(self, name: str) -> None:
        """Take a picture out of the good ones."""
        with self._turn:
            self._collected().remove(name)
            if self.training is not None and not self.training.running:
                self.training = None  # what it made was learned from that picture, too

    def train(self, effort: Effort = "standard") -> None:
        """Begin to train on what was collected. Raises InspectorError where that is too little."""
        with self._turn:
            collection = self._collected()
            if self.training is not None and self.training.running:
                return
            if len(collection.taken) < LEAST:
                raise InspectorError(f"{len(collection.taken)} pictures are too few: take {LEAST} at least")
            collection.stop()
            self.effort = effort
            folders = ("--model-dir", str(self._model_dir), "--config-dir", str(self._config_dir))
            data = str(self._data_dir / self.product)
            own = ("--product", self.product, "--data", data, "--effort", effort)
            self.training = Training((*own, *folders, *self._options))

    def take_over(self, camera: str) -> None:
        """Let a running line inspect the new product. Raises InspectorError."""
        with self._turn:
            if self.stage != "trained":
                raise InspectorError("there is nothing to take over yet: train first")
            control = self._hub.controls.get(camera)
            if control is None:
                raise Unknown(f"no line for camera {camera} in this process")
            control.change_product(self.product)
            self.camera, self._taken_over = camera, True

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

    def _check(self, product: str) -> None:
        new_recipe(product)
        if recipe_path(self._config_dir, product).exists():
            raise RecipeError(f"there is a product {product} already: give the new one another name")
        if re.search(r"\.\.|\.$", product):  # a folder has its name
            raise RecipeError(f"product {product}: wants a name that does not end in a dot and has no two in a row")

    def _camera(self, camera: str, source: str) -> Camera:
        if camera:
            if camera not in self._hub.feeds:
                raise Unknown(f"no camera {camera}")
            return FeedCamera(self._hub.feeds[camera])
        return self._open_camera(source)

    def _collected(self) -> Collection:
        if self.collection is None:
            raise InspectorError("nothing is being taught: begin with a name for the product")
        return self.collection
