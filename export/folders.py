"""What the names of folders say: which hold good parts, and which hold what training must never see."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from inspector.errors import DataError

GOOD_NAMES = frozenset({"good", "ok", "normal"})
GOOD_WORDS = frozenset({"good", "ok"})  # a folder may go on as it likes: good_monday, ok-2
BAD_NAMES = frozenset(
    {"bad", "ng", "nok", "nio", "ko", "notgood", "notok", "nogood", "abnormal", "faulty", "fail", "failed", "scrap"}
    | {"test", "gt", "groundtruth"}
)
BAD_WORDS = frozenset({"ng", "nok"})  # wherever they stand: NG_scratch
BAD_STARTS = ("defect", "anomal", "reject", "mask", "abnormal")
HARMLESS = ("masking",)  # as in masking_tape
DENIED = frozenset({"no", "non", "not", "without", "free"})  # defect_free, no-anomalies
FILLING = ("images", "image", "imgs", "parts", "part", "samples", "sample", "set", "data")  # bad_parts is bad
SHOWN = 6  # folders named in a message


def is_good(name: str) -> bool:
    """Say whether a folder of this name holds good parts, in any case: good, OK, Normal."""
    return name.lower() in GOOD_NAMES


def is_bad(name: str) -> bool:
    """Say whether a folder of this name holds defective parts, masks or a test set: NG, bad_parts, ground_truth."""
    words = re.findall("[a-z]+", name.lower())
    if _core("".join(words)) in BAD_NAMES or BAD_WORDS & set(words):
        return True
    if DENIED & set(words) or any(word.endswith("free") for word in words):
        return False
    return any(word.startswith(BAD_STARTS) and not word.startswith(HARMLESS) for word in words)


def child(folder: Path, name: str) -> Path | None:
    """Return the folder of this name in another one, in any case; the exact name first."""
    if (folder / name).is_dir():
        return folder / name
    return next((each for each in sorted(folder.iterdir()) if each.is_dir() and each.name.lower() == name), None)


def good_folder(data: Path) -> Path:
    """Say where the good parts of DATA lie: DATA/train/good (or ok, OK, Good ...) where there is one, else DATA itself.

    Raises DataError where train/ holds several such folders.
    """
    train = child(data, "train")
    found = sorted(each for each in train.iterdir() if each.is_dir() and is_good(each.name)) if train else []
    if len(found) > 1:
        raise DataError(f"{train}: holds {' and '.join(each.name for each in found)}: put all good images into one")
    return found[0] if found else data


def refuse_others(folder: Path, images: Sequence[Path]) -> None:
    """Raise DataError where images below `folder` lie in places that hold no good parts, by their names.

    What is above `folder`, and its own name, say nothing: the user has typed them. Beside a folder named good, no other
    is taken for good.
    """
    places = {path: path.relative_to(folder).parent for path in images}
    marked = {path: at for path, place in places.items() if (at := _first(place, is_bad)) is not None}
    good = {at for path, place in places.items() if path not in marked and (at := _first(place, is_good)) is not None}
    rest = [path for path in images if path not in marked]
    if good:
        marked |= {path: Path(*places[path].parts[:1]) for path in rest if _first(places[path], _maybe_good) is None}
    if marked:
        kept = [path for path in rest if path not in marked]
        what = f"{_counted(marked.values())}{' beside good parts' if kept else ''}, and only good parts are learned"
        raise DataError(f"{folder}: holds {what}: {_instead(folder, [folder / at for at in good], kept, list(marked))}")


def _instead(folder: Path, good: Sequence[Path], kept: Sequence[Path], marked: Sequence[Path]) -> str:
    """Say what to type or to do."""
    if not kept:
        return f"put the good images into {folder / 'train' / 'good'}"
    only = good[0] if len(good) == 1 else Path(os.path.commonpath([path.parent for path in kept]))
    if only != folder and not any(path.is_relative_to(only) for path in marked):
        return f"give --data {only}"
    return f"move them out of {folder}, or the good ones into a folder of their own, and give that"


def _core(letters: str) -> str:
    """Return a name without words that change nothing: "badparts" and "imagesbad" are "bad"."""
    for word in FILLING:
        if letters not in FILLING:
            letters = letters.removeprefix(word).removesuffix(word)
    return letters


def _maybe_good(name: str) -> bool:
    return is_good(name) or bool(GOOD_WORDS & set(re.findall("[a-z]+", name.lower())[:1]))


def _first(place: Path, matches: Callable[[str], bool]) -> Path | None:
    """Return the uppermost folder of a place whose name matches."""
    return next((Path(*place.parts[: at + 1]) for at, name in enumerate(place.parts) if matches(name)), None)


def _counted(places: Iterable[Path]) -> str:
    counts = Counter(place.as_posix() for place in places).most_common()
    shown = [
        f"{place if place != '.' else 'in no folder'} ({count} image{'s' if count > 1 else ''})"
        for place, count in counts[:SHOWN]
    ]
    return ", ".join(shown) + (f" and {len(counts) - SHOWN} more folders" if len(counts) > SHOWN else "")
