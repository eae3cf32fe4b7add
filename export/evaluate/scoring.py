"""Image files through the very code that the line runs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from inspector.errors import DataError
from inspector.identity import PartIdentity
from inspector.images import read_image
from inspector.inspection import Inspector
from inspector.records import Cause, Frame, Inspection


def inspect_images(inspector: Inspector, images: Sequence[Path]) -> Iterator[Inspection]:
    """One inspection per file, in order; a file that cannot be used is MISSED with its cause, as on the line."""
    for index, path in enumerate(images):
        try:
            image = read_image(path)
        except DataError as error:
            identity = PartIdentity(index, time.monotonic_ns(), str(path))
            yield inspector.missed(identity, Cause.DECODE, str(error))
            continue
        yield inspector.inspect([Frame(index, time.monotonic_ns(), image, str(path))])[0]


def score_images(inspector: Inspector, images: Sequence[Path]) -> list[float]:
    """Scores of files that must all be readable. Raises DataError for the first that is not."""
    scores = []
    for inspection in inspect_images(inspector, images):
        if inspection.cause:
            named = inspection.cause is Cause.DECODE  # whose detail begins with the file
            raise DataError(inspection.detail if named else f"{inspection.part}: {inspection.detail}")
        scores.append(inspection.score)
    return scores
