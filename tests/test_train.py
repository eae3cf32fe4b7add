"""From a folder of good images to a model file and a recipe."""

import copy
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from drawn import HEIGHT, WIDTH, Pose, belt, nail, nudged, plate, poses, save
from product import Product

from export.learn import onnx_file, pixel
from export.learn.learners import learner_for
from export.learn.settings import Settings
from export.learn.whole import DETAIL
from inspector.colour import Gamut
from inspector.detector import Detector
from inspector.errors import ModelError
from inspector.grid import Grid
from inspector.images import read_image
from inspector.model_info import file_hash
from inspector.recipe import load_recipe
from inspector.records import Cause, Frame, Prediction, Verdict

pytest_plugins = ["trained"]

ROOT = Path(__file__).parent.parent
QUICK = ("--model", "pixel", "--epochs", "1")

# Runs where there is no PyTorch: the station needs none.
ELSEWHERE = """
import sys
sys.modules["torch"] = sys.modules["onnx"] = None
from pathlib import Path
import numpy as np
from inspector.detector import Detector
found = Detector(Path(sys.argv[1]))(np.load("patches.npy"))
np.savez("found.npz", maps=found.maps, scores=found.scores)
"""


def new_product(home, count, name="part"):
    """A product that nothing is known of but some good images."""
    for number, pose in enumerate(nudged(count)):
        save(home / "data" / f"{number}.png", nail(pose, number))
    return Product(name, home, home / "data")


def patches_of(product, images):
    inspector = product.load()
    return np.concatenate([inspector.preparation.patches(read_image(path)) for path in images])


def info_of(product):
    return Detector(product.model).info


def assert_same(found, wanted, **tolerances):
    np.testing.assert_allclose(found.maps, wanted.maps, **tolerances)
    np.testing.assert_allclose(found.scores, wanted.scores, **tolerances)


# ---- the file is the whole model


@pytest.mark.parametrize("kind", ["feature_model", "pixel_model"])
def test_the_file_alone_gives_the_same_maps_where_there_is_no_pytorch(request, tmp_path, kind):
    product = request.getfixturevalue(kind)
    assert list(product.model.parent.iterdir()) == [product.model], "one file, no other beside it"
    patches = patches_of(product, product.good[:3])
    np.save(tmp_path / "patches.npy", patches)
    (tmp_path / "only.onnx").write_bytes(product.model.read_bytes())
    command = [sys.executable, "-c", ELSEWHERE, "only.onnx"]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert_same(Prediction(**np.load(tmp_path / "found.npz")), Detector(product.model)(patches), atol=1e-4)


@pytest.fixture(scope="module")
def exported(pixel_model, tmp_path_factory):
    """An autoencoder that learned nothing, in a file of its own."""
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    onnx_file.export(unlearned(), info_of(pixel_model), Gamut.of([nail()]), path)
    return path


def unlearned():
    torch.manual_seed(3)
    return pixel.PixelModel(pixel.Scale(), pixel.PixelAutoencoder()).eval().requires_grad_(False)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 17])
def test_the_exported_file_says_what_pytorch_says_for_any_number_of_patches(exported, count):
    patches = np.random.default_rng(count).integers(0, 256, (count, 128, 128, 3), np.uint8)
    with torch.no_grad():
        maps, scores, reconstructions = unlearned()(torch.from_numpy(patches))
    detector = Detector(exported)
    assert_same(detector(patches), Prediction(maps.numpy(), scores.numpy()), rtol=1e-3, atol=1e-4)
    shown = detector.reconstructions(patches).astype(int)
    assert np.abs(shown - reconstructions.numpy().astype(int)).max() <= 1


def test_a_file_that_differs_from_the_model_is_an_error(exported):
    model = unlearned()
    patches = np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3), np.uint8)
    assert onnx_file.check(model, patches, exported) < 1e-3
    tampered = copy.deepcopy(model)
    with torch.no_grad():
        tampered.autoencoder.decode[-1].bias += 0.01
    with pytest.raises(ModelError, match=r"model\.onnx: the exported graph differs from the PyTorch model by .*"):
        onnx_file.check(tampered, patches, exported)


def test_a_model_that_gives_no_numbers_is_an_error(exported):
    model = unlearned()
    model.autoencoder.usual_error.fill_(0)
    with pytest.raises(ModelError, match="do not use it"):
        onnx_file.check(model, np.zeros((1, 128, 128, 3), np.uint8), exported)


# ---- small defects on large parts


def test_a_faint_speck_of_8_pixels_on_a_large_part_is_stranger_than_any_good_part(tmp_path):
    product = Product("plate", tmp_path, tmp_path / "data")
    for number in range(12):
        save(product.data / f"{number}.png", plate(number))
    product.train("--effort", "quick", "--align", "none", "--false-rejects", "0.01")
    places = [(250, 200), (400, 545), (600, 300), (400, 350), (180, 400)]
    good = _judged(product, [plate(100 + number) for number in range(8)])
    defective = _judged(product, [plate(200 + number, speck) for number, speck in enumerate(places)])
    assert min(one.score for one in defective) > max(one.score for one in good)
    assert [one.verdict for one in defective] == [Verdict.FAIL] * len(places)
    assert [one.verdict for one in good] == [Verdict.PASS] * len(good)
    for one, (x, y) in zip(defective, places, strict=True):
        row, col = np.unravel_index(one.anomaly_map.argmax(), one.anomaly_map.shape)
        rows, cols = one.anomaly_map.shape
        assert abs((col + 0.5) / cols * 800 - x) < 20
        assert abs((row + 0.5) / rows * 640 - y) < 20


# ---- what it knows about its good parts


def test_every_good_part_has_a_score_of_a_feature_model_that_had_not_seen_it(feature_model):
    info = info_of(feature_model)
    hashes = {file_hash(path) for path in feature_model.good}
    assert len(hashes) == info.images == info.patches == 10
    assert info.held_out.keys() == info.learned_from == hashes
    own = [one.score for one in _judged(feature_model, [read_image(path) for path in feature_model.good])]
    assert np.mean(list(info.held_out.values())) > np.mean(own), "parts it has learned look less strange"


def test_a_pixel_model_holds_one_fold_out_and_never_learns_from_it(pixel_model):
    info = info_of(pixel_model)
    hashes = {file_hash(path) for path in pixel_model.good}
    assert len(info.held_out) == 2
    assert info.held_out.keys() | info.learned_from == hashes
    assert not info.held_out.keys() & info.learned_from
    on_the_line = {file_hash(path): one.score for path, one in zip(pixel_model.good, _good(pixel_model), strict=True)}
    assert max(info.held_out, key=info.held_out.get) == max(info.held_out, key=on_the_line.get), "each its own score"


@pytest.mark.parametrize("kind", ["feature_model", "pixel_model"])
def test_the_suggested_threshold_rests_on_the_held_out_scores_and_passes_the_good_parts(request, kind):
    product = request.getfixturevalue(kind)
    info = info_of(product)
    scores = list(info.held_out.values())
    assert sum(score > info.threshold for score in scores) <= info.false_rejects * (len(scores) + 1)
    assert info.guaranteed is (kind == "feature_model"), "the pixel model holds only two parts out"
    if info.guaranteed:
        assert info.threshold in scores
    else:
        assert info.threshold > max(scores), "extrapolated"
    assert [one.verdict for one in _good(product)] == [Verdict.PASS] * 10


def _good(product):
    return _judged(product, [read_image(path) for path in product.good])


def _judged(product, pictures):
    return product.load().inspect([Frame(number, 0, picture) for number, picture in enumerate(pictures)])


# ---- grids


def test_each_patch_of_a_grid_is_learned_and_judged(pixel_model):
    info = info_of(pixel_model)
    assert (info.grid, info.overlap, info.images, info.patches) == ("2x2", 0.25, 10, 40)
    for row, col, centre in ((0, 0, (20, 20)), (0, 1, (220, 20)), (1, 0, (20, 180)), (1, 1, (220, 180))):
        picture = cv2.circle(nail(Pose(), 5), centre, 18, (255, 255, 255), -1)
        (found,) = _judged(pixel_model, [picture])
        assert found.patch_scores.shape == (2, 2)
        assert found.worst_patch == (row, col)
        y, x = np.array(np.unravel_index(found.anomaly_map.argmax(), found.anomaly_map.shape))
        rows, cols = found.anomaly_map.shape
        assert abs(x * 240 / cols - centre[0]) < 30
        assert abs(y * 200 / rows - centre[1]) < 30


# ---- the recipe


def test_a_recipe_is_written_where_none_exists(pixel_model):
    recipe = load_recipe(pixel_model.recipe.parent, pixel_model.name)
    assert (recipe.grid, recipe.overlap, recipe.threshold) == ("2x2", 0.25, "auto")
    text = pixel_model.recipe.read_text()
    assert text.count("#") > 5, "with comments"


def test_an_existing_recipe_is_kept_to_the_letter_and_its_settings_used(tmp_path):
    product = new_product(tmp_path, 3)
    text = (
        "# Ann's recipe, do not touch\nproduct: part\ngrid: 1x2   # left and right half\noverlap: 0.1\n"
        "false_rejects: 0.3 # boss says\nalign: none\ncolour:\n  enhance: model   # red dots matter\n"
    )
    product.recipe.parent.mkdir()
    product.recipe.write_text(text)
    product.train(*QUICK)
    assert product.recipe.read_text() == text
    info = info_of(product)
    assert (info.grid, info.overlap, info.false_rejects, info.enhanced) == ("1x2", 0.1, 0.3, True)
    assert product.load().recipe.grid == "1x2"

    said = product.call("train", "--data", product.data, *QUICK, "--grid", "3x1")
    assert f"changed {product.recipe}: grid 3x1" in said
    assert product.recipe.read_text() == text.replace("grid: 1x2 ", "grid: 3x1 ")
    assert product.load().grid.rows == 3


def test_colours_that_the_recipe_treats_otherwise_are_refused_before_training(tmp_path):
    product = new_product(tmp_path, 3)
    product.recipe.parent.mkdir()
    product.recipe.write_text("product: part\ncolour:\n  enhance: none\n")
    said = product.refused("train", "--data", product.data, *QUICK, "--colour", "model")
    assert "part.yaml: colour.enhance is none, but --enhance says model: change the file first" in said
    assert not product.model.exists()


# ---- the same every time


def test_the_json_object_has_exactly_its_keys_and_the_same_seed_gives_the_same_model(pixel_model, tmp_path):
    again = Product(pixel_model.name, tmp_path, pixel_model.data)
    options = ("--model", "pixel", "--epochs", "3", "--grid", "2x2", "--overlap", "0.25")
    found = again.train(*options)
    assert found.keys() == {
        "product",
        "model",
        "seconds",
        "ms_per_part",
        "images",
        "patches",
        "threshold",
        "false_rejects",
        "guaranteed",
        "synthetic_defects",
        "known_defects",
        "suspects",
        "quality",
        "dropped",
    }
    assert (found["product"], found["model"], found["images"], found["patches"]) == ("held", "pixel", 10, 40)
    assert found["seconds"] > 0
    assert found["suspects"] == []
    one, other = info_of(pixel_model), info_of(again)
    assert found["threshold"] == other.threshold
    assert one.held_out == pytest.approx(other.held_out, rel=1e-5)
    assert (one.learned_from, one.training_set, one.colour_tolerance) == (
        other.learned_from,
        other.training_set,
        other.colour_tolerance,
    )
    patches = patches_of(again, again.good[:2])
    assert_same(Detector(again.model)(patches), Detector(pixel_model.model)(patches), rtol=1e-4)


# ---- few images, odd images


def test_a_model_knows_the_size_of_its_images_and_refuses_another(pixel_model):
    assert info_of(pixel_model).image_shape == (HEIGHT, WIDTH)
    good = read_image(pixel_model.good[0])
    turned = np.ascontiguousarray(np.rot90(good))
    found = pixel_model.load().inspect(
        [Frame(0, 0, good), Frame(1, 0, turned), Frame(2, 0, cv2.resize(good, None, fx=2, fy=2))]
    )
    assert [inspection.cause for inspection in found] == [None, Cause.SIZE, Cause.SIZE]


def test_images_of_several_sizes_are_named_and_then_any_size_is_judged(tmp_path):
    product = new_product(tmp_path, 6)
    odd = tmp_path / "data" / "4.png"
    save(odd, cv2.resize(read_image(odd), (200, 200)))
    said = product.call("train", "--data", product.data, *QUICK)
    assert f"look at {odd}: size: 200 x 200 px; 5 of 6 images are {WIDTH} x {HEIGHT}" in said
    assert info_of(product).image_shape is None
    found = product.load().inspect([Frame(0, 0, np.full((99, 77, 3), 90, np.uint8))])
    assert found[0].cause is not Cause.SIZE


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    """A product of two images, too few for synthetic defects to choose a grid; and what training said."""
    product = new_product(tmp_path_factory.mktemp("trial"), 2)
    return product, product.call("train", "--data", product.data, "--grid", "auto")


def test_two_images_are_enough_for_a_trial_with_a_warning(trial):
    product, said = trial
    assert "warning: only 2 good images" in said
    assert "extrapolated, without guarantee: 2 held-out good parts" in said
    assert "next: line-inspector run --product part" in said
    assert len(info_of(product).held_out) == 2
    good, defective = _judged(product, [nail(nudged(3)[2], 9), nail(nudged(3)[2], 9, spot=(0, 0))])
    assert defective.score > 1.5 * good.score


def test_a_finer_grid_is_taken_only_where_synthetic_defects_ask_for_it(trial):
    product, _ = trial
    assert load_recipe(product.recipe.parent, product.name).grid == "auto"
    assert info_of(product).grid == "1x1"


def test_one_image_is_refused(tmp_path):
    said = new_product(tmp_path, 1).refused("train", "--data", tmp_path / "data")
    assert "one good image is not enough: give at least 2" in said


def test_copies_of_one_image_are_refused_as_one(tmp_path):
    product = new_product(tmp_path, 1)
    for number in range(1, 4):
        (product.data / f"{number}.png").write_bytes((product.data / "0.png").read_bytes())
    assert "all 4 images are copies of one" in product.refused("train", "--data", product.data)
    assert not product.model.exists()


def test_gray_images_are_learned_and_a_part_that_stands_out_among_them_is_named(tmp_path):
    product = Product("gray", tmp_path, tmp_path / "data")
    for number, pose in enumerate(nudged(12)):
        picture = nail(pose, number, spot=(0, 0) if number == 7 else None)
        save(product.data / f"{number}.png", cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))
    said = product.call("train", "--data", product.data, "--effort", "quick")
    look = [line for line in said.splitlines() if line.startswith("look at ")]
    assert look == [f"look at {product.data / '7.png'}: it stands out from the other good parts"]
    info = info_of(product)
    assert max(info.held_out, key=info.held_out.get) == file_hash(product.data / "7.png")
    fresh = cv2.cvtColor(nail(nudged(13)[12], 40), cv2.COLOR_BGR2GRAY)
    assert _judged(product, [np.repeat(fresh[..., None], 3, 2)])[0].verdict is Verdict.PASS


def test_a_good_image_without_a_part_is_named_and_nothing_is_written(tmp_path):
    for number, pose in enumerate(poses(12)):
        save(tmp_path / "data" / f"{number}.png", nail(pose, number))
    save(tmp_path / "data" / "6.png", belt(6))
    product = Product("part", tmp_path, tmp_path / "data")
    said = product.refused("train", "--data", product.data, "--align", "object")
    assert "6.png: no part found" in said
    assert not product.model.exists()
    assert not product.recipe.exists()


# ---- effort, size, suspects


def test_a_grid_that_is_left_to_training_is_the_models_on_the_line(pixel_model, tmp_path):
    product = pixel_model.copy(tmp_path)
    product.recipe.write_text(product.recipe.read_text().replace("grid: 2x2", "grid: auto"))
    assert product.load().grid == info_of(product).layout


def test_another_input_makes_another_map(tmp_path):
    product = new_product(tmp_path, 3)
    product.call("train", "--data", product.data, "--align", "none", "--patch-px", 96, "--effort", "quick")
    inspector = product.load()
    assert inspector.detector.info.patch_shape == (192, 192)
    patches = inspector.preparation.patches(nail())
    assert patches.shape[1:3] == (192, 192)
    assert inspector.detector(patches).maps.shape[1:] == (24, 24)


@pytest.mark.parametrize(("grid", "least", "most"), [("1x1", 256, 256), ("2x1", 155, 232), ("2x2", 110, 164)])
def test_one_patch_is_seen_as_every_products_and_several_as_large_as_they_are(grid, least, most):
    """The side of a square as large as a patch of 200 x 240, 100 x 240 and 100 x 120 px, to half as much again."""
    learner = learner_for(Settings(grid=Grid.parse(grid)), (HEIGHT, WIDTH, 3))
    assert least <= learner.capabilities.seen_px <= most


def test_a_side_that_is_no_multiple_of_32_is_refused(tmp_path):
    product = new_product(tmp_path, 2)
    with pytest.raises(SystemExit, match="2"):
        product.call("train", "--data", product.data, "--patch-px", 100)
    assert not product.model.exists()


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory):
    """A product of two patches, trained without suspects; the odd image among its good ones, and what training said."""
    product = new_product(tmp_path_factory.mktemp("cleaned"), 24)
    odd = sorted(product.data.iterdir())[5]
    image = cv2.imread(str(odd))
    image[:, ::2] = 255 - image[:, ::2]
    cv2.imwrite(str(odd), image)
    options = ("--align", "none", "--effort", "quick", "--grid", "2x1", "--drop-suspects")
    return product, odd, product.train(*options)


def test_patches_of_a_grid_are_trained_in_no_more_pixels_than_they_have(cleaned):
    product, _, _ = cleaned
    seen = [side / DETAIL for side in info_of(product).patch_shape]
    assert 1 <= seen[0] * seen[1] / (HEIGHT / 2 * WIDTH) < 1.5**2  # less than half as many again each way


def test_suspects_are_left_out_when_asked(cleaned):
    _, odd, found = cleaned
    assert str(odd) in found["dropped"]
    assert found["images"] == 24 - len(found["dropped"])
