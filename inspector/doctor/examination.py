"""One look at everything."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from inspector.doctor.libraries import look_at_onnx_runtime, look_at_opencv
from inspector.doctor.machine import Folders, look_at_cameras, look_at_folders, look_at_machine
from inspector.doctor.packages import look_at_packages
from inspector.doctor.report import Report


def examine(
    providers: Sequence[str],
    cameras: Sequence[str],
    folders: Folders,
    session_providers: Callable[[bytes], Sequence[str]] | None = None,
) -> Report:
    """Look at this machine.

    `providers` are those that ONNX Runtime lists, empty where it cannot be imported. `session_providers` opens a
    session on the ONNX model given, with the providers listed, and returns those it really runs on, none where that
    fails: a listed provider may not load. Without it, CUDA is taken at its word.
    """
    return Report(
        (
            *look_at_machine(),
            *look_at_packages(),
            *look_at_onnx_runtime(providers, session_providers),
            look_at_cameras(cameras),
            *look_at_opencv(),
            *look_at_folders(folders),
        )
    )
