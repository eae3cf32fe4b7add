"""The figures of a product on a labelled test set. A part's score is its brightness / 25.5, the threshold 5."""

import cv2
import numpy as np
import pytest
from drawn import save
from labelled import fill, part, spot
from product import Product

from inspector.images import read_image
from inspector.model_info import file_hash

pytest_plugins = ["trained"]

KEYS = {
    "product",
    "images",
    "anomalies",
    "image_auroc",
    "precision",
    "recall",
    "f1",
    "accuracy",
    "threshold",
    "false_reject_rate",
    "ms_per_part_p50",
    "model_mb",
    "per_image",
    "intervals",
    "model",
    "recipe_hash",
    "test_set",
    "seen_in_training",
    "seen_images",
    "operating_points",
    "utc",
    "versions",
}


@pytest.fixture
def alpha(station, tmp_path):
    return Product("alpha", station.models.parent, tmp_path / "data")


@pytest.fixture
def labelled(alpha):
    """Two good parts right and one rejected; two defects found, one passed, one whose file is cut short."""
    fill(alpha.data, good=[40, 60, 200], dent=[210, 50], scratch=[230, 90])
    cut = alpha.data / "test" / "scratch" / "1.png"
    cut.write_bytes(cut.read_bytes()[:-20])
    return alpha


def table(product):
    """The report's rows: name -> its figures."""
    said = product.call("evaluate", "--data", product.data)
    names = ("NOT ANOMALY", "ANOMALY", "macro avg", "weighted avg")
    rows = {name: line.removeprefix(name).split() for name in names for line in said.splitlines() if _is(line, name)}
    return {name: [float(figure) for figure in figures] for name, figures in rows.items()}, said


def _is(line, name):
    return line.startswith(f"{name} ")


# ---- JSON


def test_the_json_object_has_the_figures_promised(labelled):
    found = labelled.evaluate()
    assert found.keys() >= KEYS
    assert all(one.keys() == {"name", "defect", "score", "verdict"} for one in found["per_image"])


def test_figures_are_those_computed_by_hand(labelled):
    found = labelled.evaluate()
    assert (found["product"], found["images"], found["anomalies"]) == ("alpha", 7, 4)
    assert found["threshold"] == 5
    assert found["precision"] == pytest.approx(3 / 4)  # rejected: 210, 230, the one cut short; and the good 200
    assert found["recall"] == pytest.approx(3 / 4)
    assert found["f1"] == pytest.approx(3 / 4)
    assert found["accuracy"] == pytest.approx(5 / 7)
    assert found["false_reject_rate"] == pytest.approx(1 / 3)
    # Of the nine pairs of judged parts, a defect scores above a good one in 3 (210) + 3 (230) + 1 (50).
    assert found["image_auroc"] == pytest.approx(7 / 9)
    assert found["model_mb"] == pytest.approx(labelled.model.stat().st_size / 1e6, abs=0.001)
    assert found["ms_per_part_p50"] > 0


def test_every_image_is_listed_and_a_file_cut_short_is_missed(labelled):
    found = {one["name"]: one for one in labelled.evaluate()["per_image"]}
    verdicts = {name: one["verdict"] for name, one in found.items()}
    assert verdicts == {
        "good/0.png": "pass",
        "good/1.png": "pass",
        "good/2.png": "fail",
        "dent/0.png": "fail",
        "dent/1.png": "pass",
        "scratch/0.png": "fail",
        "scratch/1.png": "missed",
    }
    assert found["scratch/1.png"]["score"] is None
    assert found["dent/0.png"] == {
        "name": "dent/0.png",
        "defect": "dent",
        "score": pytest.approx(210 / 25.5),
        "verdict": "fail",
    }


def test_a_good_part_that_is_missed_is_a_false_reject(alpha):
    fill(alpha.data, good=[40, 41], dent=[210])
    (alpha.data / "test" / "good" / "1.png").write_bytes(b"")
    found = alpha.evaluate()
    assert (found["false_reject_rate"], found["recall"], found["image_auroc"]) == (0.5, 1, 1)


def test_a_test_set_of_good_parts_only_has_no_auroc(alpha):
    fill(alpha.data, good=[40, 41, 200])
    found = alpha.evaluate()
    assert (found["anomalies"], found["image_auroc"]) == (0, None)
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["false_reject_rate"] == pytest.approx(1 / 3)
    assert (found["precision"], found["recall"], found["f1"]) == (0, 0, 0)
    rows, said = table(alpha)
    assert rows["NOT ANOMALY"][3] == 3
    assert "Traceback" not in said


def test_a_test_set_without_good_parts_is_refused(alpha):
    fill(alpha.data, dent=[210, 220, 50], fine=[40])
    said = alpha.refused("evaluate", "--data", alpha.data)
    assert "no good parts: dent (3), fine (1)" in said
    assert f"put good parts into {alpha.data / 'test' / 'good'}" in said


def test_a_test_set_in_which_nothing_can_be_judged_is_all_missed(alpha):
    fill(alpha.data, good=[40], dent=[200])
    for path in (alpha.data / "test").rglob("*.png"):
        path.write_bytes(b"not an image")
    found = alpha.evaluate()
    assert {one["verdict"] for one in found["per_image"]} == {"missed"}
    assert (found["image_auroc"], found["ms_per_part_p50"], found["recall"]) == (None, None, 1)
    table(alpha)


def test_the_recipes_threshold_is_the_one_that_counts(labelled):
    labelled.call("calibrate", "--threshold", "8.5")
    found = labelled.evaluate()
    assert found["threshold"] == 8.5
    assert (found["false_reject_rate"], found["recall"]) == (0, 2 / 4)
    assert found["image_auroc"] == pytest.approx(7 / 9)


def test_every_figure_has_an_interval_around_it(labelled):
    found = labelled.evaluate()
    intervals = found["intervals"]
    assert intervals.keys() == {"image_auroc", "pixel_auroc", "au_pro", "f1", "best_f1", "false_reject_rate"}
    for name in ("image_auroc", "f1", "best_f1", "false_reject_rate"):
        low, high = intervals[name]
        assert 0 <= low <= found[name] <= high <= 1, name
    assert (intervals["pixel_auroc"], intervals["au_pro"]) == (None, None), "there are no masks"


def test_without_defects_only_false_rejects_have_an_interval(alpha):
    fill(alpha.data, good=[40, 41, 200])
    intervals = alpha.evaluate()["intervals"]
    assert intervals.pop("false_reject_rate") == [0, 1]
    assert set(intervals.values()) == {None}


def test_the_result_says_which_model_and_which_images_it_is_about(station, labelled):
    found = labelled.evaluate()
    assert found["model"]["hash"] == file_hash(labelled.model)
    assert (found["model"]["seed"], found["model"]["kind"], found["model"]["grid"]) == (0, "pixel", "1x1")
    assert found["recipe_hash"] == labelled.load().recipe.hash
    station.alter(seed=3)
    (labelled.data / "test" / "good" / "0.png").unlink()
    other = labelled.evaluate()
    assert other["model"]["seed"] == 3
    assert other["model"]["hash"] != found["model"]["hash"]
    assert other["test_set"] != found["test_set"]


def test_test_images_known_from_training_are_named(station, labelled):
    assert (labelled.evaluate()["seen_in_training"], labelled.evaluate()["seen_images"]) == (0, [])
    assert "training" not in table(labelled)[1]
    known = [file_hash(labelled.data / "test" / "good" / f"{number}.png") for number in (0, 1)]
    station.alter(held_out={known[0]: 1.6}, learned_from=known)
    found = labelled.evaluate()
    assert (found["seen_in_training"], found["seen_images"]) == (2, ["good/0.png", "good/1.png"])
    (line,) = (line for line in table(labelled)[1].splitlines() if "known from training" in line)
    assert line.startswith("warning: 2 of 7 test images were known from training (good/0.png, good/1.png): ")
    assert "flattered" in line


def test_of_many_known_images_the_first_are_named(station, alpha):
    fill(alpha.data, good=[40 + number for number in range(9)], dent=[210])
    station.alter(learned_from=[file_hash(path) for path in (alpha.data / "test" / "good").iterdir()])
    assert "(good/0.png, good/1.png, good/2.png and 6 more)" in table(alpha)[1]
    assert len(alpha.evaluate()["seen_images"]) == 9


# ---- other thresholds


def test_three_other_thresholds_are_shown_beside_the_one_in_use(labelled):
    """Of the good parts 40, 60, 200; of the defects 50, 210, 230 and one that is rejected unseen."""
    points = labelled.evaluate()["operating_points"]
    found = {name: (point["defects_missed"], point["false_rejects"]) for name, point in points.items()}
    assert found == {
        "in_use": (1, 1),
        "miss_nothing": (0, 2),
        "fewest_errors": (1, 0),
        "reject_no_good_part": (1, 0),
    }
    assert points["in_use"]["threshold"] == 5
    assert points["miss_nothing"]["threshold"] == pytest.approx(50 / 25.5)
    assert points["reject_no_good_part"]["threshold"] == pytest.approx(200 / 25.5)
    assert points["reject_no_good_part"]["recall"] == 3 / 4
    said = table(labelled)[1].splitlines()
    rows = {name: next(line for line in said if line.startswith(name)).split() for name in ("in use", "miss nothing")}
    assert rows["in use"] == ["in", "use", "5.000", "3", "of", "4", "75.0%", "1", "of", "3", "33.3%"]
    assert rows["miss nothing"][3:] == ["4", "of", "4", "100.0%", "2", "of", "3", "66.7%"]
    assert any("chosen on this very test set" in line for line in said)


@pytest.mark.parametrize("name", ["miss_nothing", "fewest_errors", "reject_no_good_part"])
def test_such_a_threshold_does_on_the_line_what_is_said_of_it(labelled, name):
    point = labelled.evaluate()["operating_points"][name]
    labelled.call("calibrate", "--threshold", repr(point["threshold"]))
    found = labelled.evaluate()
    assert found["recall"] == point["recall"]
    assert found["false_reject_rate"] == pytest.approx(point["false_reject_rate"])


def test_without_both_classes_there_are_no_other_thresholds(alpha):
    fill(alpha.data, good=[40, 41, 200])
    assert alpha.evaluate()["operating_points"] == {}


def test_the_name_that_a_missing_mask_should_have_is_said(alpha):
    fill(alpha.data, good=[40])
    for number in range(3):
        spot(alpha.data, "dent", number, masked=number == 1)
    said = table(alpha)[1]
    assert "warning: 2 of 3 defective parts have no mask" in said
    assert f"test/dent/0.png: wanted is {alpha.data / 'ground_truth' / 'dent' / '0_mask.png'}" in said


# ---- text


def test_scores_are_told_apart_from_the_threshold(labelled):
    labelled.recipe.write_text(labelled.recipe.read_text().replace("threshold: auto", "threshold: 7.8431"))
    said = table(labelled)[1].splitlines()  # 200 / 25.5 is 7.84314
    row = next(line for line in said if line.startswith("good/2.png")).split()
    assert (row[1], row[2], row[-2:]) == ("7.84314", "7.84314", ["FAIL", "WRONG"])
    assert any(line.startswith("threshold 7.84310 ") for line in said)
    shown = {name: next(line for line in said if line.startswith(name)) for name in ("in use", "reject no good part")}
    assert shown["in use"].split()[2] != shown["reject no good part"].split()[4]


def test_the_report_has_both_classes_and_their_averages(labelled):
    rows, said = table(labelled)
    assert rows == {
        "ANOMALY": [0.75, 0.75, 0.75, 4],
        "NOT ANOMALY": pytest.approx([2 / 3, 2 / 3, 2 / 3, 3], abs=0.001),
        "macro avg": pytest.approx([0.708, 0.708, 0.708, 7], abs=0.001),
        "weighted avg": pytest.approx([0.714, 0.714, 0.714, 7], abs=0.001),
    }
    header = next(line for line in said.splitlines() if line.split() == ["precision", "recall", "F1", "support"])
    assert said.index(header) < said.index("\nANOMALY") < said.index("\nNOT ANOMALY") < said.index("\nmacro avg")


def test_each_image_has_a_line_with_its_score_and_whether_that_is_right(labelled):
    lines = {line.split()[0]: line for line in table(labelled)[1].splitlines() if ".png" in line}
    assert len(lines) == 7
    assert f"{200 / 25.5:.3f}" in lines["good/2.png"]
    assert lines["good/2.png"].endswith("FAIL   WRONG")
    assert lines["dent/0.png"].endswith("FAIL   right")
    assert "cut short" in lines["scratch/1.png"]


def test_the_highest_patches_of_a_grid_are_shown(station, alpha):
    station.alter(grid="2x2")
    station.write(grid="2x2")
    picture = part(40)
    picture[24:, 32:] = 204
    fill(alpha.data, good=[40])
    save(alpha.data / "test" / "dent" / "0.png", picture)
    (line,) = (line for line in table(alpha)[1].splitlines() if line.startswith("dent/0.png"))
    assert line.split()[1:5] == ["8.000", "8.000", "1.569", "1.569"]  # the part's score, then its patches'


# ---- reconstructions


@pytest.mark.parametrize(("asked", "saved"), [(1, 1), (3, 3), (40, 6)])
def test_as_many_reconstructions_are_saved_as_asked_for_and_there_are_patches(labelled, tmp_path, asked, saved):
    plots = tmp_path / "plots"
    said = labelled.call("evaluate", "--data", labelled.data, "--plot-reconstructions", asked, "--plot-dir", plots)
    files = sorted(plots.iterdir())
    assert len(files) == saved
    assert said.splitlines()[-saved:] == [f"wrote {path}" for path in files]
    assert "scratch_0" in files[0].name  # the strangest: 230


def test_a_saved_reconstruction_shows_the_patch_beside_what_the_model_made_of_it(labelled, tmp_path):
    labelled.call(
        "evaluate", "--data", labelled.data, "--plot-reconstructions", "1", "--plot-dir", tmp_path / "p", "--json"
    )
    (path,) = (tmp_path / "p").iterdir()
    picture = read_image(path)
    height, width = picture.shape[:2]
    assert width == 4 * (height - 24)  # four squares under a banner
    for number in range(3):  # patch, as seen, reconstruction: this model gives back what it is given
        panel = picture[24:, number * width // 4 : (number + 1) * width // 4]
        assert np.abs(panel.astype(int) - 230).max() <= 1
    assert len(np.unique(picture[:24])) > 2, "the banner has words"


def test_reconstructions_of_aligned_parts_show_the_part(feature_model, tmp_path):
    product = Product(feature_model.name, feature_model.home, tmp_path)
    for number, path in enumerate(feature_model.good[:2]):
        save(tmp_path / "test" / "good" / f"{number}.png", cv2.imread(str(path)))
    found = product.evaluate("--plot-reconstructions", "2", "--plot-dir", tmp_path / "plots")
    assert found["false_reject_rate"] == 0
    for path in (tmp_path / "plots").iterdir():
        height, width = read_image(path).shape[:2]
        assert width > 4 * (height - 24), "longer than wide, as the part is"
