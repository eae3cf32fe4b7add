"""The golden check: parts whose verdict is known must come out right before a line may start."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from inspector.background import rested
from inspector.errors import DataError, ModelError
from inspector.images import find_images, read_image
from inspector.inspection import Inspector
from inspector.records import Frame, Inspection, Verdict
from inspector.text import told_apart

NAMED = 5  # wrong parts in the message


def check_golden(inspector: Inspector, config_dir: Path, rest: float = 0.0) -> int:
    """Judge the recipe's golden parts: those in good/ must PASS, those in bad/ must FAIL.

    Returns how many there are; 0 for a recipe without `golden`, which has nothing to show. After each it sleeps for
    `rest` times as long as that took: another line may be running. Raises ModelError that names the ones that came out
    wrong, DataError where there are none.
    """
    recipe = inspector.recipe
    if recipe.golden is None:
        return 0
    folder = config_dir / recipe.golden
    wanted = dict.fromkeys(find_images(folder / "good"), Verdict.PASS)
    wanted |= dict.fromkeys(find_images(folder / "bad"), Verdict.FAIL)
    found = {file: rested(partial(_judge, inspector, file), rest) for file in wanted}
    wrong = [_told(file, folder, found[file]) for file in wanted if found[file].verdict is not wanted[file]]
    if wrong:
        more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
        raise ModelError(
            f"{recipe.product}.yaml: golden: {len(wrong)} of {len(wanted)} parts came out wrong: "
            f"{', '.join(wrong[:NAMED])}{more}; train or calibrate again, or put {folder} right"
        )
    return len(wanted)


def _judge(inspector: Inspector, file: Path) -> Inspection:
    try:
        image = read_image(file)
    except DataError as error:
        raise DataError(f"{inspector.recipe.product}.yaml: golden: {error}") from error
    (inspection,) = inspector.inspect([Frame(0, 0, image)])
    return inspection


def _told(file: Path, folder: Path, inspection: Inspection) -> str:
    score, threshold = told_apart(inspection.score, inspection.threshold)
    figures = "" if inspection.cause else f"score {score}, threshold {threshold}"
    why = ": ".join(filter(None, (inspection.detail, figures)))
    return f"{file.relative_to(folder).as_posix()} {inspection.verdict.name} ({why})"
