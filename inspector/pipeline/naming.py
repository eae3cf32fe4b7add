"""Which of several lines a message is about."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any


class NamedLog(logging.LoggerAdapter[logging.Logger]):
    """Puts the camera's name in front, where there are several."""

    def process(self, msg: str, kwargs: MutableMapping[str, Any]) -> tuple[str, MutableMapping[str, Any]]:
        name = (self.extra or {}).get("name")
        return (f"{name}: {msg}" if name else msg), kwargs
