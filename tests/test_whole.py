"""The feature model, whole: backbone and details, one map and one score of both."""

import copy

import numpy as np
import pytest
import torch

from export.learn import onnx_file, whole
from export.learn.backbone import ARCHITECTURES, Backbone
from export.learn.feature import Choice
from export.learn.scores import Mix, Units
from export.learn.whole import TURNED_WEIGHTS, WEIGHTS, FeatureFront, FeatureModel, HeldOut, Layout
from inspector.colour import Gamut
from inspector.detector import Detector

LITE0 = ARCHITECTURES["lite0"]
SHAPE = (64, 128)
GOOD = 8


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def front():
    return FeatureFront(Backbone())


def surface(count, shape, seed=0):
    """Shaded patches with the noise of a camera, (count, height, width, 3)."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    shade = 120 + 30 * np.sin(x / 9) + 20 * np.cos(y / 13)
    noise = np.random.default_rng(seed).normal(0, 3, (count, *shape, 3))
    return torch.from_numpy(np.clip(shade[..., None] + noise, 0, 255).astype(np.uint8))


def defective(shape, seed=9):
    """Three patches: a speck, a coloured spot that is as bright as what is around it, and another shape altogether."""
    patches = surface(3, shape, seed).int()
    patches[0, 20:26, 30:36] -= 60
    patches[1, 40:56, 16:32] += torch.tensor([40, 0, -40], dtype=torch.int32)
    patches[2, ::4] = 200
    return patches.clamp(0, 255).to(torch.uint8)


def learned(front, shape):
    layout = Layout(shape[0], shape[1], LITE0)
    return whole.fit(front(surface(GOOD, shape)), layout, Choice(1))


@pytest.fixture(scope="module")
def fitted(front):
    with torch.no_grad():
        return learned(front, SHAPE)


@pytest.fixture
def head(fitted):
    return copy.deepcopy(fitted)  # its limits are set by each test


@pytest.fixture(scope="module")
def rows(front):
    with torch.no_grad():
        return front(torch.cat([surface(4, SHAPE, seed=5), defective(SHAPE)]))


@pytest.mark.parametrize("shape", [SHAPE, (192, 64)])
def test_a_model_says_of_patches_what_its_head_says_of_their_rows(front, shape):
    head = learned(front, shape)
    head.limits.copy_(torch.tensor([0.5, 1.5, 3.0]))
    patches = torch.cat([surface(2, shape, seed=5), defective(shape)])
    maps, scores, reconstructions = FeatureModel(front, head)(patches)
    wanted = head(front(patches))
    assert maps.shape == (5, shape[0] // 8, shape[1] // 8)
    torch.testing.assert_close(maps, wanted[0])
    torch.testing.assert_close(scores, wanted[1])
    assert torch.equal(reconstructions, wanted[2])
    assert scores[2:].min() > scores[:2].max(), "and it has learned something"


def test_a_score_is_what_calibration_makes_of_the_kinds(head, front, rows):
    good = head.components(front(surface(12, SHAPE, seed=3))).double().numpy()
    for mix in (Mix(WEIGHTS), Mix(TURNED_WEIGHTS), Mix(WEIGHTS, details=False)):
        units = Units.of(good, mix)
        head.use(units)
        wanted = units.together(head.components(rows).double().numpy())
        np.testing.assert_allclose(head(rows)[1].numpy(), wanted, rtol=1e-3)


def test_each_kind_of_defect_is_told_by_its_own_kind_of_score(head, rows):
    good, (speck, colour, shape) = head.components(rows).split([4, 3])
    usual = good.amax(0)
    contrast, hue = len(WEIGHTS), len(WEIGHTS) + 1
    assert speck[contrast] > 2 * usual[contrast]
    assert colour[hue] > 2 * usual[hue]
    assert colour[contrast] < 1.5 * usual[contrast]
    assert (shape[: len(WEIGHTS)] > usual[: len(WEIGHTS)]).all()


@pytest.mark.parametrize(("kind", "patch", "place"), [(0, 4, (2, 4)), (1, 5, (5, 2))])
def test_a_detail_at_its_limit_is_1_in_the_map_at_its_place_and_half_of_it_is_not_drawn(head, rows, kind, patch, place):
    head.bound.fill_(1e6)  # nothing but the detail is drawn
    limits = torch.full((3,), 1e6)
    limits[1 + kind] = head.components(rows)[patch, len(WEIGHTS) + kind]
    head.limits.copy_(limits)
    maps, scores, _ = head(rows[patch : patch + 1])
    assert float(scores[0]) == pytest.approx(1)
    assert float(maps.max()) == pytest.approx(1)
    row, col = divmod(int(maps.argmax()), maps.shape[2])
    assert max(abs(row - place[0]), abs(col - place[1])) <= 1
    limits[1 + kind] *= 2
    head.limits.copy_(limits)
    maps, scores, _ = head(rows[patch : patch + 1])
    assert float(scores[0]) == pytest.approx(1 / 8, rel=0.01)  # a detail falls off with the third power
    assert float(maps.max()) < 1e-3
    assert maps.min() >= 0


def test_the_map_is_0_where_it_is_as_usual_and_1_at_its_bound(head, front, rows):
    good = head.components(front(surface(12, SHAPE, seed=3))).double().numpy()
    head.use(Units.of(good, Mix(WEIGHTS, details=False)))
    maps = head(rows)[0]
    assert float(maps[:4].median()) < 0.2
    assert maps[:4].max() < maps[6].max()
    assert maps[6].max() > 1
    assert maps.min() >= 0


def test_a_held_out_part_scores_as_by_a_head_that_never_saw_it(front):
    parts, layout, held = 40, Layout(*SHAPE, LITE0), torch.tensor([2])
    rows = front(surface(parts, SHAPE))
    judge = HeldOut(rows, torch.arange(parts), layout, Choice(1)).without(held)
    others = whole.fit(torch.cat([rows[:2], rows[3:]]), layout, Choice(1))
    torch.testing.assert_close(judge(2, rows[held]), others.components(rows[held]), rtol=0.05, atol=0.02)
    seen = whole.fit(rows, layout, Choice(1)).components(rows[held])
    deep = slice(3, len(WEIGHTS))
    assert (judge(2, rows[held])[:, deep] > 1.5 * seen[:, deep]).all(), "and that differs from one that did"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_few_good_patches_are_enough(front, count):
    head = whole.fit(front(surface(count, SHAPE)), Layout(*SHAPE, LITE0), Choice(4))
    for found in head(front(torch.cat([surface(2, SHAPE, seed=5), defective(SHAPE)])))[:2]:
        assert torch.isfinite(found).all()
        assert (found >= 0).all()


def test_the_exported_file_says_what_pytorch_says_of_patches_that_are_not_square(front, head, station, tmp_path):
    head.limits.copy_(torch.tensor([0.7, 1.9, 2.3]))
    model = FeatureModel(front, head)
    info = Detector(station.model()).info.model_copy(update={"patch_shape": SHAPE, "kind": "feature"})
    path = tmp_path / "model.onnx"
    onnx_file.export(model, info, Gamut.of([np.zeros((1, 1, 3), np.uint8)]), path)
    detector = Detector(path)
    patches = torch.cat([surface(2, SHAPE, seed=5), defective(SHAPE)])
    for count in (1, 2, 5):
        maps, scores, reconstructions = model(patches[-count:])
        found = detector(patches[-count:].numpy())
        np.testing.assert_allclose(found.maps, maps.numpy(), rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(found.scores, scores.numpy(), rtol=1e-3)
        shown = detector.reconstructions(patches[-count:].numpy())
        assert np.abs(shown.astype(int) - reconstructions.numpy().astype(int)).max() <= 1
