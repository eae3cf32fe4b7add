"""A station with a real model that is quick to make: its anomaly map is the part's brightness, from 0 to 10.

It goes the way of every model (PyTorch, the exporter, the file's metadata, ONNX Runtime); only its weights are known
beforehand, so that a test can order a verdict: see the brightnesses below.
"""

import dataclasses
import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from chromium import browser, page  # noqa: F401  (fixtures)
from process import start  # noqa: F401  (a fixture for all)

from inspector.checksum import with_checksum
from inspector.colour import Gamut
from inspector.inspection import Inspector, load_inspector
from inspector.model_info import KEY_INFO, ModelInfo, to_metadata
from inspector.recipe import ColourSettings, Recipe, recipe_path, write_recipe
from inspector.records import Frame

if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores; threads of each on all of them would only wait
    os.environ.setdefault("OMP_NUM_THREADS", "1")

PATCH_PX = 32
THRESHOLDS = {"alpha": 5.0, "beta": 9.0, "gamma": 1.0}  # by product


@dataclasses.dataclass(frozen=True)
class Station:
    """The folders of a station, and how to put something in or to get something out."""

    models: Path
    config: Path

    dark = 40  # score 1.6: passes as alpha and beta
    bright = 200  # score 7.8: fails as alpha, passes as beta
    not_a_number = 254  # the model gives nan
    poison = 255  # the model fails where a whole part has it

    def write(self, product: str = "alpha", **settings: object) -> Path:
        """Write a recipe."""
        settings = {"colour": ColourSettings(enhance="none")} | settings
        return write_recipe(self.config, Recipe(product=product, **settings))

    def load(self, product: str = "alpha") -> Inspector:
        """What the line loads."""
        return load_inspector(product, self.config, self.models)

    def model(self, product: str = "alpha") -> Path:
        return self.models / f"{product}.onnx"

    def recipe(self, product: str = "alpha") -> Path:
        return recipe_path(self.config, product)

    def alter(self, product: str = "alpha", **facts: object) -> None:
        """Change what a model's metadata says."""
        import onnx  # noqa: PLC0415

        model = onnx.load(self.model(product))
        known = {entry.key: entry.value for entry in model.metadata_props}
        info = json.loads(known[KEY_INFO]) | facts
        onnx.helper.set_model_props(model, known | {KEY_INFO: json.dumps(info)})
        self.save(model, product)

    def save(self, model, product: str = "alpha") -> None:
        """Write an altered model (onnx.ModelProto) as if it had been exported like this."""
        save(model, self.model(product))

    def frame(self, index: int, brightness: int = dark) -> Frame:
        """A part of one brightness; it is called by its index."""
        return Frame(index, 0, np.full((48, 64, 3), brightness, np.uint8), part=f"part-{index}")


def save(model, path: Path) -> None:
    """Write a model (onnx.ModelProto) with its checksum."""
    path.write_bytes(with_checksum(model.SerializeToString()))


@pytest.fixture(scope="session", autouse=True)
def _signals_as_in_a_terminal():
    """A shell ignores two signals for what it starts with `&`, and every program that is started inherits that."""
    for number in (signal.SIGINT, getattr(signal, "SIGQUIT", signal.SIGINT)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """A folder with a model for each product: one graph, the metadata of each."""
    import onnx  # noqa: PLC0415  (takes seconds, as torch does: the tests that need no model are spared them)

    gamut = Gamut.of([np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(1, 256, 3)])
    folder = tmp_path_factory.mktemp("exported")
    first, *others = (_info(product, threshold) for product, threshold in THRESHOLDS.items())
    _export(first, gamut, folder / f"{first.product}.onnx")
    model = onnx.load(folder / f"{first.product}.onnx")
    known = {entry.key: entry.value for entry in model.metadata_props}
    for info in others:
        facts = to_metadata(info.model_copy(update={"has_checksum": True}), gamut)
        onnx.helper.set_model_props(model, known | facts)
        save(model, folder / f"{info.product}.onnx")
    return folder


@pytest.fixture
def station(exported, tmp_path):
    """A station of its own: three products, of which alpha and beta judge bright parts differently."""
    made = Station(tmp_path / "models", tmp_path / "config")
    shutil.copytree(exported, made.models)
    for product in THRESHOLDS:
        made.write(product)
    return made


def _export(info, gamut, path):
    import torch  # noqa: PLC0415
    from torch.nn.functional import avg_pool2d  # noqa: PLC0415

    from export.learn import onnx_file  # noqa: PLC0415
    from export.learn.scores import top_mean  # noqa: PLC0415

    class Brightness(torch.nn.Module):
        def forward(self, patches, wanted):
            gray = patches.float().mean(3)
            maps = avg_pool2d(gray[:, None], 4)[:, 0] / 25.5
            fails_at_255 = torch.zeros(255)[patches.amin((1, 2, 3)).long()]
            nan_from_253 = 0 * torch.sqrt(9.9 - maps)
            maps = maps + nan_from_253 + fails_at_255[:, None, None]
            return maps, top_mean(maps), torch.stack([patches, patches], 1)[wanted]

    onnx_file.export(Brightness(), info, gamut, path)


def _info(product, threshold):
    return ModelInfo(
        product=product,
        kind="pixel",
        grid="1x1",
        overlap=0.0,
        patch_shape=(PATCH_PX, PATCH_PX),
        threshold=threshold,
        false_rejects=0.01,
        guaranteed=True,
        held_out={"0123456789ab": 1.6, "ba9876543210": 1.7},
        colour_tolerance=8,
        enhanced=False,
        learned_from=frozenset({"0123456789ab", "ba9876543210"}),
        images=2,
        patches=2,
        training_set="0123456789ab",
        seed=0,
        versions={},
    )
