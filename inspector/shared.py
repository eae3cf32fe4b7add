"""Models that several lines use: one session for each."""

from __future__ import annotations

import threading
import weakref
from pathlib import Path

from inspector.detector import Detector
from inspector.model_info import file_hash


class SharedModels:
    """Loads a model once, however many lines use it, and forgets it with the last of them.

    A model is known by what its file holds: a file that was replaced is another model.
    """

    def __init__(self) -> None:
        self._loaded: weakref.WeakValueDictionary[str, Detector] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()  # two lines that start or change at once must not both load it

    def __call__(self, path: Path, at_once: int | None = None) -> Detector:
        """The model in this file, see Detector. Raises ModelError."""
        with self._lock:
            known = self._loaded.get(file_hash(path)) if path.is_file() else None
            if known is not None:
                known.warm_up()  # lines that share it run it on larger batches than each alone
                return known
            detector = Detector(path, at_once)
            self._loaded[detector.model_hash] = detector
            return detector
