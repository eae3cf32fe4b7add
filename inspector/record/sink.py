"""The sink that makes a row of every part, keeps its pictures where they are wanted, and hands both to the recorder."""

from __future__ import annotations

import dataclasses

from inspector.record.archive import Archive
from inspector.record.looks import looks_of
from inspector.record.recorder import Recorder
from inspector.record.rows import PartRow
from inspector.records import Counts, Inspection
from inspector.text import finite


class RecordSink:
    """Never raises: what goes wrong with database or archive is told in one line, and the line goes on."""

    def __init__(self, recorder: Recorder, archive: Archive | None = None) -> None:
        self._recorder = recorder
        self._archive = archive

    def write(self, inspection: Inspection, counts: Counts) -> None:
        """Take one verdict."""
        row = row_of(inspection)
        kept = self._archive.keep(row.key, row.captured_utc, inspection, counts) if self._archive else None
        if kept:
            row = dataclasses.replace(row, image_path=kept.image, overlay_path=kept.overlay)
        self._recorder.add(row)

    @property
    def troubles(self) -> list[str]:
        """What is not kept at present, a line each: rows, pictures."""
        found = self._recorder.trouble, self._archive.trouble if self._archive else ""
        return [trouble for trouble in found if trouble]

    def close(self) -> None:
        """Write what waits."""
        if self._archive:
            self._archive.close()
        self._recorder.close()


def row_of(inspection: Inspection) -> PartRow:
    """One inspection of a run as a row of the record. Raises ValueError where it belongs to no run."""
    identity, context = inspection.identity, inspection.context
    if identity.run is None:
        raise ValueError(f"part {identity.number} belongs to no run")
    worst_row, worst_col = inspection.worst_patch or (None, None)
    worst_x, worst_y = inspection.worst_place or (None, None)
    looks = {} if inspection.image is None else dataclasses.asdict(looks_of(inspection.image))
    return PartRow(
        run_id=identity.run.id,
        camera=identity.run.camera,
        number=identity.number,
        captured_utc=identity.run.utc_of(identity.captured_ns),
        captured_ns=identity.captured_ns,
        product=inspection.product,
        recipe_hash=context.recipe_hash,
        model_hash=context.model_hash,
        verdict=inspection.verdict,
        part=inspection.part,
        threshold=finite(inspection.threshold),
        score=finite(inspection.score),
        percentile=finite(inspection.percentile, 4),
        cause=inspection.cause.value if inspection.cause else None,
        detail=inspection.detail,
        worst_row=worst_row,
        worst_col=worst_col,
        worst_x=worst_x,
        worst_y=worst_y,
        anomalous_patches=None if inspection.judgement.patch_scores is None else inspection.anomalous_patches,
        latency_ms=finite(inspection.latency_ms, 3),
        region=inspection.worst_region or None,
        wait_ms=finite(inspection.wait_ms, 3),
        judge_ms=finite(inspection.judge_ms, 3),
        **looks,
    )
