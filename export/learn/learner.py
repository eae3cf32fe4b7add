"""What every kind of autoencoder can be asked, and can do: all that training knows of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from export.learn.model_selection import SelectionSet
from export.learn.scores import Mix, Units
from inspector.model_info import Kind

Told = Callable[[float], None]  # the share of the work that is done
Judge = Callable[[int, Tensor], Tensor]  # number of a good part, its rows -> (rows, components)


@dataclass(frozen=True)
class Fitted:
    """A model that has learned: uint8 patches and which are wanted -> maps, scores, reconstructions of the wanted."""

    module: nn.Module
    use: Callable[[Units], None]  # give maps and scores in these from now on


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a learner can do, so that nobody need ask of which kind it is."""

    kind: Kind  # what the model's metadata call it
    patch_px: int  # side of the patches that the model takes
    seen_px: int  # side at which the network sees them
    multiple: int  # height and width of a patch are multiples of this
    learns_from_all: bool  # the model that ships has seen all good parts; else those held out are not learned from
    selects: bool  # it has choices that synthetic defects decide
    finer_grids: bool  # its `selection_auroc` says whether a finer grid finds more
    grows_with_effort: bool  # with effort `best` it takes a larger network and more pixels


class HeldOutJudge(Protocol):
    """Judges good parts by what the others show."""

    @property
    def fitted(self) -> Fitted | None:
        """Say what was fitted without the parts that were held out last, where that is what ships."""

    def without(self, parts: Tensor) -> Judge:
        """Return a function that scores one of these parts."""


class Learner(Protocol):
    """A kind of autoencoder: a fixed front, and a head that is fitted to what the front gives for good patches."""

    @property
    def capabilities(self) -> Capabilities:
        """Say what it can do."""

    @property
    def front(self) -> nn.Module:
        """Return uint8 patches (n, h, w, 3) -> rows (n, ...) float32."""

    @property
    def network(self) -> nn.Module:
        """Return what most of the work goes into: uint8 patches (n, h, w, 3) as the network sees them, through it."""

    @property
    def mix(self) -> Mix:
        """Say how components of scores make one."""

    @property
    def words(self) -> str:
        """Say what was chosen, for the user."""

    @property
    def selection_auroc(self) -> float:
        """Say how well the chosen head found synthetic defects; 0 where that was not tried."""

    def select(
        self, rows: Tensor, patch_shape: tuple[int, int], any_turn: bool, selection: SelectionSet | None
    ) -> Learner:
        """Return the same learner after the choices that all folds share.

        `any_turn`: parts were turned into their pose. `selection`: what to try the choices on, where there is any.
        """

    def fit(self, rows: Tensor, told: Told) -> Fitted:
        """Learn from the rows of good patches."""

    def held_out(self, rows: Tensor, part_of_row: Tensor, told: Told) -> HeldOutJudge:
        """Judge good parts by what the others show; `part_of_row` says whose each row is."""
