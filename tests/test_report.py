"""The evaluation report. A part's score is its brightness / 25.5, the threshold 5 (a brightness of 127.5)."""

import base64
from html.parser import HTMLParser

import cv2
import numpy as np
import onnx
import pytest
from labelled import fill, spot
from product import Product

from inspector.model_info import file_hash

pytest_plugins = ["trained"]


class Page(HTMLParser):
    """A page as a reader gets it: its text, its tables' rows and its pictures by their description."""

    def __init__(self, html):
        super().__init__()
        self.words, self.rows, self.pictures, self.links, self.in_cell = [], [], {}, [], False
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.links += [found[name] for name in ("src", "href") if name in found]
        if tag == "img":
            self.pictures[found["alt"]] = found["src"]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag):
        self.in_cell = self.in_cell and tag not in ("td", "th")

    def handle_data(self, data):
        self.words.append(data)
        if self.in_cell:
            self.rows[-1][-1] += data.strip()

    def row(self, name):
        return next(row[1:] for row in self.rows if row and row[0] == name)

    def picture(self, name):
        """The picture so described, BGR."""
        data = base64.b64decode(self.pictures[name].partition("base64,")[2])
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


@pytest.fixture
def alpha(station, tmp_path):
    return Product("alpha", station.models.parent, tmp_path / "data")


def report(product):
    target = product.data / "report.html"
    said = product.call("evaluate", "--data", product.data, "--report", target)
    assert said.splitlines()[-1] == f"wrote {target}"
    return Page(target.read_text(encoding="utf-8"))


def test_it_counts_verdicts_by_class_and_by_kind_of_defect(alpha):
    fill(alpha.data, good=[40, 60, 200], dent=[210, 50], scratch=[230])
    (alpha.data / "test" / "scratch" / "cut.png").write_bytes(b"no image")
    page = report(alpha)
    assert "1 of 4 defective parts was passed. 1 of 3 good parts was rejected." in page.text
    assert page.row("good parts") == ["2", "1", "0"]
    assert page.row("defective parts") == ["1", "2", "1"]
    assert page.row("dent")[:4] == ["2", "1", "1", "50 %"]
    assert page.row("scratch")[:4] == ["2", "2", "0", "100 %"]
    assert "not an image" in page.row("scratch/cut.png")[0]


def test_it_needs_no_other_file_and_no_network(alpha):
    fill(alpha.data, good=[40, 200], dent=[210, 50])
    links = report(alpha).links
    assert links
    assert all(link.startswith("data:") for link in links)


def test_wrong_verdicts_are_shown_the_worst_first(alpha):
    fill(alpha.data, good=[40, 150, 200], dent=[210, 100, 50])
    page = report(alpha)
    cases = [name.partition(":")[0] for name in page.pictures if ": " in name]
    assert list(dict.fromkeys(cases)) == ["dent/2.png", "dent/1.png", "good/2.png", "good/1.png"]
    assert "Missed defects" in page.text
    assert "False rejects Good parts that were rejected" in page.text


def test_where_all_is_right_it_says_so_and_shows_the_closest_calls(alpha):
    fill(alpha.data, good=[40, 120, 60, 50], dent=[210, 140, 230, 220])
    page = report(alpha)
    assert "All 4 defective parts were rejected. All 4 good parts passed." in page.text
    cases = list(dict.fromkeys(name.partition(":")[0] for name in page.pictures if ": " in name))
    assert (cases[0], cases[3]) == ("dent/1.png", "good/1.png")
    assert len(cases) == 6
    assert "Missed defects" not in page.text


def test_a_case_shows_the_labelled_defect_and_where_the_map_is_strange(alpha):
    fill(alpha.data, good=[40])
    spot(alpha.data, "dent", 0)
    page = report(alpha)
    labelled, strange = (
        page.picture("dent/0.png: the part, defect outlined"),
        page.picture("dent/0.png: where it is strange"),
    )
    blue, red = labelled[..., 0].astype(int) - labelled[..., 2], strange[..., 2].astype(int) - strange[..., 0]
    assert blue[10, 31:33].max() > 60, "a line along the mask's edge"
    assert blue[30:, 40:].max() < 40
    assert red[5:15, 5:20].min() > 40, "the bright quarter is strange"
    assert red[35:, 45:].max() < 20


def test_with_masks_the_pixel_figures_have_values_and_curves(alpha):
    fill(alpha.data, good=[40, 41])
    for number in range(3):
        spot(alpha.data, "dent", number, masked=number < 2)
    page = report(alpha)
    assert float(page.row("AU-PRO")[0]) > 0.9
    assert {"PRO", "ROC of the pixels", "ROC of the parts"} <= page.pictures.keys()
    assert "2 of the 3 defective parts were judged and have a mask." in page.text


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        ({"good": [40, 200]}, "holds no defective parts, so whether defects are found was not measured"),
        ({"good": [40], "dent": [200]}, "No defective part has a usable mask"),
        ({"good": [40] * 2, "dent": [40] * 2}, "2 of 2 defective parts were passed"),
    ],
)
def test_what_was_not_there_is_said(alpha, sets, said):
    fill(alpha.data, **sets)
    page = report(alpha)
    assert said in page.text
    assert page.row("AU-PRO")[:2] == ["\u2013", "\u2013"]


def test_parts_that_nobody_could_judge_are_listed(alpha):
    for name in ("good/a.png", "dent/b.png"):
        path = alpha.data / "test" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"no image")
    page = report(alpha)
    assert "2 of 2 parts could not be judged" in page.text
    assert "No part could be judged, so there are no scores." in page.text
    assert page.row("good parts") == ["0", "0", "1"]


def test_names_of_folders_are_text_and_nothing_else(alpha):
    fill(alpha.data, **{"good": [40], "<b>odd & old": [200]})
    assert report(alpha).row("<b>odd & old")[0] == "1"


def test_the_budget_is_judged_by_what_so_few_parts_can_prove(alpha):
    fill(alpha.data, good=[40] * 5)
    assert "can neither prove nor refute" in report(alpha).text
    fill(alpha.data, good=[200] * 5)
    assert "The budget is not kept" in report(alpha).text


def test_it_warns_of_test_images_that_training_knew(station, alpha):
    fill(alpha.data, good=[40, 41, 42], dent=[200])
    assert "known from training" not in report(alpha).text
    station.alter(held_out={file_hash(alpha.data / "test" / "good" / "1.png"): 1.6})
    assert "1 of 4 test images was known from training (good/1.png): the figures are flattered" in report(alpha).text


def test_it_shows_what_other_thresholds_would_do(alpha):
    fill(alpha.data, good=[40, 60, 200], dent=[210, 50])
    page = report(alpha)
    assert page.row("in use") == ["5.000", "1 of 2", "1", "50 %", "1 of 3", "33 %"]
    assert page.row("miss nothing")[1:] == ["2 of 2", "0", "100 %", "2 of 3", "67 %"]
    assert page.row("fewest errors")[1:] == ["1 of 2", "1", "50 %", "0 of 3", "0 %"]
    assert page.row("reject no good part")[1:] == ["1 of 2", "1", "50 %", "0 of 3", "0 %"]
    assert "chosen on this very test set" in page.text


def test_a_lowest_score_just_above_the_threshold_is_seen_to_be_above_it(alpha):
    alpha.recipe.write_text(alpha.recipe.read_text().replace("threshold: auto", "threshold: 7.843"))
    fill(alpha.data, good=[40], dent=[200])  # 7.84314
    page = report(alpha)
    assert page.row("dent")[-1] == "1.00002"
    assert "score 7.843, 1.00002 \u00d7 the threshold" in page.text


def test_it_names_recipe_model_and_images(alpha):
    fill(alpha.data, good=[40], dent=[200])
    page = report(alpha)
    hashes = [row[1] for row in page.rows if row and row[0] == "hash"]
    assert hashes[:2] == [alpha.load().recipe.hash, file_hash(alpha.model)]
    assert page.row("grid") == ["1x1"]


def test_it_works_with_aligned_parts_and_the_default_model(feature_model, tmp_path):
    """Their maps lie in the camera's picture, what the model sees does not."""
    product = Product(feature_model.name, feature_model.home, tmp_path)
    for kind, path in zip(("good", "dent"), feature_model.good, strict=False):
        (tmp_path / "test" / kind).mkdir(parents=True)
        (tmp_path / "test" / kind / "0.png").write_bytes(path.read_bytes())
    page = report(product)
    height, width = page.picture("good/0.png: as the model expects it").shape[:2]
    assert width > height, "turned into the canonical pose"
    assert "What the model sees and expects are features" in page.text


def test_a_report_that_cannot_be_written_is_refused_before_the_work(alpha):
    fill(alpha.data, good=[40], dent=[200])
    (alpha.data / "file").write_text("")
    error = alpha.refused("evaluate", "--data", alpha.data, "--report", alpha.data / "file" / "report.html")
    assert "cannot write there" in error


def test_a_model_without_reconstructions_has_a_report_that_says_so(alpha, station):
    model = onnx.load(station.model())
    model.graph.output.remove(next(each for each in model.graph.output if each.name == "reconstructions"))
    station.save(model)
    fill(alpha.data, good=[40, 60], dent=[210, 50])
    page = report(alpha)
    assert "model gives no reconstructions" in page.text
    assert not [name for name in page.pictures if "expects" in name]
