"""Every error the inspector raises on purpose.

InspectorError          one line says what is wrong and what to do; the program ends with exit code 2
├── RecipeError         the YAML is wrong: fix the file
├── ModelError          the ONNX file is missing, broken, or does not fit the recipe: export again
├── DataError           the images given cannot be used
├── PictureError        this picture cannot be judged; its `cause` says why
│   ├── SizeError       it has another size than the model learned from
│   └── AlignError      the part cannot be found in it
├── CameraError         the camera or source cannot be used
│   ├── CameraLost      it was there and is gone
│   ├── FrameLost       this one exposure is lost; the next read may succeed
│   └── EndOfStream     a replay is over (not a fault)
├── SinkError           a verdict could not be written where it must go
├── StoreError          the record's database cannot be used
├── OutputError         the line could not be told a verdict
├── StageStalled        a stage of the running line hangs
└── DependencyError     an optional package is not installed
"""

from __future__ import annotations

from typing import ClassVar

from inspector.records import Cause


class InspectorError(Exception):
    """Base of all errors raised on purpose; its message is one line for the user."""


class RecipeError(InspectorError):
    """A config file is wrong."""


class ModelError(InspectorError):
    """A model file cannot be used."""


class DataError(InspectorError):
    """A folder or image given by the user cannot be used."""


class PictureError(InspectorError):
    """One picture cannot be judged; the part becomes MISSED with `cause`."""

    cause: ClassVar[Cause]


class SizeError(PictureError):
    """The picture has another size than those that the model learned from."""

    cause = Cause.SIZE


class AlignError(PictureError):
    """The part cannot be brought into its canonical frame."""

    cause = Cause.ALIGN


class CameraError(InspectorError):
    """A camera or source cannot be used."""


class CameraLost(CameraError):
    """The device was there and is gone."""


class FrameLost(CameraError):
    """One exposure is lost, the next read may succeed. The frame becomes MISSED with `cause`.

    `captured_ns` (monotonic) says when the picture was taken; None where the camera does not know.
    """

    def __init__(
        self, message: str, *, part: str = "", cause: Cause = Cause.DECODE, captured_ns: int | None = None
    ) -> None:
        super().__init__(message)
        self.part = part
        self.captured_ns = captured_ns
        self.cause = cause


class EndOfStream(CameraError):
    """A replay is over."""


class SinkError(InspectorError):
    """A verdict could not be written: disk full, folder not writable."""


class StoreError(InspectorError):
    """The record cannot be read or written: database locked, missing, of a newer program, or no database."""


class OutputError(InspectorError):
    """An output does not do what it is told: controller gone, file not writable."""


class StageStalled(InspectorError):
    """A stage of the pipeline has work and does not move; the message names it."""


class DependencyError(InspectorError):
    """An optional package is missing; the message names the command that installs it."""
