"""Model files, good and broken, and what comes out of a good one."""

import base64
import hashlib
import json

import numpy as np
import onnx
import pytest

from inspector.detector import Detector
from inspector.errors import ModelError
from inspector.model_info import KEY_GAMUT, KEY_INFO
from inspector.records import Prediction


def complaint(path):
    with pytest.raises(ModelError) as raised:
        Detector(path)
    said = str(raised.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said


def noise(count, side=32):
    """Patches that do not look alike, of brightnesses the model can judge."""
    rng = np.random.default_rng(0)
    base = rng.integers(0, 200, (count, 1, 1, 1))
    return (base + rng.integers(0, 50, (count, side, side, 3))).astype(np.uint8)


def template(picture):
    """As a model's metadata has it."""
    encoded = base64.b64encode(picture).decode()
    return {"by": "template", "length": 64, "width": 48, "picture": encoded, "turn": 0.1, "shift": 0.1}


@pytest.fixture
def detector(station):
    return Detector(station.model())


# ---- broken files


def test_a_missing_model_is_told_how_to_make(tmp_path):
    assert "no such model: make it with `train`" in complaint(tmp_path / "alpha.onnx")
    assert "no such model" in complaint(tmp_path)


def test_a_model_cut_short_anywhere_is_refused(station):
    path = station.model()
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 1009), *range(len(whole) - 9, len(whole))]:
        path.write_bytes(whole[:length])
        complaint(path)
    path.write_bytes(whole)
    assert Detector(path).info.product == "alpha"


@pytest.mark.parametrize("content", [b"\0" * 5000, b"not a model\n" * 99, bytes(range(256)) * 20, b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_something_else_is_refused(tmp_path, content):
    path = tmp_path / "alpha.onnx"
    path.write_bytes(content)
    complaint(path)


def test_a_model_of_another_program_is_refused(tmp_path):
    path = tmp_path / "alpha.onnx"
    value = onnx.helper.make_tensor_value_info
    uint8 = onnx.TensorProto.UINT8
    same = onnx.helper.make_node("Identity", ["patches"], ["maps"])
    graph = onnx.helper.make_graph([same], "g", [value("patches", uint8, [1, 3])], [value("maps", uint8, [1, 3])])
    onnx.save(onnx.helper.make_model(graph, ir_version=8, opset_imports=[onnx.helper.make_opsetid("", 18)]), path)
    assert "not a model of this program (no metadata): export it with `train`" in complaint(path)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"format": 1}, "metadata cannot be read (format: "),
        ({"threshold": "high"}, "metadata cannot be read (threshold: "),
        ({"colour_of_the_box": "red"}, "metadata cannot be read (unknown key colour_of_the_box)"),
        ({"fixture": template(b"")}, "metadata cannot be read (fixture.template.picture: "),
        ({"fixture": template(b"\x89PNG\r\n\x1a\n cut off")}, "metadata cannot be read (fixture.template.picture: "),
        ({"patch_limits": [1.0, 0.5]}, "2 limits of patches for grid 1x1): train again"),
        ({"patch_limits": [0.0]}, "metadata cannot be read (patch_limits.0: "),
        ({"patch_shape": [64, 32]}, "not the patches its metadata names: train again"),
    ],
)
def test_metadata_that_does_not_fit_is_named(station, facts, words):
    station.alter(**facts)
    assert words in complaint(station.model())


def test_a_graph_that_takes_something_else_is_refused(station):
    model = onnx.load(station.model())
    model.graph.input.append(onnx.helper.make_tensor_value_info("mood", onnx.TensorProto.FLOAT, [1]))
    station.save(model)
    assert "its inputs are patches, wanted, mood, not patches and wanted: train again" in complaint(station.model())


@pytest.mark.parametrize("gamut", ["", "AAAA", "!", "eJwDAAAAAAE="])
def test_a_damaged_gamut_is_named_with_its_file(station, gamut):
    model = onnx.load(station.model())
    known = {entry.key: entry.value for entry in model.metadata_props}
    onnx.helper.set_model_props(model, {KEY_INFO: known[KEY_INFO], KEY_GAMUT: gamut})
    onnx.save(model, station.model())
    complaint(station.model())


def test_one_changed_byte_anywhere_is_refused(station):
    path = station.model()
    whole = path.read_bytes()
    entry = whole.index(b"line_inspector_checksum")
    for place in [*range(0, len(whole), 97), *range(entry, entry + 89)]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        complaint(path)


def test_a_changed_weight_is_refused_though_the_runtime_would_take_it(station):
    model = onnx.load(station.model())
    (weight, *_) = [each for each in model.graph.initializer if each.raw_data]
    weight.raw_data = bytes([weight.raw_data[0] ^ 1]) + weight.raw_data[1:]
    onnx.save(model, station.model())
    assert "is damaged (its checksum does not match): copy it again, or train again" in complaint(station.model())


def test_a_model_made_before_there_were_checksums_is_loaded(station):
    model = onnx.load(station.model())
    known = {entry.key: entry.value for entry in model.metadata_props}
    info = json.loads(known[KEY_INFO])
    del info["has_checksum"]
    onnx.helper.set_model_props(model, {KEY_INFO: json.dumps(info), KEY_GAMUT: known[KEY_GAMUT]})
    onnx.save(model, station.model())
    assert Detector(station.model()).info.product == "alpha"


# ---- good ones


def test_any_number_of_patches_gives_the_map_and_the_score_of_each(detector):
    patches = noise(40)
    alone = Prediction.concatenate([detector(patch[None]) for patch in patches])
    assert alone.maps.dtype == alone.scores.dtype == np.float32
    assert len(np.unique(alone.maps.mean((1, 2)))) == len(np.unique(alone.scores)) == 40
    for count in range(1, 41):
        found = detector(patches[:count])
        np.testing.assert_allclose(found.maps, alone.maps[:count], rtol=1e-6)
        np.testing.assert_allclose(found.scores, alone.scores[:count], rtol=1e-6)


def test_a_map_says_where(detector):
    patch = np.zeros((1, 32, 32, 3), np.uint8)
    patch[0, 4:8, 20:24] = 102
    (anomaly_map,) = detector(patch).maps
    assert np.argwhere(anomaly_map).tolist() == [[1, 5]]
    assert anomaly_map[1, 5] == pytest.approx(4)


def test_warming_up_changes_no_result(detector):
    patches = noise(5)
    cold = detector(patches)
    detector.warm_up()
    warm = detector(patches)
    np.testing.assert_array_equal(warm.maps, cold.maps)
    np.testing.assert_array_equal(warm.scores, cold.scores)


def test_a_model_that_fails_says_so_in_one_line_and_goes_on_with_the_next_patch(detector):
    bad, good = np.full((2, 1, 32, 32, 3), 255, np.uint8)
    good[:] = 40
    with pytest.raises(ModelError, match=r"^alpha: ONNX Runtime failed: .*$"):
        detector(bad)
    found = detector(good)
    assert (found.maps.shape, found.scores.shape) == ((1, 8, 8), (1,))


def test_reconstructions_show_each_patch_and_its_reconstruction(detector):
    patches = noise(3)
    np.testing.assert_array_equal(detector.reconstructions(patches), np.stack([patches, patches], 1))


def test_the_models_hash_is_the_files(station, detector):
    assert detector.model_hash == hashlib.sha256(station.model().read_bytes()).hexdigest()[:12]
    assert Detector(station.model("beta")).model_hash != detector.model_hash


def test_the_metadata_comes_back_as_it_went_in(detector):
    info = detector.info
    assert (info.product, info.grid, info.threshold, info.patch_shape) == ("alpha", "1x1", 5.0, (32, 32))
    assert info.held_out == {"0123456789ab": 1.6, "ba9876543210": 1.7}
    assert info.learned_from == {"0123456789ab", "ba9876543210"}
    assert len(detector.gamut) == 256


@pytest.mark.parametrize("older", [False, True])
def test_a_model_without_reconstructions_judges_alike(station, detector, older):
    """Older models call them otherwise: they give none."""
    model = onnx.load(station.model())
    (output,) = [each for each in model.graph.output if each.name == "reconstructions"]
    model.graph.output.remove(output)
    if older:
        model.graph.node.append(onnx.helper.make_node("Identity", ["reconstructions"], ["pictures"]))
        output.name = "pictures"
        model.graph.output.append(output)
    station.save(model)
    without = Detector(station.model())
    assert detector.reconstructs
    assert not without.reconstructs
    with pytest.raises(ModelError, match="gives no reconstructions: train again"):
        without.reconstructions(noise(1))
    patches = noise(3)
    np.testing.assert_array_equal(without(patches).scores, detector(patches).scores)
