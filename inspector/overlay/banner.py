"""The banner: the verdict large on the left, three lines beside it: which part, why, and the run so far."""

from __future__ import annotations

from inspector.overlay.lettering import Letters
from inspector.records import Counts, Image, Inspection, Verdict
from inspector.text import ascii_text, told_apart

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
PAPER = {Verdict.PASS: (0, 130, 0), Verdict.FAIL: (0, 0, 200), Verdict.MISSED: (0, 170, 255)}  # green, red, amber
INK = {Verdict.PASS: WHITE, Verdict.FAIL: WHITE, Verdict.MISSED: BLACK}


def height_px(line_px: int) -> int:
    """Return how high the banner is with lines of this height."""
    return 3 * line_px + 2 * (line_px // 3)


def write(picture: Image, inspection: Inspection, counts: Counts, line_px: int) -> None:
    """Write it on the top of the picture, which has the verdict's PAPER there."""
    margin, ink, large = line_px // 2, INK[inspection.verdict], Letters(2 * line_px, bold=True)
    large.write(picture, inspection.verdict.name, (margin, line_px // 3 + line_px // 2), ink)
    left = margin + large.width_px(Verdict.MISSED.name) + line_px
    room, letters = picture.shape[1] - left - margin, Letters(line_px)
    lines = _which(inspection, room, letters), letters.fit(_why(inspection), room), _so_far(counts)
    for row, text in enumerate(lines):
        height = min(line_px, int(line_px * room / max(1, letters.width_px(text))))  # figures are never shortened
        top = line_px // 3 + row * line_px + (line_px - height) // 2
        Letters(height).write(picture, text, (left, top), ink)


def _which(inspection: Inspection, room: int, letters: Letters) -> str:
    product = letters.fit(ascii_text(inspection.product), int(room * 0.4)) + " | "
    part = ascii_text(inspection.part) or f"frame {inspection.index}"
    return product + letters.fit(part, room - letters.width_px(product))


def _why(inspection: Inspection) -> str:
    if inspection.verdict is Verdict.MISSED:
        cause = inspection.cause.value if inspection.cause else ""
        return ascii_text(": ".join(filter(None, (cause, inspection.detail))))
    (score, threshold), words = told_apart(inspection.score, inspection.threshold), inspection.percentile_in_words
    told = f"score {score} / {threshold} | {words}" if words else f"score {score} / threshold {threshold}"
    return ascii_text(f"{inspection.detail} | {told}") if inspection.detail else told


def _so_far(counts: Counts) -> str:
    share = "-" if counts.captured == 0 else f"{100 * counts.yield_fraction:.1f} %"
    verdicts = f"pass {counts.passed} | fail {counts.failed} | missed {counts.missed}"
    return f"captured {counts.captured} | {verdicts} | yield {share}"
