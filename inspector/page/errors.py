"""What a page refuses, apart from what the rest of the program does."""

from __future__ import annotations

from inspector.errors import InspectorError


class Unknown(InspectorError):
    """There is no such camera, part or product."""
