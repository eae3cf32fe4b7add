"""A key changed in a file that somebody wrote by hand: what is around it stays."""

import pytest
import yaml

from inspector.yaml_edit import with_added, with_nested, without

BLOCK = """\
# Of the bottle.
product: bottle   # the one
regions:
  # from the drawing
  rim:            # outer
    judge: [[[0, 0], [1, 0],
             [1, 1]]]

    false_rejects: 0.01   # as agreed
  'on': {judge: [[[0, 0], [1, 0], [1, 1]]], threshold: 2  # by Ann
        }

# the rest
grid: 1x1
"""


def test_a_nested_key_is_changed_or_added_and_nothing_else():
    text = with_nested(BLOCK, ("regions", "on", "threshold"), 3.5)
    assert text == BLOCK.replace("threshold: 2  #", "threshold: 3.5  #")
    text = with_nested(BLOCK, ("regions", "on", "false_rejects"), "auto")
    assert text == BLOCK.replace("{judge", "{false_rejects: auto, judge")
    text = with_nested(BLOCK, ("regions", "rim", "threshold_model"), "1234e5678901")
    assert text == BLOCK.replace("    judge:", "    threshold_model: '1234e5678901'\n    judge:", 1)
    text = with_nested(text, ("regions", "rim", "threshold_model"), None)
    assert yaml.safe_load(text)["regions"]["rim"]["threshold_model"] is None


def test_a_value_that_was_left_empty_is_filled():
    assert with_nested("a:\n  b:\n  c: 1\n", ("a", "b"), 2) == "a:\n  b: 2\n  c: 1\n"


@pytest.mark.parametrize("keys", [("regions", "base", "threshold"), ("product", "threshold"), ("grid", "a", "b")])
def test_where_there_is_nothing_above_it_says_so(keys):
    with pytest.raises(KeyError):
        with_nested(BLOCK, keys, 1)


def test_a_key_goes_with_all_that_is_below_it_and_comments_on_the_next_stay():
    text = without(BLOCK, "regions")
    assert text == "# Of the bottle.\nproduct: bottle   # the one\n\n# the rest\ngrid: 1x1\n"
    assert without(BLOCK, "roi") == BLOCK
    assert without(BLOCK, "product") == BLOCK.replace("product: bottle   # the one\n", "")
    assert without("roi: {\n  judge: []\n}  # all\ngrid: 1x1", "roi") == "grid: 1x1"
    assert without("---\nproduct: a\nregions:\n  a: 1\n...\n", "regions") == "---\nproduct: a\n...\n"


def test_what_is_added_stands_before_the_end():
    assert with_added("---\na: 1\n...\n", "b:\n  c: 2\n") == "---\na: 1\nb:\n  c: 2\n...\n"
    assert with_added("a: 1", "b: 2") == "a: 1\nb: 2\n"
