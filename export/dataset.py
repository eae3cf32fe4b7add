"""Folders of images: good parts to learn from, labelled parts to be measured on."""

from __future__ import annotations

import contextlib
import filecmp
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from export.folders import child, good_folder, is_good, refuse_others
from export.masks import MaskFolder, complaints, marked, split_masks
from inspector.errors import DataError
from inspector.images import find_images, read_image
from inspector.model_info import file_hash

GOOD, DEFECT = "good", "defect"
SHOWN = 20  # lines about files at most
Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Labelled:
    """One image of a test set."""

    path: Path
    name: str  # relative to the test folder, POSIX form: "broken_large/003.png"
    defect: str  # "good" where there is none
    masks: tuple[Path, ...]  # together they show where the defect is; empty where nobody has drawn it

    @property
    def anomalous(self) -> bool:
        return self.defect != GOOD


def on_stderr(line: str) -> None:
    """Tell the user something beside the result."""
    print(line, file=sys.stderr)


def good_images(data: Path, say: Say = on_stderr) -> list[Path]:
    """Return the good images: DATA/train/good in MVTec AD layout (or ok), else every image in the folder.

    Masks that lie beside images are none of them, nor are images whose mask marks a defect; `say` is told of those.
    Raises DataError where others lie among them by their folders' names, and where there are fewer than two, or copies
    of one: what one part looks like says nothing of how good parts differ.
    """
    if not data.is_dir():
        raise DataError(f"{data}: no such folder")
    folder = good_folder(data)
    found, masks = split_masks(find_images(folder))
    refuse_others(folder, found)
    defective = marked(masks)
    _tell([f"left out {path}: its mask marks a defect" for path in found if path in defective], say)
    images = [path for path in found if path not in defective]
    if len(images) < 2:
        raise DataError(f"{data}: one good image is not enough: give at least 2, better 20 or more")
    if all(filecmp.cmp(images[0], other, shallow=False) for other in images[1:]):
        raise DataError(f"{data}: all {len(images)} images are copies of one: give at least 2 good parts")
    return images


def distinct_images(images: Sequence[Path], say: Say = on_stderr) -> list[Path]:
    """Keep each file once; `say` is told which others are the same, byte for byte.

    Copies would be held out from themselves: what a model knows by heart looks as if good parts never differed.
    """
    sizes = Counter(path.stat().st_size for path in images)
    alike = [path for path in images if sizes[path.stat().st_size] > 1]  # others need not be opened
    first: dict[str, Path] = {}
    again = {path: known for path in alike if (known := first.setdefault(file_hash(path), path)) != path}
    _tell([f"left out {path}: it is the same file as {known}" for path, known in again.items()], say)
    return [path for path in images if path not in again]


@contextlib.contextmanager
def all_unreadable_named(images: Sequence[Path], say: Say = on_stderr) -> Iterator[None]:
    """Name every image that cannot be read, and not only the one at which the work inside stopped.

    Raises DataError. Costs nothing where all can be read.
    """
    try:
        yield
    except DataError:
        wrong = [words for path in images if (words := _unreadable(path))]
        if len(wrong) < 2:
            raise
        refuse_all(wrong, f"of {len(images)} images cannot be used", say)


def refuse_all(wrong: Sequence[str], what: str, say: Say = on_stderr) -> None:
    """Raise one DataError for all that is wrong; where it is several things, `say` is told each."""
    if len(wrong) == 1:
        raise DataError(wrong[0])
    if wrong:
        _tell(wrong, say)
        raise DataError(f"{len(wrong)} {what}: they are named above")


def _tell(lines: Sequence[str], say: Say) -> None:
    for line in lines[:SHOWN]:
        say(line)
    if len(lines) > SHOWN:
        say(f"... and {len(lines) - SHOWN} more like these")


def _unreadable(path: Path) -> str:
    try:
        read_image(path)
    except DataError as error:
        return str(error)
    return ""


def labelled_images(data: Path, say: Say = on_stderr) -> list[Labelled]:
    """Return the test set DATA/test/<defect>/, in MVTec AD layout or its kin (see docs/data.md).

    Raises DataError where there is none, where it has no good part, and where masks cannot be what they say.
    """
    test = child(data, "test") if data.is_dir() else None
    if test is None:
        raise DataError(f"{data}: no test/ folder; {_wanted(data)}")
    parts, beside = split_masks(find_images(test))
    drawn = MaskFolder(data)
    images = [_labelled(path, path.relative_to(test), drawn, beside.get(path)) for path in parts]
    if all(image.anomalous for image in images):
        raise DataError(f"{test}: no good parts: {_kinds(images)}; put good parts into {test / GOOD} (or test/ok)")
    wrong = complaints((image.name, image.anomalous, image.masks) for image in images)
    refuse_all(wrong, "masks cannot be used", say)
    return images


def missing_masks(data: Path, images: Sequence[Labelled]) -> str:
    """Say what to say where defective parts have no mask, though others have, or a folder of masks is there."""
    defective = [image for image in images if image.anomalous]
    without = [image for image in defective if not image.masks]
    drawn = child(data, "ground_truth")
    if not without or not (drawn or len(without) < len(defective)):
        return ""
    first = Path(without[0].name)
    wanted = (drawn or data / "ground_truth") / first.parent / f"{first.stem}_mask.png"
    return (
        f"{len(without)} of {len(defective)} defective parts have no mask, so pixel figures leave them out, as "
        f"test/{first.as_posix()}: wanted is {wanted}"
    )


def _labelled(path: Path, relative: Path, drawn: MaskFolder, beside: Path | None) -> Labelled:
    masks = drawn.of(relative) or ((beside,) if beside else ())
    if len(relative.parts) > 1:
        kind = GOOD if is_good(relative.parts[0]) else relative.parts[0]
    elif beside:
        kind = DEFECT if marked({path: beside}) else GOOD
    else:
        raise DataError(f"{path}: lies directly in test/: put it into test/good or test/<defect>")
    return Labelled(path, relative.as_posix(), kind, masks)


def _wanted(data: Path) -> str:
    """Return the layout that is wanted, and how to get there from one that is known."""
    wanted = "wanted is DATA/test/good and DATA/test/<defect>, as in MVTec AD"
    if (data / "Data" / "Images").is_dir():
        return (
            f"{wanted}: put most of Data/Images/Normal into train/good and the rest into test/good, "
            "Data/Images/Anomaly into test/anomaly, and Data/Masks/Anomaly into ground_truth/anomaly"
        )
    return wanted


def _kinds(images: Sequence[Labelled]) -> str:
    return ", ".join(f"{kind} ({count})" for kind, count in Counter(image.defect for image in images).items())
