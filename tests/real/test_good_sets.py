"""Which images of real good sets are asked for again: those that are truly odd, and no others."""

import numpy as np
import pytest
from drawn import save

from export.learn.good_quality import findings, traits
from inspector.images import find_images, read_image


def named(images):
    """Name of a file -> its fault."""
    found = findings(images, [traits(read_image(path)) for path in images])
    return {one.file.rpartition("/")[2]: one.fault for one in found}


@pytest.mark.parametrize(
    ("product", "odd"),
    [
        ("casting512", {}),  # a lamp that varies
        ("coffee_pods", {"crop_0614.jpg": "blurred"}),  # several colours, shiny and black
        ("cookies", {"normal-31.jpg": "overexposed"}),  # it lies on another tray
        ("pillqc", {}),
    ],
)
def test_lamps_and_colours_of_a_set_are_no_faults_but_what_stands_apart_is_named(real, product, odd):
    assert named(find_images(real(f"more/{product}") / "train" / "good")) == odd


@pytest.mark.parametrize("product", ["mvtec/screw", "more/casting512", "more/transistor"])
def test_a_burst_of_a_real_part_is_seen_among_others_and_alone(real, product, tmp_path):
    others = find_images(real(product) / "train" / "good")[:8]
    part = read_image(others.pop(3)).astype(float)
    rng = np.random.default_rng(0)
    shots = [
        save(tmp_path / f"shot-{number}.png", (part * light + rng.normal(0, 2, part.shape)).clip(0, 255).round())
        for number, light in enumerate((1, 0.995, 1.005))
    ]
    copies = [name for name, fault in named([*others, *shots]).items() if fault == "copy"]
    assert copies == ["shot-1.png", "shot-2.png"]
    assert named(shots) == dict.fromkeys(copies, "copy")
