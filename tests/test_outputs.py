"""What tells the line: a file that any program can read, and a controller that listens."""

import json
import socket
import time
from datetime import datetime, timezone

import pytest

from inspector.errors import OutputError
from inspector.outputs.base import OutputLines
from inspector.outputs.file import FileOutput
from inspector.outputs.target import open_outputs
from inspector.outputs.tcp import TcpOutput
from inspector.station import FileTarget, StationCamera, TcpTarget

PATIENCE_S = 30  # only a test that fails waits so long


class Controller:
    """Listens as a controller on the line does."""

    def __init__(self):
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]

    def accept(self):
        self.connection, _ = self._server.accept()
        self.connection.settimeout(PATIENCE_S)
        self._lines = self.connection.makefile()

    def line(self):
        """The next line, or None at the connection's end."""
        text = self._lines.readline()
        return json.loads(text) if text else None

    def leave(self):
        """End the connection, and go on listening."""
        self._lines.close()
        self.connection.close()

    def close(self):
        self._server.close()
        if hasattr(self, "connection"):
            self._lines.close()
            self.connection.close()


@pytest.fixture
def controller():
    made = Controller()
    yield made
    made.close()


@pytest.fixture
def verdicts(station):
    """A pass, a reject, and a part that was missed."""
    looks = (station.dark, station.bright, station.not_a_number)
    return station.load().inspect([station.frame(index, look) for index, look in enumerate(looks)])


def told_in(line):
    """A line without its number, time and period, which every line has."""
    return {key: line[key] for key in line if key not in ("number", "utc", "period_s")} if line["number"] else line


def camera(*targets, product="alpha"):
    return StationCamera(source="0", product=product, outputs=targets)


def tcp(port, **options):
    return TcpTarget(kind="tcp", host="127.0.0.1", port=port, **options)


def test_every_line_says_who_and_until_when(tmp_path, verdicts):
    path = tmp_path / "state.json"
    noon = datetime(2024, 5, 1, 12, 0, 0, 250_000, tzinfo=timezone.utc)
    output = FileOutput(path, OutputLines("left", "alpha", 0.5, lambda: noon))
    for act in (lambda: None, lambda: output.apply(verdicts[0]), output.beat, lambda: output.safe("over"), output.beat):
        act()
        line = json.loads(path.read_text())
        assert (line["camera"], line["product"], line["period_s"]) == ("left", "alpha", 0.5)
        assert line["utc"] == "2024-05-01T12:00:00.250Z"


def test_a_heartbeat_in_a_file_changes_number_and_time_and_nothing_else(tmp_path, verdicts):
    path = tmp_path / "state.json"
    output = FileOutput(path)
    output.apply(verdicts[0])
    before = json.loads(path.read_text())
    output.beat()
    after = json.loads(path.read_text())
    assert told_in(after) == told_in(before)
    assert after["number"] == before["number"] + 1
    output.safe("over")
    output.beat()
    assert json.loads(path.read_text())["state"] == "SAFE"  # and never the PASS before it


def test_a_heartbeat_over_tcp_is_about_no_part(controller, verdicts):
    output = TcpOutput("127.0.0.1", controller.port)
    controller.accept()
    output.apply(verdicts[0])
    output.beat()
    start, verdict, beat = (controller.line() for _ in range(3))
    assert told_in(beat) == {"heartbeat": True, "camera": "", "product": "alpha"}
    assert [start["number"], verdict["number"], beat["number"]] == [1, 2, 3]
    output.close()


def test_a_controller_that_answers_is_kept_and_one_that_does_not_is_lost(controller, verdicts, monkeypatch):
    now_s = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    output = TcpOutput("127.0.0.1", controller.port, acknowledged=True)
    controller.accept()
    for _ in range(10):
        now_s[0] += 1
        output.apply(verdicts[0])
        controller.connection.sendall(f"{controller.line()['number']}\n".encode())
    now_s[0] += 1
    output.apply(verdicts[0])
    now_s[0] += 1.6
    with pytest.raises(OutputError, match=r"the controller is gone \(it has not answered line \d+\)"):
        output.beat()


def test_a_controller_that_leaves_is_noticed_at_the_next_line(controller, verdicts):
    output = TcpOutput("127.0.0.1", controller.port)
    controller.accept()
    assert controller.line()["state"] == "SAFE"
    controller.close()
    with pytest.raises(OutputError, match="the controller is gone"):
        output.apply(verdicts[0])


def test_an_output_that_was_lost_is_away_until_it_is_back(controller, verdicts):
    (output,) = open_outputs({"": camera(tcp(controller.port))})[""]
    controller.accept()
    controller.leave()
    output.apply(verdicts[0])
    assert "the controller is gone" in output.away
    output.apply(verdicts[0])  # nobody is told; nothing is raised
    output.beat()
    controller.accept()
    assert output.away == ""
    output.apply(verdicts[1])
    assert [controller.line()["state"] for _ in range(2)] == ["SAFE", "REJECT"]
    output.close()


def test_where_the_station_wants_so_a_lost_controller_is_the_end(controller, verdicts):
    (output,) = open_outputs({"": camera(tcp(controller.port, when_lost="end"))})[""]
    controller.accept()
    controller.leave()
    with pytest.raises(OutputError, match="the controller is gone"):
        output.apply(verdicts[0])
    output.close()


def test_an_output_has_one_driver(tmp_path, controller):
    target = FileTarget(kind="file", path=str(tmp_path / "state.json"))
    (tmp_path / "link").symlink_to(tmp_path)
    first = open_outputs({"": camera(target, tcp(controller.port))})[""]
    controller.accept()
    for other in (FileTarget(kind="file", path=str(tmp_path / "link" / "state.json")), tcp(controller.port)):
        with pytest.raises(OutputError, match="another run drives this output"):
            open_outputs({"": camera(other)})
    for output in first:
        output.close()
    (again,) = open_outputs({"": camera(target)})[""]
    again.close()


def test_a_file_holds_the_last_state(tmp_path, verdicts):
    path = tmp_path / "new" / "state.json"
    output = FileOutput(path)
    assert told_in(json.loads(path.read_text())) == {"state": "SAFE", "why": "starting", "camera": "", "product": ""}
    states = []
    for verdict in verdicts:
        output.apply(verdict)
        states.append(json.loads(path.read_text()))
    assert [state["state"] for state in states] == ["PASS", "REJECT", "REJECT"]
    known = {"frame": 2, "part": "part-2", "verdict": "missed", "cause": "model", "camera": "", "product": "alpha"}
    assert told_in(states[2]) == {"state": "REJECT"} | known
    output.safe("camera gone:\ncheck the cable")
    output.close()
    last = json.loads(path.read_text())
    assert (last["state"], last["why"], last["product"]) == ("SAFE", "camera gone: check the cable", "alpha")
    assert [state["number"] for state in (*states, last)] == [2, 3, 4, 5]
    assert [file.name for file in path.parent.iterdir()] == ["state.json"]


def test_a_file_that_cannot_be_written_is_one_line_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"state: cannot write the output's state \(.+\): check the disk"):
        FileOutput(tmp_path / "file" / "state")


def test_where_safe_cannot_be_written_no_pass_stays_behind(tmp_path, verdicts):
    path = tmp_path / "state.json"
    output = FileOutput(path)
    output.apply(verdicts[0])
    (tmp_path / ".state.json.part").mkdir()  # nothing new can be written, as on a full disk
    with pytest.raises(OutputError, match=r"state\.json: cannot write the output's state"):
        output.safe("disk full")
    assert not path.exists()


def test_a_controller_is_told_each_verdict_and_the_end(controller, verdicts):
    output = TcpOutput("127.0.0.1", controller.port)
    controller.accept()
    for verdict in verdicts:
        output.apply(verdict)
    output.safe("the run has ended")
    output.close()
    told = [controller.line() for _ in range(5)]
    assert [line["state"] for line in told] == ["SAFE", "PASS", "REJECT", "REJECT", "SAFE"]
    assert controller.line() is None


def test_a_controller_that_is_not_there_is_one_line(controller):
    controller.close()
    with pytest.raises(OutputError, match=rf"tcp 127\.0\.0\.1:{controller.port}: no controller there"):
        TcpOutput("127.0.0.1", controller.port)


def test_a_controller_that_takes_nothing_is_an_error_and_the_connection_is_cut(controller, verdicts):
    output = TcpOutput("127.0.0.1", controller.port)
    controller.accept()

    def flood():
        for _ in range(1_000_000):
            output.apply(verdicts[0])

    with pytest.raises(OutputError, match="the controller is gone"):
        flood()
    with pytest.raises(OutputError):
        output.safe("it is safe by the end of its connection")


@pytest.mark.parametrize("first", [True, False])
def test_where_one_cannot_be_opened_all_others_are_safe_and_closed(controller, tmp_path, first):
    (tmp_path / "file").write_text("")
    state = tmp_path / "state.json"
    state.write_text('{"state": "PASS"}')  # of a run that was killed
    bad = FileTarget(kind="file", path=str(tmp_path / "file" / "state"))
    good = (tcp(controller.port), FileTarget(kind="file", path=str(state)))
    with pytest.raises(OutputError, match=r"file/state|file.state"):
        open_outputs({"left": camera(bad, *good) if first else camera(*good, bad)})
    controller.accept()
    assert [controller.line()["state"] for _ in range(2)] == ["SAFE", "SAFE"]
    assert controller.line() is None
    assert json.loads(state.read_text())["state"] == "SAFE"
