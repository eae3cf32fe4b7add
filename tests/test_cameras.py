"""One conformance suite for every kind of camera, then what is special to each."""

import contextlib
import itertools
import logging
import os
import time

import cv2
import numpy as np
import pytest
from servers import MjpegServer

from inspector.camera_settings import NetworkSettings
from inspector.cameras.device import DeviceCamera, camera_name, find_devices
from inspector.cameras.folder import FolderReplay
from inspector.cameras.network import NetworkCamera
from inspector.cameras.reconnect import Reconnecting
from inspector.cameras.source import open_camera, open_source
from inspector.cameras.video import VideoFile
from inspector.errors import CameraError, CameraLost, EndOfStream, FrameLost
from inspector.images import write_image
from inspector.records import Cause, Counts, Frame, Verdict
from inspector.testing import FakeCamera, ManualClock, MemorySink, blank_frame, inspection_of

FRAMES = 5
LOST = "lost"


def picture(number):
    """An image whose mean brightness tells its number; its noise keeps the frames of a video apart."""
    noise = np.random.default_rng(number).integers(-9, 10, (48, 64, 3))
    return (10 * number + 10 + noise).astype(np.uint8)


def number_in(frame):
    return round((frame.image.mean() - 10) / 10)


def play(camera, reads=1000, timeout_s=5.0):
    """What up to `reads` reads gave: frames, None, and LOST for every FrameLost; ends with the stream."""
    seen = []
    for _ in range(reads):
        try:
            seen.append(camera.read(timeout_s))
        except FrameLost:
            seen.append(LOST)
        except (EndOfStream, CameraLost):
            break
    return seen


def indices(seen):
    return [item.index if isinstance(item, Frame) else item for item in seen]


def write_folder(folder, count=FRAMES):
    folder.mkdir()
    for number in range(count):
        write_image(folder / f"part{number}.png", picture(number))
    return folder


def write_video(path, count=FRAMES, codec="MJPG"):
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), 10, (64, 48))
    for number in range(count):
        writer.write(picture(number))
    writer.release()
    return path


def jpegs(count=FRAMES):
    return [cv2.imencode(".jpg", picture(number))[1].tobytes() for number in range(count)]


# -- every kind -----------------------------------------------------------------------------------------------------

KINDS = ["folder", "image", "avi", "mp4", "mkv", "network", "reconnecting", "fake"]
REPLAYS = ["folder", "image", "avi", "mp4", "mkv"]


@pytest.fixture
def make_camera(tmp_path):
    """Makes a camera of the kind, not yet opened; at least one frame comes, FRAMES at most."""
    with MjpegServer(jpegs()) as server:
        makers = {
            "folder": lambda: FolderReplay(write_folder(tmp_path / "parts")),
            "image": lambda: FolderReplay(write_folder(tmp_path / "parts") / "part0.png"),
            "avi": lambda: VideoFile(write_video(tmp_path / "belt.avi")),
            "mp4": lambda: VideoFile(write_video(tmp_path / "belt.mp4", codec="mp4v")),
            "mkv": lambda: VideoFile(write_video(tmp_path / "belt.mkv")),
            "network": lambda: NetworkCamera(server.address),
            "reconnecting": lambda: Reconnecting(lambda: FakeCamera([None, *range(FRAMES)]), fps=None),
            "fake": lambda: FakeCamera([None, *map(picture, range(FRAMES))]),
        }
        yield lambda kind: makers[kind]()


@pytest.mark.parametrize("kind", KINDS)
def test_frames_are_8_bit_bgr_numbered_and_in_time(make_camera, kind):
    with make_camera(kind) as camera:
        frames = [frame for frame in play(camera) if frame is not None]
    assert len(frames) == (1 if kind == "image" else FRAMES)
    assert [frame.index for frame in frames] == list(range(len(frames)))
    for frame in frames:
        assert frame.image.ndim == 3
        assert frame.image.shape[2] == 3
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous
    times = [frame.captured_ns for frame in frames]
    assert times == sorted(times)


@pytest.mark.parametrize("kind", sorted({*KINDS} - {"reconnecting", "image"}))
def test_a_frame_is_not_overwritten_by_the_next(make_camera, kind):
    with make_camera(kind) as camera:
        frames = [frame for frame in play(camera) if frame is not None]
    assert [number_in(frame) for frame in frames] == list(range(FRAMES))


@pytest.mark.parametrize("kind", KINDS)
def test_a_camera_is_used_inside_a_with_block_only(make_camera, kind):
    camera = make_camera(kind)
    with pytest.raises(CameraError, match="before it was opened"):
        camera.read(0.1)
    with camera as opened:
        opened.read(1.0)
    camera.__exit__(None, None, None)
    with pytest.raises(CameraError, match="before it was opened"):
        camera.read(0.1)


@pytest.mark.parametrize("kind", sorted({*KINDS} - {"fake"}))
def test_a_camera_opened_again_numbers_from_0(make_camera, kind):
    camera = make_camera(kind)
    for _ in range(2):
        with camera:
            seen = [frame for frame in play(camera, reads=3) if frame is not None]
        assert indices(seen)[:2] == [0, 1][: len(seen)]


@pytest.mark.parametrize("kind", KINDS)
def test_live_cameras_and_replays_are_told_apart(make_camera, kind):
    assert make_camera(kind).live == (kind not in REPLAYS)


@pytest.mark.parametrize("kind", [*REPLAYS, "fake"])
def test_the_end_of_a_replay_stays_the_end(make_camera, kind):
    with make_camera(kind) as camera:
        play(camera)
        for _ in range(3):
            with pytest.raises(EndOfStream):
                camera.read(0.1)


# -- folders --------------------------------------------------------------------------------------------------------


def test_a_folder_names_its_parts_in_natural_order(tmp_path):
    folder = write_folder(tmp_path / "parts", count=11)
    write_folder(folder / "late shift", count=1)
    with FolderReplay(folder) as camera:
        frames = play(camera)
    assert [frame.part for frame in frames] == ["late shift/part0.png", *(f"part{n}.png" for n in range(11))]


def test_an_unreadable_image_is_a_lost_part(tmp_path):
    folder = write_folder(tmp_path / "parts")
    (folder / "part1.png").write_bytes(b"garbage")
    (folder / "part3.png").unlink()
    (folder / "part3.png").symlink_to(folder / "gone.png")
    with FolderReplay(folder) as camera:
        assert camera.read(1.0).index == 0
        with pytest.raises(FrameLost, match=r"part1\.png: not an image") as lost:
            camera.read(1.0)
        assert (lost.value.part, lost.value.cause) == ("part1.png", Cause.DECODE)
        assert indices(play(camera)) == [2, LOST, 4]


def test_a_looping_folder_numbers_on(tmp_path):
    with FolderReplay(write_folder(tmp_path / "parts", count=2), loop=True) as camera:
        frames = play(camera, reads=5)
    assert indices(frames) == [0, 1, 2, 3, 4]
    assert [frame.part for frame in frames] == [f"part{n}.png" for n in (0, 1, 0, 1, 0)]


@pytest.mark.parametrize("replay", [FolderReplay, VideoFile])
def test_a_paced_replay_delivers_no_frame_early_and_does_not_drift(tmp_path, replay):
    source = write_folder(tmp_path / "p") if replay is FolderReplay else write_video(tmp_path / "belt.avi")
    clock = ManualClock(now_ns=5_000_000_000)
    with replay(source, fps=10.0, now_ns=clock, wait=clock.wait) as camera:
        clock.wait(60.0)  # the model warms up: that is not the line's time
        start_ns = camera.read(0.0).captured_ns
        assert camera.read(0.06) is None
        assert (clock() - start_ns) == 60_000_000
        assert camera.read(0.06).captured_ns - start_ns == 100_000_000
        clock.wait(0.15)  # the inspection was slow: frame 2 is late, frame 3 is not
        assert [camera.read(1.0).captured_ns - start_ns for _ in range(3)] == [250_000_000, 300_000_000, 400_000_000]


def test_a_lost_part_takes_its_time_on_the_belt(tmp_path):
    folder = write_folder(tmp_path / "parts", count=3)
    (folder / "part1.png").write_bytes(b"garbage")
    clock = ManualClock()
    with FolderReplay(folder, fps=10.0, now_ns=clock, wait=clock.wait) as camera:
        assert [frame.captured_ns for frame in play(camera) if frame != LOST] == [0, 200_000_000]


def test_a_folder_without_images_is_refused(tmp_path):
    for path in [tmp_path, tmp_path / "missing"]:
        with pytest.raises(CameraError, match=path.name), FolderReplay(path):
            pass


# -- videos ---------------------------------------------------------------------------------------------------------


def test_a_video_names_its_frames(tmp_path):
    with VideoFile(write_video(tmp_path / "belt.avi")) as camera:
        assert [frame.part for frame in play(camera)] == [f"belt#{n:06d}" for n in range(FRAMES)]


def test_a_looping_video_numbers_on(tmp_path):
    with VideoFile(write_video(tmp_path / "belt.avi", count=2), loop=True) as camera:
        frames = play(camera, reads=5)
    assert indices(frames) == [0, 1, 2, 3, 4]
    assert [number_in(frame) for frame in frames] == [0, 1, 0, 1, 0]
    assert frames[4].part == "belt#000000"


def wipe_frame(path, number):
    """Overwrite one JPEG of a motion JPEG video with zeros."""
    data = bytearray(path.read_bytes())
    start = -1
    for _ in range(number + 1):
        start = data.index(b"\xff\xd8\xff", start + 1)
    end = data.index(b"\xff\xd9", start)
    data[start:end] = bytes(end - start)
    path.write_bytes(data)


@pytest.mark.parametrize("suffix", ["avi", "mkv", "mov"])
def test_a_broken_frame_is_lost_and_the_rest_goes_on(tmp_path, suffix):
    path = write_video(tmp_path / f"belt.{suffix}")
    wipe_frame(path, 2)
    with VideoFile(path) as camera:
        seen = play(camera)
    assert indices(seen) == [0, 1, LOST, 3, 4]
    assert [number_in(frame) for frame in seen if frame != LOST] == [0, 1, 3, 4]
    assert seen[3].part == "belt#000003"


def test_the_lost_frame_is_named(tmp_path):
    path = write_video(tmp_path / "belt.avi")
    wipe_frame(path, 0)
    with VideoFile(path) as camera, pytest.raises(FrameLost, match="belt#000000: cannot be decoded") as lost:
        camera.read(1.0)
    assert (lost.value.part, lost.value.cause) == ("belt#000000", Cause.DECODE)


@pytest.mark.parametrize("loop", [False, True])
def test_a_video_cut_short_loses_the_frames_it_declares(tmp_path, loop):
    path = write_video(tmp_path / "belt.avi", count=20)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with VideoFile(path, loop=loop) as camera:
        seen = indices(play(camera, reads=20))
    frames = 20 - seen.count(LOST)
    assert 0 < frames < 20
    assert seen == [*range(frames), *[LOST] * (20 - frames)]


def test_no_loss_is_invented_where_the_count_is_an_estimate(tmp_path):
    path = write_video(tmp_path / "belt.mkv", count=20)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with VideoFile(path) as camera:
        seen = indices(play(camera))
    assert 0 < len(seen) < 20
    assert seen == list(range(len(seen)))


def boxes(mp4):
    """The top-level boxes of an MP4 file by name."""
    found, at = {}, 0
    while at < len(mp4):
        length = int.from_bytes(mp4[at : at + 4], "big")
        found[mp4[at + 4 : at + 8]] = mp4[at : at + length]
        at += length
    return found


def test_a_trimmed_mp4_has_lost_nothing(tmp_path):
    path = write_video(tmp_path / "belt.mp4", count=20, codec="mp4v")
    data = bytearray(path.read_bytes())
    duration = data.index(b"elst") + 12  # of the part of the video that is to be shown
    half = int.from_bytes(data[duration : duration + 4], "big") // 2
    data[duration : duration + 4] = half.to_bytes(4, "big")
    path.write_bytes(data)
    with VideoFile(path) as camera:
        seen = indices(play(camera))
    assert 0 < len(seen) < 20
    assert seen == list(range(len(seen)))


def test_an_mp4_cut_short_loses_the_frames_it_declares(tmp_path):
    path = write_video(tmp_path / "belt.mp4", count=20, codec="mp4v")
    box = boxes(path.read_bytes())
    index = bytearray(box[b"moov"])  # moved to the front, as in any file meant for streaming
    entries = index.index(b"stco") + 8
    for at in range(entries + 4, entries + 4 + 4 * int.from_bytes(index[entries : entries + 4], "big"), 4):
        index[at : at + 4] = (int.from_bytes(index[at : at + 4], "big") + len(index)).to_bytes(4, "big")
    whole = box[b"ftyp"] + index + box.get(b"free", b"") + box[b"mdat"]
    path.write_bytes(whole)
    with VideoFile(path) as camera:
        assert indices(play(camera)) == list(range(20))
    path.write_bytes(whole[: -len(box[b"mdat"]) // 2])
    with VideoFile(path) as camera:
        seen = indices(play(camera))
    frames = 20 - seen.count(LOST)
    assert 0 < frames < 20
    assert seen == [*range(frames), *[LOST] * (20 - frames)]


def test_what_is_no_video_is_refused_without_chatter(tmp_path, capfd):
    (tmp_path / "junk.mp4").write_bytes(b"junk" * 500)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "notes.txt").write_text("good part\n" * 100)
    for name in ["junk.mp4", "empty.mp4", "notes.txt", "missing.mp4"]:
        with pytest.raises(CameraError, match=name) as caught, VideoFile(tmp_path / name):
            pass
        assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


# -- devices --------------------------------------------------------------------------------------------------------


def test_a_network_camera_that_hangs_up_is_lost():
    with MjpegServer(jpegs()) as server, NetworkCamera(server.address) as camera:
        assert [number_in(camera.read(1.0)) for _ in range(FRAMES)] == list(range(FRAMES))
        with pytest.raises(CameraLost, match="no more frames"):
            camera.read(1.0)


def read_on(camera):
    """Read, whatever is lost, for at most a minute."""
    end_s = time.monotonic() + 60
    while time.monotonic() < end_s:
        with contextlib.suppress(FrameLost):
            camera.read(1.0)


def test_settings_of_a_network_camera_say_when_it_is_given_up():
    with contextlib.ExitStack() as opened:
        server = opened.enter_context(MjpegServer(jpegs()))
        settings = NetworkSettings(kind="network", address=server.address, fps=20, read_timeout_s=0.3, give_up_s=0.2)
        with open_camera(settings) as camera:
            assert camera.read(1.0).index == 0
            opened.close()
            with pytest.raises(CameraLost, match=r"gone for 0\.2 s"):
                read_on(camera)


def test_a_network_camera_that_falls_silent_is_lost():
    with MjpegServer(jpegs(), silent=True) as server, NetworkCamera(server.address, read_timeout_s=0.3) as camera:
        assert indices(play(camera)) == list(range(FRAMES))  # every frame sent, and then an end


def test_frames_are_stamped_after_the_wait():
    clock = ManualClock(now_ns=7)
    with MjpegServer(jpegs()) as server, NetworkCamera(server.address, now_ns=clock) as camera:
        assert camera.read(1.0).captured_ns == 7
        clock.wait(1e-9)
        assert camera.read(1.0).captured_ns == 8


def test_a_setting_that_the_camera_refuses_is_an_error(tmp_path):
    path = write_video(tmp_path / "belt.avi")

    def open_capture(index):
        return cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)

    with DeviceCamera(0, width=64, height=48, open_capture=open_capture) as camera:
        assert camera.read(1.0).image.shape == (48, 64, 3)
    with pytest.raises(CameraError, match="width: asked for 1920, got 64"):
        DeviceCamera(0, width=1920, open_capture=open_capture).__enter__()
    with pytest.raises(CameraError, match="exposure: asked for -5, got"):
        DeviceCamera(0, exposure=-5, open_capture=open_capture).__enter__()


def test_a_camera_that_does_not_exist_is_one_line_without_chatter(capfd):
    with pytest.raises(CameraError, match=r"^camera 97: cannot be opened; `doctor` lists the cameras found$"):
        DeviceCamera(97).__enter__()
    with pytest.raises(CameraError, match=r"^http://\*\*\*@127\.0\.0\.1:1/live\?\*\*\*: cannot be opened"):
        NetworkCamera("http://admin:p@ss@127.0.0.1:1/live?pwd=secret").__enter__()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://admin:secret@10.0.0.7:554/live",
        "rtsp://admin:secret/@10.0.0.7/live",
        "http://10.0.0.7/video?user=admin&password=secret",
        "http://admin:sec?ret@10.0.0.7/video?x=secret",
        "rtsp:/admin:secret@10.0.0.7/live",
    ],
)
def test_passwords_are_not_told(address):
    name = camera_name(address)
    assert "10.0.0.7" in name
    assert not any(word in name for word in ("admin", "secret", "sec?", "ret@"))


@pytest.mark.skipif("sys.platform != 'linux'")
def test_devices_are_found_in_order(tmp_path):
    for name in ["video10", "video2", "videodev", "null"]:
        (tmp_path / name).touch()
    assert [found.split(":")[0] for found in find_devices(tmp_path)] == ["2", "10"]
    assert find_devices(tmp_path / "empty") == []


# -- reconnecting ---------------------------------------------------------------------------------------------------


class Bench:
    """A place where cameras are plugged in: each opening takes the next of `cameras`, or raises it."""

    def __init__(self, *cameras):
        self.clock = ManualClock()
        self.openings = 0
        self._cameras = iter(cameras)

    def open(self):
        self.openings += 1
        camera = next(self._cameras)
        if isinstance(camera, Exception):
            raise camera
        return camera

    def reconnecting(self, fps, give_up_s=60.0):
        return Reconnecting(self.open, fps, give_up_s, now_ns=self.clock, wait=self.clock.wait)


def unplugged():
    return CameraLost("camera 0: unplugged")


def test_every_part_that_passed_unseen_is_lost_and_frames_are_numbered_on():
    # gone at 0 s; tried at 0.5 s in vain, back at 1.5 s
    bench = Bench(FakeCamera([0, 1, unplugged()]), CameraError("no"), FakeCamera([0, 1]))
    with bench.reconnecting(fps=10.0) as camera:
        assert indices(play(camera)) == [0, 1, *[LOST] * 15, 17, 18]
    assert bench.clock() == 1_500_000_000


def test_a_loss_is_raised_once_per_period_and_none_in_between():
    bench = Bench(FakeCamera([0, unplugged()]), *itertools.repeat(CameraError("no"), 9))
    with bench.reconnecting(fps=1.0) as camera:
        camera.read(1.0)
        with pytest.raises(FrameLost, match=r"^camera gone, reconnecting \(attempt 1\)$") as lost:
            camera.read(1.0)
        assert lost.value.cause is Cause.CAMERA
        assert bench.clock() == 0
        assert camera.read(1.25) is None
        assert bench.clock() == 1_250_000_000
        with pytest.raises(FrameLost, match=r"\(attempt 3\)"):
            camera.read(1.25)
        assert bench.clock() == 2_000_000_000


def test_at_least_one_part_is_lost_however_short_the_outage():
    bench = Bench(FakeCamera([0, unplugged()]), FakeCamera([0, unplugged()]), FakeCamera([0]))
    with bench.reconnecting(fps=0.01) as camera:
        assert indices(play(camera)) == [0, LOST, 2, LOST, 4]


def test_the_period_is_measured_where_no_rate_is_given():
    frames = [blank_frame(n, captured_ns=n * 200_000_000) for n in range(4)]
    bench = Bench(FakeCamera([*frames, unplugged()]), CameraError("no"), FakeCamera([0]))
    with bench.reconnecting(fps=None) as camera:
        assert play(camera).count(LOST) == 7  # 1.5 s, a part every 0.2 s


def test_without_any_frame_the_period_is_a_second():
    bench = Bench(FakeCamera([unplugged()]), CameraError("no"), CameraError("no"), FakeCamera([0]))
    with bench.reconnecting(fps=None) as camera:
        assert indices(play(camera)) == [*[LOST] * 3, 3]  # back after 0.5 + 1 + 2 s


def test_parts_that_pass_while_the_camera_starts_up_are_lost_before_its_first_frame():
    def slow_start():
        bench.clock.wait(1.0)
        yield from [0, 1]

    bench = Bench(FakeCamera([0, unplugged()]), FakeCamera(slow_start()))
    with bench.reconnecting(fps=10.0) as camera:
        assert indices(play(camera)) == [0, *[LOST] * 14, 15, 16]  # seen at 0 s and at 1.5 s


def test_parts_that_pass_while_a_read_blocks_are_lost():
    def hangs():
        yield 0
        bench.clock.wait(5.0)
        yield unplugged()

    bench = Bench(FakeCamera(hangs()), FakeCamera([0]))
    with bench.reconnecting(fps=2.0) as camera:
        assert indices(play(camera)) == [0, *[LOST] * 11, 12]


def test_an_idle_line_has_lost_nothing():
    def idle():
        yield 0
        for _ in range(9):
            bench.clock.wait(600.0)
            yield None
        yield unplugged()

    bench = Bench(FakeCamera(idle()), FakeCamera([None, None, 0]))
    with bench.reconnecting(fps=10.0) as camera:
        seen = play(camera)
    assert seen.count(LOST) == 5  # the half second of the outage, not the hour and a half before
    assert isinstance(seen[-1], Frame)


def test_a_camera_that_stays_away_is_given_up():
    bench = Bench(FakeCamera([0, unplugged()]), *itertools.repeat(CameraError("no"), 50))
    with bench.reconnecting(fps=1.0, give_up_s=60.0) as camera:
        assert indices(play(camera)) == [0, *[LOST] * 60]
        assert bench.clock() == 60_000_000_000
        for _ in range(2):
            with pytest.raises(CameraLost, match="gone for 60 s: check cable and power"):
                camera.read(1.0)
            bench.clock.wait(30.0)
    assert bench.openings == 1 + 10  # at 0.5, 1.5, 3.5, 7.5, then every 8 s


def test_a_camera_that_opens_but_never_delivers_is_given_up():
    bench = Bench(*(FakeCamera([unplugged()]) for _ in range(50)))
    with bench.reconnecting(fps=1.0, give_up_s=60.0) as camera:
        assert indices(play(camera)) == [LOST] * 60
    assert bench.openings == 1 + 10


def test_the_first_opening_is_not_repeated():
    bench = Bench(CameraError("camera 0: cannot be opened"), FakeCamera([0]))
    with pytest.raises(CameraError, match="cannot be opened"), bench.reconnecting(fps=10.0):
        pass
    assert bench.openings == 1


def test_frames_lost_or_skipped_by_the_camera_itself_keep_their_indices():
    first = FakeCamera([0, FrameLost("torn"), 2, 5, unplugged()])
    bench = Bench(first, FakeCamera([FrameLost("torn"), 1, 3]))
    with bench.reconnecting(fps=1.0) as camera:
        assert indices(play(camera)) == [0, LOST, 2, 5, LOST, LOST, 8, 10]


def test_cameras_left_behind_are_closed():
    first, second = FakeCamera([unplugged(), 1]), FakeCamera([0, 1])
    bench = Bench(first, second)
    with bench.reconnecting(fps=1.0) as camera:
        play(camera, reads=2)
        with pytest.raises(CameraError, match="before it was opened"):
            first.read(1.0)
    with pytest.raises(CameraError, match="before it was opened"):
        second.read(1.0)


def test_a_camera_that_is_back_says_so_once(caplog):
    bench = Bench(FakeCamera([unplugged()]), FakeCamera([0, 1]))
    with caplog.at_level(logging.WARNING), bench.reconnecting(fps=10.0) as camera:
        play(camera)
    assert [record.getMessage() for record in caplog.records] == [
        "camera 0: unplugged; reconnecting",
        "camera is back after 0.5 s, 5 parts were missed",
    ]


def test_a_network_camera_is_reconnected():
    clock = ManualClock()
    with (
        MjpegServer(jpegs()) as server,
        Reconnecting(lambda: NetworkCamera(server.address), 10.0, now_ns=clock, wait=clock.wait) as camera,
    ):
        seen = play(camera, reads=2 * FRAMES + 5)
    frames = [item for item in seen if isinstance(item, Frame)]
    assert [number_in(frame) for frame in frames] == [*range(FRAMES), *range(FRAMES)]
    assert indices(seen) == [*range(5), *[LOST] * 5, *range(10, 15)]


# -- sources --------------------------------------------------------------------------------------------------------


def test_a_source_is_recognised_by_what_it_is(tmp_path):
    folder = write_folder(tmp_path / "parts.v2")
    video = write_video(tmp_path / "belt.avi")
    for source, count in [(folder, FRAMES), (folder / "part0.png", 1), (video, FRAMES)]:
        with open_source(str(source), None, False) as camera:
            assert not camera.live
            assert indices(play(camera)) == list(range(count))
    with open_source(str(folder / "part0.png"), None, True) as camera:
        assert [frame.part for frame in play(camera, reads=3)] == ["part0.png"] * 3


def test_an_address_is_a_live_camera():
    with MjpegServer(jpegs(), silent=True) as server, open_source(server.address.upper(), None, False) as camera:
        assert camera.live
        assert indices(play(camera, reads=FRAMES)) == list(range(FRAMES))


def test_digits_are_a_camera_index():
    with pytest.raises(CameraError, match="camera 97: cannot be opened"), open_source("97", None, False):
        pass


@pytest.mark.skipif(os.name != "posix", reason="devices are files on POSIX only")
def test_a_devices_file_and_a_link_to_it_are_the_camera_of_that_number(tmp_path):
    link = tmp_path / "usb-camera"
    link.symlink_to("/dev/video97")
    for source in ("/dev/video97", str(link)):
        with pytest.raises(CameraError, match="camera 97: cannot be opened"), open_source(source, None, False):
            pass


@pytest.mark.parametrize("source", ["", "missing/parts", "rtsp:/admin:secret@10.0.0.7/live", "ftp://a:secret@b/c"])
def test_other_sources_are_one_line_that_says_what_is_expected(source):
    with pytest.raises(CameraError, match="expected a camera index, an rtsp:// or http:// address") as caught:
        open_source(source, None, False)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_is_positive(tmp_path, fps):
    with pytest.raises(CameraError, match="fps"):
        open_source(str(tmp_path), fps, False)


# -- fakes ----------------------------------------------------------------------------------------------------------


def test_a_fake_camera_plays_its_script():
    frame = blank_frame(7, captured_ns=3)
    clock = ManualClock(now_ns=9)
    with FakeCamera([2, None, picture(3), frame, picture(4), OSError("odd")], live=False, now_ns=clock) as camera:
        assert not camera.live
        assert (camera.read(1.0).index, camera.read(1.0)) == (2, None)
        image = camera.read(1.0)
        assert (image.index, number_in(image), image.captured_ns) == (3, 3, 9)
        assert camera.read(1.0) is frame
        assert camera.read(1.0).index == 8
        with pytest.raises(OSError, match="odd"):
            camera.read(1.0)


def test_a_memory_sink_keeps_what_it_is_given():
    sink = MemorySink()
    for index, verdict in enumerate([Verdict.PASS, Verdict.MISSED]):
        sink.write(inspection_of(index, verdict), Counts().plus(verdict))
    sink.close()
    assert sink.verdicts == [Verdict.PASS, Verdict.MISSED]
    assert sink.counts[1].missed == 1
    assert sink.closed
