"""A recipe is taken when it is whole and nobody writes it any more."""

import os

import pytest

from inspector.errors import RecipeError
from inspector.recipe import new_recipe, recipe_path, write_recipe
from inspector.settled import PATIENCE_S, SettledRecipes

NOW_S = 1_800_000_000


class Clock:
    """The time of day, and what happens to files while somebody waits."""

    def __init__(self, *happens):
        self.now_s = NOW_S
        self._happens = iter(happens)

    def __call__(self):
        return self.now_s

    def wait(self, seconds):
        self.now_s += seconds
        next(self._happens, lambda: None)()


@pytest.fixture
def write(tmp_path):
    """Write a recipe's text as of a time, or now."""

    def write(text, at_s=NOW_S):
        path = recipe_path(tmp_path, "bottle")
        path.write_text(text)
        os.utime(path, (at_s, at_s))

    return write


def test_a_recipe_is_taken_when_it_was_left_alone_for_a_second(tmp_path, write):
    write("product: bottle\n")
    clock = Clock(lambda: write("product: bottle\ngrid: 2x2\n", NOW_S + 0.1))
    assert SettledRecipes(clock, clock.wait)(tmp_path, "bottle").grid == "2x2"
    assert 1 <= clock.now_s - NOW_S < 1.5


def test_an_old_recipe_is_taken_at_once(tmp_path, write):
    write("product: bottle\n", NOW_S - 60)
    clock = Clock()
    SettledRecipes(clock, clock.wait)(tmp_path, "bottle")
    assert clock.now_s == NOW_S


def test_a_share_whose_clock_is_ahead_is_watched_for_a_second(tmp_path, write):
    write("product: bottle\n", NOW_S + 3600)
    clock = Clock()
    SettledRecipes(clock, clock.wait)(tmp_path, "bottle")
    assert 1 <= clock.now_s - NOW_S < 1.5


def test_a_recipe_that_keeps_changing_is_refused(tmp_path, write):
    write("product: bottle\n")
    clock = Clock(*(lambda n=n: write("product: bottle\n" + "#" * n, NOW_S + n) for n in range(1000)))
    with pytest.raises(RecipeError, match=r"^bottle\.yaml: keeps changing"):
        SettledRecipes(clock, clock.wait)(tmp_path, "bottle")
    assert clock.now_s - NOW_S < PATIENCE_S + 1


def test_no_beginning_of_a_recipe_that_train_wrote_is_ever_taken(tmp_path, write):
    path = write_recipe(tmp_path, new_recipe("bottle"))
    whole = path.read_text()
    read = SettledRecipes(lambda: NOW_S)
    for end in range(len(whole) - 1):
        write(whole[:end], NOW_S - 60)
        with pytest.raises(RecipeError):
            read(tmp_path, "bottle")
    write(whole, NOW_S - 60)
    assert read(tmp_path, "bottle") == new_recipe("bottle")


def test_no_beginning_of_a_recipe_in_use_is_taken_though_it_has_no_marks(tmp_path, write):
    whole = "product: bottle\ngrid: 1x1\nthreshold: 25\ndeadline_ms: 250\n"
    read = SettledRecipes(lambda: NOW_S)
    write(whole, NOW_S - 60)
    read(tmp_path, "bottle")
    for end in range(len(whole)):
        write(whole[:end], NOW_S - 60)
        with pytest.raises(RecipeError):
            read(tmp_path, "bottle")
    write("---\nproduct: bottle\ngrid: 1x1\n...\n", NOW_S - 60)  # shorter, and meant
    assert read(tmp_path, "bottle").deadline_ms is None


def test_a_recipe_that_is_not_there_is_told_what_there_is(tmp_path, write):
    write("product: bottle\n")
    with pytest.raises(RecipeError, match=r"unknown product screw: .*there are: bottle"):
        SettledRecipes()(tmp_path, "screw")
