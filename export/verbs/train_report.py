"""What `train` tells of its result: as lines, and as one JSON object."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from export.evaluate.known_defects import Known
from export.learn.catch import Point
from export.learn.train import Trained

FEW = 20  # good images; below, the threshold rests on thin ice
BEST = 2.7  # times what the usual effort costs: measured with one patch, on one thread


def lines(trained: Trained, images: int, dropped: Sequence[str], known: Known | None, effort: str) -> list[str]:
    """Lines for the user, what was chosen first."""
    told = [
        f"{trained.notes}; {images} good images, {trained.seconds:.0f} s",
        _cost(trained, effort),
        f"threshold {trained.info.threshold:.4g}: {trained.threshold.words}",
    ]
    if images < FEW:
        told.append(
            f"warning: only {images} good images: the threshold is a guess, so check the first rejects and passes "
            f"by eye; train again with {FEW} or more"
        )
    told += [*_catches(trained), *(known.words if known else [])]
    told += [f"left out {suspect}: it stood out from the other good parts" for suspect in dropped]
    told += [f"look at {finding.words}" for finding in trained.quality]
    told += [f"look at {suspect}: it stands out from the other good parts" for suspect in trained.suspects]
    if trained.suspects:
        told.append(
            "if one is defective, take it out and train again, or use --drop-suspects: without them the threshold "
            f"would be about {trained.threshold_without:.4g}"
        )
    return told


def to_look_at(trained: Trained) -> dict[str, str]:
    """List the files of good images that are named, each with what is odd about it in a word or two."""
    found = dict.fromkeys(trained.suspects, "stands out")
    for finding in trained.quality:
        found[finding.file] = f"{found[finding.file]}, {finding.fault}" if finding.file in found else finding.fault
    return found


def as_dict(trained: Trained, dropped: Sequence[str], known: Known | None) -> dict[str, object]:
    """Say what --json prints; the threshold is the one in force, also where known defects chose it."""
    threshold = known.worth_it if known else trained.threshold
    return {
        "product": trained.info.product,
        "model": trained.info.kind,
        "seconds": round(trained.seconds, 2),
        "ms_per_part": round(trained.ms_per_part, 2),
        "images": trained.info.images,
        "patches": trained.info.patches,
        "threshold": threshold.value,
        "false_rejects": threshold.budget,
        "guaranteed": threshold.guaranteed,
        "synthetic_defects": {"caught": trained.caught, "points": [_without_nan(point) for point in trained.points]},
        "known_defects": {"images": len(known.scores), "caught": known.caught(threshold)} if known else None,
        "suspects": trained.suspects,
        "quality": [dataclasses.asdict(finding) for finding in trained.quality],
        "dropped": list(dropped),
    }


def _cost(trained: Trained, effort: str) -> str:
    """Say what a part costs, and what the next step would."""
    own = f"the model takes {trained.ms_per_part:.0f} ms a part on this machine"
    more = trained.capabilities.grows_with_effort and effort != "best"
    return f"{own}; --effort best would take up to {BEST:g} times as long" if more else own


def _catches(trained: Trained) -> list[str]:
    """Say what the threshold catches, in words."""
    if not trained.points:
        return []
    kinds = ", ".join(f"{kind} {share:.0%}" for kind, share in trained.caught.items())
    return [
        f"synthetic defects on held-out good parts that it catches: {kinds}",
        *(f"  {point.words}" for point in trained.points),
    ]


def _without_nan(point: Point) -> dict[str, float | None]:
    return {key: None if math.isnan(value) else value for key, value in dataclasses.asdict(point).items()}
