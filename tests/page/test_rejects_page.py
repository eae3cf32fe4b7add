"""The gallery of rejects, in a real browser over a real line that records."""

import pytest
from page_record import recording
from playwright.sync_api import expect
from running import wait_until
from test_accounts import PASSWORD
from verb import verb

from inspector.record import audit
from inspector.record.rows import Label, PartFilter


@pytest.fixture
def line(station, tmp_path):
    """A line that records."""
    with recording(station, tmp_path) as running:
        yield running


def in_the_record(line, count):
    wait_until(lambda: line.store.counts().captured == count)


def labels(line):
    """What people said, by the number of the part."""
    found = line.store.parts(PartFilter())
    return {each.row.number: (each.judged.label, each.judged.who) for each in found if each.judged}


def test_a_reject_appears_by_itself_and_passes_do_not(line, page):
    page.goto(f"{line.url}/rejects")
    expect(page.locator("#none")).to_be_visible()
    line.parts(line.station.dark)
    line.parts(line.station.bright)
    expect(page.locator(".card")).to_have_count(1)
    expect(page.locator(".card .word")).to_have_text("FAIL")
    picture = page.locator(".card img")
    wait_until(lambda: picture.evaluate("image => image.naturalWidth") > 100)


def test_a_part_says_in_words_and_pictures_what_was_strange(line, page):
    line.parts(line.station.bright)
    in_the_record(line, 1)
    page.goto(f"{line.url}/rejects")
    page.locator(".card").click()
    about = page.locator("#about")
    expect(about.locator("h2")).to_have_text("FAIL")
    expect(about).to_contain_text("1.6 times the threshold; scores above 66.6 % of good parts")
    for name in ("with its heat map and outlines", "as the camera saw it", "as the model expected it"):
        picture = about.get_by_alt_text(name)
        wait_until(lambda picture=picture: picture.evaluate("image => image.naturalWidth") >= 64)
    way = about.locator("svg.way").get_attribute("aria-label")
    assert [word for word in ("waited for the model", "preparation and model") if word in way] == [
        "waited for the model",
        "preparation and model",
    ]


def test_a_score_just_above_the_threshold_is_seen_to_be_above_it(line, page):
    line.station.write(threshold=7.8431)  # the bright part scores 7.84314
    line.control.change_product("alpha")
    wait_until(lambda: line.control.now.threshold == 7.8431)
    line.parts(line.station.bright)
    in_the_record(line, 1)
    page.goto(f"{line.url}/rejects")
    expect(page.locator(".card .what")).to_have_text("1.000005 \u00d7 threshold")
    page.locator(".card").click()
    expect(page.locator("#about .facts").last).to_contain_text("7.84314, 7.84310")


def test_one_is_judged_by_keyboard_and_that_is_kept(line, page):
    line.parts(*[line.station.bright] * 3)
    in_the_record(line, 3)
    page.goto(f"{line.url}/rejects")
    expect(page.locator(".card")).to_have_count(3)
    page.keyboard.press("ArrowRight")  # the newest
    page.keyboard.press("ArrowRight")  # the one before
    page.keyboard.press("g")
    expect(page.locator("#said")).to_have_text("1 part: actually good")
    assert labels(line)[1][0] is Label.ACTUALLY_GOOD
    page.reload()
    expect(page.locator(".card .said")).to_have_text(["", "actually good", ""])
    page.locator(".card").nth(1).click()
    expect(page.locator("[data-judged]")).to_contain_text("actually good, by (no account) 127.0.0.1")
    page.keyboard.press("u")
    expect(page.locator("[data-judged]")).to_have_text("not yet")
    assert labels(line) == {}


def test_several_are_judged_at_once(line, page):
    line.parts(*[line.station.bright] * 4)
    in_the_record(line, 4)
    page.goto(f"{line.url}/rejects")
    expect(page.locator(".card")).to_have_count(4)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#chosen")).to_have_text("3 parts chosen")
    page.keyboard.press("b")
    expect(page.locator("#said")).to_have_text("3 parts: really bad")
    assert {number: label for number, (label, _) in labels(line).items()} == dict.fromkeys((1, 2, 3), Label.REALLY_BAD)
    (newest, *_) = audit.entries(line.store)
    assert (newest.action, newest.subject) == ("judge", "3 parts")


def test_judged_parts_are_found_again_by_what_was_said(line, page):
    line.parts(*[line.station.bright] * 2)
    in_the_record(line, 2)
    page.goto(f"{line.url}/rejects")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("b")
    expect(page.locator("#said")).to_have_text("1 part: really bad")
    page.get_by_label("Judged", exact=True).select_option("really bad")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".card")).to_have_count(1)


def test_a_new_reject_does_not_move_the_choice(line, page):
    line.parts(line.station.bright)
    in_the_record(line, 1)
    page.goto(f"{line.url}/rejects")
    page.keyboard.press("ArrowRight")
    key = page.locator(".card.current").get_attribute("data-key")
    line.parts(line.station.bright)
    expect(page.locator(".card")).to_have_count(2)
    assert page.locator(".card.current").get_attribute("data-key") == key
    assert page.evaluate("document.activeElement.dataset.key") == key


def log_in(line, page, role):
    """Become somebody with this role, in the browser."""
    typed = f"{PASSWORD}\n"
    record = line.archive.parent / "record.db"
    assert verb("account", "add", role, "--role", role, "--record", record, typed=typed) == (0, "")
    page.goto(f"{line.url}/login?to=/rejects")
    page.get_by_label("Name").fill(role)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{line.url}/rejects")  # until its scripts have run: they read the keys


def judge_by_hand(page, key):
    """What the page's script sends; returns the status."""
    return page.evaluate(
        """key => fetch("/api/judgements", {
              method: "POST",
              headers: {"Content-Type": "application/json", ...JSON.parse(document.body.getAttribute("hx-headers"))},
              body: JSON.stringify({keys: [key], label: "really_bad"}),
           }).then(answer => answer.status)""",
        key,
    )


def test_a_viewer_looks_and_changes_nothing(line, page):
    line.parts(line.station.bright)
    in_the_record(line, 1)
    log_in(line, page, "viewer")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#about h2")).to_have_text("FAIL")
    expect(page.locator("[data-judge]")).to_have_count(0)
    assert judge_by_hand(page, page.locator(".card").get_attribute("data-key")) == 403
    assert labels(line) == {}
    assert page.request.get(f"{line.url}/setup").status == 403


def test_an_operator_judges_by_name_and_sets_nothing_up(line, page):
    line.parts(line.station.bright)
    in_the_record(line, 1)
    log_in(line, page, "operator")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("b")
    expect(page.locator("#said")).to_have_text("1 part: really bad")
    assert labels(line) == {0: (Label.REALLY_BAD, "operator")}
    assert page.request.get(f"{line.url}/setup").status == 403
