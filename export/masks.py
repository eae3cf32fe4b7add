"""Masks: the pictures beside a test set's images that say where their defects are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from export.folders import child
from inspector.errors import DataError
from inspector.images import IMAGE_SUFFIXES, read_image
from inspector.records import Mask

ENDINGS = ("_mask", "_gt")  # of the names of masks that lie beside their images: 12.png, 12_GT.png
LOSSY = (".jpg", ".jpeg", ".webp")  # where black is not quite black,
HALF = 127  # a pixel counts from here on
MOST, ALL_AROUND = 0.5, 0.95  # share of the picture, and of its border, that only an inverted mask marks
LEAST = 2  # masks; of more than these, most may look inverted together


def split_masks(images: Sequence[Path]) -> tuple[list[Path], dict[Path, Path]]:
    """Return the images without the masks that lie beside them, and the mask of each that has one there.

    One image with its mask beside it tells how a folder names its masks: there, the others are masks too.
    """
    known = {(path.parent, path.stem.lower()): path for path in images if not _base(path)}
    named = {path: base for path in images if (base := _base(path))}
    folders = {path.parent for path, base in named.items() if (path.parent, base) in known}
    masks = {path: known.get((path.parent, base)) for path, base in named.items() if path.parent in folders}
    return [path for path in images if path not in masks], {part: path for path, part in masks.items() if part}


def _base(path: Path) -> str:
    """Return the name of the image that a file would be the mask of; empty where its name is not a mask's."""
    stem = path.stem.lower()
    return next((stem.removesuffix(ending) for ending in ENDINGS if stem.endswith(ending)), "")


class MaskFolder:
    """DATA/ground_truth/<defect>/, by whichever name masks have there: X_mask.png, X.png or X/000.png."""

    def __init__(self, data: Path) -> None:
        self.folder = child(data, "ground_truth")
        found = self.folder.rglob("*") if self.folder else ()
        files = sorted(path for path in found if path.suffix.lower() in IMAGE_SUFFIXES and path.name[0] != ".")
        self._files: dict[tuple[str, ...], list[Path]] = {}
        for path in files:
            place = path.relative_to(self.folder or data)
            names = {_base(path) or path.stem.lower(), path.stem.lower()}
            for key in (*((*place.parent.parts, name) for name in names), place.parent.parts):
                self._files.setdefault(tuple(part.lower() for part in key), []).append(path)

    def of(self, relative: Path) -> tuple[Path, ...]:
        """Return the masks of the image DATA/test/`relative`; several are one, as each may mark another defect."""
        return tuple(self._files.get(tuple(part.lower() for part in relative.with_suffix("").parts), ()))


def read_mask(paths: Sequence[Path]) -> Mask:
    """Say where the defect is, (height, width): any pixel that is not black in one of the files. Raises DataError."""
    masks = [_read(path) for path in paths]
    odd = next((path for path, mask in zip(paths, masks, strict=True) if mask.shape != masks[0].shape), None)
    if odd:
        own, other = (_read(path).shape for path in (odd, paths[0]))
        raise DataError(
            f"{odd}: is {own[1]} x {own[0]} px, wanted {other[1]} x {other[0]} as {paths[0].name}, the same part's mask"
        )
    return np.asarray(np.any(masks, axis=0), bool)


def _read(path: Path) -> Mask:
    ground = _ground_colour(path)
    if ground and any(ground):
        raise DataError(
            f"{path}: a palette picture whose first colour is not black, so what marks the defect is unclear: "
            "save it as gray, 0 where there is no defect and 255 where there is"
        )
    lit = read_image(path) > (HALF if path.suffix.lower() in LOSSY else 0)
    return np.asarray(lit.any(axis=2), bool)


def _ground_colour(path: Path) -> bytes:
    """Return the first colour of a PNG's palette, which labels by index use for "nothing"; empty without a palette."""
    with path.open("rb") as file:
        head = file.read(4096)
    start = head.find(b"PLTE") + 4
    return head[start : start + 3] if head.startswith(b"\x89PNG") and head[25:26] == b"\x03" and start > 4 else b""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The masks of one image, and what they mark."""

    name: str  # of the image
    anomalous: bool
    path: Path  # of the first mask
    share: float  # of the picture, 0 to 1
    border: float  # share of the picture's border

    @property
    def inverted(self) -> bool:
        """Say whether it marks all around and leaves a place within: a defect does not."""
        return MOST < self.share < 1 and self.border > ALL_AROUND

    @property
    def mostly(self) -> bool:
        return MOST < self.share < 1 and self.border > MOST

    def complaint(self, all_inverted: bool) -> str:
        """Say what is wrong with it, in words; empty where nothing is."""
        if self.inverted or (all_inverted and self.mostly):
            return (
                f"{self.path}: marks {self.share:.0%} of the picture and {self.border:.0%} of its border: it looks "
                "inverted; wanted is black where there is no defect, white where there is"
            )
        if self.anomalous and not self.share:
            return f"{self.path}: marks nothing, but test/{self.name} is defective: draw the defect, or remove the mask"
        if self.share and not self.anomalous:
            return f"{self.path}: marks a defect, but test/{self.name} is a good part"
        return ""


def complaints(labelled: Iterable[tuple[str, bool, Sequence[Path]]]) -> list[str]:
    """Say what is wrong with the masks of (name of an image, whether it is defective, its masks), file by file.

    A real defect may cover most of a picture, so masks whose marks touch the border are called inverted only where
    most masks of the set look so.
    """
    drawn, wrong = [], []
    for name, anomalous, paths in labelled:
        try:
            mask = read_mask(paths) if paths else None
        except DataError as error:
            wrong.append(str(error))
            continue
        if mask is not None:
            border = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
            drawn.append(Drawn(name, anomalous, paths[0], float(mask.mean()), float(border.mean())))
    all_inverted = sum(one.mostly for one in drawn) > max(len(drawn) / 2, LEAST)
    return [*wrong, *(words for one in drawn if (words := one.complaint(all_inverted)))]


def marked(masks: Mapping[Path, Path]) -> set[Path]:
    """Images whose mask marks something, so that they are defective. Raises DataError."""
    return {part for part, mask in masks.items() if read_mask([mask]).any()}
