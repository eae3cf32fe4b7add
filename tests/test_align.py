"""The fixture: whichever way round a part lies, the model sees it the same way, and what it finds is shown in place."""

import math

import cv2
import numpy as np
import pytest
from drawn import (
    CLEAR,
    HEAD_THICK,
    HEIGHT,
    WIDTH,
    Pose,
    bar,
    belt,
    disc,
    nail,
    nail_relief,
    nudged,
    photo,
    plate,
    poses,
    texture,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from export.learn.fixtures import learn_fixture
from inspector.align import Fixture, Template
from inspector.errors import AlignError, ModelError
from inspector.grid import Grid
from inspector.placement import Placement
from inspector.pose import find_part
from inspector.recipe import update_recipe
from inspector.records import Cause, Frame, Verdict

pytest_plugins = ["trained"]

SHADES = pytest.mark.parametrize("dark", [False, True], ids=["bright part", "dark part"])
any_pose = st.builds(
    Pose,
    st.floats(CLEAR, WIDTH - CLEAR),
    st.floats(CLEAR, HEIGHT - CLEAR),
    st.floats(0, 2 * math.pi),
)
on_the_part = st.tuples(st.floats(-45, 60), st.floats(-8, 8))


def learn(pictures, align="auto"):
    fixture, _ = learn_fixture(pictures, align)
    return fixture


def crop_of(fixture, picture):
    return fixture.place(picture).crop(picture)


def likeness(one, other):
    """Correlation of two pictures: 1 where they show the same."""
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


@pytest.fixture(scope="module")
def fixture():
    """Learned from nails in ten poses."""
    return learn([nail(pose, seed) for seed, pose in enumerate(poses(10))])


# ---- into the canonical frame


@SHADES
def test_parts_in_any_pose_look_the_same_after_the_crop(dark):
    fixture = learn([nail(pose, seed, dark) for seed, pose in enumerate(poses(10))])
    first, *others = (
        crop_of(fixture, picture)
        for picture in (nail(pose, 100 + seed, dark) for seed, pose in enumerate(poses(40, seed=1)))
    )
    assert first.shape == (fixture.width, fixture.length, 3)
    for other in others:
        assert likeness(first, other) > 0.97
        assert likeness(first, other[::-1, ::-1]) < 0.9, "head and tail cannot be mixed up"


@given(pose=any_pose, dark=st.booleans())
@settings(deadline=None, max_examples=60)
def test_the_head_is_always_at_the_same_end(fixture, pose, dark):
    """Where the part is widest in the crop, whether it is brighter or darker than the belt."""
    fixture = fixture.model_copy(update={"bright": not dark})
    picture = nail(pose, 3, dark)
    crop = crop_of(fixture, picture).mean(2)
    foreground = crop < 125 if dark else crop > 125
    wide = np.flatnonzero(foreground.sum(0) > 1.5 * HEAD_THICK)
    assert len(wide) > 20
    assert wide.max() < fixture.length / 3


def test_a_defect_does_not_turn_the_part_round(fixture):
    first = nail(Pose(), 0)
    good = crop_of(fixture, first)
    for seed, pose in enumerate(poses(10, seed=2)):
        picture = nail(pose, seed, spot=(45, 0))
        assert likeness(good, crop_of(fixture, picture)) > 0.9


@pytest.mark.parametrize("scale", [0.5, 3.7])
def test_the_size_of_the_picture_does_not_matter(scale):
    """Small pictures are looked at as they are, large ones are looked at smaller."""
    pictures = [
        cv2.resize(nail(pose, seed), None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
        for seed, pose in enumerate(poses(8, seed=3))
    ]
    fixture = learn(pictures)
    first, *others = (crop_of(fixture, picture) for picture in pictures)
    assert all(likeness(first, other) > 0.97 for other in others)


@given(pose=any_pose)
@settings(deadline=None, max_examples=40)
@example(Pose(angle=0.0))
@example(Pose(angle=math.pi))
@example(Pose(angle=math.pi / 2))
def test_the_whole_part_lies_in_its_crop(fixture, pose):
    """Its pixels are as many in the crop as in the picture, and none touches the crop's border."""
    picture = nail(pose, 5)
    crop = crop_of(fixture, picture).mean(2) > 125
    assert crop.sum() == pytest.approx((picture.mean(2) > 125).sum(), rel=0.05)
    assert not crop[[0, -1]].any()
    assert not crop[:, [0, -1]].any()


# ---- and back into the picture


@given(pose=any_pose, spot=on_the_part, cells=st.sampled_from([(16, 32), (32, 32), (24, 56)]))
@settings(deadline=None, max_examples=150)
@example(Pose(angle=0.0), (-45.0, 0.0), (16, 32))
@example(Pose(angle=math.pi), (60.0, 8.0), (24, 56))
def test_what_the_map_shows_is_put_on_the_right_pixel_of_the_picture(fixture, pose, spot, cells):
    """A point of the picture goes the way of the line: cropped, seen in one cell of the map, mapped back."""
    picture = nail(pose, 7)
    placement = fixture.place(picture)
    x, y = pose.to_camera(*spot)
    columns, rows = np.arange(WIDTH), np.arange(HEIGHT)[:, None]
    point = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 18) * 255
    crop = placement.crop(np.repeat(point[..., None].astype(np.uint8), 3, 2))[..., 0]
    seen = cv2.resize(crop, cells[::-1], interpolation=cv2.INTER_AREA)
    hot = np.zeros(cells, np.float32)
    hot[np.unravel_index(seen.argmax(), cells)] = 9
    back = placement.map_back(hot, HEIGHT, WIDTH)
    row, col = np.unravel_index(back.argmax(), back.shape)
    found = (col + 0.5) * WIDTH / back.shape[1] - 0.5, (row + 0.5) * HEIGHT / back.shape[0] - 0.5
    cell = math.hypot(fixture.length / cells[1], fixture.width / cells[0])
    assert math.dist(found, (x, y)) <= cell + 1


@given(pose=any_pose)
@settings(deadline=None, max_examples=40)
def test_a_map_is_kept_at_its_own_strength_and_zero_beside_the_part(fixture, pose):
    picture = nail(pose, 9)
    placement = fixture.place(picture)
    back = placement.map_back(np.full((16, 32), 4, np.float32), HEIGHT, WIDTH)
    assert back.dtype == np.float32
    assert (back.min(), back.max()) == (0, pytest.approx(4))
    whole = cv2.resize(back, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    own = cv2.erode((picture.mean(2) > 125).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert (whole[own] > 3.9).all()
    assert (whole > 2).sum() == pytest.approx(fixture.length * fixture.width, rel=0.1)


@given(
    x=st.floats(0, WIDTH), y=st.floats(0, HEIGHT), angle=st.floats(0, 2 * math.pi), rows=st.integers(1, 3)
)  # also where the crop juts out of the picture
@settings(deadline=None, max_examples=150)
def test_boxes_in_the_picture_hold_the_corners_of_their_patches(fixture, x, y, angle, rows):
    cos, sin = math.cos(angle), math.sin(angle)
    turn = np.array([[cos, sin], [-sin, cos]])
    middle = np.array([fixture.length / 2, fixture.width / 2])
    matrix = np.column_stack([turn, middle - turn @ [x, y]])
    patches = Grid(rows, 4, 0.25).boxes(fixture.width, fixture.length)
    boxes = Placement(matrix, (fixture.width, fixture.length)).boxes_back(patches, HEIGHT, WIDTH)
    assert boxes.dtype == np.int32
    for (top, left, bottom, right), box in zip(patches.tolist(), boxes.tolist(), strict=True):
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)]) - middle
        camera = np.clip(corners @ turn + (x, y), 0, [WIDTH, HEIGHT])
        low, high = camera.min(0), camera.max(0)
        np.testing.assert_allclose(box, [low[1], low[0], high[1], high[0]], atol=0.51)


# ---- whether to align at all


def two_nails(seed):
    """Two parts in one picture, apart from each other."""
    rng = np.random.default_rng(seed)
    left = Pose(80, 60, rng.uniform(-0.3, 0.3))
    right = Pose(160, 140, math.pi + rng.uniform(-0.3, 0.3))
    return photo(nail_relief(left) + nail_relief(right), seed)


def close_up(seed):
    """A part so near that it fills the picture, and never of quite the same shape."""
    corners = np.array([(20, 60), (300, 18), (300, 182), (20, 140)])
    outline = corners + np.random.default_rng(seed).integers(-8, 9, (4, 2))
    return photo(cv2.fillConvexPoly(np.zeros((200, 320)), outline.astype(np.int32), 110), seed)


@SHADES
def test_parts_in_any_pose_are_aligned(dark):
    fixture, words = learn_fixture(nail(pose, seed, dark) for seed, pose in enumerate(poses(4)))
    assert fixture.bright is not dark
    assert words == "aligned: one part, the same every time, in any pose"


@pytest.mark.parametrize(
    ("pictures", "reason"),
    [
        ([texture(seed) for seed in range(8)], "no part stands clear of the border"),
        ([belt(seed) for seed in range(8)], "no part stands clear of the border"),
        ([disc(seed=seed) for seed in range(8)], "too round to have a sure axis"),
        ([bar(seed=seed) for seed in range(8)], "two ends look alike"),
        ([nail(seed=seed) for seed in range(8)], "always lies the same way"),
        ([two_nails(seed) for seed in range(8)], "several pieces"),
        ([close_up(seed) for seed in range(8)], "fills the frame"),
        ([nail(pose, seed) for seed, pose in enumerate(poses(3))], "too few good parts"),
        ([np.full((HEIGHT, WIDTH, 3), 90, np.uint8)] * 8, "too few good parts"),
    ],
    ids=["texture", "empty", "round", "symmetric", "held in place", "two parts", "close-up", "few", "blank"],
)
def test_what_a_fixture_cannot_help_is_left_as_it_is(pictures, reason):
    fixture, words = learn_fixture(pictures)
    assert fixture is None
    assert words.startswith("not aligned: ")
    assert reason in words


def test_one_odd_picture_among_many_does_not_change_the_decision():
    pictures = [nail(pose, seed) for seed, pose in enumerate(poses(20))]
    assert learn([*pictures, two_nails(1)]) is not None


def test_who_insists_gets_a_fixture_for_parts_that_would_not_be_aligned():
    pictures = [nail(pose, seed) for seed, pose in enumerate(nudged(3))]
    fixture, words = learn_fixture(pictures, align="object")
    assert words.startswith("aligned: ")
    crops = [crop_of(fixture, picture) for picture in pictures]
    assert all(likeness(crops[0], crop) > 0.97 for crop in crops)


def test_insisting_where_nothing_is_to_be_seen_is_an_error():
    with pytest.raises(AlignError, match="align: none"):
        learn([np.full((HEIGHT, WIDTH, 3), 90, np.uint8)] * 8, align="object")


# ---- parts that lie about the same way


def held(count, seed=0, defect=None):
    """Plates as a loose holder leaves them, and how each is turned and shifted."""
    rng = np.random.default_rng(seed)
    lie = np.column_stack([rng.uniform(-0.04, 0.04, count), rng.uniform(-10, 10, (count, 2))])
    return [lain(plate(100 * seed + number, defect), *each) for number, each in enumerate(lie)], lie


def lain(picture, turn, x, y):
    """Turned about its middle, radians, and shifted, px."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -math.degrees(turn), 1)
    matrix[:, 2] += x, y
    return cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


@pytest.fixture(scope="module")
def template():
    """Learned from plates in a loose holder."""
    return learn(held(12)[0])


def test_parts_that_lie_about_the_same_way_are_matched_with_a_template():
    fixture, words = learn_fixture(held(12)[0])
    assert fixture.by == "template"
    assert words.startswith("aligned to a template: 9")
    assert words.endswith("% of how good parts differ is how they lie")


def test_they_look_the_same_after_the_crop_however_they_lay(template):
    pictures, _ = held(10, seed=1)
    first, *others = (crop_of(template, picture)[20:-20, 20:-20] for picture in pictures)
    assert min(likeness(first, other) for other in others) > 0.99
    assert max(likeness(first, picture[20:-20, 20:-20]) for picture in pictures[1:]) < 0.985


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.9])
def test_a_point_of_the_part_is_always_at_the_same_place_of_the_view_and_goes_back_to_where_it_was(template, scale):
    """In a view of another size, and from a camera of another resolution, too."""
    pictures, lie = held(6, seed=2)
    places = []
    for picture, each in zip(pictures, lie, strict=True):
        taken = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        placement = template.place(taken).at_most((512, 640))
        dot = np.zeros_like(picture)
        cv2.circle(dot, (130, 510), 6, (255, 255, 255), -1)
        dot = cv2.resize(lain(dot, *each), taken.shape[1::-1], interpolation=cv2.INTER_AREA)
        view = placement.crop(dot)[..., 0]
        assert view.shape == placement.size
        places.append(centre(view))
        back = placement.map_back(view.astype(np.float32), *taken.shape[:2])
        x, y = centre(back) * np.array(taken.shape[1::-1]) / back.shape[::-1]
        assert math.dist((x, y), centre(dot[..., 0])) < 1.5
    assert np.ptp(places, axis=0).max() < 1.5


def centre(gray):
    """x, y of what is bright."""
    moments = cv2.moments(gray.astype(np.float32))
    return np.array([moments["m10"], moments["m01"]]) / moments["m00"]


def test_a_part_farther_off_than_any_good_one_stays_there(template):
    """A part in the wrong place must look so."""
    picture = lain(plate(5), 0.0, 60, 0)
    assert likeness(crop_of(template, picture), crop_of(template, plate(5))) < 0.8
    turned = lain(plate(5), 0.3, 0, 0)
    np.testing.assert_allclose(template.place(turned).matrix, template.untouched(turned).matrix)


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_picture_in_which_nothing_matches_is_left_as_it_is(template, level):
    blank = np.full_like(plate(), level)
    np.testing.assert_allclose(template.place(blank).matrix, np.eye(2, 3), atol=1e-6)
    assert template.place(blank).crop(blank).shape == blank.shape


def test_a_defect_hardly_moves_the_match(template):
    pictures, lie = held(6, seed=3)
    for picture, each in zip(pictures, lie, strict=True):
        defective = picture.copy()
        cv2.rectangle(defective, (200, 200), (320, 320), (20, 20, 20), -1)
        one, other = (template.place(view).matrix for view in (picture, defective))
        assert np.abs(one @ [400, 300, 1] - other @ [400, 300, 1]).max() < 1.5, each


def test_who_insists_gets_a_template_for_parts_that_would_not_be_aligned():
    fixture, words = learn_fixture([texture(seed) for seed in range(3)], "template")
    assert fixture.by == "template"
    assert words == "aligned: to a template, as asked"


def test_a_template_survives_the_model_file(template):
    again = Template.model_validate_json(template.model_dump_json())
    assert again == template
    picture = held(1, seed=4)[0][0]
    np.testing.assert_array_equal(again.place(picture).matrix, template.place(picture).matrix)


# ---- parts in any turn whose outline has no sure axis

WITHOUT_AXIS = {"round": disc, "ends alike": bar}


def turned(part, count, seed=0):
    """Pictures of it in any pose, and the poses."""
    there = poses(count, seed)
    return [part(pose, 100 * seed + number) for number, pose in enumerate(there)], there


@pytest.fixture(scope="module")
def turned_template():
    """Learned from round parts."""
    return learn(turned(disc, 12)[0])


@pytest.mark.parametrize("part", WITHOUT_AXIS.values(), ids=WITHOUT_AXIS)
def test_parts_without_a_sure_axis_are_matched_with_a_template_in_any_turn(part):
    fixture, words = learn_fixture(turned(part, 12)[0])
    assert fixture.by == "any-turn"
    assert " of how good parts differ is how they lie; judged within " in words
    first, *others = (crop_of(fixture, picture) for picture in turned(part, 20, seed=1)[0])
    assert max(first.shape) < 0.6 * WIDTH  # the part, not the belt around it
    assert min(likeness(first, other) for other in others) > 0.97


def test_parts_that_lie_one_way_or_upside_down_are_matched_in_any_turn():
    pictures = []
    for number, shift in enumerate(np.random.default_rng(0).uniform(-8, 8, (12, 2))):
        picture = plate(number)
        cv2.rectangle(picture, (160, 120), (250, 160), (20, 20, 20), -1)  # tells one way from the other
        pictures.append(lain(picture, math.pi if number % 3 == 0 else 0.0, *shift))
    fixture = learn(pictures)
    assert fixture.by == "any-turn"
    first, *others = (crop_of(fixture, picture)[20:-20, 20:-20] for picture in pictures)
    assert min(likeness(first, other) for other in others) > 0.97


def test_a_mark_of_a_turned_part_is_always_at_the_same_place_of_the_view_and_goes_back(turned_template):
    places = []
    for picture, pose in zip(*turned(disc, 20, seed=2), strict=True):
        placement = turned_template.place(picture)
        there = np.array(pose.to_camera(25, 0))
        places.append(placement.matrix @ [*there, 1])
        spot = np.zeros(placement.size, np.float32)
        cv2.circle(spot, places[-1].round().astype(int).tolist(), 4, 1.0, -1)
        back = placement.map_back(spot, *picture.shape[:2])
        assert math.dist(centre(back), there) < 2
    assert np.ptp(places, axis=0).max() < 2.5


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_blank_picture_is_left_as_it_is(turned_template, level):
    blank = np.full_like(disc(), level)
    placement = turned_template.place(blank)
    np.testing.assert_allclose(placement.matrix[:, :2], np.eye(2), atol=1e-6)
    assert placement.crop(blank).shape == (*placement.size, 3)


def test_a_defect_fainter_than_its_marks_does_not_turn_a_round_part(turned_template):
    for picture, pose in zip(*turned(disc, 10, seed=3), strict=True):
        x, y = (round(each) for each in pose.to_camera(-15, 15))
        spot = cv2.circle(np.zeros(picture.shape[:2], np.uint8), (x, y), 6, 25, -1)
        defective = cv2.subtract(picture, cv2.merge([spot] * 3))
        one, other = (turned_template.place(view).matrix for view in (picture, defective))
        assert np.abs(one @ [x, y, 1] - other @ [x, y, 1]).max() < 2


def test_a_template_in_any_turn_survives_the_model_file(turned_template):
    again = TypeAdapter(Fixture).validate_json(turned_template.model_dump_json())
    assert again == turned_template
    picture = turned(disc, 1, seed=4)[0][0]
    np.testing.assert_array_equal(again.place(picture).matrix, turned_template.place(picture).matrix)


# ---- no part


@SHADES
@pytest.mark.parametrize("seed", range(5))
def test_an_empty_belt_is_no_part_however_the_lamp_shines(fixture, dark, seed):
    fixture = fixture.model_copy(update={"bright": not dark})
    with pytest.raises(AlignError, match="no part found"):
        fixture.place(belt(seed, dark))


@pytest.mark.parametrize("level", [0, 90, 255])
@SHADES
def test_a_blank_picture_is_no_part(fixture, level, dark):
    blank = np.full((HEIGHT, WIDTH, 3), level, np.uint8)
    assert find_part(blank, bright=not dark) is None
    with pytest.raises(AlignError):
        fixture.place(blank)


def test_a_crumb_is_no_part(fixture):
    crumb = photo(np.pad(np.full((12, 12), 110.0), ((90, 98), (100, 128))))
    with pytest.raises(AlignError):
        fixture.place(crumb)


def test_a_part_in_half_the_light_is_still_found(fixture):
    picture = nail(Pose(100, 90, 2.0), 4)
    whole = crop_of(fixture, picture)
    dim = (picture * 0.5).astype(np.uint8)
    assert likeness(whole, crop_of(fixture, dim)) > 0.98


# ---- on the line


def inspect(product, *pictures):
    frames = [Frame(index, 0, picture, f"part-{index}") for index, picture in enumerate(pictures)]
    return product.load().inspect(frames)


def test_a_good_part_passes_in_any_pose_and_a_defect_fails_in_any_pose(feature_model):
    turned = poses(8, seed=50)
    good = inspect(feature_model, *(nail(pose, 50 + seed) for seed, pose in enumerate(turned)))
    bad = inspect(feature_model, *(nail(pose, 50 + seed, spot=(-10, 0)) for seed, pose in enumerate(turned)))
    assert [one.verdict for one in good] == [Verdict.PASS] * 8
    assert [one.verdict for one in bad] == [Verdict.FAIL] * 8
    scores = [one.score for one in good]
    assert max(scores) - min(scores) < 0.2 * (min(one.score for one in bad) - max(scores))


def test_a_defect_is_shown_where_it_is_in_the_picture(feature_model):
    spot = (50, 10)
    for pose, one in zip(
        turned := poses(8, seed=60), inspect(feature_model, *(nail(pose, 1, spot=spot) for pose in turned)), strict=True
    ):
        rows, cols = one.anomaly_map.shape
        row, col = np.unravel_index(one.anomaly_map.argmax(), one.anomaly_map.shape)
        x, y = pose.to_camera(*spot)
        assert math.dist(((col + 0.5) * WIDTH / cols, (row + 0.5) * HEIGHT / rows), (x, y)) < 14
        top, left, bottom, right = one.judgement.patch_boxes[0]
        assert top <= y < bottom
        assert left <= x < right


def test_a_picture_without_a_part_is_missed_and_the_others_beside_it_are_judged(feature_model):
    before, empty, after = inspect(feature_model, nail(Pose(), 1), belt(2), nail(Pose(angle=2), 3))
    assert (empty.verdict, empty.cause, empty.index, empty.part) == (Verdict.MISSED, Cause.ALIGN, 1, "part-1")
    assert "no part found" in empty.detail
    assert empty.verdict.reject
    limit = feature_model.load().threshold
    assert [one.verdict is Verdict.PASS for one in (before, after)] == [one.score <= limit for one in (before, after)]
    assert after.verdict is Verdict.PASS


def test_a_picture_without_a_part_is_judged_and_fails_where_the_recipe_wants_it(feature_model, tmp_path):
    product = feature_model.copy(tmp_path)
    update_recipe(product.recipe.parent, product.name, unaligned="judge")
    good, empty = inspect(product, nail(Pose(angle=1), 1), belt(2))
    assert (good.verdict, empty.verdict, empty.cause) == (Verdict.PASS, Verdict.FAIL, None)


def test_reports_do_not_guess_a_part_where_there_is_none(feature_model):
    with pytest.raises(AlignError, match="no part found"):
        feature_model.load().preparation.patches(belt(1))


def test_a_recipe_that_aligns_otherwise_than_its_model_is_refused(feature_model, station, tmp_path):
    product = feature_model.copy(tmp_path / "copy")
    update_recipe(product.recipe.parent, product.name, align="object")
    product.load()
    update_recipe(product.recipe.parent, product.name, align="none")
    with pytest.raises(ModelError, match="nail: the recipe says align: none, but the model was trained with object"):
        product.load()
    station.write(align="none")
    station.load()
    station.write(align="object")
    with pytest.raises(ModelError, match="alpha: the recipe says align: object, but the model was trained with none"):
        station.load()
