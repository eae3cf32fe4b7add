"""Recipes: what is read, what is refused and in which words, and what an update leaves alone."""

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.errors import RecipeError
from inspector.recipe import (
    ColourSettings,
    Recipe,
    load_recipe,
    new_recipe,
    parse_recipe,
    products,
    recipe_path,
    update_recipe,
    write_recipe,
)


def parsed(text):
    return parse_recipe(f"product: bottle\n{text}\n", Path("config/bottle.yaml"))


def complaint(text):
    with pytest.raises(RecipeError) as raised:
        parse_recipe(text, Path("config/bottle.yaml"))
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_everything_but_the_product_has_a_default():
    assert parsed("") == new_recipe("bottle")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("exposure: 3", "unknown key exposure"),
        ("colour: {enhanse: none}", "unknown key colour.enhanse"),
        ("batch_size: 2.5", "batch_size: Input should be a valid integer, got 2.5"),
        ("batch_size: '8'", "batch_size: Input should be a valid integer, got '8'"),
        ("batch_size: 0", "batch_size: Input should be greater than or equal to 1, got 0"),
        ("batch_size: true", "batch_size: Input should be a valid integer, got True"),
        ("batch_size:", "batch_size: Input should be a valid integer, got None"),
        ("overlap: true", "overlap: Input should be a valid number, got True"),
        ("overlap: 0.6", "overlap: Input should be less than or equal to 0.5, got 0.6"),
        ("colour: overlay", "colour: Input should be a valid dictionary"),
        ("colour:", "colour: Input should be a valid dictionary"),
        ("colour: {enhance: neon}", "colour.enhance: Input should be 'none', 'overlay' or 'model', got 'neon'"),
        ("colour: {tolerance: true}", "colour.tolerance: Input should be a valid integer, got True"),
        ("deadline_ms: 0", "deadline_ms: Input should be greater than 0, got 0"),
        ("deadline_ms: 1e305", "deadline_ms: Input should be less than or equal to 3600000, got 1e+305"),
        ("deadline_ms: soon", "deadline_ms: Input should be a valid number, got 'soon'"),
        ("golden: ''", "golden: String should have at least 1 character, got ''"),
        ("threshold: true", "threshold: wants auto or a number above 0, got True"),
        ("threshold: 0", "threshold: wants auto or a number above 0, got 0"),
        ("threshold: -2", "threshold: wants auto or a number above 0, got -2"),
        ("threshold: .nan", "threshold: wants auto or a number above 0, got nan"),
        ("threshold: .inf", "threshold: wants auto or a number above 0, got inf"),
        ("threshold: high", "threshold: wants auto or a number above 0, got 'high'"),
        ("threshold: '3'", "threshold: wants auto or a number above 0, got '3'"),
        ("threshold: [3]", "threshold: wants auto or a number above 0, got [3]"),
        ("threshold_model: abc", "threshold_model belongs to a threshold that is a number"),
        ("grid: true", "grid: wants ROWSxCOLS, for example 2x3, or auto, got True"),
        ("grid: 2.5", "grid: wants ROWSxCOLS, for example 2x3, or auto, got 2.5"),
        ("grid: [2, 3]", "grid: wants ROWSxCOLS, for example 2x3, or auto, got [2, 3]"),
        ("grid: 2x", "grid: grid is '2x', wanted ROWSxCOLUMNS"),
        ("grid: 0x3", "grid: grid is 0x3, wanted at least 1x1"),
        ("grid: 1:30", "grid: grid is '1:30', wanted ROWSxCOLUMNS"),
        ("false_rejects: 1", "false_rejects: wants auto or a number above 0 and below 1, got 1"),
        ("3: x", "3: Keys should be strings"),
        ("[1, 2]: x", "not valid YAML: line 2: found unhashable key"),
        ("grid: 1x1\ngrid: 2x2", "not valid YAML: line 3: duplicate key grid"),
        ("colour:\n  enhance: none\n  enhance: model", "not valid YAML: line 4: duplicate key enhance"),
        ("\tgrid: 1x1", "not valid YAML: line 2: found character"),
        ("grid: 1x1: 2", "not valid YAML: line 2: mapping values are not allowed here"),
        ("grid: 'open", "not valid YAML: line 3: found unexpected end of stream"),
        ("model: 2024-13-45", "not valid YAML: month must be in 1..12"),
        ("model: !!python/object:os.system {}", "not valid YAML: line 2: could not determine a constructor"),
        ("---\ngrid: 1x1", "not valid YAML: line 2: but found another document"),
    ],
)
def test_a_mistake_is_named_with_file_and_key_or_line(text, words):
    said = complaint(f"product: bottle\n{text}\n")
    assert said.startswith(f"bottle.yaml: {words}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "wants `key: value` lines, got NoneType"),
        ("# only a comment\n", "wants `key: value` lines, got NoneType"),
        ("- product\n- bottle\n", "wants `key: value` lines, got list"),
        ("bottle", "wants `key: value` lines, got str"),
        ("grid: 1x1", "key product is missing"),
        ("product: cap", "product is 'cap', but the file is named for 'bottle'"),
        ("product: 12", "product: Input should be a valid string, got 12"),
        ("product: no", "product: Input should be a valid string, got False: put it in quotes"),
        ("product: 1e5", "product: Input should be a valid string, got 100000.0: put it in quotes"),
        ("product: 007", "product: Input should be a valid string, got 7.0: put it in quotes"),
        ("product: &a bottle\nmodel: *a", "not valid YAML: line 2: an alias (*) is not read: write it out"),
        ("product: a b", "product: String should match pattern"),
        ("product: '../bottle'", "product: String should match pattern"),
        ("product: \0", "not valid YAML: unacceptable character #x0000"),
        ("[" * 600, "not valid YAML: maximum recursion depth exceeded"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(text, words):
    assert complaint(text).startswith(f"bottle.yaml: {words}")


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        ("auto", "auto"),
        ("3", 3.0),
        ("2.75", 2.75),
        ("1e-3", 0.001),
        ("1E+2", 100.0),
        ("5e-05  # tiny", 0.00005),
        ("1.5e3", 1500.0),
    ],
)
def test_a_threshold_is_auto_or_any_way_to_write_a_number(text, threshold):
    assert parsed(f"threshold: {text}").threshold == threshold


@pytest.mark.parametrize(("text", "grid"), [("2x3", "2x3"), ("8", "8x8"), ("'4'", "4x4"), ("' 2 x 3 '", "2x3")])
def test_a_grid_is_written_in_several_ways_and_means_one_thing(text, grid):
    recipe = parsed(f"grid: {text}")
    assert recipe.grid == grid
    assert recipe.hash == parsed(f"grid: {grid}").hash


def test_the_hash_changes_with_every_setting_and_with_nothing_else():
    settings = {
        "grid": "2x2",
        "overlap": 0.25,
        "threshold": 2.0,
        "false_rejects": 0.02,
        "colour": ColourSettings(enhance="none"),
        "any_size": True,
        "batch_size": 4,
        "model": "other.onnx",
        "deadline_ms": 50.0,
        "golden": "golden/bottle",
    }
    hashes = {Recipe(product="bottle", **{key: value}).hash for key, value in settings.items()}
    assert len(hashes | {new_recipe("bottle").hash}) == len(settings) + 1
    assert parsed("# why\nbatch_size: 4\noverlap: 0").hash == parsed("overlap: 0.0\nbatch_size: 4  # why").hash


names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,12}", fullmatch=True)
tiny_to_huge = st.floats(1e-12, 1e12)
recipes = st.builds(
    lambda threshold, model, **rest: Recipe(threshold=threshold, threshold_model=model, **rest),
    threshold=tiny_to_huge,
    model=st.none() | st.from_regex(r"[0-9a-f]{12}|[0-9]{5}e[0-9]{6}|[0-9]{12}", fullmatch=True),
    product=names | st.sampled_from(["no", "on", "null", "12", "1e5", "007", "2024-01-01", "2024-13-45", "1_000"]),
    grid=st.sampled_from(["1x1", "2x3", "8x8"]),
    overlap=st.floats(0, 0.5),
    align=st.sampled_from(["auto", "none", "object"]),
    unaligned=st.sampled_from(["missed", "judge"]),
    false_rejects=st.floats(1e-9, 0.5),
    colour=st.builds(
        ColourSettings, enhance=st.sampled_from(["none", "overlay", "model"]), tolerance=st.none() | st.integers(0, 64)
    ),
    any_size=st.booleans(),
    batch_size=st.integers(1, 64),
    deadline_ms=st.none() | st.floats(1e-12, 3.6e6),
    golden=st.none() | st.sampled_from(["golden/bottle", "../shared: golden", "12", "off"]),
)


@settings(deadline=None)
@given(recipes)
def test_what_is_written_is_what_is_read(tmp_path_factory, recipe):
    folder = tmp_path_factory.mktemp("config")
    path = write_recipe(folder, recipe)
    assert load_recipe(folder, recipe.product) == recipe
    assert os.listdir(folder) == [path.name]


@pytest.mark.parametrize("model", ["other.onnx", "line 3 #2.onnx", "yes", "it's: new.onnx", "flasche-grün.onnx", "1e5"])
def test_the_model_of_another_name_is_kept(tmp_path, model):
    recipe = Recipe(product="bottle", model=model)
    write_recipe(tmp_path, recipe)
    assert load_recipe(tmp_path, "bottle").model_file == model


def test_a_written_recipe_explains_its_keys(tmp_path):
    text = write_recipe(tmp_path, new_recipe("bottle")).read_text()
    for key in ("grid", "overlap", "threshold", "false_rejects", "enhance", "batch_size"):
        (line,) = [line for line in text.splitlines() if line.strip().startswith(f"{key}:")]
        assert "  # " in line


COMMENTED = """\
# Recipe of bottle.
product: bottle

# The line's own remark on the threshold: it was 3 once.
threshold: auto      # auto: as calibrated
grid: 1x1            # grid: 1x1 is all we need

colour:
  # threshold: not here
  enhance: none     # paint nothing
false_rejects: 0.01
# the end"""


def updated(tmp_path, text, **changes):
    path = recipe_path(tmp_path, "bottle")
    path.write_text(text, encoding="utf-8")
    recipe = update_recipe(tmp_path, "bottle", **changes)
    assert recipe == load_recipe(tmp_path, "bottle")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "before", "after"),
    [
        ({"threshold": 2.5}, "threshold: auto      #", "threshold: 2.5      #"),
        ({"threshold": 1e-05}, "threshold: auto      #", "threshold: 1e-05      #"),
        ({"grid": "2x2"}, "grid: 1x1            #", "grid: 2x2            #"),
        ({"false_rejects": 0.05}, "false_rejects: 0.01", "false_rejects: 0.05"),
        ({"overlap": 0.25}, "# the end", "# the end\noverlap: 0.25\n"),
        ({"grid": None}, "grid: 1x1            # grid: 1x1 is all we need\n", ""),
        ({"overlap": None}, "", ""),
        (
            {"threshold": 2.5, "threshold_model": "1234e5678901"},
            COMMENTED,
            COMMENTED.replace("threshold: auto ", "threshold: 2.5 ") + "\nthreshold_model: '1234e5678901'\n",
        ),
    ],
)
def test_an_update_changes_its_key_and_not_a_letter_more(tmp_path, changes, before, after):
    assert updated(tmp_path, COMMENTED, **changes) == COMMENTED.replace(before, after)


def test_a_key_that_is_also_a_nested_one_is_not_confused_with_it(tmp_path):
    text = "product: bottle\ncolour:\n  tolerance: 3\n  enhance: none\ngrid: 1x1\n"
    assert updated(tmp_path, text, overlap=0.1) == text + "overlap: 0.1\n"


def test_what_an_update_adds_comes_before_the_end_mark(tmp_path):
    text = "---\nproduct: bottle\n...\n"
    assert updated(tmp_path, text, overlap=0.1) == "---\nproduct: bottle\noverlap: 0.1\n...\n"


def test_updates_one_after_the_other_leave_one_line_each(tmp_path):
    text = COMMENTED
    for threshold in (1.0, 0.25, 1e-07, 33.3):
        text = updated(tmp_path, text, threshold=threshold, threshold_model="abcdefabcdef")
    text = updated(tmp_path, text, threshold="auto", threshold_model=None)
    assert text.rstrip("\n") == COMMENTED


@pytest.mark.parametrize("text", ["product: bottle\nthreshold: auto", "threshold: auto\nproduct: bottle\n"])
def test_the_first_and_the_last_line_are_lines_like_any_other(tmp_path, text):
    assert updated(tmp_path, text, threshold=3.0) == text.replace("auto", "3.0")


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-8"])
def test_a_byte_order_mark_does_not_hide_the_first_key(tmp_path, mark):
    path = recipe_path(tmp_path, "bottle")
    path.write_text("grid: 1x1\nproduct: bottle\n", encoding=mark)
    assert update_recipe(tmp_path, "bottle", grid="2x2").grid == "2x2"


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("{product: bottle, grid: 1x1}\n", {"grid": "2x2"}),  # flow style: an added line would not be YAML
        ("product: bottle\n'grid': 1x1\n", {"grid": "2x2"}),  # a quoted key: the added one would be its double
        ("product: bottle\nthreshold:\n  auto\n", {"threshold": 2.0}),
        ("product: bottle\n", {"threshold": -1.0}),
        ("product: bottle\n", {"thresold": 1.0}),
    ],
)
def test_an_update_that_cannot_be_made_leaves_the_file_as_it_was(tmp_path, text, changes):
    path = recipe_path(tmp_path, "bottle")
    path.write_text(text)
    with pytest.raises(RecipeError):
        update_recipe(tmp_path, "bottle", **changes)
    assert path.read_text() == text
    assert os.listdir(tmp_path) == [path.name]


def test_a_few_lines_that_stand_for_more_than_any_computer_can_hold_are_refused():
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for number in range(1, 30):
        bomb += f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]\n"
    assert "line 3: an alias (*) is not read" in complaint("product: bottle\n" + bomb)


@pytest.mark.parametrize(
    "text",
    [
        "model: [" + "x, " * 9999 + "x]",
        "grid: " + "9" * 4000,
        "grid: " + "x" * 30000,
        "y" * 900 + ": 3",
        "threshold: " + "[" * 90 + "]" * 90,
        "threshold: " + "x" * 9000,
        "'" + "z" * 9000 + "': 1\n'" + "z" * 9000 + "': 1",
    ],
)
def test_however_long_what_was_given_the_message_is_short(text):
    assert len(complaint(f"product: bottle\n{text}\n")) < 350


def test_a_file_that_is_far_too_large_is_not_read(tmp_path):
    recipe_path(tmp_path, "bottle").write_text("product: bottle\n" + "# padding\n" * 7000)
    with pytest.raises(RecipeError, match=r"bottle\.yaml: has more than 65536 characters: is it the right file"):
        load_recipe(tmp_path, "bottle")


@pytest.mark.parametrize("product", ["../../x", "/etc/passwd", "a/b", "", ".", "..", "-x", "bottle\n", "C:x"])
def test_a_product_that_is_no_name_is_refused_before_any_file_is_looked_for(tmp_path, product):
    (tmp_path / "config").mkdir()
    (tmp_path / "x.yaml").write_text("product: x\n")
    with pytest.raises(RecipeError, match="wants a name of letters, digits"):
        load_recipe(tmp_path / "config" / "deeper", product)


@pytest.mark.parametrize(
    "model", ["../x.onnx", "a/../../x.onnx", "/tmp/x.onnx", "..\\x.onnx", "C:\\x.onnx", "C:x.onnx"]
)
def test_a_model_outside_its_folder_has_to_be_meant(model):
    text = f"model: '{model}'"
    said = complaint(f"product: bottle\n{text}\n")
    assert said.startswith(f"bottle.yaml: model: wants a file in the model folder, got {model!r}; where another place")
    assert parsed(text + "\nmodel_outside: true").model_file == model
    assert parsed("model: deeper/x.onnx").model_file == "deeper/x.onnx"


def test_an_unknown_product_is_told_which_there_are(tmp_path):
    for product in ("cap", "bottle"):
        write_recipe(tmp_path, new_recipe(product))
    with pytest.raises(RecipeError, match=r"unknown product screw: .*screw\.yaml \(there are: bottle, cap\)"):
        load_recipe(tmp_path, "screw")
    assert products(tmp_path) == ["bottle", "cap"]


def test_a_folder_that_does_not_exist_holds_no_products(tmp_path):
    with pytest.raises(RecipeError, match="there are: none"):
        load_recipe(tmp_path / "nowhere", "bottle")


def test_a_file_in_another_encoding_is_one_line(tmp_path):
    recipe_path(tmp_path, "bottle").write_bytes("product: bottle  # für Grün".encode("latin-1"))
    with pytest.raises(RecipeError, match=r"bottle\.yaml: cannot be read: 'utf-8' codec"):
        load_recipe(tmp_path, "bottle")


def test_a_folder_in_place_of_the_file_is_one_line(tmp_path):
    recipe_path(tmp_path, "bottle").mkdir()
    with pytest.raises(RecipeError, match=r"bottle\.yaml: cannot be read"):
        load_recipe(tmp_path, "bottle")
    with pytest.raises(RecipeError, match=r"bottle\.yaml: cannot be written"):
        write_recipe(tmp_path, new_recipe("bottle"))
    assert os.listdir(tmp_path) == ["bottle.yaml"]


def test_a_config_folder_that_is_a_file_is_one_line(tmp_path):
    folder = tmp_path / "config"
    folder.touch()
    with pytest.raises(RecipeError, match="cannot be written: "):
        write_recipe(folder, new_recipe("bottle"))


@pytest.mark.parametrize("name", ["", "a b", "../a", ".hidden", "a/b", "grün", "a\n"])
def test_a_name_that_cannot_be_a_products_is_refused(name):
    with pytest.raises(RecipeError, match="product: String should match pattern"):
        new_recipe(name)


fragments = st.sampled_from(
    (
        *("product: bottle\n", "grid: ", "threshold: ", "colour:\n", "  enhance: ", "none", "auto", "1e-3", "0x1F"),
        *("{", "}", "[", "]", ": ", "\n", "- ", "&a ", "*a", "!!", "'", '"', "#", "\t", "~", "<<: ", "? ", "\ufeff"),
        *("1:99", "2024-02-30", "9" * 5000),
    )
)


@settings(deadline=None)
@given(st.lists(fragments | st.text(max_size=5), max_size=20).map("".join))
def test_no_text_whatever_gives_anything_but_a_recipe_or_one_line(text):
    with contextlib.suppress(RecipeError):
        assert parse_recipe(text, Path("bottle.yaml")).product == "bottle"
