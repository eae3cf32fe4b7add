"""The evaluation report: one HTML file that a quality engineer takes into a meeting."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from export.evaluate import plots
from export.evaluate.bootstrap import REPLICATES, SEED, share_interval
from export.evaluate.cases import section
from export.evaluate.evaluation import Evaluation, judged_scores
from export.evaluate.metrics import Outcome
from export.evaluate.pages import NOTHING, figure, percent, render
from export.evaluate.points import ORIENTATION, digits_of, operating_points
from export.evaluate.reconstructions import MISSING
from export.evaluate.results import latency_ms
from inspector.records import Verdict

Entry = dict[str, Any]  # of the page's template
NAMED = 3  # images, of many that a sentence is about
FEW_GOOD, FEW_DEFECTS = 20, 10  # images; of each kind of defect. Below, the figures say little


def report(evaluation: Evaluation) -> str:
    """Write the report as a page of HTML that needs nothing but itself."""
    result = evaluation.result
    points = list(operating_points(evaluation.metrics.results, result.threshold).values())
    return render(
        "report.html.j2",
        result=result,
        date=result.utc[:10],
        headline=_headline(evaluation),
        tiles=_tiles(evaluation),
        notes=_notes(evaluation),
        budget=_budget(evaluation),
        masks=_masks(evaluation),
        points=points,
        digits=digits_of(points),
        orientation=ORIENTATION,
        confusion=[_row(evaluation, "good parts", False), _row(evaluation, "defective parts", True)],
        kinds=[
            _kind(kind, outcomes, result.threshold)
            for kind, outcomes in evaluation.by_kind().items()
            if outcomes[0].anomalous
        ],
        histogram=plots.score_histogram(evaluation),
        curves=plots.curves(evaluation),
        defects=section(evaluation, anomalous=True),
        goods=section(evaluation, anomalous=False),
        not_judged=[{"name": o.name, "why": o.inspection.detail} for o in evaluation.outcomes if o.inspection.cause],
        p95=latency_ms(evaluation.outcomes, 95) if result.ms_per_part_p50 is not None else None,
        machine=f"{os.cpu_count()} processor cores ({evaluation.inspector.detector.provider})",
        settings=_settings(evaluation),
        replicates=REPLICATES,
        seed=SEED,
    )


def _headline(evaluation: Evaluation) -> str:
    """Say what came out, in a sentence or two."""
    return f"{_about_defects(evaluation)} {_about_good(evaluation)}"


def _budget(evaluation: Evaluation) -> str:
    """Say whether the false rejects keep the budget, as far as so many good parts can tell."""
    wanted = evaluation.result.false_reject_budget
    low, high = share_interval(evaluation.false_rejects, evaluation.good)
    seen = f"{evaluation.false_rejects} of {evaluation.good}; the budget is {percent(wanted)}."
    shown = f"the exact range of the true share is {percent(low)} to {percent(high)}"
    if low > wanted:
        return f"{seen} The budget is not kept: {shown}. These good parts look unlike those of the training."
    if high <= wanted:
        return f"{seen} The budget is kept: {shown}."
    return f"{seen} So few good parts can neither prove nor refute that the budget is kept: {shown}."


def _masks(evaluation: Evaluation) -> str:
    """Say how many of the defective parts the pixel figures rest on."""
    usable = sum(bool(count) for count in evaluation.metrics.results.levels.regions)
    if not evaluation.defects:
        return "There are no defective parts, so there are no pixel figures."
    if not usable:
        return "No defective part has a usable mask, so there are no pixel figures."
    left_out = " The others are left out of the pixel figures." if usable < evaluation.defects else ""
    return f"{usable} of the {evaluation.defects} defective parts were judged and have a mask.{left_out}"


def _notes(evaluation: Evaluation) -> list[str]:
    """Say what a reader must know before trusting the figures; nothing where all is well."""
    roi = evaluation.inspector.recipe.roi
    area = f"Only the area of the roi is judged ({roi.hash}); pixel figures rest on it alone." if roi else ""
    missing = "" if evaluation.inspector.detector.reconstructs else f"{MISSING.capitalize()}."
    return [note for note in (*_about_training(evaluation), *_about_test_set(evaluation), area, missing) if note]


def known_parts(names: Sequence[str], images: int) -> str:
    """Return the warning about test images that the model was trained on; empty where there are none."""
    if not names:
        return ""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    were = "was" if len(names) == 1 else "were"
    return (
        f"{len(names)} of {images} test images {were} known from training ({', '.join(names[:NAMED])}{more}): "
        "the figures are flattered, better than they would be on new parts. Take these images out and evaluate again."
    )


def _about_defects(evaluation: Evaluation) -> str:
    total, passed = evaluation.defects, evaluation.let_through
    if not total:
        return "The test set holds no defective parts, so whether defects are found was not measured."
    if not passed:
        return f"All {total} defective parts were rejected." if total > 1 else "The one defective part was rejected."
    return f"{passed} of {total} defective parts {'was' if passed == 1 else 'were'} passed."


def _about_good(evaluation: Evaluation) -> str:
    total, rejected = evaluation.good, evaluation.false_rejects
    if not rejected:
        return f"All {total} good parts passed." if total > 1 else "The one good part passed."
    return f"{rejected} of {total} good parts {'was' if rejected == 1 else 'were'} rejected."


def _about_training(evaluation: Evaluation) -> list[str]:
    result, recipe = evaluation.result, evaluation.inspector.recipe
    return [
        known_parts(result.seen_images, result.images),
        "The threshold was set by hand or by `calibrate`, not by training." if recipe.threshold != "auto" else "",
        f"The threshold is extrapolated: {result.model.training_images} good images are too few to promise a budget of "
        f"{percent(result.false_reject_budget)}."
        if recipe.threshold == "auto" and not result.model.guaranteed
        else "",
    ]


def _about_test_set(evaluation: Evaluation) -> list[str]:
    counts: dict[str, int] = {}
    for outcome in evaluation.outcomes:
        if outcome.anomalous:
            counts[outcome.defect] = counts.get(outcome.defect, 0) + 1
    few = [kind for kind, count in counts.items() if count < FEW_DEFECTS]
    missed = evaluation.count(True, Verdict.MISSED) + evaluation.count(False, Verdict.MISSED)
    return [
        f"{missed} of {len(evaluation.outcomes)} parts could not be judged and were rejected; they are listed below."
        if missed
        else "",
        f"Only {evaluation.good} good parts were tested: what is said about false rejects is rough."
        if evaluation.good < FEW_GOOD
        else "",
        f"Fewer than {FEW_DEFECTS} images each: {', '.join(few)}. What is said about these kinds is rough."
        if few
        else "",
    ]


def _tiles(evaluation: Evaluation) -> list[Entry]:
    result, defects, good = evaluation.result, evaluation.defects, evaluation.good
    found, passed = defects - evaluation.let_through, good - evaluation.false_rejects
    speed = result.ms_per_part_p50
    return [
        _tile(f"{found} of {defects}", "defective parts rejected", bad=found < defects),
        _tile(f"{passed} of {good}", "good parts passed", bad=passed < good),
        _tile(figure(result.image_auroc), "image AUROC: 1 tells all defects from all good parts"),
        _tile(figure(result.au_pro), "AU-PRO: 1 covers all defects, and nothing else"),
        _tile(f"{speed:.0f} ms" if speed else NOTHING, "per part, median, on this machine"),
    ]


def _tile(value: str, words: str, bad: bool = False) -> Entry:
    return {"value": value, "words": words, "bad": bad}


def _row(evaluation: Evaluation, name: str, anomalous: bool) -> Entry:
    verdicts = {"passed": Verdict.PASS, "failed": Verdict.FAIL, "missed": Verdict.MISSED}
    counts = {key: evaluation.count(anomalous, verdict) for key, verdict in verdicts.items()}
    return {"name": name, "anomalous": anomalous, **counts}


def _kind(name: str, outcomes: list[Outcome], threshold: float) -> Entry:
    found = sum(outcome.right for outcome in outcomes)
    return {
        "name": name,
        "images": len(outcomes),
        "found": found,
        "missed": len(outcomes) - found,
        "share": found / len(outcomes),
        "interval": share_interval(found, len(outcomes)),
        "lowest": min((s / threshold for s in judged_scores(outcomes)), default=None),
    }


def _settings(evaluation: Evaluation) -> dict[str, dict[str, object]]:
    result, recipe = evaluation.result, evaluation.inspector.recipe
    model = result.model
    return {
        "Recipe": {
            "hash": result.recipe_hash,
            **recipe.model_dump(mode="json", exclude={"colour", "product", "model"}, exclude_none=True),
            **{f"colour.{key}": value for key, value in recipe.colour.model_dump(exclude_none=True).items()},
            "threshold in use": f"{result.threshold:.6g}",
        },
        "Model": {
            "hash": model.hash,
            "autoencoder": model.kind,
            "seed": model.seed,
            "parts aligned": "yes" if model.aligned else "no",
            "good images": model.training_images,
            "training set": model.training_set,
            **{
                f"trained with {name}": version for name, version in evaluation.inspector.detector.info.versions.items()
            },
        },
        "Test set": {"hash": result.test_set, "images": result.images, "defective": result.anomalies},
        "Program": {**result.versions, "measured (UTC)": result.utc},
    }
