"""The evaluation report: one HTML file that a quality engineer takes into a meeting."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.evaluate import plots, words
from export.evaluate.bootstrap import REPLICATES, SEED, share_interval
from export.evaluate.cases import Cases, pictures, worst
from export.evaluate.evaluation import Evaluation
from export.evaluate.metrics import Outcome, roc
from export.evaluate.pages import NOTHING, figure, render, svg_uri
from export.evaluate.pixel_metrics import MAX_FPR
from export.evaluate.points import ORIENTATION, operating_points
from export.evaluate.results import latency_ms
from inspector.records import Verdict

Entry = dict[str, Any]  # of the page's template


def report(evaluation: Evaluation) -> str:
    """Write the report as a page of HTML that needs nothing but itself."""
    result = evaluation.result
    return render(
        "report.html.j2",
        result=result,
        date=result.utc[:10],
        headline=words.headline(evaluation),
        tiles=_tiles(evaluation),
        notes=words.notes(evaluation),
        budget=words.budget(evaluation),
        masks=words.masks(evaluation),
        points=list(operating_points(evaluation.metrics.results, result.threshold).values()),
        orientation=ORIENTATION,
        confusion=[_row(evaluation, "good parts", False), _row(evaluation, "defective parts", True)],
        kinds=[
            _kind(kind, outcomes, result.threshold)
            for kind, outcomes in _by_kind(evaluation).items()
            if outcomes[0].anomalous
        ],
        histogram=_histogram(evaluation),
        curves=_curves(evaluation),
        defects=_section(evaluation, worst(evaluation.outcomes, anomalous=True), DEFECTS),
        goods=_section(evaluation, worst(evaluation.outcomes, anomalous=False), GOODS),
        not_judged=[{"name": o.name, "why": o.inspection.detail} for o in evaluation.outcomes if o.inspection.cause],
        p95=latency_ms(evaluation.outcomes, 95) if result.ms_per_part_p50 is not None else None,
        machine=f"{os.cpu_count()} processor cores ({evaluation.inspector.detector.provider})",
        settings=_settings(evaluation),
        replicates=REPLICATES,
        seed=SEED,
    )


# Title and words where verdicts are wrong, where none is, and where no part of the class was judged.
DEFECTS = (
    ("Missed defects", "Defective parts that passed, the least conspicuous first. {shown}"),
    ("Closest calls among the defects", "Every judged defect was rejected. These came closest to passing."),
    ("Defects", "No defective part was judged."),
)
GOODS = (
    ("False rejects", "Good parts that were rejected, the most conspicuous first. {shown}"),
    ("Closest calls among the good parts", "Every judged good part passed. These came closest to being rejected."),
    ("Good parts", "No good part was judged."),
)


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


def _by_kind(evaluation: Evaluation) -> Mapping[str, list[Outcome]]:
    """Return good parts first, then each kind of defect; only kinds that there are."""
    kinds: dict[str, list[Outcome]] = {}
    for outcome in sorted(evaluation.outcomes, key=lambda o: (o.anomalous, o.defect)):
        kinds.setdefault(outcome.defect, []).append(outcome)
    return kinds


def _kind(name: str, outcomes: list[Outcome], threshold: float) -> Entry:
    found = sum(outcome.right for outcome in outcomes)
    return {
        "name": name,
        "images": len(outcomes),
        "found": found,
        "missed": len(outcomes) - found,
        "share": found / len(outcomes),
        "interval": share_interval(found, len(outcomes)),
        "lowest": min((s / threshold for s in _scores(outcomes)), default=None),
    }


def _scores(outcomes: list[Outcome]) -> NDArray[np.float64]:
    return np.array([o.inspection.score for o in outcomes if not o.inspection.cause], float)


def _histogram(evaluation: Evaluation) -> str | None:
    kinds = _by_kind(evaluation).items()
    rows = [plots.Scores(kind, not outcomes[0].anomalous, _scores(outcomes)) for kind, outcomes in kinds]
    rows = [row for row in rows if len(row.scores)]
    return svg_uri(plots.histogram(rows, evaluation.result.threshold)) if rows else None


def _curves(evaluation: Evaluation) -> list[Entry]:
    """Draw those that exist: of parts where there are both classes, of pixels where there are masks."""
    results, found = evaluation.metrics.results, []
    judged = np.isfinite(results.scores)
    anomalous, rejected = results.anomalous[judged], results.rejected[judged]
    parts = roc(anomalous, results.scores[judged])
    if parts:
        mark = float(rejected[~anomalous].mean()), float(rejected[anomalous].mean())
        drawn = plots.curve(*parts, ("good parts rejected", "defects found"), mark=mark)
        text = "Each point is a threshold, the red one that in use. The closer to the upper left, the better."
        found.append({"title": "ROC of the parts", "words": text, "uri": svg_uri(drawn)})
    pixels = results.levels.curves()
    if pixels:
        drawn = plots.curve(pixels.fpr, pixels.tpr, ("good pixels marked", "defect pixels marked"))
        text = "The same for single pixels of the maps: large defects weigh most."
        found.append({"title": "ROC of the pixels", "words": text, "uri": svg_uri(drawn)})
        drawn = plots.curve(pixels.fpr, pixels.overlap, ("good pixels marked", "of each defect covered"), MAX_FPR)
        text = "How much of each defect is covered, the mean over all defects; the coloured area is AU-PRO."
        found.append({"title": "PRO", "words": text, "uri": svg_uri(drawn)})
    return found


def _section(evaluation: Evaluation, cases: Cases, texts: tuple[tuple[str, str], ...]) -> Entry:
    title, said = texts[0 if cases.wrong else 1 if cases.shown else 2]
    shown = "All are shown." if len(cases.shown) == cases.total else f"{len(cases.shown)} of {cases.total} are shown."
    cards = [
        {
            "name": outcome.name,
            "score": outcome.inspection.score,
            "percentile_in_words": outcome.inspection.percentile_in_words,
            "pictures": pictures(evaluation.inspector, outcome, evaluation.paths[outcome.name]),
        }
        for outcome in cases.shown
    ]
    return {"title": title, "words": said.format(shown=shown), "cases": cards}


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
