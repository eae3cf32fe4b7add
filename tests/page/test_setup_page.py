"""Setting a station up in a real browser: a camera that does not work, and a product from nothing to a running line."""

from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from playwright.sync_api import expect
from running import PATIENCE_S, wait_until

from inspector.images import find_images, write_image
from inspector.page.collecting import Collection, FeedCamera
from inspector.page.diagnosis import NAMES
from inspector.page.diagnosis import diagnose as diagnose_target
from inspector.page.sources import target_of
from inspector.recipe import load_recipe
from inspector.records import Verdict

TRAINING_MS = 1_200_000  # only a test that fails waits so long; training gives way to whatever else runs


def diagnose(source, **options):
    """Without a station.yaml."""
    return diagnose_target(target_of(str(source), Path("nowhere")), **options)


def outcomes(found):
    return {step.name: step.outcome for step in found.steps}


def stops_at(found, name):
    """Everything before went well, and nothing behind it was looked at."""
    at = NAMES.index(name)
    wanted = ["good"] * at + ["lost"] + ["none"] * (len(NAMES) - at - 1)
    assert list(outcomes(found).values()) == wanted
    failed = found.steps[at]
    assert failed.words
    assert failed.next
    return failed


def picture_of(file, brightness, spread=20):
    rng = np.random.default_rng(0)
    image = np.clip(rng.normal(brightness, spread, (48, 64, 3)), 0, 255).astype(np.uint8)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_image(file, image)
    return str(file)


def test_a_source_that_works_passes_every_step_and_shows_its_picture(tmp_path):
    found = diagnose(picture_of(tmp_path / "part.png", 120))
    assert found.works
    assert found.image.shape == (48, 64, 3)


def test_without_a_driver_it_stops_there(tmp_path):
    assert "no camera at all" in stops_at(diagnose("0", dev=tmp_path), "driver").words


def test_a_wrong_number_stops_at_the_device_and_names_those_found(tmp_path):
    (tmp_path / "video2").touch()
    assert "Take one of those found: 2:" in stops_at(diagnose("0", dev=tmp_path), "device").next


def test_what_does_not_open_stops_at_the_connection(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    stops_at(diagnose(str(tmp_path)), "connection")


def test_an_address_where_nobody_answers_stops_at_the_connection():
    assert "port 1" in stops_at(diagnose("http://127.0.0.1:1/video"), "connection").words


@pytest.mark.parametrize(("brightness", "spread", "word"), [(0, 0, "black"), (255, 0, "white"), (99, 0, "nothing")])
def test_a_picture_that_shows_nothing_stops_at_the_picture(tmp_path, brightness, spread, word):
    found = diagnose(picture_of(tmp_path / "part.png", brightness, spread))
    assert word in stops_at(found, "picture").words
    assert found.image is not None


def test_the_page_shows_the_steps(line, page, tmp_path):
    page.goto(f"{line.url}/setup")
    page.get_by_label("Camera, address, folder or video").fill(str(tmp_path / "nowhere"))
    page.get_by_role("button", name="Look").click()
    expect(page.locator("[data-step=device]")).to_have_class("lost")
    expect(page.locator("[data-step=device] .next")).to_contain_text("Give a camera's number")
    expect(page.locator("[data-step=picture]")).to_have_class("none")
    page.get_by_label("Camera, address, folder or video").fill(picture_of(tmp_path / "part.png", 120))
    page.get_by_role("button", name="Look").click()
    expect(page.locator("[data-works='1']")).to_be_visible()
    assert page.locator("img.preview").evaluate("image => image.naturalWidth") == 64


def drawn(number, seed=0):
    """A small good part: a light disc on a belt, never twice the same."""
    rng = np.random.default_rng((seed, number))
    image = np.full((64, 64, 3), 70.0) + rng.normal(0, 4)
    x, y = 32 + rng.uniform(-1, 1, 2)
    cv2.circle(image, (int(16 * x), int(16 * y)), 16 * 20, (170, 175, 180), -1, cv2.LINE_AA, 4)
    return np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)


def test_pictures_of_one_part_that_lies_still_are_taken_once(line, tmp_path):
    collection = Collection(tmp_path / "good", 3)
    collection.start(FeedCamera(line.feed))
    still = cv2.resize(drawn(0), (256, 256))  # as large as a camera's: its noise is averaged out
    for number in range(4):
        noise = np.random.default_rng(number).normal(0, 2, still.shape)
        line.parts(np.clip(np.rint(still + noise), 0, 255).astype(np.uint8))
        wait_until(lambda number=number: len(collection.taken) + collection.skipped == number + 1)
    assert len(collection.taken) == 1
    (first,) = collection.taken
    collection.remove(first.name)
    line.parts(still)
    wait_until(lambda: collection.skipped == 4)
    assert not collection.taken  # what was taken out does not come back
    line.parts(drawn(1))
    wait_until(lambda: len(collection.taken) == 1)
    collection.stop()
    assert [file.name for file in find_images(tmp_path / "good")] == [collection.taken[0].name]


def collect(line, page, count):
    """Begin to teach discs, and take so many good ones."""
    page.set_default_timeout(TRAINING_MS)
    page.goto(f"{line.url}/setup")
    page.get_by_label("Name of the product").fill("disc")
    page.get_by_role("button", name="Take pictures").click()
    expect(page.locator("[data-stage=collecting]")).to_be_visible()
    for number in range(count):
        line.parts(drawn(number))
        expect(page.locator("[data-taken]")).to_have_text(str(number + 1))


def train_and_take_over(page, count):
    """From the page of the area to a line that inspects them."""
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Train again").click()
    page.get_by_label("Effort").select_option("quick: fewer pixels, usual settings")
    page.get_by_role("button", name=f"Train with {count} parts").click()
    expect(page.locator("progress[aria-label=Training]")).to_be_visible()
    expect(page.locator("[data-report]")).to_contain_text(f"{count} good parts", timeout=TRAINING_MS)
    page.get_by_role("button", name="Take over").click()
    expect(page.locator("[data-arrived]")).to_be_visible(timeout=60_000)


@pytest.mark.slow
def test_from_nothing_to_a_running_line(line, page):
    collect(line, page, 12)
    page.get_by_role("button", name="Take out good part 3").click()
    expect(page.locator("[data-taken]")).to_have_text("11")
    page.get_by_role("link", name="Draw an area").click()
    page.locator("#points").fill("ignore 0,0 0.3,0 0.3,0.3 0,0.3")
    page.locator("#points").blur()
    train_and_take_over(page, 11)
    good, ignored, bad = drawn(5), drawn(5), drawn(5)  # it has learned this one: so few parts promise little of others
    ignored[2:14, 2:14] = 0
    bad[26:38, 26:38] = 0
    line.parts(good, ignored, bad)
    judged = line.feed.state.recent[-3:]
    assert {part.product for part in judged} == {"disc"}
    assert judged[0].score == judged[1].score  # whatever lies there, the model sees the same
    assert [part.verdict for part in judged] == [Verdict.PASS, Verdict.PASS, Verdict.FAIL]


@pytest.mark.slow
def test_regions_that_are_drawn_are_what_the_line_judges_by(line, page):
    collect(line, page, 9)
    page.get_by_role("link", name="Draw an area").click()
    page.locator("#points").fill(
        "region upper\njudge 0.1,0.1 0.9,0.1 0.9,0.45 0.1,0.45\n"
        "region lower threshold 50\njudge 0.1,0.55 0.9,0.55 0.9,0.9 0.1,0.9"
    )
    page.locator("#points").blur()
    train_and_take_over(page, 9)
    recipe = load_recipe(line.station.config, "disc")
    assert list(recipe.regions) == ["upper", "lower"]
    assert recipe.regions["lower"].threshold == 50
    good, between, upper, lower = (drawn(5) for _ in range(4))
    between[30:34] = 0
    upper[14:26, 26:38] = 0
    lower[38:50, 26:38] = 0
    line.parts(good, between, upper, lower)
    judged = line.feed.state.recent[-4:]
    assert {part.product for part in judged} == {"disc"}
    assert judged[0].score == judged[1].score  # between the regions nothing counts
    assert [part.verdict for part in judged] == [Verdict.PASS, Verdict.PASS, Verdict.FAIL, Verdict.PASS]
    assert judged[2].detail == "region upper"


def test_training_that_fails_says_why_and_one_may_try_again(line, page):
    page.goto(f"{line.url}/setup")
    page.get_by_label("Name of the product").fill("disc")
    page.get_by_role("button", name="Take pictures").click()
    expect(page.locator("[data-stage=collecting]")).to_be_visible()
    for number in range(3):
        line.parts(drawn(number))
        expect(page.locator("[data-taken]")).to_have_text(str(number + 1))
    for file in find_images(line.station.config.parent / "data" / "disc" / "train" / "good"):
        file.write_bytes(b"damaged")
    page.get_by_role("button", name="Train with 3 parts").click()
    expect(page.locator("[data-failure]")).to_contain_text("Training failed", timeout=120_000)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_a_product_that_is_there_is_not_taught_over(line, client, csrf):
    wrong = {"alpha": 409, "station": 409, "../up": 409}
    with httpx.Client(base_url=line.url, timeout=PATIENCE_S, headers=csrf, cookies=client.cookies) as asking:
        for product, status in wrong.items():
            answer = asking.post("/setup/teach/begin", data={"product": product, "camera": "line"})
            assert answer.status_code == status, answer.text
    assert not (line.station.config.parent / "data").exists()


def test_cameras_of_the_station_are_offered_by_name(line, page, tmp_path):
    file = picture_of(tmp_path / "part.png", 120)
    camera = f"camera: {{kind: folder, path: {file}, fps: 25}}"
    (line.station.config / "station.yaml").write_text(f"cameras:\n  left: {{product: cap, {camera}}}\n")
    page.goto(f"{line.url}/setup")
    page.get_by_role("button", name="left: ").click()
    expect(page.get_by_label("Camera, address, folder or video")).to_have_value("left")
    expect(page.get_by_label("Name of the product")).to_have_value("cap")
    page.get_by_role("button", name="Look").click()
    expect(page.locator("[data-step=device]")).to_contain_text(f"{file} is there")
    expect(page.locator("[data-step=settings]")).to_contain_text("25 pictures a second")
    (line.station.config / "station.yaml").write_text("camera: left\n")
    page.reload()
    expect(page.locator(".wrong")).to_contain_text("station.yaml: unknown key camera")
