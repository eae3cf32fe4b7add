"""A real Chromium, driven by Playwright; one for all tests. Without it the tests that want it are skipped."""

from pathlib import Path

import pytest

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE_MS = 60_000  # only a test that fails waits so long; Playwright's own 5 s are too few on a busy machine


@pytest.fixture(scope="session")
def browser():
    """A real Chromium."""
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    playwright.expect.set_options(timeout=PATIENCE_MS)
    with playwright.sync_playwright() as started:
        made = started.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def page(browser):
    """A page of a user of its own. An error in its scripts fails the test."""
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    context.set_default_timeout(PATIENCE_MS)
    made = context.new_page()
    errors = []
    made.on("pageerror", lambda error: errors.append(error.stack or str(error)))
    yield made
    context.close()
    if errors:
        pytest.fail("; ".join(errors))
