"""The product, changed in a real browser over a real line."""

from playwright.sync_api import expect


def test_the_product_is_changed_between_two_parts(line, page):
    line.parts(line.station.bright)
    assert line.feed.state.last.verdict.name == "FAIL"
    page.goto(f"{line.url}/changeover")
    page.locator("[data-product=beta]").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".product.running")).to_have_attribute("data-product", "beta")
    line.parts(line.station.bright)
    assert line.feed.state.last.verdict.name == "PASS"


def test_a_product_without_a_model_says_so_and_cannot_be_chosen(line, page):
    line.station.model("gamma").unlink()
    page.goto(f"{line.url}/changeover")
    button = page.locator("[data-product=gamma]")
    expect(button).to_be_disabled()
    expect(button).to_contain_text("no model gamma.onnx")


def test_why_a_product_was_refused_is_told(line, page):
    line.station.model("beta").write_bytes(line.station.model("beta").read_bytes()[:-10])
    page.goto(f"{line.url}/changeover")
    page.locator("[data-product=beta]").click()
    page.get_by_role("button", name="Yes").click()
    expect(page.locator("[data-refused]")).to_contain_text("alpha goes on")
    expect(page.locator("[data-refused]")).to_contain_text("beta.onnx")
    expect(page.locator(".product.running")).to_have_attribute("data-product", "alpha")
