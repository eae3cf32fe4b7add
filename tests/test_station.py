"""The station's own file."""

from pathlib import Path

import numpy as np
import pytest

from inspector.cameras.source import open_camera
from inspector.errors import CameraError, RecipeError
from inspector.images import write_image
from inspector.recipe import load_recipe, new_recipe, products
from inspector.station import Station, TcpTarget, load_station

CONFIG = Path(__file__).parent.parent / "config"

WHOLE = """
overflow: newest
stall_s: 5
cameras:
  left: {source: 0, product: alpha, fps: 10, outputs: [{kind: tcp, host: plc, port: 5000}]}
  right: {source: "rtsp://camera/1", product: beta, outputs: [{kind: file, path: run/right.json}]}
"""


def write(folder, text):
    folder.mkdir(exist_ok=True)
    (folder / "station.yaml").write_text(text)
    return folder


def test_without_the_file_the_defaults_hold(tmp_path):
    assert load_station(tmp_path) == Station()


def test_the_shipped_file_says_the_defaults():
    assert load_station(CONFIG) == Station()


def test_every_key_is_read(tmp_path):
    station = load_station(write(tmp_path, WHOLE))
    assert (station.overflow, station.stall_s, list(station.cameras)) == ("newest", 5, ["left", "right"])
    left = station.cameras["left"]
    assert (left.source, left.product, left.fps) == ("0", "alpha", 10)
    assert left.outputs == (TcpTarget(kind="tcp", host="plc", port=5000),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("overflow: sometimes\n", "station.yaml: overflow: "),
        ("stall_s: 0\n", "station.yaml: stall_s: "),
        ("stall: 5\n", "station.yaml: unknown key stall"),
        ("outputs: [{kind: plc}]\n", "station.yaml: outputs.0: "),
        ("outputs: [{kind: tcp, host: plc}]\n", "station.yaml: key outputs.0.tcp.port is missing"),
        ("cameras: {left: {source: 0}}\n", "station.yaml: key cameras.left.product is missing"),
        ("cameras: {left: {source: true, product: a}}\n", "station.yaml: cameras.left.source: "),
        ("cameras: {'../x': {source: 0, product: a}}\n", "station.yaml: cameras.../x"),
        ("stall_s: 1\nstall_s: 2\n", "station.yaml: not valid YAML: line 2: duplicate key stall_s"),
        (
            "cameras: {a: {source: 0, product: a}}\noutputs: [{kind: file, path: x}]\n",
            "station.yaml: outputs: with `cameras`, each camera has its own",
        ),
        (
            "cameras:\n"
            "  a: {source: 0, product: a, outputs: [{kind: tcp, host: PLC, port: 1}]}\n"
            "  b: {source: 1, product: a, outputs: [{kind: tcp, host: plc, port: 1}]}\n",
            "station.yaml: cameras.b.outputs: tcp plc:1 is already in cameras.a.outputs: give each its own",
        ),
        ("outputs: [{kind: file, path: x}, {kind: file, path: ./x}]\n", "station.yaml: outputs: "),
    ],
)
def test_a_mistake_is_one_line_that_names_file_and_key(tmp_path, text, words):
    with pytest.raises(RecipeError) as caught:
        load_station(write(tmp_path, text))
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)


def test_the_station_is_no_product(station):
    write(station.config, WHOLE)
    assert products(station.config) == ["alpha", "beta", "gamma"]
    with pytest.raises(RecipeError, match=r"station\.yaml"):
        load_recipe(station.config, "station")
    with pytest.raises(RecipeError, match=r"name the product otherwise"):
        new_recipe("station")


@pytest.mark.parametrize(("name", "read"), [("no", "False"), ("on", "True"), ("007", "7.0"), ("1e5", "100000.0")])
def test_a_name_that_yaml_takes_for_something_else_is_to_be_put_in_quotes(tmp_path, name, read):
    write(tmp_path, f"cameras: {{{name}: {{source: 0, product: alpha}}}}")
    with pytest.raises(
        RecipeError, match=rf"^station\.yaml: cameras: a name in it is {read} to YAML: put it in quotes$"
    ):
        load_station(tmp_path)
    write(tmp_path, f"cameras: {{left: {{source: 0, product: {name}}}}}")
    with pytest.raises(RecipeError, match=rf"cameras\.left\.product: .* got {read}: put it in quotes$"):
        load_station(tmp_path)
    write(tmp_path, f"cameras: {{'{name}': {{source: 0, product: '{name}'}}}}")
    assert list(load_station(tmp_path).cameras) == [name]


def test_a_time_limit_that_would_never_come_is_refused(tmp_path):
    for key in ("stall_s", "load_s"):
        write(tmp_path, f"{key}: 1e305")
        with pytest.raises(RecipeError, match=rf"station\.yaml: {key}: .* less than or equal to 3600, got 1e\+305"):
            load_station(tmp_path)


def test_addresses_and_paths_are_kept_as_they_are_written(tmp_path):
    for source in ("rtmp://plant/line", "file:///data/parts", "~/parts", "/dev/v4l/by-id/usb-1"):
        write(tmp_path, f"cameras: {{left: {{source: {source}, product: alpha}}}}")
        assert load_station(tmp_path).cameras["left"].source == source


KINDS = """\
cameras:
  parts: {camera: {kind: folder, path: parts, loop: true}, product: a}
  belt: {camera: {kind: video, path: belt.mp4, fps: 12.5}, product: a}
  usb: {camera: {kind: device, device: 97, width: 1280, height: 720, fps: 30, exposure: 50}, product: a}
  ip: {camera: {kind: network, address: "RTSP://cam/1", open_timeout_s: 3, give_up_s: 5, frozen_after: 0}, product: a}
  web: {camera: {kind: snapshot, address: "http://cam/jpg", fps: 4, timeout_s: 1, max_age_s: 2}, product: a}
"""


def test_a_camera_may_be_written_out_with_all_its_settings(tmp_path):
    write(tmp_path, KINDS)
    cameras = load_station(tmp_path).cameras
    assert {name: each.camera.kind for name, each in cameras.items()} == {
        "parts": "folder", "belt": "video", "usb": "device", "ip": "network", "web": "snapshot"
    }  # fmt: skip
    assert [each.rate_hz for each in cameras.values()] == [None, 12.5, 30, None, 4]
    with pytest.raises(CameraError, match="camera 97: cannot be opened"), open_camera(cameras["usb"].camera):
        pass


@pytest.mark.parametrize(
    ("camera", "wrong"),
    [
        ("{product: a}", "wants either `source` or `camera`"),
        ("{product: a, source: 0, camera: {kind: device, device: 0}}", "wants either `source` or `camera`"),
        ("{product: a, fps: 5, camera: {kind: device, device: 0}}", "fps belongs to `source`"),
        (
            "{product: a, camera: {kind: device, device: 0, exposure_ms: 5}}",
            "unknown key cameras.left.camera.device.e",
        ),
        ("{product: a, camera: {kind: device, device: 0, width: 0}}", "cameras.left.camera.device.width: "),
        ("{product: a, camera: {kind: network, address: cam/1}}", "cameras.left.camera.network.address: "),
        ("{product: a, camera: {kind: folder, path: x, width: 5}}", "unknown key cameras.left.camera.folder.width"),
        ("{product: a, camera: {kind: scanner}}", "cameras.left.camera: "),
    ],
)
def test_a_mistake_in_a_camera_is_named(tmp_path, camera, wrong):
    write(tmp_path, f"cameras: {{left: {camera}}}")
    with pytest.raises(RecipeError) as error:
        load_station(tmp_path)
    assert wrong in str(error.value)


def test_the_settings_reach_the_camera(tmp_path):
    for index in range(2):
        write_image(tmp_path / f"{index}.png", np.full((8, 8, 3), 40 * index, np.uint8))
    write(tmp_path, f"cameras: {{a: {{camera: {{kind: folder, path: {tmp_path}, loop: true}}, product: x}}}}")
    with open_camera(load_station(tmp_path).cameras["a"].camera) as camera:
        assert [camera.read(0).part for _ in range(5)] == ["0.png", "1.png", "0.png", "1.png", "0.png"]
