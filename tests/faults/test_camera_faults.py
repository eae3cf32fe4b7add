"""What a camera can do to a line. Every run's account and outputs are checked by `run`."""

import itertools

import cv2
import numpy as np
import pytest
from h264 import write_file
from line import Scripted, causes, line_threads, parts, run
from servers import MjpegServer

from inspector.cameras.folder import FolderReplay
from inspector.cameras.freshness import Fresh
from inspector.cameras.network import NetworkCamera
from inspector.cameras.reconnect import Reconnecting
from inspector.cameras.video import VideoFile
from inspector.channel import Overflow
from inspector.errors import CameraLost, EndOfStream, FrameLost, StageStalled
from inspector.inspection import load_inspector
from inspector.records import Cause, Frame, Verdict
from inspector.testing import FakeCamera, ManualClock

PASS, FAIL, MISSED = Verdict.PASS, Verdict.FAIL, Verdict.MISSED


class Handed:
    """Another camera; counts what it handed out, lost pictures included."""

    def __init__(self, camera):
        self._camera = camera
        self.live = camera.live
        self.handed = 0

    def __enter__(self):
        self._camera.__enter__()
        return self

    def __exit__(self, *error):
        self._camera.__exit__(*error)

    def read(self, timeout_s):
        try:
            frame = self._camera.read(timeout_s)
        except FrameLost:
            self.handed += 1
            raise
        self.handed += frame is not None
        return frame


class Counting(FolderReplay):
    """A replay that counts what it handed out."""

    handed = 0

    def read(self, timeout_s):
        frame = super().read(timeout_s)
        self.handed += frame is not None
        return frame


@pytest.mark.parametrize("live", [True, False])
def test_a_camera_that_hangs_in_a_read_is_named_and_ends_the_run(station, hang, live):
    def script():
        yield from (0, 1)
        hang()

    seen, error = run(Scripted(script(), live), station.load(), **hang.options)
    assert isinstance(error, StageStalled)
    assert str(error).startswith("capture has not moved for 20 s (reading the camera): check the camera")
    assert len(seen.inspections) == 2


@pytest.mark.parametrize("moment", ["__enter__", "__exit__"])
def test_a_camera_that_hangs_in_opening_or_closing_is_named(station, hang, moment):
    class Stuck(Scripted):
        def __enter__(self):
            if moment == "__enter__":
                hang()
            return super().__enter__()

        def __exit__(self, *error):
            if moment == "__exit__":
                hang()

    seen, error = run(Stuck([0, 1]), station.load(), **hang.options)
    assert isinstance(error, StageStalled)
    assert {"__enter__": "(opening the camera)", "__exit__": "(closing the camera)"}[moment] in str(error)
    assert seen.verdicts == ([] if moment == "__enter__" else [PASS, PASS])


def test_a_thread_that_cannot_be_ended_is_told_and_left_alone(station, hang, caplog):
    def script():
        yield 0
        hang()
        yield 1

    seen, _ = run(Scripted(script()), station.load(), **hang.options)
    assert "thread line-capture cannot be ended and is left behind" in caplog.text
    assert [thread.name for thread in line_threads()] == ["line-capture"]
    hang.release()
    assert len(seen.inspections) == 1  # what it read afterwards is nobody's


def test_a_program_that_was_suspended_has_not_hung(station):
    """The clock jumps by hours while the camera is being read, as after SIGSTOP or a laptop's sleep."""
    clock = ManualClock()

    def script():
        for _ in range(5):
            yield None
            clock.wait(7200)
            yield 0

    seen, error = run(Scripted(script()), station.load(), now_ns=clock, stall_s=20)
    assert error is None
    assert seen.verdicts == [PASS] * 5


SIZED = [(48, 64), (64, 48), (96, 64), (1, 1), (47, 64), (48, 64)]


def test_a_picture_of_another_size_than_the_good_ones_is_missed(station):
    station.alter(image_shape=(48, 64))
    script = [np.full((*size, 3), station.dark, np.uint8) for size in SIZED]
    seen, error = run(Scripted(script), station.load())
    assert error is None
    assert causes(seen) == [None, *[Cause.SIZE] * 4, None]
    assert seen.inspections[2].detail == "64 x 96 px, not 64 x 48 px"


def test_a_recipe_may_allow_any_size(station):
    station.alter(image_shape=(48, 64))
    station.write(any_size=True)
    seen, error = run(Scripted([np.full((*size, 3), station.dark, np.uint8) for size in SIZED]), station.load())
    assert error is None
    assert seen.verdicts == [PASS] * 6


def test_frames_of_changing_size_are_judged_each_as_it_is_where_the_good_ones_differed(station):
    sizes = [(48, 64), (480, 640), (1, 1), (33, 7), (2000, 3)]
    script = [np.full((*size, 3), station.bright if n % 2 else station.dark, np.uint8) for n, size in enumerate(sizes)]
    seen, error = run(Scripted(script), station.load())
    assert error is None
    assert seen.verdicts == [PASS, FAIL, PASS, FAIL, PASS]


@pytest.mark.parametrize("add_defect", [lambda good: good[:, :, 0], lambda good: None, lambda good: good.tolist()])
def test_a_frame_without_a_colour_image_is_missed_and_the_run_goes_on(station, add_defect):
    good = station.frame(0).image
    seen, error = run(Scripted([good, Frame(1, 0, add_defect(good), "odd"), None, good]), station.load())
    assert error is None
    assert causes(seen) == [None, Cause.DECODE, None]
    assert (seen.inspections[1].part, seen.inspections[1].detail) == ("odd", "not an image of 8-bit BGR pixels")


@pytest.mark.parametrize(
    ("indices", "verdicts"),
    [
        ([0, 1, 1, 1, 2], [PASS] * 5),  # repeated: a part each, for the line has seen as many
        ([0, 5, 6], [PASS, *[MISSED] * 4, PASS, PASS]),
        ([0, 300], [PASS, *[MISSED] * 299, PASS]),
        ([0, 2**31, 2**31 + 1, 3, 4], [PASS, MISSED, PASS, PASS, PASS, PASS]),  # a count gone mad, not 2^31 parts
    ],
)
def test_indices_that_repeat_or_jump(station, indices, verdicts):
    seen, error = run(Scripted(indices, live=False), station.load())
    assert error is None
    assert seen.verdicts == verdicts
    assert {c for c in causes(seen) if c} <= {Cause.CAMERA}


def test_a_camera_that_is_lost_and_comes_back_costs_the_parts_it_did_not_see(station, caplog):
    clock = ManualClock()

    def frames(count):
        for index in range(count):
            clock.wait(1)
            yield Frame(index, clock(), station.frame(0).image)

    def reboot():
        clock.wait(3)
        raise CameraLost("camera 0: cable pulled")

    lives = iter([itertools.chain(frames(3), (reboot() for _ in range(1))), frames(4)])
    camera = Reconnecting(lambda: Scripted(next(lives), now_ns=clock), fps=1, now_ns=clock, wait=clock.wait)
    setattr(camera, "handed", 7)  # noqa: B010  (as the cameras of `line` have it)
    seen, error = run(camera, station.load())
    assert error is None
    assert seen.verdicts.count(PASS) == 7
    assert seen.verdicts.count(MISSED) >= 3
    assert {c for c in causes(seen) if c} == {Cause.CAMERA}
    assert "camera is back" in caplog.text


def test_a_camera_that_stays_away_ends_the_run_with_its_reason(station):
    clock = ManualClock()

    def once():
        yield Frame(0, clock(), station.frame(0).image)
        raise CameraLost("camera 0: cable pulled")

    attempts = itertools.count()

    def open_camera():
        if next(attempts):
            raise CameraLost("camera 0: not there")
        return Scripted(once(), now_ns=clock)

    camera = Reconnecting(open_camera, fps=1, give_up_s=10, now_ns=clock, wait=clock.wait)
    setattr(camera, "handed", 1)  # noqa: B010
    seen, error = run(camera, station.load())
    assert str(error) == "camera gone for 10 s: check cable and power"
    assert len(seen.inspections) >= 10
    assert set(seen.verdicts[1:]) == {MISSED}


def test_a_jpeg_that_is_cut_off_is_missed_by_its_name(station, tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    for number in range(4):
        assert cv2.imwrite(str(folder / f"{number}.jpg"), np.full((48, 64, 3), 40, np.uint8))
    broken = folder / "2.jpg"
    broken.write_bytes(broken.read_bytes()[:200])
    seen, error = run(Counting(folder), station.load())
    assert error is None
    assert causes(seen) == [None, None, Cause.DECODE, None]
    assert parts(seen)[2] == "2.jpg"
    assert "2.jpg" in seen.inspections[2].detail


def still(brightness, seed):
    """A part of one brightness, with a sensor's noise."""
    noise = np.random.default_rng(seed).integers(-3, 4, (48, 64, 3))
    return (brightness + noise).astype(np.uint8)


def jpeg(brightness, seed):
    return cv2.imencode(".jpg", still(brightness, seed), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


class UntilLost(Handed):
    """Ends where the camera is lost, rather than wait for it to come back."""

    def read(self, timeout_s):
        try:
            return super().read(timeout_s)
        except CameraLost:
            raise EndOfStream("the server hung up") from None


@pytest.mark.parametrize("ending", [b"", b"\xff\xd9"], ids=["cut", "cut with an end marker"])
def test_a_defective_part_whose_picture_is_cut_in_transit_does_not_pass_as_the_part_before(station, ending):
    good, bad = [jpeg(station.dark, n) for n in range(20)], [jpeg(station.bright, n) for n in range(20)]
    sent = [each for one, other in zip(good, bad, strict=True) for each in (one, other[: len(other) // 4] + ending)]
    with MjpegServer(sent) as server:
        seen, error = run(UntilLost(NetworkCamera(server.address)), station.load(), overflow=Overflow.WAIT)
    assert error is None
    assert seen.verdicts == [PASS, MISSED] * 20
    assert {c for c in causes(seen) if c} == {Cause.DECODE}


def test_a_camera_that_freezes_on_a_good_part_passes_no_other(station):
    good = still(station.dark, 0)
    pictures = [still(station.dark, 1), *[good] * 30, still(station.bright, 2)]
    camera = Handed(Fresh(FakeCamera(pictures), same=3))
    seen, error = run(camera, station.load(), overflow=Overflow.WAIT)
    assert error is None
    assert seen.verdicts == [PASS] * 3 + [MISSED] * 28 + [FAIL]
    assert {c for c in causes(seen) if c} == {Cause.CAMERA}
    assert seen.inspections[3].detail.startswith("frozen")


def test_a_hole_in_a_video_passes_nothing_up_to_the_next_key_frame(station, tmp_path):
    packets = write_file(tmp_path / "belt.mp4", 20, key_every=10)
    data = bytearray((tmp_path / "belt.mp4").read_bytes())
    at, size, _ = packets[4]
    data[at + size // 2 : at + size] = bytes(size - size // 2)
    (tmp_path / "belt.mp4").write_bytes(data)
    seen, error = run(Handed(VideoFile(tmp_path / "belt.mp4")), station.load("beta"))
    assert error is None
    assert causes(seen) == [None] * 4 + [Cause.DECODE] * 6 + [None] * 10


def test_a_backlog_is_missed_and_latency_counts_from_the_exposure(station):
    clock = ManualClock(now_ns=100_000_000_000)
    ages_s = [3.0, 2.0, 1.0, 0.3, 0.0]
    frames = [Frame(n, round(1e9 * (100 - age)), still(station.dark, n)) for n, age in enumerate(ages_s)]
    camera = Handed(Fresh(FakeCamera(frames), now_ns=clock))
    inspector = load_inspector("alpha", station.config, station.models, now_ns=clock)
    seen, error = run(camera, inspector, overflow=Overflow.WAIT, now_ns=clock)
    assert error is None
    assert causes(seen) == [Cause.CAMERA] * 3 + [None] * 2
    assert [round(each.latency_ms) for each in seen.inspections[3:]] == [300, 0]
