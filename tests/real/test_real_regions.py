"""Two regions of real bottles: each finds what is wrong in it."""

import json
import math
import shutil

import numpy as np
import pytest
from product import Product, made_once

from export.dataset import labelled_images
from export.masks import read_mask
from inspector.images import read_image
from inspector.records import Frame

MOUTH, RIM = 0.27, 0.47  # radii, as shares of the picture
GOOD = 24  # bottles to learn from


def circle(radius):
    turns = (2 * math.pi * number / 40 for number in range(40))
    return [[round(0.5 + radius * math.cos(turn), 4), round(0.5 + radius * math.sin(turn), 4)] for turn in turns]


def copy_of(images, folder):
    folder.mkdir()
    for path in images:
        shutil.copy(path, folder)


@pytest.fixture(scope="session")
def bottle_in_regions(real, tmp_path_factory):
    data = real("mvtec/bottle")

    def make(home):
        product = Product("bottle", home, data)
        copy_of(sorted((data / "train" / "good").iterdir())[::8][:GOOD], home / "good")
        product.recipe.parent.mkdir()
        product.recipe.write_text(
            f"product: bottle\nregions:\n  mouth: {{judge: [{circle(MOUTH)}]}}\n"
            f"  rim: {{judge: [{circle(RIM)}], ignore: [{circle(MOUTH)}]}}\n"
        )
        product.call("train", "--data", home / "good", "--effort", "quick", "--patch-px", 128)

    return Product("bottle", made_once(tmp_path_factory, "regions", make), data)


def test_bottles_are_told_apart_by_their_regions(bottle_in_regions):
    found = json.loads(bottle_in_regions.call("evaluate", "--data", bottle_in_regions.data, "--json"))
    assert (found["images"], found["anomalies"]) == (83, 63)
    assert found["image_auroc"] >= 0.97
    assert found["au_pro"] >= 0.85


def test_a_defect_is_reported_in_the_region_where_it_is(bottle_in_regions):
    inspector = bottle_in_regions.load()
    areas = {name: region.area for name, region in inspector.recipe.regions.items()}
    right = []
    for image in labelled_images(bottle_in_regions.data):
        mask = read_mask(image.masks) if image.masks else np.zeros((1, 1), bool)
        share = {name: mask[area.mask(*mask.shape)].sum() / max(1, mask.sum()) for name, area in areas.items()}
        where = max(share, key=share.__getitem__)
        if share[where] > 0.95:
            (found,) = inspector.inspect([Frame(0, 0, read_image(image.path))])
            right.append(found.worst_region == where)
    assert len(right) > 10
    assert np.mean(right) > 0.85


def test_each_region_keeps_its_budget_on_good_bottles_of_a_later_day(bottle_in_regions, tmp_path):
    product = bottle_in_regions.copy(tmp_path)
    product.recipe.write_text(product.recipe.read_text().replace("mouth: {", "mouth: {false_rejects: 0.1, "))
    good = sorted((product.data / "train" / "good").iterdir())
    copy_of(good[1::8][:26], tmp_path / "later")
    said = product.call("calibrate", "--data", tmp_path / "later", "--false-rejects", "0.1")
    rejected = regions_that_reject(product, sorted((tmp_path / "later").iterdir()))
    # A tenth of 26 and the next one, at most.
    assert [rejected.count(name) for name in ("mouth", "rim")] == [1, 1], said
    others = regions_that_reject(product, good[2::8])
    assert all(others.count(name) <= 0.25 * len(good[2::8]) for name in ("mouth", "rim"))


def regions_that_reject(product, images):
    """Names of the regions that reject these parts, as often as they do."""
    inspector = product.load()
    found = (inspector.inspect([Frame(0, 0, read_image(path))])[0] for path in images)
    return [name for each in found for name in each.failed_regions]
