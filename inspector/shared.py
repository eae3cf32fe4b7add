"""Models that several lines use: one session for each."""

from __future__ import annotations

import threading
import weakref
from pathlib import Path

from inspector.detector import Detector, read_model
from inspector.model_info import content_hash


class SharedModels:
    """Loads a model once, however many lines use it, and forgets it with the last of them.

    A model is known by what its file holds: a file that was replaced is another model.
    """

    def __init__(self) -> None:
        self._loaded: weakref.WeakValueDictionary[str, Detector] = weakref.WeakValueDictionary()
        self._turns: dict[str, threading.Lock] = {}  # two lines that start or change at once must not both load it
        self._lock = threading.Lock()  # of the turns; nobody loads meanwhile, for a model may hang

    def __call__(self, path: Path) -> Detector:
        """The model in this file, see Detector. Raises ModelError."""
        content = read_model(path)
        model_hash = content_hash(content)
        with self._turn(model_hash):
            known = self._loaded.get(model_hash)
            if known is not None:
                return known
            detector = Detector(path, content)
            self._loaded[model_hash] = detector
            return detector

    def _turn(self, model_hash: str) -> threading.Lock:
        with self._lock:
            return self._turns.setdefault(model_hash, threading.Lock())
