"""Which of several rows, or patches."""

from __future__ import annotations

from torch import Tensor

Rows = Tensor | slice  # indices (k), or a range
ALL = slice(None)
