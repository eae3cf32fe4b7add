"""Network cameras that give one picture for each request."""

import base64
import contextlib
import http.server
import threading
import time

import cv2
import numpy as np
import pytest

from inspector.camera_settings import SnapshotSettings
from inspector.cameras.snapshot import SnapshotCamera, gives_snapshots
from inspector.cameras.source import open_camera, open_source
from inspector.errors import CameraError, CameraLost, FrameLost
from inspector.records import Cause


class SnapshotServer:
    """Answers each request with the next of some bodies, the last one for ever; None: no answer."""

    def __init__(self, bodies, password=None, kind="image/jpeg"):
        self.asked = 0
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                wanted = "Basic " + base64.b64encode(f"user:{password}".encode()).decode()
                if password and self.headers.get("Authorization") != wanted:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                    self.end_headers()
                    return
                body = bodies[min(server.asked, len(bodies) - 1)]
                server.asked += 1
                if body is None:
                    return
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # the client may have seen enough
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.01])

    def address(self, login=""):
        return f"http://{login}127.0.0.1:{self._server.server_port}/snapshot.jpg"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def jpeg(value):
    pixels = np.random.default_rng(value).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    return cv2.imencode(".jpg", cv2.GaussianBlur(pixels, (0, 0), 3), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def test_each_request_is_a_frame_and_none_is_due_before_its_time():
    opened_ns = time.monotonic_ns()
    with SnapshotServer([jpeg(0), jpeg(1)]) as server, SnapshotCamera(server.address(), fps=20) as camera:
        frames = [camera.read(1), camera.read(1)]
        assert [frame.index for frame in frames] == [0, 1]
        assert frames[1].captured_ns - opened_ns >= 50_000_000
        assert (frames[0].image != frames[1].image).any()
    with SnapshotServer([jpeg(0)]) as server, SnapshotCamera(server.address(), fps=0.01) as camera:
        camera.read(1)
        assert camera.read(0.01) is None
        assert server.asked == 1


def test_a_picture_that_is_cut_is_lost_and_keeps_its_number():
    cut = jpeg(0)[:400]
    with SnapshotServer([cut, jpeg(1)]) as server, SnapshotCamera(server.address(), fps=100) as camera:
        with pytest.raises(FrameLost) as lost:
            camera.read(1)
        assert lost.value.cause is Cause.DECODE
        assert camera.read(1).index == 1


def test_a_camera_that_does_not_answer_is_lost_and_one_that_sends_something_else_says_so():
    with (
        SnapshotServer([None]) as server,
        SnapshotCamera(server.address()) as camera,
        pytest.raises(CameraLost, match="gives no more pictures"),
    ):
        camera.read(1)
    with (
        SnapshotServer([b"<html>"]) as server,
        SnapshotCamera(server.address()) as camera,
        pytest.raises(CameraError, match="set it to JPEG"),
    ):
        camera.read(1)


def test_a_snapshot_address_is_polled_by_a_line_and_not_an_outage_each_time():
    pictures = [jpeg(number) for number in range(8)]
    with SnapshotServer(pictures) as server, open_source(server.address(), fps=50, loop=False) as camera:
        frames = [camera.read(5) for _ in range(5)]
        assert [frame.index for frame in frames] == list(range(5))
        assert server.asked <= 7, "one to see what it gives, and one for each frame"


def test_user_and_password_of_the_address_are_used_and_other_answers_are_no_snapshots():
    with SnapshotServer([jpeg(0)], password="secret") as server:
        assert gives_snapshots(server.address("user:secret@"))
        assert not gives_snapshots(server.address("user:wrong@"))
        with SnapshotCamera(server.address("user:secret@")) as camera:
            assert camera.read(1).image.shape == (48, 64, 3)
    with SnapshotServer([b"--frame"], kind="multipart/x-mixed-replace; boundary=frame") as server:
        assert not gives_snapshots(server.address())
    assert not gives_snapshots("rtsp://127.0.0.1/stream")


def test_settings_reach_the_camera_and_what_surrounds_it():
    same = jpeg(0)
    with SnapshotServer([same]) as server:
        settings = SnapshotSettings(kind="snapshot", address=server.address(), fps=200, frozen_after=2)
        with open_camera(settings) as camera:
            assert camera.read(5.0).index == 0
            with pytest.raises(FrameLost, match="frozen: picture 2 in a row") as lost:
                camera.read(5.0)
    assert lost.value.captured_ns is not None
