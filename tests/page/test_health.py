"""What machines ask, and what comes of requests that nobody should send."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from running import PATIENCE_S, wait_until

from inspector.errors import InspectorError
from inspector.page.server import listen


def test_health_readiness_and_metrics(line, client):
    line.parts(line.station.dark, line.station.bright)
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").text == "ready\n"
    text = client.get("/metrics").text
    assert 'line_parts_total{camera="line",verdict="passed"} 1.0' in text
    assert 'line_running{camera="line",product="alpha"} 1.0' in text
    line.pipeline.stop()
    wait_until(lambda: not line.pipeline.running)
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
def test_no_request_ends_in_an_error_of_the_server(line, client, csrf, mode):
    """Requests as the description allows them (positive), and as it does not (negative)."""
    line.parts(line.station.dark, line.station.bright)
    described = schemathesis.openapi.from_dict(client.get("/api/openapi.json").json())
    operations = [found.ok() for found in described.get_all_operations()]
    tried = [each for each in operations if not each.path.endswith("/stop")]  # which would end the line
    assert len(tried) > 8
    for operation in tried:
        ask(operation, mode, line.url, csrf, dict(client.cookies))


def ask(operation, mode, url, csrf, cookies):
    """Try an operation in a few ways."""

    @settings(max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(mode), known=st.booleans())
    def each(case, known):
        if known and "camera" in (case.path_parameters or {}):
            case.path_parameters["camera"] = "line"
        answer = case.call(base_url=url, headers=csrf, cookies=cookies, timeout=PATIENCE_S)
        assert answer.status_code < 500, case.as_curl_command()

    try:
        each()
    except Unsatisfiable:  # an operation without parameters cannot be asked wrongly
        assert mode is schemathesis.GenerationMode.NEGATIVE


def test_a_port_that_is_taken_is_told_in_a_line(line):
    taken = line.url.removeprefix("http://")
    with pytest.raises(InspectorError, match=f"{taken}: cannot listen there"):
        listen(taken)


@pytest.mark.parametrize("address", ["8080x", "localhost", "127.0.0.1:99999", ""])
def test_an_address_that_is_none_is_told_in_a_line(address):
    with pytest.raises(InspectorError, match="wants HOST:PORT"):
        listen(address)
