"""The one place that talks to ONNX Runtime."""

from __future__ import annotations

import ctypes.util
import logging
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from inspector.background import rested
from inspector.errors import ModelError
from inspector.merging import Merging
from inspector.model_info import file_hash, from_metadata
from inspector.records import Patches, Strangeness

log = logging.getLogger(__name__)

# The runtime plans memory per shape, and its first runs of one take half as long again: a few fixed ones, warmed up.
BATCH_SIZES = (1, 2, 4, 8, 16)
ONE_THREAD = (1, 2)  # a single thread gains nothing from more, and its caches hold no more; see docs/performance.md
PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")


class Detector:
    """A model file, loaded: uint8 patches (n, height, width, 3) -> anomaly maps (n, h', w') and scores (n), float32.

    On a CPU it runs for up to `at_once` callers at the same time, which share the cores; a GPU gets one run at a time.
    Raises ModelError when the file is missing, broken, or not made by this program.
    """

    def __init__(self, path: Path, at_once: int = 1) -> None:
        if not path.is_file():
            raise ModelError(f"{path}: no such model: make it with `train`")
        self._session = _open(path, _options(at_once))
        metadata = self._session.get_modelmeta().custom_metadata_map
        self.info, self.gamut = from_metadata(metadata, str(path))
        self.model_hash = file_hash(path)
        taken = {each.name: each for each in self._session.get_inputs()}
        if set(taken) != {"patches", "wanted"}:
            raise ModelError(f"{path}: its inputs are {', '.join(taken)}, not patches and wanted: train again")
        patches = taken["patches"]
        if patches.type != "tensor(uint8)" or list(patches.shape[1:]) != [*self.info.patch_shape, 3]:
            raise ModelError(f"{path}: its input is {patches.shape}, not the patches its metadata names: train again")
        self.provider = self._session.get_providers()[0].removesuffix("ExecutionProvider")
        on_cpu = self.provider == "CPU"
        self._merged = Merging(self._in_batches, at_once if on_cpu else 1)
        self._sizes = ONE_THREAD if on_cpu and session_threads(at_once) == 1 else BATCH_SIZES
        self._warm = 0  # the largest batch that was run so far

    def __call__(self, patches: Patches) -> Strangeness:
        """Of any number of patches. Several threads may ask: those that wait at the same time share batches."""
        return self._merged(patches)

    def _in_batches(self, patches: Patches) -> Strangeness:
        """In batches of a few fixed sizes, each filled: 9 patches are 8 and 1, not 16 of which 7 are nothing."""
        found = []
        start = 0
        while start < len(patches):
            size = max(b for b in self._sizes if b <= len(patches) - start)
            found.append(Strangeness(*self._run(patches[start : start + size])))
            start += size
        return Strangeness.together(found)

    def warm_up(self, up_to: int = BATCH_SIZES[-1], rest: float = 0.0) -> None:
        """Run every batch size once that `up_to` patches can need, so that the first part is as fast as the rest.

        After each it sleeps for `rest` times as long as that took.
        """
        shape = (*self.info.patch_shape, 3)
        for count in self._sizes:
            if self._warm < count <= up_to:
                rested(partial(self._run, np.zeros((count, *shape), np.uint8)), rest)
                self._warm = count

    def pictures(self, patches: Patches) -> NDArray[np.uint8]:
        """What the autoencoder saw and what it gave back, (n, 2, h, w, 3): for reports, not for the line."""
        return np.concatenate([self._run(patch[None], ("pictures",), wanted=1)[0] for patch in patches])

    def _run(
        self, patches: Patches, outputs: Sequence[str] = ("maps", "scores"), wanted: int = 0
    ) -> list[NDArray[Any]]:
        try:
            values = self._session.run(outputs, {"patches": patches, "wanted": np.arange(wanted)})
        except Exception as error:  # ONNX Runtime's errors share no base class but this
            raise ModelError(f"{self.info.product}: ONNX Runtime failed: {_first_line(error)}") from error
        return [np.asarray(value) for value in values]


def usable_providers() -> list[str]:
    """ONNX Runtime providers to try, best first: CUDA only where an NVIDIA driver is present."""
    available = ort.get_available_providers()
    driver = ctypes.util.find_library("cuda") or ctypes.util.find_library("nvcuda")
    return [p for p in PROVIDERS if p in available and (driver or p != PROVIDERS[0])]


def cores() -> int:
    """How many processor cores this program may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def session_threads(at_once: int) -> int:
    """How many threads share one of so many runs at a time on a CPU, the caller's included: 1 is the caller's alone."""
    return max(1, cores() - at_once + 1)


def runtime_version() -> str:
    """ONNX Runtime's."""
    return str(ort.__version__)


def session_providers(model: bytes) -> list[str]:
    """The providers a session on `model` really gets; empty when none can be opened. For `doctor`."""
    try:
        return list(ort.InferenceSession(model, _options(), providers=usable_providers()).get_providers())
    except Exception as error:  # see Detector._run
        log.warning("ONNX Runtime cannot open a session: %s", _first_line(error))
        return []


def _open(path: Path, options: ort.SessionOptions) -> ort.InferenceSession:
    providers = usable_providers()
    if PROVIDERS[0] in providers and hasattr(ort, "preload_dlls"):
        ort.preload_dlls()  # CUDA and cuDNN may come as Python packages
    try:
        return ort.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # see Detector._run
        raise ModelError(f"{path}: cannot be loaded ({_first_line(error)}): copy or train it again") from error


def _options(at_once: int = 1) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.log_severity_level = 4  # what matters comes as an exception
    # Each run brings its caller's thread, the session has those for the cores that are left. Two runs at once on two
    # cores give as many parts as batches over both cores do, and none waits for its batch; see docs/performance.md.
    options.intra_op_num_threads = session_threads(at_once)
    # Threads that spin while they wait for work take the cores from the line's other threads; see docs/performance.md.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
