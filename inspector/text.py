"""Texts and numbers as fonts, file names, narrow places and JSON take them."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable

DIGITS = 4  # significant ones, as people read a score
ALL_DIGITS = 17  # as many as tell any two floating-point numbers apart

# What ASCII can say instead; the fonts of OpenCV 4 have nothing else.
_ASCII = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L", "đ": "d", "ð": "d"}
    | {"\u2010": "-", "\u2011": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u2018": "'", "\u2019": "'"}
    | {"\u201c": '"', "\u201d": '"', "\u00d7": "x", "\u00b0": " deg", "\u00b5": "u"}
)


def ascii_text(text: str) -> str:
    """Return the text in printable ASCII: accents dropped, ligatures spelt out, line breaks as spaces, else `?`."""
    plain = unicodedata.normalize("NFKD", " ".join(text.translate(_ASCII).split()))
    plain = "".join(c for c in plain if not unicodedata.combining(c)).translate(_ASCII)
    return "".join(c if " " <= c <= "~" else "?" for c in plain)


def printable(text: str) -> str:
    """Spell out in hexadecimal what a terminal would obey: codes, line breaks, marks of direction."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def shortened(text: str, length: int) -> str:
    """Return at most `length` characters: the middle goes, because part names differ at their ends."""
    if len(text) <= length:
        return text
    if length <= 3:
        return text[: max(0, length)]
    tail = (length - 2) // 2
    return text[: length - 2 - tail] + ".." + text[len(text) - tail :]


def number(value: float, digits: int = DIGITS) -> str:
    """Return so many significant digits; `-` where there is no value."""
    return f"{value:#.{digits}g}".rstrip(".") if math.isfinite(value) else "-"


def told_apart(value: float, limit: float, least: int = DIGITS) -> tuple[str, str]:
    """Return both numbers for people who see them side by side: where they differ, they look different."""
    digits = digits_apart(limit, [value], least)
    return number(value, digits), number(limit, digits)


def digits_apart(limit: float, values: Iterable[float], least: int = DIGITS) -> int:
    """Return the fewest significant digits, `least` or more, in which each value that differs from the limit looks so.

    As many for all of them: a limit of fewer digits could be rounded beyond a value that it lies below.
    """
    differing = [value for value in values if value != limit and math.isfinite(value)]
    return next(
        (n for n in range(least, ALL_DIGITS) if all(number(value, n) != number(limit, n) for value in differing)),
        ALL_DIGITS,
    )


def finite(value: float, digits: int | None = None) -> float | None:
    """Return the value, rounded where `digits` says so; None, as JSON and databases have it, for nan and infinity."""
    if not math.isfinite(value):
        return None
    return float(value) if digits is None else round(value, digits)
