"""Real test sets: all their images and masks are taken, and none of the masks is refused."""

import pytest

from export.dataset import good_images, labelled_images


@pytest.mark.parametrize(
    ("product", "train", "good", "defective", "masks"),
    [
        ("mvtec/bottle", 209, 20, 63, 63),
        ("mvtec/screw", 320, 41, 119, 80),
        ("mvtec/leather_sample", 4, 4, 20, 11),
        ("more/transistor", 213, 60, 40, 40),
        ("more/coffee_pods", 250, 100, 100, 0),
        ("more/casting512", 237, 102, 91, 0),
        ("more/pillqc", 104, 45, 181, 0),
        ("more/elpv_mono", 250, 100, 100, 0),
        ("more/battery_weld", 36, 28, 93, 93),
        ("more/tile_patches", 149, 100, 100, 100),
        ("more/cookies", 31, 14, 40, 32),
    ],
)
def test_a_real_product_is_understood_as_it_is(real, product, train, good, defective, masks):
    images = labelled_images(real(product))
    assert len(good_images(real(product))) == train
    assert sum(image.anomalous for image in images) == defective
    assert len(images) == good + defective
    assert sum(bool(image.masks) for image in images) == masks
