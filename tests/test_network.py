"""Cameras by address that lose, cut and keep pictures on the way."""

import random

import cv2
import numpy as np
import pytest
from h264 import FPS, encode
from servers import MjpegServer, RtspCamera, rtp_payloads

from inspector.cameras.network import NetworkCamera
from inspector.cameras.source import open_source
from inspector.errors import CameraError, CameraLost, FrameLost
from inspector.records import Cause

PATIENCE_S = 1.5  # of the camera, for a picture
COUNT = 40


def play(address):
    """What comes up to the end: frames, and the errors of lost ones."""
    seen = []
    with NetworkCamera(address, read_timeout_s=PATIENCE_S) as camera:
        while True:
            try:
                seen.append(camera.read(1.0))
            except FrameLost as lost:
                seen.append(lost)
            except CameraLost:
                return seen


def lost(seen):
    return [number for number, item in enumerate(seen) if isinstance(item, FrameLost)]


def jpeg(seed):
    return cv2.imencode(".jpg", np.random.default_rng(seed).integers(0, 256, (64, 80, 3), dtype=np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    "add_defect",
    {
        "cut": lambda data: data[: len(data) // 4],
        "cut, with an end marker": lambda data: data[: len(data) // 4] + b"\xff\xd9",
        "cut at the very end": lambda data: data[:-20],
        "a hole": lambda data: data[:2000] + bytes(500) + data[2500:],
        "empty": lambda data: data[:2],
        "junk": lambda data: bytes(len(data)),
    }.items(),
    ids=lambda item: item[0],
)
def test_a_jpeg_that_is_not_whole_is_lost_and_the_next_is_not(add_defect):
    pictures = [jpeg(number) for number in range(6)]
    sent = [*pictures[:2], add_defect[1](pictures[2]), *pictures[3:]]
    with MjpegServer(sent) as server:
        seen = play(server.address)
    assert lost(seen) == [2]
    assert seen[2].cause is Cause.DECODE
    assert [frame.index for frame in seen if not isinstance(frame, FrameLost)] == [0, 1, 3, 4, 5]
    for number in (0, 1, 3, 4, 5):  # each with its own pixels, as a file of it has them
        np.testing.assert_array_equal(seen[number].image, cv2.imdecode(np.frombuffer(pictures[number], np.uint8), 1))


def test_a_camera_whose_pictures_are_never_whole_loses_each_of_them():
    with MjpegServer([jpeg(number)[:-30] for number in range(5)]) as server:
        assert lost(play(server.address)) == [0, 1, 2, 3, 4]


def test_a_stream_that_is_entered_between_two_key_frames_begins_with_the_next():
    with RtspCamera(encode(25, key_every=10)[4:]) as camera:
        seen = play(camera.address)
    assert lost(seen) == []
    assert [frame.index for frame in seen] == list(range(15))


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_a_whole_stream_over_rtsp_loses_nothing(tcp):
    with RtspCamera(encode(20), tcp=tcp) as camera:
        seen = play(camera.address)
    assert len(seen) == 20
    assert lost(seen) == []


@pytest.mark.parametrize("seed", range(2))
def test_rtsp_that_loses_one_packet_in_a_hundred_loses_pictures_up_to_the_next_key_frame(seed):
    pictures = encode(COUNT, key_every=10)
    packets = [(n, k) for n, (data, _) in enumerate(pictures) for k in range(len(rtp_payloads(data)))]
    of_pixels = [(n, k) for n, k in packets if n and (n % 10 or k >= 3)]  # not the settings, which come again
    gone = set(random.Random(seed).sample(of_pixels, len(packets) // 100))
    with RtspCamera(pictures, loses=lambda *packet: packet in gone) as camera:
        seen = play(camera.address)
    with RtspCamera(pictures) as camera:
        clean = play(camera.address)
    assert len(seen) == COUNT
    for number, item in enumerate(seen):
        if any(number - number % 10 <= other <= number for other, _ in gone):
            assert isinstance(item, FrameLost)
        elif not isinstance(item, FrameLost):  # one before the damage may be lost as well
            np.testing.assert_array_equal(item.image, clean[number].image)


def test_pictures_that_the_camera_had_kept_are_as_old_as_they_are():
    with RtspCamera(encode(2 * FPS), kept_s=1.0, tcp=True) as camera:
        seen = play(camera.address)
    assert lost(seen) == []
    assert (seen[FPS].captured_ns - seen[1].captured_ns) / 1e9 > 0.5  # although they came all at once


def test_old_pictures_are_lost_and_not_judged_as_new(caplog):
    causes = []
    with (
        RtspCamera(encode(3 * FPS), kept_s=2.0, tcp=True) as camera,
        open_source(camera.address, FPS, False) as source,
    ):
        while len(causes) < 3 * FPS - 2:
            try:
                frame = source.read(1.0)
            except FrameLost as error:
                causes.append(error.cause)
                continue
            assert frame.index == len(causes)
            causes.append(None)
    assert causes[0] is Cause.CAMERA
    assert "pictures come" in caplog.text
    assert "they are not judged" in caplog.text


def test_what_is_no_camera_is_one_line(capfd):
    with MjpegServer([b"no picture"]) as server, pytest.raises(CameraError, match="cannot be opened"):
        NetworkCamera(server.address).__enter__()
    assert capfd.readouterr() == ("", "")
