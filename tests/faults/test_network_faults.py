"""What a network can do to an output: a cable that is pulled tells nobody."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from inspector.errors import OutputError
from inspector.outputs.tcp import TcpOutput

PATIENCE_S = 60  # only a test that fails waits so long
LISTENER = """
import socket
server = socket.create_server(("10.213.77.2", 5000))
print("ready", flush=True)
connection, _ = server.accept()
while connection.recv(4096):
    pass
"""


@pytest.fixture
def cable():
    """A controller at the end of a cable, and how to pull it."""
    name = f"plc{os.getpid()}"
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("only root may lay a cable")
    laid = [
        f"ip netns add {name}",
        f"ip link add {name}a type veth peer name {name}b netns {name}",
        f"ip addr add 10.213.77.1/30 dev {name}a",
        f"ip link set {name}a up",
        f"ip -n {name} addr add 10.213.77.2/30 dev {name}b",
        f"ip -n {name} link set {name}b up",
    ]
    try:
        if any(subprocess.run(each.split(), capture_output=True, check=False).returncode for each in laid):
            pytest.skip("laying a cable is not permitted here")
        command = ["ip", "netns", "exec", name, sys.executable, "-c", LISTENER]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as listener:
            assert listener.stdout.readline() == b"ready\n"
            yield lambda: subprocess.run(f"ip -n {name} link set {name}b down".split(), check=True)
            listener.kill()
    finally:
        subprocess.run(["ip", "link", "del", f"{name}a"], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def test_a_cable_that_is_pulled_is_noticed_by_the_heartbeat(cable):
    output = TcpOutput("10.213.77.2", 5000)
    output.beat()
    cable()
    end_s = time.monotonic() + PATIENCE_S

    def beat_on():
        while time.monotonic() < end_s:
            output.beat()
            time.sleep(0.05)

    with pytest.raises(OutputError, match="the controller is gone"):
        beat_on()
