import httpx


def test_probe(line, page):
    line.parts(line.station.dark)
    with httpx.stream("GET", line.url + "/cameras/line/live.mjpg") as r:
        print(r.status_code, r.headers)
        it = r.iter_raw()
        for _ in range(3):
            c = next(it)
            print(len(c), c[:120])
            if len(c) > 1000:
                break
    page.on("console", lambda m: print("CONSOLE", m.text))
    page.on("requestfailed", lambda m: print("FAILED", m.url, m.failure))
    page.on("request", lambda m: print("REQ", m.url))
    page.goto(line.url)
    for i in range(4):
        page.wait_for_timeout(700)
        print(
            page.locator("img.live").evaluate("i=>[i.src,i.complete,i.naturalWidth]"), line.hub.feeds["line"].sequence
        )
    line.parts(line.station.bright)
    page.wait_for_timeout(700)
    print(page.locator("img.live").evaluate("i=>[i.src,i.complete,i.naturalWidth]"), line.hub.feeds["line"].sequence)
    page.screenshot(path="/tmp/probe/line.png")
