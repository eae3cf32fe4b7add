"""The demo, as a user's first minute with the program."""

import contextlib
import csv
import io
import re
import shlex

import pytest
from product import VERBS

from export.demo.parts import make_demo
from inspector import cli
from inspector.images import find_images, read_image


def rows(folder):
    """The log of the newest run."""
    with max((folder / "logs").glob("*.csv")).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def demo(folder, *options):
    """Run it; returns the exit code and what it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = cli.main(VERBS, ["demo", "--folder", str(folder), *options])
    return code, out.getvalue()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A demo whose parts were drawn before, fewer and smaller than its own; its folder and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    make_demo(folder / "parts-0", seed=0, good=8, test_good=2, per_defect=1, size=128)
    code, said = demo(folder)
    assert code == 0
    return folder, said


def test_it_shows_each_command_before_it_runs_it_and_says_how_it_went(small):
    folder, said = small
    commands = [line for line in said.splitlines() if line.startswith("$ ")]
    assert [command.split()[:3] for command in commands] == [
        ["$", "line-inspector", "train"],
        ["$", "line-inspector", "run"],
    ]
    assert said.index(commands[0]) < said.index("threshold") < said.index(commands[1]) < said.index("captured 7 ")
    assert "5 defective and 2 good parts that the model had never seen:" in said
    assert re.search(r"image AUROC [01]\.\d{3}   F1 [01]\.\d{3}   defects rejected \d+%", said)
    assert str(folder / "logs") in said


def test_every_test_part_is_in_its_log_and_the_rejects_are_among_its_pictures(small):
    folder, _ = small
    found = rows(folder)
    assert sorted(row["part"] for row in found) == sorted(
        path.relative_to(folder / "parts-0" / "test").as_posix() for path in find_images(folder / "parts-0" / "test")
    )
    rejected = [row for row in found if row["verdict"] != "pass"]
    pictures = find_images(folder / "overlays")
    assert len([path for path in pictures if "-pass-" not in path.name]) == len(rejected)
    assert all(read_image(path).size for path in pictures)


def test_its_commands_can_be_repeated_by_the_user(small, tmp_path):
    folder, said = small
    (command,) = (line for line in said.splitlines() if line.startswith("$ line-inspector run"))
    words = shlex.split(command)[2:]
    words[words.index(str(folder / "logs"))] = str(tmp_path / "logs")
    with contextlib.redirect_stdout(io.StringIO()):
        assert cli.main(VERBS, words) == 0
    before, again = ({row["part"]: row["verdict"] for row in rows(place)} for place in (folder, tmp_path))
    assert before == again


def test_a_folder_that_cannot_be_used_is_one_line(tmp_path, capfd):
    (tmp_path / "file").write_text("not a folder")
    assert cli.main(VERBS, ["demo", "--folder", str(tmp_path / "file")]) == 2
    assert capfd.readouterr().err.count("\n") == 1


@pytest.mark.slow
def test_the_whole_demo_finds_defects_in_parts_it_draws_itself(tmp_path):
    code, said = demo(tmp_path, "--seed", "1")
    assert code == 0
    found = rows(tmp_path)
    assert len(found) == len(find_images(tmp_path / "parts-1" / "test"))
    assert f"captured {len(found)} " in said
    assert "missed 0" in said
    rejected = {row["part"] for row in found if row["verdict"] != "pass"}
    defective = [row["part"] for row in found if not row["part"].startswith("good/")]
    assert len(rejected.intersection(defective)) > len(defective) / 2
    assert len(rejected.difference(defective)) < (len(found) - len(defective)) / 2
