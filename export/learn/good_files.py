"""The files of good images, each opened once as far as memory allows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from inspector.images import decode_image, read_file
from inspector.model_info import content_hash
from inspector.records import Image

KEPT_BYTES = 400_000_000  # of encoded files; what does not fit is opened again


class GoodFiles:
    """Good images by their number; the encoded content of those that will be wanted again stays in memory."""

    def __init__(self, paths: Sequence[Path], kept_bytes: int = KEPT_BYTES) -> None:
        self.paths = paths
        self._left = kept_bytes
        self._kept: dict[int, bytes] = {}
        self._digests: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.paths)

    def image(self, number: int, again: bool = False) -> Image:
        """Read one, (height, width, 3) uint8 BGR; `again` says that it will be wanted later. Raises DataError."""
        content = self._content(number)
        if again and number not in self._kept and len(content) <= self._left:
            self._kept[number] = content
            self._left -= len(content)
        elif not again and number in self._kept:
            del self._kept[number]
            self._left += len(content)
        return decode_image(content, str(self.paths[number]))

    def digest(self, number: int) -> str:
        """Name the file by its content, see `model_info.file_hash`."""
        if number not in self._digests:
            self._content(number)
        return self._digests[number]

    def _content(self, number: int) -> bytes:
        if number in self._kept:
            return self._kept[number]
        content = read_file(self.paths[number])
        self._digests[number] = content_hash(content)
        return content
