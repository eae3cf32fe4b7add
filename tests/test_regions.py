"""Several regions of a part, each with a model and a threshold of its own: one part, one verdict."""

import csv
import json
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn import nail, nudged, save
from product import VERBS, Product

from export.learn import calibration, regions
from inspector import cli
from inspector.align import Outline
from inspector.errors import ModelError, RecipeError
from inspector.grid import Grid
from inspector.identity import RunIdentity
from inspector.page.recorded import score_in_words
from inspector.pipeline import Pipeline
from inspector.preparation import Preparation
from inspector.recipe import Region, load_recipe, new_recipe, parse_recipe, write_recipe
from inspector.record.sink import row_of
from inspector.records import Cause, Counts, Frame, Verdict
from inspector.roi import Roi
from inspector.sinks.log import LogSink
from inspector.testing import FakeCamera, MemorySink

LEFT = ((0.0, 0.0), (0.4, 0.0), (0.4, 1.0), (0.0, 1.0))
RIGHT = ((0.6, 0.0), (1.0, 0.0), (1.0, 1.0), (0.6, 1.0))
AREAS = {"left": Roi(judge=(LEFT,)), "right": Roi(judge=(RIGHT,))}
GOOD = {f"{number:012x}": 1 + number / 100 for number in range(99)}  # scores of good parts held out: 1 to 1.98


@pytest.fixture
def two(station):
    """Alpha, which judges the left and the right side by brightness, the right one in a unit half as large again."""
    return with_regions(station)


def with_regions(station, **own):
    told = [{"name": name, "roi": area.model_dump(mode="json"), "held_out": GOOD} for name, area in AREAS.items()]
    station.alter(grid="1x2", regions=told, patch_limits=[1.0, 1.5], held_out=GOOD)
    station.write(
        regions={name: Region(judge=area.judge, **own.get(name, {})) for name, area in AREAS.items()},
    )
    return station


def part(left=40, middle=40, right=40):
    """A picture of three stripes; 40 is good, as alpha 200 is not."""
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :26], image[:, 26:38], image[:, 38:] = left, middle, right
    return Frame(0, 0, image)


def judge(station, *frames):
    return station.load().inspect(list(frames) or [part()])


# ---- on the line


def test_the_strangest_region_decides_and_is_named(two):
    good, left, right, both = judge(two, part(), part(left=200), part(right=200), part(left=200, right=250))
    assert [found.verdict.value for found in (good, left, right, both)] == ["pass", "fail", "fail", "fail"]
    assert [found.failed_regions for found in (good, left, right, both)] == [[], ["left"], ["right"], ["left", "right"]]
    assert [found.detail for found in (good, left, right, both)] == [
        "",
        "region left",
        "region right",
        "region left, right",
    ]
    assert right.score == pytest.approx(left.score / 1.5), "each is told in its own unit"
    (slightly,) = judge(two, part(right=90))
    assert (slightly.worst_region, slightly.verdict) == ("right", Verdict.PASS)


def test_between_the_regions_nothing_counts(two):
    plain, bright = judge(two, part(), part(middle=252))
    assert bright.score == plain.score
    assert bright.anomaly_map[:, bright.anomaly_map.shape[1] // 2].max() == 0


def test_boxes_and_map_lie_where_the_regions_do(two):
    (found,) = judge(two, part(left=200))
    assert found.judgement.patch_boxes.tolist() == [[0, 0, 48, 26], [0, 38, 48, 64]]
    hot = found.anomaly_map > 0.9 * found.anomaly_map.max()
    assert hot[:, : hot.shape[1] // 3].all()
    assert not hot[:, hot.shape[1] // 2 :].any()


def test_a_batch_of_parts_is_judged_as_each_alone(two):
    frames = [part(left=number) for number in (10, 60, 110, 160, 210)]
    together = [i.score for i in judge(two, *frames)]
    assert together == pytest.approx([judge(two, frame)[0].score for frame in frames])
    assert together == sorted(together)


def test_a_region_without_a_number_makes_the_part_missed(two):
    (found,) = judge(two, part(right=254))
    assert (found.verdict, found.cause) == (Verdict.MISSED, Cause.MODEL)


def test_the_log_says_which_region(two, tmp_path):
    log = LogSink(tmp_path / "logs", lambda: datetime(2026, 1, 1, tzinfo=timezone.utc))
    for inspection in judge(two, part(), part(left=200)):
        log.write(inspection, Counts())
    log.close()
    table, lines = log.paths
    with table.open(newline="") as file:
        assert [(row["region"], row["detail"]) for row in csv.DictReader(file)] == [
            ("left", ""),
            ("left", "region left"),
        ]
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [(row["region"], row["detail"], row["worst_col"]) for row in rows] == [
        ("left", None, 0),
        ("left", "region left", 0),
    ]


def test_the_record_says_which_region_in_a_column_and_in_words(two):
    run = RunIdentity("run", "", datetime(2026, 1, 1, tzinfo=timezone.utc), 0)
    good, bad = (row_of(found) for found in judge(two, *(replace(each, run=run) for each in (part(), part(left=200)))))
    assert (good.region, bad.region) == ("left", "left")
    assert "in region left" in score_in_words(bad)
    assert "region" not in score_in_words(good)


def test_a_region_of_a_turned_part_turns_with_it():
    outline = Outline(length=60, width=20, centre=30, bright=False, area=800, contrast=150)
    image = np.full((90, 90, 3), 200, np.uint8)
    image[20:80, 40:48] = 20
    image[70:80, 37:51] = 20  # its head, which the frame has on the left or the right
    preparation = Preparation(Grid(1, 2), (20, 24), outline, regions=tuple(AREAS.values()))
    view = preparation.view(image)
    boxes, one = preparation.back(view, np.stack([np.ones((20, 24)), np.zeros((20, 24))]).astype(np.float32))
    _, other = preparation.back(view, np.stack([np.zeros((20, 24)), np.ones((20, 24))]).astype(np.float32))
    assert [each.shape for each in view.images] == [(20, 24, 3), (20, 24, 3)]
    upper, lower = sorted(boxes.tolist())
    assert upper[2] <= lower[0], "left and right of the part are above each other in the picture"
    assert (one > 0.5).any()
    assert (other > 0.5).any()
    assert not ((one > 0.5) & (other > 0.5)).any()
    judged = preparation.judged(image)
    assert judged[25:75, 40:48].any(1).mean() == pytest.approx(0.8, abs=0.1), "the middle fifth is not"


# ---- thresholds


def test_a_threshold_of_its_own_holds_for_that_region_alone(station):
    with_regions(station, left={"threshold": 7.9})
    assert [i.verdict.value for i in judge(station, part(left=200), part(left=210))] == ["pass", "fail"]
    station.write(threshold=2.0, regions=load_recipe(station.config, "alpha").regions)
    assert [i.verdict.value for i in judge(station, part(left=200), part(left=210))] == ["pass", "fail"]
    (found,) = judge(station, part(right=120))
    assert found.failed_regions == ["right"], "4.7, in its unit 3.1"


def test_a_budget_of_its_own_is_kept_by_that_region(station):
    with_regions(station, left={"false_rejects": 0.1})
    scores = {level: judge(station, part(left=level))[0] for level in (40, 50)}
    assert [scores[level].verdict.value for level in (40, 50)] == ["pass", "fail"], (
        "nine in ten good parts are below 1.9"
    )
    inspector = station.load()
    rejected = [score > inspector.threshold for score in inspector.held_out.values()]
    assert sum(rejected) == 9


def test_a_budget_that_takes_more_good_parts_is_refused(station):
    with_regions(station, left={"false_rejects": 0.001})
    with pytest.raises(RecipeError, match=r"left\.false_rejects: 0\.001 takes 999 good parts, the model has 99"):
        station.load()


def test_a_threshold_that_nothing_reaches_is_refused(station):
    with_regions(station, left={"threshold": 1e6})
    with pytest.raises(RecipeError, match=r"regions\.left\.threshold: so high that nothing would fail"):
        station.load()


def test_the_parts_budget_is_kept_and_shared_evenly():
    """Two regions, of which one differs five times as much as the other, and some of it in common."""
    rng = np.random.default_rng(0)

    def drawn(count):
        common = rng.normal(size=count)
        return np.exp(np.stack([0.05 * (rng.normal(size=count) + common), 0.25 * (rng.normal(size=count) + common)], 1))

    rejected = []
    for _ in range(40):
        good, new = drawn(99), drawn(500)
        threshold = calibration.threshold(regions.held_out(good, 0.1).tolist(), 0.1).value
        fails = new / regions.limits(good, 0.1) > threshold
        rejected.append((*fails.mean(0), fails.any(1).mean()))
    first, second, either = np.mean(rejected, 0)
    assert either == pytest.approx(0.1, abs=0.015)
    assert first == pytest.approx(second, rel=0.3)
    assert first + second > 1.1 * either, "which a budget divided among them would waste"


# ---- what does not fit


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("roi: {judge: [[[0,0],[1,0],[1,1]]]}", "leave out roi"),
        ("grid: 2x2", "leave out grid, got 2x2"),
    ],
)
def test_regions_stand_alone(yaml, words):
    with pytest.raises(RecipeError, match=words):
        parsed(f"regions: {{a: {{judge: [[[0,0],[1,0],[1,1]]]}}}}\n{yaml}")


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("a: {}", "regions.a: wants polygons to judge"),
        ("a: {judge: [[[0,0],[2,0],[1,1]]]}", "regions.a.judge.0.1.0"),
        ("a: {judge: [[[0,0],[1,0],[1,1]]]}, a: {judge: [[[0,0],[1,0],[1,1]]]}", "duplicate key a"),
        ("'a b': {judge: [[[0,0],[1,0],[1,1]]]}", "regions.a b"),
        ("a: {judge: [[[0,0],[1,0],[1,1]]], threshold: high}", "regions.a.threshold: wants auto or a number above 0"),
        ("a: {judge: [[[0,0],[1,0],[1,1]]], threshold: 1, false_rejects: 0.1}", "threshold or false_rejects, not both"),
        ("a: {judge: [[[0,0],[1,0],[1,1]]], threshold: 1, threshold_model: x}", "a: threshold_model belongs to"),
        ("a: {judge: [[[0,0],[1,0],[1,1]]], ignore: [[[0,0],[1,0],[1,1]]]}", "regions.a: leaves nothing to judge"),
        ("a: {judge: [[[0,0],[1,0],[1,1]]], tresh: 1}", "unknown key regions.a.tresh"),
    ],
)
def test_a_region_that_makes_no_sense_is_named(yaml, words):
    with pytest.raises(RecipeError) as raised:
        parsed(f"regions: {{{yaml}}}")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def parsed(yaml):
    return parse_recipe(f"product: bottle\n{yaml}\n", Path("bottle.yaml"))


def test_a_recipe_keeps_its_regions_when_it_is_written(tmp_path):
    own = {"left": Region(judge=(LEFT,), threshold=1.5), "on": Region(judge=(RIGHT,), false_rejects=0.01)}
    recipe = new_recipe("bottle").model_copy(update={"regions": own})
    write_recipe(tmp_path, recipe)
    assert load_recipe(tmp_path, "bottle") == recipe


def test_regions_that_the_model_does_not_have_are_refused(two, station):
    changed = {
        "the recipe has left, the model left, right": {"left": Region(judge=(LEFT,))},
        "the recipe has none, the model left, right": {},
        r"regions\.right: its polygons are not those": {"left": Region(judge=(LEFT,)), "right": Region(judge=(LEFT,))},
    }
    for words, wanted in changed.items():
        station.write(regions=wanted)
        with pytest.raises(RecipeError, match=words) as raised:
            station.load()
        assert "\n" not in str(raised.value)
    station.write("beta", regions={"left": Region(judge=(LEFT,))})
    with pytest.raises(RecipeError, match="the recipe has left, the model none"):
        station.load("beta")


def test_the_order_of_regions_in_a_recipe_does_not_matter(two, station):
    before = judge(two, part(left=200))[0]
    station.write(regions=dict(reversed(load_recipe(station.config, "alpha").regions.items())))
    after = judge(station, part(left=200))[0]
    assert (after.failed_regions, after.score) == (before.failed_regions, before.score) == (["left"], before.score)


def test_a_model_whose_regions_were_not_scored_on_the_same_parts_is_refused(two, station):
    station.alter(held_out={"0123456789ab": 1.0})
    with pytest.raises(ModelError, match="not scored on the same good images"):
        station.load()


def test_a_model_that_names_two_regions_alike_is_refused(two, station):
    told = [{"name": "left", "roi": area.model_dump(mode="json"), "held_out": GOOD} for area in AREAS.values()]
    station.alter(regions=told)
    with pytest.raises(ModelError, match="two regions have the same name"):
        station.load()


def test_a_changeover_takes_a_line_from_a_whole_part_to_regions_and_back(two, station):
    inspector = station.load("beta")
    pipeline: Pipeline

    def script():
        frames = iter(range(200))
        yield station.frame(next(frames))
        for product in ("alpha", "beta"):
            pipeline.change_product(product)
            while pipeline.inspector.recipe.product != product:
                yield None
            yield part(left=200)

    seen = MemorySink()
    camera = FakeCamera(script())
    pipeline = Pipeline(camera, inspector, [seen], load=station.load)
    pipeline.run()
    assert [(i.product, i.verdict.value, i.worst_region) for i in seen.inspections] == [
        ("beta", "pass", ""),
        ("alpha", "fail", "left"),
        ("beta", "pass", ""),
    ]


# ---- training


@pytest.fixture(scope="module")
def ends(tmp_path_factory):
    """Nails in a holder of which the two ends are judged, each alone; between them, good parts differ wildly."""
    home = tmp_path_factory.mktemp("ends")
    product = Product("part", home, home / "data" / "train" / "good")
    for number, pose in enumerate(nudged(12)):
        save(product.data / f"{number}.png", busy(nail(pose, number), number))
    (home / "config").mkdir()
    areas = "".join(f"  {name}: {area.model_dump_json()}\n" for name, area in AREAS.items())
    product.recipe.write_text(f"product: part\nalign: none\nregions:\n{areas}")
    product.call("train", "--data", product.data, "--model", "pixel", "--epochs", 8)
    return product


def busy(image, seed):
    """Anything at all in the middle."""
    height, width = image.shape[:2]
    left, right = int(0.4 * width) + 1, int(0.6 * width) - 1
    image = image.copy()
    image[:, left:right] = np.random.default_rng(seed).integers(0, 256, (height, right - left, 3))
    return image


def spoilt(image, left, right):
    """Nothing but white between these columns, as shares of the width."""
    width = image.shape[1]
    image = image.copy()
    image[:, int(left * width) : int(right * width)] = 255
    return image


def test_one_command_trains_every_region_and_each_finds_its_own_defects(ends):
    inspector = ends.load()
    info = inspector.detector.info
    assert [(region.name, region.roi) for region in info.regions] == list(AREAS.items())
    assert info.image_shape is not None
    good = busy(nail(nudged(13)[12], 50), 50)
    frames = [good, spoilt(good, 0.45, 0.55), spoilt(good, 0.02, 0.38), spoilt(good, 0.62, 0.98)]
    plain, between, left, right = (inspector.inspect([Frame(0, 0, frame)])[0] for frame in frames)
    assert between.score == plain.score, "between the regions nothing counts"
    assert left.failed_regions == ["left"]
    assert right.failed_regions == ["right"]
    assert left.judgement.patch_scores[0, 1] == plain.judgement.patch_scores[0, 1], "the other has its own model"


def test_the_line_scores_a_part_as_its_regions_held_out_scores_say(ends):
    """Scores of the regions, told in the model's limits, make up those that the threshold rests on."""
    info = ends.load().detector.info
    table = np.array([[region.held_out[part] for part in info.held_out] for region in info.regions]).T
    assert list(info.held_out.values()) == pytest.approx(regions.held_out(table, info.false_rejects).tolist())
    assert info.limits == pytest.approx(regions.limits(table, info.false_rejects).astype(np.float32))


def test_the_other_verbs_know_regions(ends, tmp_path):
    copy = ends.copy(tmp_path)
    good = busy(nail(nudged(13)[12], 50), 50)
    save(tmp_path / "test" / "good" / "0.png", good)
    save(tmp_path / "test" / "dent" / "0.png", spoilt(good, 0.62, 0.98))
    table = copy.call("evaluate", "--data", tmp_path, "--plot-reconstructions", 1, "--plot-dir", tmp_path / "plots")
    assert "FAIL   right  right" in table
    assert len(list((tmp_path / "plots").iterdir())) == 1
    copy.call("calibrate", "--false-rejects", "0.5")
    recipe, line = load_recipe(tmp_path / "config", "part"), copy.load()
    assert (recipe.threshold, recipe.threshold_model) == (line.threshold, line.detector.model_hash)
    assert "leave out --grid" in copy.refused("train", "--data", copy.data, "--grid", "2x2")


def test_new_good_parts_move_the_threshold_of_a_region_with_its_own_budget_until_training(ends, tmp_path):
    copy = ends.copy(tmp_path)
    copy.recipe.write_text(copy.recipe.read_text().replace("{", "{false_rejects: 0.2, ", 1))
    for number, pose in enumerate(nudged(9, seed=3)):
        save(tmp_path / "more" / f"{number}.png", busy(nail(pose, 60 + number), 60 + number))
    said = copy.call("calibrate", "--data", tmp_path / "more", "--false-rejects", "0.2")
    assert "threshold of left" in said
    assert "threshold of the part (right)" in said
    line = copy.load()
    found = line.inspect([Frame(0, 0, cv2.imread(str(path))) for path in sorted((tmp_path / "more").iterdir())])
    rejected = {name: sum(name in one.failed_regions for one in found) for name in AREAS}
    assert rejected == {"left": 1, "right": 1}, "of nine, the ninth and the eighth may be the threshold: 0.2 of ten"
    assert f"reject {sum(one.verdict.reject for one in found)} of these 9 good parts" in said
    assert "regions.left.threshold auto" in copy.call("train", "--data", copy.data, "--model", "pixel", "--epochs", 1)
    left = load_recipe(tmp_path / "config", "part").regions["left"]
    assert (left.threshold, left.threshold_model, left.false_rejects) == ("auto", None, 0.2)


def test_the_bench_counts_all_regions_of_a_part(two, tmp_path, capsys):
    save(tmp_path / "part.png", part().image)
    folders = ["--model-dir", str(two.models), "--config-dir", str(two.config)]
    words = ["bench", "--product", "alpha", "--image", str(tmp_path / "part.png"), "--frames", "20", "--json", *folders]
    assert cli.main(VERBS, words) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["patches"], facts["verdict"]) == (2, "pass")
    assert all(int(name.split()[-1]) % 2 == 0 for name in facts["bare_parts_per_second"]), "batches of whole parts"
