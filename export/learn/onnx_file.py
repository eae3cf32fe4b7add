"""PyTorch module -> ONNX file, and the proof that both say the same."""

from __future__ import annotations

import logging
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

from inspector import checksum
from inspector.colour import Gamut
from inspector.detector import Detector
from inspector.errors import DependencyError, ModelError
from inspector.model_info import ModelInfo, to_metadata
from inspector.records import Patches

OPSET = 18
OUTPUTS = ["maps", "scores", "reconstructions"]  # the last one is for reports, and may be missing
TIMED = 7  # runs whose median is a model's cost
TOLERANCE = 1e-3  # of the map's own range: float32 sums in another order differ by far less


def export(model: nn.Module, info: ModelInfo, gamut: Gamut, path: Path) -> None:
    """Write `model` as one self-contained ONNX file.

    uint8 patches (n, h, w, 3) and the indices (k) of those whose reconstructions are wanted in; maps, scores and, where
    the model gives a third output, reconstructions out. ONNX Runtime computes every output, asked for or not:
    reconstructions of no patch cost nothing.
    """
    patches, wanted = torch.zeros(3, *info.patch_shape, 3, dtype=torch.uint8), torch.arange(2)
    program = _trace(model.cpu().eval(), patches, wanted)
    info = info.model_copy(update={"has_checksum": True})
    program.model.metadata_props.update(to_metadata(info, gamut) | {checksum.KEY: checksum.NONE_YET})
    program.save(path)
    path.write_bytes(checksum.with_checksum(path.read_bytes()))


def check(model: nn.Module, patches: Patches, path: Path) -> float:
    """Compare the file with the module on real patches; return the largest difference.

    Raises ModelError when they differ by more than TOLERANCE of the map's range.
    """
    with torch.no_grad():
        maps, scores, *_ = (output.numpy() for output in model.cpu()(torch.from_numpy(patches)))
    found = Detector(path)(patches)
    difference = max(float(np.abs(found.maps - maps).max()), float(np.abs(found.scores - scores).max()))
    allowed = TOLERANCE * max(1.0, float(np.abs(maps).max()))
    if not (np.isfinite(difference) and difference <= allowed):
        raise ModelError(
            f"{path}: the exported graph differs from the PyTorch model by {difference:.3g}, at most {allowed:.3g} is "
            "allowed: do not use it"
        )
    return difference


def milliseconds(patches: Patches, path: Path) -> float:
    """Median time that the file takes for the patches of one part, on all cores of this machine."""
    detector = Detector(path)
    times = []
    for _ in range(1 + TIMED):
        started_s = time.perf_counter()
        detector(patches)
        times.append(1e3 * (time.perf_counter() - started_s))
    return float(np.median(times[1:]))  # the first run plans its memory


def _trace(model: nn.Module, *examples: torch.Tensor) -> torch.onnx.ONNXProgram:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with torch.no_grad():
        outputs = OUTPUTS[: len(model(*examples))]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's own deprecations are not the user's business
            program = torch.onnx.export(
                model,
                examples,
                input_names=["patches", "wanted"],
                output_names=outputs,
                dynamic_shapes=({0: torch.export.Dim("n", min=1)}, {0: torch.export.Dim("k", min=0)}),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except ModuleNotFoundError as error:
        raise DependencyError(
            f"{error.name} is not installed: pip install '.[train]' in the project's folder"
        ) from None
    if program is None:
        raise ModelError(f"PyTorch {torch.__version__} exported no model: install the version in constraints.txt")
    return program
