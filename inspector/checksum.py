"""The checksum that a model's file carries in its own metadata: over all of its bytes but the checksum's own."""

from __future__ import annotations

import hashlib
import re

from inspector.errors import ModelError

KEY = "line_inspector_checksum"
NONE_YET = "0" * 64  # in its place until the file is written

# As ONNX files hold an entry of the metadata: the key, then the value, marked as field 2 of 64 bytes.
_ENTRY = re.compile(re.escape(KEY.encode()) + rb"\x12\x40([0-9a-f]{64})")


def with_checksum(content: bytes) -> bytes:
    """Return a model file's content with the right checksum in the entry that its metadata has for it."""
    (place,) = _ENTRY.finditer(content)
    start, end = place.span(1)
    return content[:start] + _checksum(content, start, end).encode() + content[end:]


def check(content: bytes, name: str) -> bool:
    """Return whether the content has a checksum. Raises ModelError naming the file where the checksum is not right."""
    places = list(_ENTRY.finditer(content))
    for place in places:
        if len(places) > 1 or place[1].decode() != _checksum(content, *place.span(1)):
            raise ModelError(f"{name}: is damaged (its checksum does not match): copy it again, or train again")
    return bool(places)


def _checksum(content: bytes, start: int, end: int) -> str:
    whole = hashlib.sha256(memoryview(content)[:start])
    whole.update(NONE_YET.encode())
    whole.update(memoryview(content)[end:])
    return whole.hexdigest()
