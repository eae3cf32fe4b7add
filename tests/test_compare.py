"""Results of several evaluations in one table. A part's score is its brightness / 25.5."""

import contextlib
import io
import json

import pytest
from labelled import fill
from product import VERBS, Product

from inspector import cli


@pytest.fixture
def alpha(station, tmp_path):
    """A dent each above 8.5, between 5 and 8.5, and below: what is found depends on the threshold."""
    fill(tmp_path / "data", good=[40, 60], dent=[230, 200, 50])
    return Product("alpha", station.models.parent, tmp_path / "data")


def result(product, name):
    """`evaluate --json` into a file."""
    path = product.data.parent / name
    path.write_text(product.call("evaluate", "--data", product.data, "--json"), encoding="utf-8")
    return path


def compare(*words):
    """Exit code, standard output, standard error."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = cli.main(VERBS, ["compare", *map(str, words)])
    return code, out.getvalue(), err.getvalue()


def table(*words):
    code, out, err = compare(*words)
    assert code == 0, err
    return out


def cells(markdown):
    """Rows of a Markdown table, each a dict by the head's names."""
    head, _, *lines = ([cell.strip() for cell in line.strip("| \n").split("|")] for line in markdown.splitlines())
    return [dict(zip(head, line, strict=True)) for line in lines]


def test_one_row_has_the_figures_of_its_evaluation(alpha):
    path = result(alpha, "a.json")
    found = json.loads(path.read_text())
    (row,) = cells(table(path))
    assert (row["product"], row["images"]) == ("alpha", "5 (3 defective)")
    assert row["image AUROC"] == f"{found['image_auroc']:.3f}"
    assert row["F1"] == f"{found['f1']:.3f}" == "0.800"
    assert row["false rejects (budget)"] == "0 % (1 %)"
    assert row["pixel AUROC"] == "\u2013"


def test_seeds_of_one_product_are_shown_as_mean_and_deviation(station, alpha):
    first = result(alpha, "a.json")  # threshold 5: two of three found, F1 0.8
    station.alter(seed=1, threshold=8.5)  # one of three found, F1 0.5
    second = result(alpha, "b.json")
    (row,) = cells(table(first, second))
    assert row["F1"] == "0.650 ± 0.212"
    assert row["model"].endswith("2 seeds")
    (data,) = json.loads(table(first, second, "--format", "json"))
    assert data["seeds"] == [0, 1]
    assert data["figures"]["f1"]["mean"] == pytest.approx(0.65)
    assert data["figures"]["f1"]["deviation"] == pytest.approx(0.3 / 2**0.5)


def test_other_products_settings_and_test_sets_have_rows_of_their_own(station, alpha):
    paths = [result(alpha, "a.json"), result(Product("beta", alpha.home, alpha.data), "b.json")]
    station.alter(grid="2x2")
    station.write(grid="2x2")
    paths.append(result(alpha, "c.json"))
    fill(alpha.data, good=[44])
    paths.append(result(alpha, "d.json"))
    rows = cells(table(*paths))
    assert [row["product"] for row in rows] == ["alpha", "beta", "alpha", "alpha"]
    assert ["grid 2x2" in row["model"] for row in rows] == [False, False, True, True]


def test_the_page_holds_the_table_and_the_intervals(alpha):
    path = result(alpha, "a.json")
    low, high = json.loads(path.read_text())["intervals"]["image_auroc"]
    page = table(path, "--format", "html")
    assert page.startswith("<!doctype html>")
    assert f"{low:.3f} to {high:.3f}" in page
    assert "src=" not in page


def test_the_same_model_twice_is_no_second_seed(alpha):
    first, second = result(alpha, "a.json"), result(alpha, "b.json")
    code, out, err = compare(first, second)
    assert (code, out) == (2, "")
    assert err == f"error: {second}: the same model on the same images as {first}: give only one of them\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not a result of `evaluate --json`"),
        (b"[]", "not a result of `evaluate --json`"),
        (b'{"product": "alpha"}', "images is missing"),
        (b"\xff\xfe", "not a result of `evaluate --json`"),
    ],
)
def test_another_file_is_refused_in_one_line(tmp_path, content, said):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    code, out, err = compare(path)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {path}: ")
    assert said in err
    assert err.count("\n") == 1


def test_a_result_with_a_key_of_another_version_is_refused(alpha):
    path = result(alpha, "a.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"colour": 1}))
    assert "unknown key colour" in compare(path)[2]


def test_a_file_that_is_not_there_is_named(tmp_path):
    code, _, err = compare(tmp_path / "none.json")
    assert code == 2
    assert err == f"error: {tmp_path / 'none.json'}: cannot be read: No such file or directory\n"
