"""Which files are good parts, which are parts of a test set, and which are masks."""

import cv2
import numpy as np
import PIL.Image
import pytest
from drawn import nail, nudged, save
from product import Product

from export.dataset import distinct_images, good_images, labelled_images
from export.masks import read_mask
from inspector.errors import DataError

pytest_plugins = ["trained"]

QUICK = ("--model", "pixel", "--epochs", "1")


def parts(folder, count=2, suffix="png", first=0):
    """Different files of a folder."""
    return [save(folder / f"{i}.{suffix}", np.full((12, 16, 3), 40 + i, np.uint8)) for i in range(first, first + count)]


def mask(path, rows=4, shape=(12, 16)):
    """White in its upper left corner."""
    drawn = np.zeros(shape, np.uint8)
    drawn[:rows, :rows] = 255
    return save(path, drawn)


def refusal(call, data):
    with pytest.raises(DataError) as caught:
        call(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---- good parts


@pytest.mark.parametrize(
    "name",
    [
        *("ng", "NG", "NG_scratch", "nok", "not_ok", "ko", "Bad", "bad_parts", "01-bad", "rejects", "Defective"),
        *("anomaly_2", "Anomalies", "mask", "MASKS", "ground_truth", "Ground Truth", "test", "Test", "test_images"),
    ],
)
def test_a_folder_beside_good_ones_that_holds_no_good_parts_is_refused_with_what_to_type(tmp_path, name):
    parts(tmp_path / "good", 3)
    parts(tmp_path / name, 2)
    words = refusal(good_images, tmp_path)
    assert f"{name} (2 images)" in words
    assert words.endswith(f"give --data {tmp_path / 'good'}")


def test_such_a_folder_is_seen_at_any_depth_and_all_are_named(tmp_path):
    parts(tmp_path / "monday" / "OK" / "early", 3)
    parts(tmp_path / "monday" / "NG" / "early", 1)
    parts(tmp_path / "tuesday" / "more" / "masks", 4)
    words = refusal(good_images, tmp_path)
    assert "monday/NG (1 image)" in words
    assert "tuesday/more/masks (4 images)" in words
    assert f"--data {tmp_path / 'monday' / 'OK'}" in words


def test_defects_below_loose_good_images_are_refused(tmp_path):
    parts(tmp_path, 3)
    parts(tmp_path / "defects", 2)
    words = refusal(good_images, tmp_path)
    assert "defects (2 images)" in words
    assert f"move them out of {tmp_path}" in words


def test_beside_a_folder_named_good_no_other_is_taken_for_good(tmp_path):
    parts(tmp_path / "good", 3)
    parts(tmp_path / "scratch", 2)
    words = refusal(good_images, tmp_path)
    assert "scratch (2 images) beside good parts" in words
    assert f"--data {tmp_path / 'good'}" in words


def test_a_test_set_alone_is_not_learned(tmp_path):
    parts(tmp_path / "test" / "good", 3)
    assert f"put the good images into {tmp_path / 'train' / 'good'}" in refusal(good_images, tmp_path)


def test_loose_images_of_a_training_folder_are_found_where_the_test_set_is_beside_it(tmp_path):
    parts(tmp_path / "train", 3)
    parts(tmp_path / "test" / "scratch", 3)
    assert refusal(good_images, tmp_path).endswith(f"give --data {tmp_path / 'train'}")


@pytest.mark.parametrize(
    "above",
    ["test_rig_2024", "mask_a_product", "test", "NG", "defects/line 3"],
)
def test_what_stands_above_the_folder_or_in_a_files_name_says_nothing(tmp_path, above):
    data = tmp_path / above / "bracket"
    found = [*parts(data, 2), save(data / "ng_bad_test.png", np.full((12, 16, 3), 90, np.uint8))]
    assert good_images(data) == found


@pytest.mark.parametrize(
    "names",
    [
        ("defect_free", "day2"),
        ("no-defects",),
        ("bad_light", "low_light"),
        ("test_rig_2024", "line 2"),
        ("good", "good_monday", "OK-2"),
        ("masking_tape", "testimony"),
        ("normal_light", "low_light"),
        ("bangle", "king"),
    ],
)
def test_folders_of_good_parts_that_sound_a_little_like_others_are_learned(tmp_path, names):
    for number, name in enumerate(names):
        parts(tmp_path / name, 2, first=10 * number)
    assert len(good_images(tmp_path)) == 2 * len(names)


@pytest.mark.parametrize("name", ["good", "ok", "OK", "Good", "Normal"])
@pytest.mark.parametrize("place", ["train/", ""])
def test_the_good_folder_is_found_by_any_usual_name(tmp_path, place, name):
    found = parts(tmp_path / f"{place}{name}")
    if place:
        parts(tmp_path / "test" / "dent")
        parts(tmp_path / "ground_truth" / "dent")
        parts(tmp_path / "train" / "ng")
    assert good_images(tmp_path) == found


def test_two_good_folders_in_train_are_one_too_many(tmp_path):
    parts(tmp_path / "train" / "good")
    parts(tmp_path / "train" / "OK", first=5)
    assert "train: holds OK and good: put all good images into one" in refusal(good_images, tmp_path)


@pytest.mark.parametrize("ending", ["_GT", "_mask", "_gt", "_Mask"])
def test_masks_beside_images_are_no_parts_and_what_they_mark_is_not_good(tmp_path, ending):
    found = parts(tmp_path / "train", 4)
    for number in range(3):
        mask(tmp_path / "train" / f"{number}{ending}.png", rows=2 if number == 1 else 0)
    mask(tmp_path / "train" / f"without{ending}.png", rows=0)
    told = []
    assert good_images(tmp_path, told.append) == [found[0], found[2], found[3]]
    assert told == [f"left out {found[1]}: its mask marks a defect"]


def test_a_name_that_ends_like_a_masks_is_a_part_where_there_are_no_masks(tmp_path):
    found = [save(tmp_path / f"{name}_mask.png", np.full((12, 16), ord(name), np.uint8)) for name in "ab"]
    assert good_images(tmp_path) == found


@pytest.mark.parametrize("verb", ["train", "calibrate"])
def test_the_verbs_refuse_in_one_line(verb, tmp_path, pixel_model):
    parts(tmp_path / "data" / "good", 3)
    parts(tmp_path / "data" / "NG", 2)
    words = pixel_model.copy(tmp_path).refused(verb, "--data", tmp_path / "data")
    assert "NG (2 images)" in words
    assert f"--data {tmp_path / 'data' / 'good'}" in words


def test_of_files_that_are_the_same_one_is_kept_and_the_others_are_named(tmp_path):
    found = parts(tmp_path, 2)
    again = tmp_path / "again.png"
    again.write_bytes(found[0].read_bytes())
    told = []
    assert len(distinct_images(good_images(tmp_path), told.append)) == 2
    assert told == [f"left out {again}: it is the same file as {found[0]}"] or told == [
        f"left out {found[0]}: it is the same file as {again}"
    ]


def test_four_pictures_six_times_each_are_learned_as_four(tmp_path):
    for number, pose in enumerate(nudged(4)):
        first = save(tmp_path / "data" / f"{number}-0.png", nail(pose, number))
        for copy in range(1, 6):
            (tmp_path / "data" / f"{number}-{copy}.png").write_bytes(first.read_bytes())
    product = Product("part", tmp_path, tmp_path / "data")
    assert product.train("--align", "none", *QUICK)["images"] == 4
    assert product.load().detector.info.images == 4


def test_copies_that_are_other_files_are_named_whether_they_can_be_learned_or_not(tmp_path):
    for number, pose in enumerate(nudged(4)):
        for level in range(1, 7):
            path = tmp_path / "data" / f"{number}-{level}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(
                cv2.imencode(".png", nail(pose, number), [cv2.IMWRITE_PNG_COMPRESSION, level])[1].tobytes()
            )
    product = Product("part", tmp_path, tmp_path / "data")
    code, out, err = product.failed("train", "--data", product.data, "--align", "none", *QUICK)
    named = [path.name for path in sorted(product.data.iterdir()) if f"{path}: copy: the same exposure as" in out + err]
    assert named == [f"{number}-{level}.png" for number in range(4) for level in range(2, 7)]
    if code:
        assert "error: 20 of 24 images are copies of others" in err.splitlines()[-1]


@pytest.mark.parametrize("verb", ["train", "calibrate"])
def test_every_file_that_cannot_be_read_is_named(verb, tmp_path, pixel_model):
    product = pixel_model.copy(tmp_path)
    for number, pose in enumerate(nudged(6)):
        save(tmp_path / "data" / f"{number}.png", nail(pose, 50 + number))
    for number in (1, 4):
        (tmp_path / "data" / f"{number}.png").write_text(f"no image {number}")
    save(tmp_path / "data" / "5.png", np.zeros((20, 20), np.uint16))
    code, out, err = product.failed(verb, "--data", tmp_path / "data")
    assert (code, out) == (2, "")
    lines = err.splitlines()
    assert [name in line for name, line in zip(("1.png", "4.png", "5.png"), lines, strict=False)] == [True] * 3
    assert "16" in lines[2]
    assert lines[3:] == ["error: 3 of 6 images cannot be used: they are named above"]


# ---- test sets


@pytest.mark.parametrize("name", ["good", "Good", "ok", "OK", "normal"])
def test_good_parts_of_a_test_set_go_by_any_usual_name(tmp_path, name):
    parts(tmp_path / "test" / name)
    parts(tmp_path / "test" / "NG", 1)
    found = {one.name: one.defect for one in labelled_images(tmp_path)}
    assert found == {"NG/0.png": "NG", f"{name}/0.png": "good", f"{name}/1.png": "good"}


def test_a_test_set_without_good_parts_is_refused_with_what_is_wanted(tmp_path):
    parts(tmp_path / "test" / "fine", 3)
    parts(tmp_path / "test" / "dent", 2)
    words = refusal(labelled_images, tmp_path)
    assert "no good parts: dent (2), fine (3)" in words
    assert f"put good parts into {tmp_path / 'test' / 'good'} (or test/ok)" in words


def test_a_visa_folder_is_told_how_to_arrange_itself(tmp_path):
    parts(tmp_path / "Data" / "Images" / "Normal", 3)
    parts(tmp_path / "Data" / "Images" / "Anomaly", 2)
    parts(tmp_path / "Data" / "Masks" / "Anomaly", 2)
    assert "Data/Masks/Anomaly into ground_truth/anomaly" in refusal(labelled_images, tmp_path)
    assert f"--data {tmp_path / 'Data' / 'Images' / 'Normal'}" in refusal(good_images, tmp_path)


# ---- masks


def labelled(data, **wanted):
    parts(data / "test" / "good", 1)
    return {one.name: one for one in labelled_images(data, **wanted)}


@pytest.mark.parametrize("name", ["0_mask.png", "0.png", "0.bmp", "0_mask.tif", "0_mask.jpg", "0.JPG", "0_GT.png"])
def test_masks_are_found_by_any_usual_name(tmp_path, name):
    parts(tmp_path / "test" / "dent", 2)
    path = mask(tmp_path / "ground_truth" / "dent" / name)
    found = labelled(tmp_path)
    assert (found["dent/0.png"].masks, found["dent/1.png"].masks) == ((path,), ())
    assert read_mask([path]).sum() == pytest.approx(16, abs=2)  # JPEG rounds its corner


def test_a_folder_for_masks_may_hold_none(tmp_path):
    parts(tmp_path / "test" / "dent", 1)
    (tmp_path / "ground_truth").mkdir()
    (tmp_path / "ground_truth" / "license.txt").write_text("yours")
    assert labelled(tmp_path)["dent/0.png"].masks == ()


def test_several_masks_of_one_part_are_one(tmp_path):
    parts(tmp_path / "test" / "logical_anomalies", 1)
    folder = tmp_path / "ground_truth" / "logical_anomalies" / "0"
    mask(folder / "000.png", rows=2)
    other = np.zeros((12, 16), np.uint8)
    other[10:, 10:] = 7
    save(folder / "001.png", other)
    masks = labelled(tmp_path)["logical_anomalies/0.png"].masks
    assert len(masks) == 2
    assert read_mask(masks).sum() == 4 + 12


def test_a_test_folder_with_masks_beside_its_images_is_labelled_by_them(tmp_path):
    parts(tmp_path / "test", 2)
    drawn = [mask(tmp_path / "test" / f"{number}_GT.png", rows=3 * number) for number in range(2)]
    found = {one.name: (one.defect, one.masks) for one in labelled_images(tmp_path)}
    assert found == {"0.png": ("good", (drawn[0],)), "1.png": ("defect", (drawn[1],))}


def test_masks_beside_the_images_of_a_kind_are_their_masks(tmp_path):
    parts(tmp_path / "test" / "ko", 1)
    drawn = mask(tmp_path / "test" / "ko" / "0_mask.png")
    found = labelled(tmp_path)
    assert {name: one.masks for name, one in found.items()} == {"ko/0.png": (drawn,), "good/0.png": ()}


def inverted(path, at=4):
    """White but for a square."""
    drawn = np.full((12, 16), 255, np.uint8)
    drawn[at : at + 4, at : at + 4] = 0
    return save(path, drawn)


def in_palette(path, ground, ink):
    """Labels by index, 0 and 1, in these colours (RGB)."""
    labels = np.zeros((12, 16), np.uint8)
    labels[:4, :4] = 1
    picture = PIL.Image.fromarray(labels, mode="P")
    picture.putpalette([*ground, *ink])
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


SPOILT = {
    "inverted": (inverted, "it looks inverted"),
    "empty": (lambda path: mask(path, rows=0), "marks nothing, but test/dent/0.png is defective"),
    "palette": (lambda path: in_palette(path, (255, 255, 255), (0, 0, 0)), "a palette picture whose first colour"),
    "deep": (lambda path: save(path, np.full((12, 16), 300, np.uint16)), "uint16 pixels, 8 bit wanted"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_mask_that_cannot_be_what_it_says_is_refused_by_name(tmp_path, how):
    parts(tmp_path / "test" / "dent", 1)
    draw, words = SPOILT[how]
    draw(tmp_path / "ground_truth" / "dent" / "0_mask.png")
    said = refusal(labelled, tmp_path)
    assert "ground_truth/dent/0_mask.png: " in said
    assert words in said


def test_all_such_masks_are_named(tmp_path):
    parts(tmp_path / "test" / "dent", 3)
    for number in range(3):
        mask(tmp_path / "ground_truth" / "dent" / f"{number}_mask.png", rows=3 * (number == 1))
    told = []
    with pytest.raises(DataError, match="2 masks cannot be used: they are named above"):
        labelled(tmp_path, say=told.append)
    assert ["/0_mask.png" in told[0], "/2_mask.png" in told[1], len(told)] == [True, True, 2]


def test_a_mask_of_labels_by_index_is_read_right(tmp_path):
    parts(tmp_path / "test" / "dent", 1)
    path = tmp_path / "ground_truth" / "dent" / "0.png"
    in_palette(path, (0, 0, 0), (0, 0, 128))
    assert labelled(tmp_path)["dent/0.png"].masks == (path,)
    assert read_mask([path]).sum() == 16


def test_inverted_masks_are_known_by_their_number_where_defects_touch_the_border(tmp_path):
    parts(tmp_path / "test" / "dent", 4)
    drawn = [inverted(tmp_path / "ground_truth" / "dent" / f"{number}.png", at=0) for number in range(3)]
    mask(tmp_path / "ground_truth" / "dent" / "3.png")
    told = []
    with pytest.raises(DataError, match="3 masks cannot be used"):
        labelled(tmp_path, say=told.append)
    assert all(f"{path}: marks 92% of the picture" in words for path, words in zip(drawn, told, strict=True))


@pytest.mark.parametrize("share", [0.5, 0.7, 1.0])
def test_a_defect_may_cover_most_of_the_picture(tmp_path, share):
    parts(tmp_path / "test" / "dent", 1)
    drawn = np.zeros((12, 16), np.uint8)
    drawn[:, : int(16 * share)] = 255
    save(tmp_path / "ground_truth" / "dent" / "0.png", drawn)
    assert labelled(tmp_path)["dent/0.png"].masks
