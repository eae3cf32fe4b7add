"""Folders of images: good parts to learn from, labelled parts to be measured on."""

from __future__ import annotations

import filecmp
from dataclasses import dataclass
from pathlib import Path

from inspector.errors import DataError
from inspector.images import find_images

GOOD = "good"


@dataclass(frozen=True, slots=True)
class Labelled:
    """One image of a test set."""

    path: Path
    name: str  # relative to the test folder, POSIX form: "broken_large/003.png"
    defect: str  # "good" where there is none
    mask: Path | None  # non-zero where the defect is; None where there is no mask

    @property
    def anomalous(self) -> bool:
        return self.defect != GOOD


def good_images(data: Path) -> list[Path]:
    """The good images: DATA/train/good in MVTec AD layout, else every image in the folder.

    Raises DataError where there are fewer than two, or copies of one: what one part looks like says nothing of how
    good parts differ.
    """
    if not data.is_dir():
        raise DataError(f"{data}: no such folder")
    folder = data / "train" / GOOD
    if not folder.is_dir() and (data / "test").is_dir():
        raise DataError(f"{data}: has test/ but no train/good/: put the good images there")
    images = find_images(folder if folder.is_dir() else data)
    if len(images) < 2:
        raise DataError(f"{data}: one good image is not enough: give at least 2, better 20 or more")
    if all(filecmp.cmp(images[0], other, shallow=False) for other in images[1:]):
        raise DataError(f"{data}: all {len(images)} images are copies of one: give at least 2 good parts")
    return images


def labelled_images(data: Path) -> list[Labelled]:
    """The test set DATA/test/<defect>/, in MVTec AD layout. Raises DataError where there is none."""
    test = data / "test"
    if not test.is_dir():
        raise DataError(f"{data}: no test/ folder; wanted is DATA/test/good and DATA/test/<defect>, as in MVTec AD")
    return [_labelled(path, path.relative_to(test), data / "ground_truth") for path in find_images(test)]


def _labelled(path: Path, relative: Path, masks: Path) -> Labelled:
    defect = relative.parts[0] if len(relative.parts) > 1 else ""
    if not defect:
        raise DataError(f"{path}: lies directly in test/: put it into test/good or test/<defect>")
    mask = masks / relative.with_name(f"{relative.stem}_mask.png")
    return Labelled(path, relative.as_posix(), defect, mask if mask.is_file() else None)
