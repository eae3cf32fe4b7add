"""Video files with damage in them: no picture is shown that is not whole."""

import os
from pathlib import Path

import numpy as np
import pytest
from h264 import write_file

from inspector.cameras.video import VideoFile
from inspector.errors import EndOfStream, FrameLost

ROOT = Path(__file__).parent.parent
DAMAGED = Path(os.environ.get("LINE_INSPECTOR_DATA", ROOT.parent / "shared" / "data")) / "damaged"


def play(path):
    """The pictures of a file; None for each that is lost."""
    seen = []
    with VideoFile(path) as camera:
        while True:
            try:
                seen.append(camera.read(1.0).image)
            except FrameLost:
                seen.append(None)
            except EndOfStream:
                return seen


def lost(seen):
    return [number for number, image in enumerate(seen) if image is None]


def add_defect(path, at, size, value=0):
    data = bytearray(path.read_bytes())
    data[at : at + size] = bytes([value]) * size
    path.write_bytes(data)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi"])
@pytest.mark.parametrize("hit", [0, 3, 9, 10, 17])
def test_damage_lasts_up_to_the_next_key_frame(tmp_path, suffix, hit):
    path = tmp_path / f"belt.{suffix}"
    packets = write_file(path, 20, key_every=10)
    clean = play(path)
    assert lost(clean) == []
    at, size, _ = packets[hit]
    add_defect(path, at + size // 2, size // 2, value=0xFF)
    seen = play(path)
    assert lost(seen) == list(range(hit, 10 if hit < 10 else 20))
    for before, after in zip(clean, seen, strict=True):
        assert after is None or np.array_equal(before, after)


@pytest.mark.parametrize("hit", range(1, 12))
def test_pictures_that_are_shown_in_another_order_are_lost_under_their_own_numbers(tmp_path, hit):
    path = tmp_path / "belt.mp4"
    packets = write_file(path, 24, key_every=12, b_frames=2)
    clean = play(path)
    at, size, pts = packets[hit]
    add_defect(path, at + size // 2, size // 2, value=0xFF)
    seen = play(path)
    assert len(seen) == 24
    shown = sorted(each for _, _, each in packets).index(pts)
    assert shown in lost(seen)
    assert set(lost(seen)) >= {shown, 11}
    assert lost(seen)[-1] == 11 or hit > 9  # damage is noticed two pictures later, and then the next key frame counts
    for before, after in zip(clean, seen, strict=True):
        assert after is None or np.array_equal(before, after)


@pytest.mark.parametrize(("codec", "suffix"), [("libx264", "mp4"), ("libx264", "ts"), ("libx265", "mp4")])
def test_a_hole_of_zeros_is_found_also_where_the_decoder_makes_a_picture_of_it(tmp_path, codec, suffix):
    path = tmp_path / f"belt.{suffix}"
    packets = write_file(path, 12, codec=codec)
    clean, whole = play(path), path.read_bytes()
    assert lost(clean) == []
    for at, size, _ in packets[1::2]:
        path.write_bytes(whole)
        add_defect(path, at + size // 3, min(size // 3, 200))
        seen = play(path)
        assert lost(seen)
        for before, after in zip(clean, seen, strict=True):
            assert after is None or np.array_equal(before, after)


def test_a_video_in_which_damage_may_go_unnoticed_says_so(tmp_path, caplog):
    write_file(tmp_path / "belt.mp4", 3, codec="libx265")
    write_file(tmp_path / "fine.mp4", 3)
    for name in ("belt.mp4", "fine.mp4"):
        assert lost(play(tmp_path / name)) == []
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'belt.mp4'}: hevc: damage in this kind of video is not always noticed; record H.264 or MJPEG"
    ]


def test_a_turned_video_is_shown_upright(tmp_path):
    import av  # noqa: PLC0415
    import cv2  # noqa: PLC0415

    path = tmp_path / "phone.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_rotation(90)
        picture = np.zeros((48, 64, 3), np.uint8)
        picture[:24, :32] = 255
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    by_opencv = capture.read()[1]
    capture.release()
    assert by_opencv.shape == (64, 48, 3)
    np.testing.assert_allclose(play(path)[0].astype(int), by_opencv, atol=3)


@pytest.mark.parametrize(
    ("name", "count", "gone"),
    [
        ("cut.mjpeg", 5, [1]),
        ("eoi.mjpeg", 5, [2]),
        ("clean8.h264", 8, []),
        ("dmg8.h264", 8, [4, 5, 6, 7]),
        ("hole.mp4", 14, list(range(4, 14))),
    ],
)
def test_real_recordings_with_damage(name, count, gone):
    if not (DAMAGED / name).is_file():
        pytest.skip(f"{DAMAGED / name} is not there")
    seen = play(DAMAGED / name)
    assert len(seen) == count
    assert lost(seen) == gone
