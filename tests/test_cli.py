"""The program as a user meets it: exit codes, one line for each mistake, and what lies on the disk afterwards."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from process import PATIENCE_S, ROOT

import export.verbs
import inspector.verbs
from inspector import cli
from inspector.recipe import ColourSettings, load_recipe, update_recipe

VERBS = (*export.verbs.VERBS, *inspector.verbs.VERBS)
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")


@pytest.fixture
def program(capfd):
    """Run the program in this process; returns exit code, stdout and stderr."""

    def call(*arguments):
        capfd.readouterr()
        try:
            code = cli.main(VERBS, [str(argument) for argument in arguments])
        except SystemExit as end:  # argparse's way out
            code = end.code
        return code, *capfd.readouterr()

    return call


@pytest.fixture
def parts(tmp_path):
    """A folder of three parts that pass and one that fails as alpha."""
    folder = tmp_path / "parts"
    for number, brightness in enumerate((40, 41, 200, 42)):
        save(folder / f"{number}.png", gray(brightness))
    return folder


@pytest.fixture
def labelled(tmp_path):
    """A data set in MVTec AD's layout; what is bright is bad."""
    for number in range(6):
        save(tmp_path / "data" / "train" / "good" / f"{number}.png", speckled(number, 40))
    for number in range(3):
        save(tmp_path / "data" / "test" / "good" / f"{number}.png", speckled(10 + number, 40))
        save(tmp_path / "data" / "test" / "bright" / f"{number}.png", speckled(20 + number, 200))
    return tmp_path / "data"


def gray(brightness, height=48, width=64):
    return np.full((height, width, 3), brightness, np.uint8)


def speckled(seed, brightness):
    noise = np.random.default_rng(seed).integers(0, 8, (48, 64, 3))
    return (brightness + noise).astype(np.uint8)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)
    return path


def folders(station):
    return ["--model-dir", station.models, "--config-dir", station.config]


def run_arguments(station, source, product="alpha"):
    logs = station.models.parent / "logs"
    return ["run", "--product", product, "--source", source, "--log-dir", logs, *folders(station)]


def rows(station):
    """The log of the only run, which both of its files tell alike."""
    (table,) = (station.models.parent / "logs").glob("*.csv")
    (lines,) = (station.models.parent / "logs").glob("*.jsonl")
    with table.open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert [json.loads(line)["frame"] for line in lines.read_text().splitlines()] == [int(r["frame"]) for r in found]
    return found


def assert_one_line(said, words):
    """The user's mistake in one line on stderr, exit code 2, nothing on stdout."""
    code, out, err = said
    assert (code, out) == (2, "")
    (line,) = err.strip("\n").splitlines()
    assert line.startswith("error: ")
    assert words in line


# ---- the command line itself


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_explains_itself_with_an_example(program, verb):
    code, out, err = program(verb.name, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: line-inspector {verb.name}")
    assert f"example:\n  line-inspector {verb.name}" in out
    assert verb.help[1:] in out


def test_the_program_names_its_verbs(program):
    code, out, err = program("--help")
    assert (code, err) == (0, "")
    for verb in VERBS:
        assert f"\n    {verb.name}" in out


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_the_example_of_a_verb_is_understood(verb):
    arguments = cli._parse(VERBS, verb.example.split()[1:])
    assert callable(arguments.execute)


@pytest.mark.parametrize("arguments", [[], ["inspect"], ["run"], ["run", "--product", "alpha"], ["doctor", "--what"]])
def test_a_command_line_that_is_wrong_is_one_line(program, arguments):
    assert_one_line(program(*arguments), "--help`")


# ---- mistakes


def unlink_model(station):
    station.model().unlink()


def cut_model(station):
    station.model().write_bytes(station.model().read_bytes()[:9000])


def recipe_text(text):
    return lambda station: station.recipe().write_text(text)


@pytest.mark.parametrize(
    "mistake",
    [
        (unlink_model, "alpha.onnx: no such model: make it with `train`"),
        (cut_model, "alpha.onnx: cannot be loaded"),
        (lambda station: station.write(grid="2x2"), "alpha: the recipe says grid 2x2, overlap 0, but the model was"),
        (recipe_text("product: alpha\ngridd: 1x1\n"), "alpha.yaml: unknown key gridd"),
        (recipe_text("product: alpha\nbatch_size: many\n"), "alpha.yaml: batch_size: Input should be a valid integer"),
        (
            recipe_text("product: alpha\ngrid: 1x1\ngrid: 2x2\n"),
            "alpha.yaml: not valid YAML: line 3: duplicate key grid",
        ),
        (recipe_text("product: [alpha\n"), "alpha.yaml: not valid YAML: line 2"),
        (recipe_text(""), "alpha.yaml: wants `key: value` lines"),
        (lambda station: station.recipe().unlink(), "unknown product alpha: no "),
    ],
)
@pytest.mark.parametrize("verb", ["run", "evaluate", "calibrate"])
def test_a_product_that_cannot_be_loaded_is_one_line(program, station, labelled, verb, mistake):
    break_it, words = mistake
    break_it(station)
    arguments = {
        "run": run_arguments(station, labelled),
        "evaluate": ["evaluate", "--product", "alpha", "--data", labelled, *folders(station)],
        "calibrate": ["calibrate", "--product", "alpha", *folders(station)],
    }
    assert_one_line(program(*arguments[verb]), words)
    assert not (station.models.parent / "logs").exists()


@pytest.mark.parametrize(
    "mistake",
    [
        (["--source", "nowhere"], "nowhere: no such source"),
        (["--source", "rtmp://plant/line"], "error: rtmp://plant/line: no such source"),
        (["--source", "file:///data/parts"], "error: file:///data/parts: no such source"),
        (["--source", "~nobody/parts"], "error: ~nobody/parts: no such source"),
        (["--source", "no\x1b]0;owned\x07where"], r"error: no\x1b]0;owned\x07where: no such source"),
        (["--source", ""], "no such source"),
        (["--source", "99"], "camera 99: cannot be opened; `doctor` lists the cameras found"),
        (["--source", "empty"], "empty: holds no images"),
        (["--source", "text.txt"], "text.txt: not a video"),
        (["--log-dir", "text.txt/logs"], "text.txt/logs: cannot write the log here"),
        (["--log-dir", "text.txt"], "text.txt: cannot write the log here"),
        (["--save-overlays", "text.txt/overlays"], "text.txt/overlays: cannot write there"),
        (["--save-video", "run.gif"], "run.gif: cannot write this kind of video: name it .mp4 or .avi"),
        (["--fps", "0"], "fps: 0 given, a positive number wanted"),
        (["--fps", "nan"], "fps: nan given, a positive number wanted"),
        (["--fps", "fast"], "argument --fps: invalid float value: 'fast'"),
        (["--keep-pass-every", "-1"], "wants a whole number from 0, got '-1'"),
        (["--keep-pass-every", "some"], "wants a whole number from 0, got 'some'"),
    ],
)
def test_an_option_of_run_that_cannot_be_used_is_one_line(program, station, parts, monkeypatch, mistake):
    options, words = mistake
    monkeypatch.chdir(parts.parent)
    Path("empty").mkdir()
    Path("text.txt").write_text("no images here")
    assert_one_line(program(*run_arguments(station, parts), *options), words)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
def test_a_window_without_a_display_is_one_line(program, station, parts, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    code, _, err = program(*run_arguments(station, parts), "--window")
    assert code == 2
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "mistake",
    [
        (["train", "--data", "nowhere"], "nowhere: no such folder"),
        (["train", "--data", "empty"], "empty: holds no images"),
        (["train", "--data", "lone"], "lone: one good image is not enough: give at least 2, better 20 or more"),
        (["train", "--data", "parts", "--grid", "many"], "--grid, --overlap: grid is 'many', wanted ROWSxCOLUMNS"),
        (["train", "--data", "parts", "--overlap", "0.9"], "--grid, --overlap: grid overlap is 0.9"),
        (["train", "--data", "parts", "--epochs", "0"], "wants a whole number from 1, got '0'"),
        (["train", "--data", "parts", "--false-rejects", "2"], "wants a share between 0 and 1, got '2'"),
        (["train", "--data", "parts", "--product", "a b"], "product 'a b': wants a name of letters, digits"),
        (["train", "--data", "broken"], "2.png: "),
        (["evaluate", "--data", "nowhere"], "nowhere: no test/ folder"),
        (["evaluate", "--data", "parts"], "parts: no test/ folder"),
        (["calibrate", "--threshold", "nonsense"], "argument --threshold: wants a number above 0, got 'nonsense'"),
        (["calibrate", "--threshold", "-1"], "--threshold"),
        (["calibrate", "--threshold", "nan"], "wants a number above 0, got 'nan'"),
        (["calibrate", "--false-rejects", "1/0"], "wants a share like 0.01, 1% or 5/1000, got '1/0'"),
        (["calibrate", "--data", "empty"], "empty: holds no images"),
        (["calibrate", "--data", "broken"], "2.png: "),
    ],
)
def test_a_mistake_around_training_is_one_line_and_changes_nothing(program, station, parts, monkeypatch, mistake):
    monkeypatch.chdir(parts.parent)
    Path("empty").mkdir()
    save(Path("lone/0.png"), gray(40))
    for number in range(2):
        save(Path(f"broken/{number}.png"), gray(40 + number))
    Path("broken/2.png").write_text("not an image")
    before = {path: path.read_bytes() for path in (station.model(), station.recipe())}
    (verb, *options), words = mistake
    # The command line may name its own product; the last one counts.
    assert_one_line(program(verb, "--product", "alpha", *folders(station), *options), words)
    assert {path: path.read_bytes() for path in before} == before


# ---- run


def test_a_run_tells_every_part_and_adds_up(program, station, parts):
    code, out, err = program(*run_arguments(station, parts))
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[1] for line in lines[:4]] == ["PASS", "PASS", "FAIL", "PASS"]
    assert "captured 4  pass 3  fail 1  missed 0" in lines[4]
    assert [row["verdict"] for row in rows(station)] == ["pass", "pass", "fail", "pass"]
    assert [row["part"] for row in rows(station)] == ["0.png", "1.png", "2.png", "3.png"]
    assert {row["recipe"] for row in rows(station)} == {load_recipe(station.config, "alpha").hash}


def test_a_run_keeps_the_pictures_it_was_asked_for(program, station, parts, tmp_path):
    overlays, video = tmp_path / "overlays", tmp_path / "run.avi"
    options = ["--save-overlays", overlays, "--keep-pass-every", "3", "--save-video", video, "--fps", "200"]
    code, _, _ = program(*run_arguments(station, parts), *options)
    assert code == 0
    assert [path.name.split("-", 2)[2] for path in sorted(overlays.iterdir())] == ["pass-0.jpg", "fail-2.jpg"]
    capture = cv2.VideoCapture(str(video))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 4
    capture.release()


def test_odd_images_in_a_replay_are_judged_or_missed_with_their_cause_and_the_run_goes_on(program, station, tmp_path):
    station.write(colour=ColourSettings(enhance="overlay"))
    source = tmp_path / "odd"
    save(source / "gray.png", np.full((48, 64), 40, np.uint8))
    save(source / "deep.png", np.full((48, 64, 3), 40 * 257, np.uint16))
    save(source / "opaque.png", np.dstack([gray(40), np.full((48, 64), 255, np.uint8)]))
    save(source / "transparent.png", np.dstack([gray(40), np.full((48, 64), 128, np.uint8)]))
    save(source / "dot.png", gray(40, 1, 1))
    save(source / "huge.jpg", gray(40, 3648, 5472))
    save(source / "portrait.png", gray(200, 640, 48))
    whole = save(source / "cut.jpg", speckled(0, 40))
    whole.write_bytes(whole.read_bytes()[:-300])
    (source / "text.png").write_text("not an image")
    (source / "empty.png").touch()
    (source / "notes.txt").write_text("passed over")
    code, out, _ = program(*run_arguments(station, source), "--save-overlays", tmp_path / "overlays")
    assert code == 0
    judged = {"gray": "pass", "opaque": "pass", "dot": "pass", "huge": "pass", "portrait": "fail"}
    missed = {"deep", "transparent", "cut", "text", "empty"}
    found = rows(station)
    assert {Path(row["part"]).stem: row["verdict"] for row in found} == judged | dict.fromkeys(missed, "missed")
    for row in found:
        assert (row["cause"], bool(row["detail"])) == (("decode", True) if row["verdict"] == "missed" else ("", False))
    assert "captured 10  pass 4  fail 1  missed 5" in out


def test_a_failing_model_ends_the_run_with_one_line_and_every_part_in_the_log(program, station, parts):
    save(parts / "4.png", gray(station.poison))
    code, _, err = program(*run_arguments(station, parts))
    assert code == 2
    assert err.startswith("error: alpha: ONNX Runtime failed")
    assert err.count("\n") == 1
    assert [row["frame"] for row in rows(station)] == ["0", "1", "2", "3", "4"]
    assert rows(station)[4]["cause"] == "model"


# ---- signals and changes, in a process of their own


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_ends_an_endless_run_in_order(start, station, parts, number):
    process = start(*run_arguments(station, parts), "--loop")
    first = [process.out.next() for _ in range(20)]
    assert process.end(number) == 0
    *more, counts, _latency, _pace, _csv, _jsonl = process.out.rest()
    told = first + more
    assert counts.startswith(f"captured {len(told)} ")
    assert [int(line.split()[0]) for line in told] == list(range(len(told)))
    found = rows(station)
    assert [int(row["frame"]) for row in found] == list(range(len(told)))
    assert {row["cause"] for row in found} <= {"", "shutdown"}
    assert [line for line in process.err.rest() if " INFO " not in line] == []


@POSIX
def test_a_recipe_that_changes_on_disk_changes_the_running_line(start, station, parts):
    process = start(*run_arguments(station, parts), "--loop", "--fps", "100")
    process.out.until("FAIL", "/ 5.000", "2.png")
    station.recipe().write_text("product: alpha\nthreshold: wrong\n")
    refused = process.err.until("changeover refused")[-1]
    assert "alpha goes on: alpha.yaml: threshold: wants auto or a number above 0, got 'wrong'" in refused
    station.write(threshold=9.5)
    assert all("/ 5.000" in line or "/ 9.500" in line for line in process.out.until("PASS", "/ 9.500", "2.png"))
    assert process.end(signal.SIGINT) == 0
    found = rows(station)
    assert [int(row["frame"]) for row in found] == list(range(len(found)))
    assert [row["threshold"] for row in found] == sorted(row["threshold"] for row in found)
    assert {row["recipe"] for row in found if row["threshold"] == "9.5"} == {load_recipe(station.config, "alpha").hash}


@POSIX
def test_who_stops_reading_gets_no_traceback():
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, ROOT / "run_inspector.py", "doctor"], stdout=pipe, stderr=pipe) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE_S) == 0


# ---- train, calibrate, evaluate


def test_train_and_evaluate_speak_json_and_nothing_else(program, labelled, tmp_path):
    place = [
        "--model-dir",
        tmp_path / "m",
        "--config-dir",
        tmp_path / "c",
        "--data",
        labelled,
        "--product",
        "p",
        "--json",
    ]
    code, out, _ = program("train", *place, "--model", "pixel", "--epochs", "1", "--grid", "1x2", "--device", "cpu")
    assert code == 0
    trained = json.loads(out)
    assert (trained["product"], trained["model"], trained["images"], trained["patches"]) == ("p", "pixel", 6, 12)
    code, out, err = program("evaluate", *place)
    assert (code, err) == (0, "")
    evaluated = json.loads(out)
    assert (evaluated["images"], evaluated["anomalies"], len(evaluated["per_image"])) == (6, 3, 6)
    assert evaluated["threshold"] == trained["threshold"]
    assert load_recipe(tmp_path / "c", "p").grid == "1x2"


def test_evaluate_counts_right_and_wrong_verdicts(program, station, labelled, tmp_path):
    arguments = ["evaluate", "--product", "alpha", "--data", labelled, *folders(station)]
    code, out, err = program(*arguments, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["image_auroc"], found["recall"], found["false_reject_rate"]) == (1, 1, 0)
    plots = tmp_path / "plots"
    code, out, _ = program(*arguments, "--plot-reconstructions", "2", "--plot-dir", plots)
    assert code == 0
    assert "NOT ANOMALY" in out
    assert len(list(plots.iterdir())) == 2


def test_a_threshold_by_hand_is_written_with_its_model_and_used(program, station, parts):
    code, out, err = program("calibrate", "--product", "alpha", "--threshold", "9.5", *folders(station))
    assert (code, err) == (0, "")
    assert "threshold 9.5: set by hand" in out
    recipe = load_recipe(station.config, "alpha")
    assert (recipe.threshold, recipe.threshold_model) == (9.5, station.load().detector.model_hash)
    program(*run_arguments(station, parts))
    assert {row["verdict"] for row in rows(station)} == {"pass"}


def test_a_threshold_of_a_replaced_model_is_one_line_and_calibrate_mends_it(program, station, parts):
    update_recipe(station.config, "alpha", threshold=3.0, threshold_model="abcdefabcdef")
    assert_one_line(program(*run_arguments(station, parts)), "run `calibrate` again, or write threshold: auto")
    assert program("calibrate", "--product", "alpha", "--data", parts, *folders(station))[0] == 0
    assert program(*run_arguments(station, parts))[0] == 0


def test_doctor_speaks_json(program, station, tmp_path):
    code, out, err = program("doctor", "--json", "--log-dir", tmp_path / "logs", *folders(station))
    report = json.loads(out)
    assert err == ""
    assert code == (0 if report["ok"] else 2)
