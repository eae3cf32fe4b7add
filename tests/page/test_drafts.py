"""What was drawn and trained, until a line uses it."""

import os
import shutil
import time

import numpy as np
import pytest
from drawn import save

from inspector.align import Outline
from inspector.errors import InspectorError, RecipeError
from inspector.page.drafts import Area, Drafts
from inspector.page.live import Hub
from inspector.page.part_views import PartViews
from inspector.recipe import Region, load_recipe
from inspector.records import Frame, Verdict
from inspector.roi import Roi

LEFT = Roi.model_validate({"judge": [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]]})
HOLE = Roi.model_validate({"ignore": [[[0.4, 0.4], [0.6, 0.4], [0.5, 0.6]]]})


@pytest.fixture
def drafts(station):
    return Drafts(station.config, station.models)


def trained(station, drafts, roi, **facts):
    """Put a model into the draft of alpha as `train` would have made it."""
    aside = station.models / "aside.onnx"
    shutil.copy(station.model(), aside)
    station.alter(roi=roi and roi.model_dump(mode="json"), **facts)
    drafts.model_dir.mkdir(exist_ok=True)
    shutil.move(station.model(), drafts.model_dir / "alpha.onnx")
    shutil.move(aside, station.model())


def bright(columns):
    """A part that is too bright in some columns of its 64."""
    image = np.full((48, 64, 3), 40, np.uint8)
    image[:, columns] = 220
    return Frame(0, 0, image)


def judged(inspector, columns):
    (inspection,) = inspector.inspect([bright(columns)])
    return inspection.verdict


def test_model_and_area_come_into_use_together(station, drafts):
    station.recipe().write_text(station.recipe().read_text().replace("batch_size: 8", "batch_size: 4  # few"))
    drafts.save_area("alpha", Area(LEFT, "none"))
    drafts.begin("alpha")
    trained(station, drafts, LEFT)
    assert station.load().preparation.roi is None
    drafts.take_over("alpha")
    taken = station.load()
    assert taken.preparation.roi == LEFT
    assert [judged(taken, side) for side in (slice(40, 64), slice(0, 24))] == [Verdict.PASS, Verdict.FAIL]
    assert (taken.recipe.align, taken.recipe.batch_size) == ("none", 4)
    assert taken.recipe.model == f"alpha-{taken.detector.model_hash}.onnx"
    assert station.model().is_file()  # a line that started before may look for it
    assert "# few" in station.recipe().read_text()
    assert not drafts.waits("alpha")
    assert not [path for path in drafts.config_dir.iterdir() if path.suffix == ".yaml"]


def test_a_model_that_learned_another_area_is_not_taken_over(station, drafts):
    before = station.recipe().read_bytes()
    drafts.begin("alpha")
    trained(station, drafts, HOLE)
    with pytest.raises(InspectorError, match="roi is not the one"):
        drafts.take_over("alpha")
    assert station.recipe().read_bytes() == before
    assert station.load().preparation.roi is None


def test_golden_parts_are_asked_before_anything_changes(station, drafts):
    station.write(golden="golden")
    before = station.recipe().read_bytes()
    drafts.begin("alpha")
    trained(station, drafts, None)
    with pytest.raises(InspectorError, match="golden"):
        drafts.take_over("alpha")
    assert station.recipe().read_bytes() == before
    station.write()  # without golden parts
    drafts.take_over("alpha")
    assert station.load().recipe.model


def test_settings_changed_meanwhile_are_kept(station, drafts):
    drafts.save_area("alpha", Area(LEFT, "none"))
    drafts.begin("alpha")
    trained(station, drafts, LEFT)
    station.write(deadline_ms=250.0)
    drafts.take_over("alpha")
    assert station.load().recipe.deadline_ms == 250


def test_a_product_from_nothing_gets_the_usual_names(station, drafts):
    shutil.move(station.recipe(), station.config.parent / "alpha.yaml")
    drafts.begin("alpha")
    trained(station, drafts, None)
    station.model().unlink()
    drafts.take_over("alpha")
    assert station.load().recipe.model == ""
    assert station.model().is_file()


def test_regions_come_into_use_with_their_model_and_go_with_the_next(station, drafts):
    station.write(grid="2x2")
    drafts.save_area("alpha", Area(align="none", regions={"left": Region(judge=LEFT.judge, false_rejects=0.5)}))
    assert drafts.waits("alpha")
    assert load_recipe(drafts.config_dir, "alpha").grid == "1x1", "each is one patch"
    drafts.begin("alpha")
    told = {"name": "left", "roi": LEFT.model_dump(mode="json"), "held_out": {"0123456789ab": 1.6, "ba9876543210": 1.7}}
    trained(station, drafts, None, grid="1x1", regions=[told])
    drafts.take_over("alpha")
    taken = station.load()
    assert taken.recipe.regions["left"].false_rejects == 0.5
    (failed,) = taken.inspect([bright(slice(0, 24))])
    assert (failed.verdict, failed.failed_regions) == (Verdict.FAIL, ["left"])
    assert judged(taken, slice(40, 64)) is Verdict.PASS
    assert not drafts.waits("alpha")
    drafts.save_area("alpha", Area(HOLE, "none"))
    draft = load_recipe(drafts.config_dir, "alpha")
    assert (draft.regions, draft.roi) == ({}, HOLE)
    assert drafts.whole("alpha") == Area()


def test_a_threshold_that_was_calibrated_does_not_pass_to_the_next_model(station, drafts):
    own = Region(judge=LEFT.judge, false_rejects=0.1, threshold=1.3, threshold_model="0123456789ab")
    station.write(regions={"left": own})
    assert not drafts.waits("alpha")
    drafts.begin("alpha")
    assert load_recipe(drafts.config_dir, "alpha").regions == {"left": Region(judge=LEFT.judge, false_rejects=0.1)}
    by_hand = {"left": Region(judge=LEFT.judge, threshold=2.0)}
    drafts.save_area("alpha", Area(regions=by_hand))
    assert drafts.waits("alpha")
    assert load_recipe(drafts.config_dir, "alpha").regions == by_hand


def test_an_area_written_by_hand_in_lines_is_replaced_whole(station, drafts):
    text = (
        station.recipe()
        .read_text()
        .replace("...\n", "roi:\n  judge:\n    - [[0, 0], [1, 0], [1, 1]]\n  ignore: []\n...\n")
    )
    station.recipe().write_text(text)
    assert load_recipe(station.config, "alpha").roi is not None
    drafts.save_area("alpha", Area(HOLE, "none"))
    assert load_recipe(drafts.config_dir, "alpha").roi == HOLE
    drafts.save_area("alpha", drafts.whole("alpha"))
    assert load_recipe(drafts.config_dir, "alpha").roi is None


def test_a_name_that_leads_elsewhere_is_refused(drafts):
    with pytest.raises(RecipeError):
        drafts.save_area("../up", Area(LEFT, "none"))


def test_a_part_with_regions_is_drawn_on_as_it_lies_in_its_frame(station, drafts, tmp_path):
    outline = Outline(length=60, width=20, centre=30, bright=False, area=800, contrast=150)
    areas = {"left": LEFT, "all": Roi(judge=(((0, 0), (1, 0), (1, 1)),))}
    held_out = {"0123456789ab": 1.6, "ba9876543210": 1.7}
    told = [{"name": name, "roi": roi.model_dump(mode="json"), "held_out": held_out} for name, roi in areas.items()]
    station.alter(fixture=outline.model_dump(mode="json"), grid="1x2", regions=told)
    image = np.full((90, 90, 3), 200, np.uint8)
    image[20:80, 40:48] = 20  # upright
    image[70:80, 37:51] = 20  # its head
    save(tmp_path / "good" / "0.png", image)
    views = PartViews(Hub(), drafts, lambda product: tmp_path / "good")
    view = views.view("alpha", 0)
    assert (view.align, view.image.shape) == ("object", (20, 60, 3)), "lying, in its own proportions"
    assert (view.image[:, :, 0] < 100).any(0).mean() > 0.9


DAY_S = 86_400


def taken_over(station, drafts, days_ago):
    """Take a new model of alpha over, so many days ago; returns its file."""
    drafts.begin("alpha")
    station.alter(seed=1000 + days_ago)  # another hash
    drafts.model_dir.mkdir(exist_ok=True)
    shutil.copy(station.model(), drafts.model_dir / "alpha.onnx")
    drafts.take_over("alpha")
    made = station.models / station.load().recipe.model
    then_s = time.time() - days_ago * DAY_S
    os.utime(made, (then_s, then_s))
    return made


def test_former_models_go_when_neither_a_way_back_nor_pictures_need_them(station, drafts, caplog):
    caplog.set_level("INFO")
    made = [taken_over(station, drafts, days_ago) for days_ago in (900, 800, 700, 600, 500, 400, 300, 200)]
    assert [file.is_file() for file in made] == [False] + [True] * 7  # in use, before, and five former ones
    assert f"{made[0]}: removed" in caplog.text
    assert station.model().is_file()
    newest = taken_over(station, drafts, 100)
    assert [file.is_file() for file in [*made, newest]] == [False] * 2 + [True] * 7
    assert station.load().recipe.model == newest.name


def test_a_former_model_stays_while_there_may_be_pictures_that_it_judged(station, drafts):
    made = [taken_over(station, drafts, days_ago) for days_ago in (500, 80, 79, 78, 77, 76, 75, 74, 73)]
    assert all(file.is_file() for file in made)  # the first was in use until 80 days ago
    (station.config / "station.yaml").write_text("record: {picture_days: 79}\n")
    taken_over(station, drafts, 72)
    assert [file.is_file() for file in made] == [False] + [True] * 8


def test_a_model_that_a_recipe_names_stays(station, drafts):
    made = [taken_over(station, drafts, days_ago) for days_ago in (900, 800)]
    station.write("beta", model=made[0].name)
    made += [taken_over(station, drafts, days_ago) for days_ago in range(700, 100, -60)]
    assert made[0].is_file()
    assert not made[1].is_file()


def test_a_file_that_only_looks_like_a_former_model_stays(station, drafts):
    mine = station.models / "alpha-0123456789ab.onnx"
    shutil.copy(station.model("beta"), mine)
    os.utime(mine, (0, 0))
    other = station.models / "alpha-b-0123456789ab.onnx"  # of the product alpha-b
    shutil.copy(station.model("beta"), other)
    os.utime(other, (0, 0))
    for days_ago in range(900, 100, -90):
        taken_over(station, drafts, days_ago)
    assert mine.is_file()
    assert other.is_file()


def test_no_model_goes_where_a_recipe_cannot_be_read(station, drafts, caplog):
    made = [taken_over(station, drafts, days_ago) for days_ago in range(900, 300, -90)]
    (station.config / "delta.yaml").write_text("product: delta\nmodle: alpha.onnx\n")
    made += [taken_over(station, drafts, days_ago) for days_ago in (200, 100)]
    assert "former models of alpha stay: delta.yaml" in caplog.text
    assert made[0].is_file()
