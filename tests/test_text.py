from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.text import ascii_text, number, printable, shortened, told_apart


@given(st.text())
def test_every_text_becomes_printable_ascii(text):
    assert all(" " <= c <= "~" for c in ascii_text(text))


@pytest.mark.parametrize(
    ("text", "ascii_"),
    [
        ("Größe é/ñ", "Grosse e/n"),
        ("Łódź", "Lodz"),
        ("3\u00d74 \u2013 20 \u00b5m", "3x4 - 20 um"),
        ("a\nb", "a b"),
        ("部品7", "??7"),
    ],
)
def test_ascii_text_is_what_a_reader_expects(text, ascii_):
    assert ascii_text(text) == ascii_


@given(st.text(max_size=60), st.integers(0, 70))
def test_shortened_texts_keep_their_ends(text, length):
    short = shortened(text, length)
    assert len(short) == min(len(text), length)
    if 4 <= length < len(text):
        assert (short[0], short[-1]) == (text[0], text[-1])


@pytest.mark.parametrize(
    ("value", "told"), [(0.012345, "0.01235"), (2, "2.000"), (12345.6, "1.235e+04"), (1234.6, "1235"), (math.nan, "-")]
)
def test_numbers_have_four_digits(value, told):
    assert number(value) == told


@pytest.mark.parametrize(
    ("score", "limit", "told"),
    [
        (0.92494, 0.92487, ("0.92494", "0.92487")),  # 0.9249 both, in four digits
        (0.924949, 0.9249, ("0.92495", "0.92490")),
        (0.9249, 0.9249, ("0.9249", "0.9249")),
        (7.84, 5, ("7.840", "5.000")),
        (math.nan, 5, ("-", "5.000")),
        (math.nextafter(0.1, 1), 0.1, ("0.10000000000000002", "0.10000000000000001")),
    ],
)
def test_a_score_and_its_threshold_look_different_where_they_are(score, limit, told):
    assert told_apart(score, limit) == told


@given(st.floats(0.001, 1000), st.floats(0.5, 2))
def test_numbers_that_are_told_apart_keep_their_order(limit, times):
    score = limit * times
    shown, shown_limit = (float(text) for text in told_apart(score, limit))
    assert (shown > shown_limit, shown == shown_limit) == (score > limit, score == limit)


@given(st.text())
def test_what_is_printable_commands_no_terminal(text):
    assert printable(text).isprintable()


def test_what_is_printable_already_stays():
    assert printable("Größe 部品7 \\") == "Größe 部品7 \\"
    assert printable("a\x1b[2Jb\r\n\u202ec") == r"a\x1b[2Jb\r\n\u202ec"
