"""The station's own file."""

from pathlib import Path

import pytest

from inspector.errors import RecipeError
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
