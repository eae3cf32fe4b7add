"""What tells the line: a file that any program can read, and a controller that listens."""

import json
import socket

import pytest

from inspector.errors import OutputError
from inspector.outputs.file import FileOutput
from inspector.outputs.target import open_outputs
from inspector.outputs.tcp import TcpOutput
from inspector.station import FileTarget, TcpTarget

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


def test_a_file_holds_the_last_state(tmp_path, verdicts):
    path = tmp_path / "new" / "state.json"
    output = FileOutput(path)
    assert json.loads(path.read_text()) == {"state": "SAFE", "why": "starting"}
    states = []
    for verdict in verdicts:
        output.apply(verdict)
        states.append(json.loads(path.read_text()))
    assert [state["state"] for state in states] == ["PASS", "REJECT", "REJECT"]
    known = {"frame": 2, "part": "part-2", "product": "alpha", "verdict": "missed", "cause": "model"}
    assert states[2] == {"state": "REJECT"} | known
    output.safe("camera gone:\ncheck the cable")
    output.close()
    assert json.loads(path.read_text()) == {"state": "SAFE", "why": "camera gone: check the cable"}
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


def test_of_several_outputs_none_stays_open_where_one_cannot_be_opened(controller, tmp_path):
    (tmp_path / "file").write_text("")
    targets = (
        TcpTarget(kind="tcp", host="127.0.0.1", port=controller.port),
        FileTarget(kind="file", path=str(tmp_path / "file" / "state")),
    )
    with pytest.raises(OutputError):
        open_outputs(targets)
    controller.accept()
    assert controller.line()["state"] == "SAFE"
    assert controller.line() is None
