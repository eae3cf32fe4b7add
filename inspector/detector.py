"""The one place that talks to ONNX Runtime."""

from __future__ import annotations

import contextlib
import ctypes.util
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspector import checksum
from inspector.background import gives_way, rested
from inspector.cores import OwnCores, cores
from inspector.errors import ModelError
from inspector.model_info import content_hash, from_metadata
from inspector.records import Patches, Prediction
from inspector.runners import Runners, cut

# ONNX Runtime by itself looks up a host of its maker's after some seconds and keeps events for it below the user's
# cache. It asks the environment when it is loaded, so this comes before.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

log = logging.getLogger(__name__)

# The runtime plans memory per shape, and its first runs of one take half as long again: a few fixed ones, warmed up.
# On a CPU, larger ones cost no less per patch, and whoever asked waits for all of it; see docs/performance.md.
ON_A_GPU = (1, 2, 4, 8, 16)
ON_A_CPU = (1, 2, 4)
OUTPUTS = {"maps": ("tensor(float)", 3), "scores": ("tensor(float)", 1)}
OPTIONAL = {"reconstructions": ("tensor(uint8)", 5)}  # for reports; a model without them is judged by like any other
WARM_UP_S = 120.0  # for each run; the first on a GPU may take a minute
PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")

Watch: TypeAlias = Callable[[], AbstractContextManager[None]]

_own_cores = OwnCores()  # of all models


class Detector:
    """A model file, loaded: uint8 patches (n, height, width, 3) -> anomaly maps (n, h', w') and scores (n), float32.

    On a CPU as many runs go on at the same time as there are cores, each on one thread, whatever the grid; a GPU gets
    one run at a time. Raises ModelError when the file is missing, broken, or not made by this program. `content` is the
    file's where it was read already.
    """

    def __init__(self, path: Path, content: bytes | None = None) -> None:
        content = read_model(path) if content is None else content
        has_checksum = checksum.check(content, str(path))
        session = _open(content, path, _options(threads=1))
        metadata = session.get_modelmeta().custom_metadata_map
        self.info, self.gamut = from_metadata(metadata, str(path))
        if self.info.has_checksum and not has_checksum:
            raise ModelError(f"{path}: is not as it was written (its checksum is gone): copy or train it again")
        self.model_hash = content_hash(content)  # of what was loaded: the file may be another one by now
        taken = {each.name: each for each in session.get_inputs()}
        if set(taken) != {"patches", "wanted"}:
            raise ModelError(f"{path}: its inputs are {', '.join(taken)}, not patches and wanted: train again")
        patches = taken["patches"]
        if patches.type != "tensor(uint8)" or list(patches.shape[1:]) != [*self.info.patch_shape, 3]:
            raise ModelError(f"{path}: its input is {patches.shape}, not the patches its metadata names: train again")
        self.reconstructs = _check_outputs(session, path)  # whether it gives reconstructions
        self.provider = session.get_providers()[0].removesuffix("ExecutionProvider")
        self.path = path
        on_cpu = self.provider == "CPU"
        self._batches = _Batches(session, self.info.product, ON_A_CPU if on_cpu else ON_A_GPU)
        self.at_once = cores() if on_cpu else 1
        working = _own_cores.one if on_cpu else contextlib.nullcontext
        self._runners = Runners(self._batches, self._batches.sizes, self.at_once, working)
        self._warm = 0  # the largest batch that was run so far

    def __call__(self, patches: Patches) -> Prediction:
        """Of any number of patches. Several threads may ask.

        The patches of a background thread are all run on that thread: the helpers have an ordinary priority.
        """
        sets = patches.reshape(-1, self.info.patches_at_once, *patches.shape[1:])
        return self._batches(sets) if gives_way() or not len(patches) else self._runners(sets)

    def warm_up(self, up_to: int = ON_A_GPU[-1], rest: float = 0.0, limit_s: float = WARM_UP_S) -> None:
        """Run every batch size once that `up_to` patches can need, so that the first part is as fast as the rest.

        After each it sleeps for `rest` times as long as that took. Raises ModelError where the model makes no sense of
        black patches, or takes longer than `limit_s` for them.
        """
        together = self.info.patches_at_once
        shape = (together, *self.info.patch_shape, 3)
        for count in self._batches.sizes:
            if self._warm < count <= up_to // together:
                rested(partial(self._batches.try_out, np.zeros((count, *shape), np.uint8), limit_s), rest)
                self._warm = count

    @contextlib.contextmanager
    def watched(self, around: Watch) -> Iterator[None]:
        """Enter `around` for each run of the session meanwhile, on the thread that runs it: for measurements."""
        self._batches.around = around
        try:
            yield
        finally:
            self._batches.around = contextlib.nullcontext

    def set_of(self, patches: Patches, cell: int) -> tuple[Patches, int]:
        """Return those of a part's patches that go through the model together with one, and its place among them."""
        together = self.info.patches_at_once
        start = cell - cell % together
        return patches[start : start + together], cell - start

    def reconstructions(self, patches: Patches) -> NDArray[np.uint8]:
        """Return `reconstruction` of each of a part's patches, (n, 2, h, w, 3)."""
        return np.stack([self.reconstruction(patches, cell) for cell in range(len(patches))])

    def reconstruction(self, patches: Patches, cell: int) -> NDArray[np.uint8]:
        """Return what the autoencoder saw of one of a part's patches and what it gave back, (2, h, w, 3).

        For reports, not for the line. Raises ModelError where the model gives none, see `reconstructs`.
        """
        if not self.reconstructs:
            raise ModelError(f"{self.info.product}: the model gives no reconstructions: train again")
        own, place = self.set_of(patches, cell)
        return np.asarray(self._batches.run(own, ("reconstructions",), wanted=(place,))[0][0], np.uint8)


class _Batches:
    """A session, asked in batches of a few fixed sizes, each filled: 9 patches are 8 and 1, not 16 with 7 of nothing.

    Apart from Detector, so that a model is gone with its last user and need not wait for the garbage collector.
    """

    def __init__(self, session: ort.InferenceSession, product: str, sizes: Sequence[int]) -> None:
        self.sizes = sizes
        self.around: Watch = contextlib.nullcontext
        self._session = session
        self._product = product

    def __call__(self, sets: Patches) -> Prediction:
        """Of sets of patches that go through the model together, (n, m, height, width, 3)."""
        batches = cut(len(sets), self.sizes)
        each = (sets[start:stop].reshape(-1, *sets.shape[2:]) for start, stop in batches)
        return Prediction.concatenate([Prediction(*self.run(patches)) for patches in each])

    def try_out(self, sets: Patches, limit_s: float) -> None:
        """Run them once, in `limit_s` at most. Raises ModelError where what comes out cannot be judged."""
        patches = sets.reshape(-1, *sets.shape[2:])
        options = ort.RunOptions()
        timer = threading.Timer(limit_s, setattr, (options, "terminate", True))
        timer.daemon = True
        timer.start()
        try:
            maps, scores = self.run(patches, options=options)
        except ModelError as error:
            if options.terminate:
                raise ModelError(f"{self._product}: the model has no answer after {limit_s:g} s: train again") from None
            raise error
        finally:
            timer.cancel()
        if maps.ndim != 3 or scores.shape != (len(patches),) or len(maps) != len(patches) or not maps.size:
            raise ModelError(
                f"{self._product}: of {len(patches)} patches the model makes maps {maps.shape} and scores "
                f"{scores.shape}, not one of each: train again"
            )
        if not (np.isfinite(maps).all() and np.isfinite(scores).all()):
            raise ModelError(f"{self._product}: the model makes no number of a black patch: train again")

    def run(
        self,
        patches: Patches,
        outputs: Sequence[str] = ("maps", "scores"),
        wanted: Sequence[int] = (),
        options: ort.RunOptions | None = None,
    ) -> list[NDArray[Any]]:
        """All of them at once; these outputs. Raises ModelError."""
        try:
            with self.around():
                values = self._session.run(outputs, {"patches": patches, "wanted": np.array(wanted, np.int64)}, options)
        except Exception as error:  # ONNX Runtime's errors share no base class but this
            raise ModelError(f"{self._product}: ONNX Runtime failed: {_first_line(error)}") from error
        return [np.asarray(value) for value in values]


def read_model(path: Path) -> bytes:
    """A model file's content. Raises ModelError."""
    if not path.is_file():
        raise ModelError(f"{path}: no such model: make it with `train`")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None


def usable_providers() -> list[str]:
    """ONNX Runtime providers to try, best first: CUDA only where an NVIDIA driver is present."""
    available = ort.get_available_providers()
    driver = ctypes.util.find_library("cuda") or ctypes.util.find_library("nvcuda")
    return [p for p in PROVIDERS if p in available and (driver or p != PROVIDERS[0])]


def bare_session(path: Path, threads: int) -> Callable[[Patches], object]:
    """Open a session of so many threads as anybody would, without what this program adds: to compare with.

    Raises ModelError.
    """
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    session = _open(read_model(path), path, options)
    return lambda patches: session.run(("maps", "scores"), {"patches": patches, "wanted": np.arange(0)})


def runtime_version() -> str:
    """ONNX Runtime's."""
    return str(ort.__version__)


def session_providers(model: bytes) -> list[str]:
    """The providers a session on `model` really gets; empty when none can be opened. For `doctor`."""
    try:
        return list(ort.InferenceSession(model, _options(1), providers=usable_providers()).get_providers())
    except Exception as error:  # see _Batches.run
        log.warning("ONNX Runtime cannot open a session: %s", _first_line(error))
        return []


def _open(content: bytes, path: Path, options: ort.SessionOptions) -> ort.InferenceSession:
    providers = usable_providers()
    if PROVIDERS[0] in providers and hasattr(ort, "preload_dlls"):
        ort.preload_dlls()  # CUDA and cuDNN may come as Python packages
    try:
        return ort.InferenceSession(content, options, providers=providers)
    except Exception as error:  # see _Batches.run
        raise ModelError(f"{path}: cannot be loaded ({_first_line(error)}): copy or train it again") from error


def _check_outputs(session: ort.InferenceSession, path: Path) -> bool:
    """Say whether those that a model need not have are there. Raises ModelError where any is not what it should be."""
    given = {each.name: (each.type, len(each.shape)) for each in session.get_outputs()}
    for name, (kind, axes) in (OUTPUTS | {key: OPTIONAL[key] for key in OPTIONAL.keys() & given.keys()}).items():
        if given.get(name) != (kind, axes):
            found = f"{given[name][0]} of {given[name][1]} axes" if name in given else "missing"
            raise ModelError(f"{path}: its output {name} is {found}, not {kind} of {axes} axes: train again")
    return OPTIONAL.keys() <= given.keys()


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.log_severity_level = 4  # what matters comes as an exception
    options.intra_op_num_threads = threads
    return options


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
