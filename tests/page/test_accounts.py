"""Who may do what, from the API and in a real browser."""

from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import expect
from running import PATIENCE_S
from verb import verb

from inspector.page.access import COOKIE
from inspector.page.passwords import FREE, Throttle
from inspector.record import audit
from inspector.testing import ManualClock

PASSWORD = "correct horse battery"
WISH = {"threshold": 3.0}


@pytest.fixture
def people(line, tmp_path):
    """A viewer, an operator and an engineer, all with the same password."""
    for role in ("viewer", "operator", "engineer"):
        typed = f"{PASSWORD}\n"
        assert verb("account", "add", role, "--role", role, "--record", tmp_path / "record.db", typed=typed) == (0, "")


@contextmanager
def logged_in(line, name):
    """A client with a session; it sends its token with each change."""
    with httpx.Client(base_url=line.url, timeout=PATIENCE_S) as client:
        token = {"X-CSRF-Token": client.get("/api/session").json()["csrf"]}
        assert client.post("/api/session", json={"name": name, "password": PASSWORD}, headers=token).status_code == 200
        client.headers["X-CSRF-Token"] = client.get("/api/session").json()["csrf"]
        yield client


def changes(client):
    """What each change of a line answers."""
    return [
        client.put("/api/cameras/line/threshold", json=WISH).status_code,
        client.post("/api/cameras/line/threshold/back").status_code,
        client.put("/api/cameras/line/product", json={"product": "beta"}).status_code,
        client.post("/api/cameras/line/stop").status_code,
    ]


def test_a_viewer_changes_nothing(line, people):
    with logged_in(line, "viewer") as client:
        assert client.get("/api/live").status_code == 200
        assert changes(client) == [403, 403, 403, 403]
    line.parts(line.station.dark)
    assert (line.pipeline.inspector.recipe.product, line.pipeline.inspector.threshold) == ("alpha", 5.0)


def test_an_operator_changes_the_product_and_not_the_threshold(line, people):
    with logged_in(line, "operator") as client:
        assert client.put("/api/cameras/line/threshold", json=WISH).status_code == 403
        assert client.put("/api/cameras/line/product", json={"product": "beta"}).status_code == 202


def test_an_engineer_changes_the_threshold_and_the_trail_says_so(line, people):
    with logged_in(line, "engineer") as client:
        assert client.put("/api/cameras/line/threshold", json=WISH).status_code == 202
    entry = audit.entries(line.store, limit=1)[0]
    assert (entry.who, entry.action, entry.subject) == ("engineer", "set threshold", "alpha")
    assert '"new": 3.0' in entry.details
    assert not audit.verify(line.store).wrong


def test_who_has_not_logged_in_only_looks_once_there_are_accounts(line, people, client, csrf):
    assert client.get("/").status_code == 200  # at the machine itself
    assert changes(client) == [403, 403, 403, 403]  # without the token
    client.headers.update(csrf)
    assert changes(client) == [401, 401, 401, 401]


@pytest.mark.parametrize("header", [{"Host": "evil.example"}, {"X-Forwarded-For": "203.0.113.5"}])
def test_from_elsewhere_one_only_looks_and_with_accounts_logs_in(line, client, csrf, header, request):
    client.headers.update(csrf | header)
    assert client.get("/api/live").status_code == 200
    assert changes(client) == [403, 403, 403, 403]
    request.getfixturevalue("people")
    assert client.get("/api/live").status_code == 401
    assert client.get("/").headers["location"] == "/login?to=/"
    assert client.get("/cameras/line/live.mjpg").status_code == 303


def test_a_change_from_another_sites_page_is_refused(line, client, csrf):
    assert client.put("/api/cameras/line/threshold", json=WISH).status_code == 403
    wrong = {"X-CSRF-Token": "0" * 64}
    assert client.put("/api/cameras/line/threshold", json=WISH, headers=wrong).status_code == 403
    form = {"product": "beta"}
    assert client.post("/cameras/line/product", data=form).status_code == 403
    assert client.post("/cameras/line/product", data=form | {"csrf": csrf["X-CSRF-Token"]}).status_code == 200


def test_the_cookie_is_for_this_site_and_no_script(client):
    cookie = client.get("/").headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "httponly" in cookie.lower()
    assert "samesite=lax" in cookie.lower()


def test_guessing_is_slowed_even_with_the_right_password(line, people, client, csrf):
    client.headers.update(csrf)
    guesses = [client.post("/api/session", json={"name": "engineer", "password": "no"}) for _ in range(FREE)]
    assert [answer.status_code for answer in guesses] == [403] * FREE
    answer = client.post("/api/session", json={"name": "engineer", "password": PASSWORD})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


def test_each_further_guess_waits_twice_as_long_up_to_five_minutes():
    clock = ManualClock()
    throttle = Throttle(lambda: clock() / 1e9)
    waits = []
    for _ in range(16):
        throttle.wrong("maria")
        waits.append(throttle.wait_s("maria", "somebody else"))
        clock.wait(waits[-1])
    assert waits[3:8] == [0, 1, 2, 4, 8]
    assert waits[-1] == 300
    throttle.right("maria")
    assert throttle.wait_s("maria") == 0


def test_a_session_ends_with_the_account(line, people, tmp_path):
    with logged_in(line, "engineer") as client:
        assert verb("account", "remove", "engineer", "--record", tmp_path / "record.db") == (0, "")
        assert client.put("/api/cameras/line/threshold", json=WISH).status_code == 401


def test_a_short_password_is_refused_in_a_line(tmp_path):
    code, said = verb("account", "add", "eve", "--role", "viewer", "--record", tmp_path / "r.db", typed="short\n")
    assert (code, said) == (2, "error: the password is too short: at least 10 characters\n")


def test_one_logs_in_on_the_page_and_out_again(line, people, page):
    page.goto(f"{line.url}/threshold")
    expect(page.locator("#apply")).to_have_count(0)
    page.get_by_role("link", name="Log in").click()
    page.get_by_label("Name").fill("engineer")
    page.get_by_label("Password").fill("wrong")
    page.locator("main").get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert").filter(has_text="wrong name")).to_be_visible()
    page.get_by_label("Name").fill("engineer")
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{line.url}/threshold")
    expect(page.locator("#apply")).to_be_visible()
    page.get_by_role("link", name="Audit").click()
    expect(page.locator("tbody tr").first).to_contain_text("log in")
    page.get_by_role("button", name="Log out").click()
    page.goto(f"{line.url}/threshold")
    expect(page.locator("#apply")).to_have_count(0)


def test_a_viewers_pages_offer_no_change(line, people, page):
    page.goto(f"{line.url}/login")
    page.get_by_label("Name").fill("viewer")
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Log in").click()
    page.goto(f"{line.url}/changeover")
    for button in page.locator(".product").all():
        expect(button).to_be_disabled()
    assert page.goto(f"{line.url}/audit").status == 403
