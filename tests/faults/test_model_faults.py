"""What a model can do to a line. Every run's account and outputs are checked by `run`."""

import itertools

import pytest
from line import Scripted, causes, run
from spoilt import never_ends, no_number, scalar, two_for_each, words

from inspector.errors import ModelError, StageStalled
from inspector.inspection import load_inspector
from inspector.pipeline import Pipeline
from inspector.records import Cause, Verdict
from inspector.testing import MemorySink

PASS, FAIL, MISSED = Verdict.PASS, Verdict.FAIL, Verdict.MISSED


@pytest.mark.parametrize("garbage", [b"", b"garbage" * 1000])
def test_a_model_file_that_turns_to_garbage_does_not_touch_the_running_line(station, garbage):
    def script():
        for number in range(60):
            if number == 20:
                station.model().write_bytes(garbage)
            yield station.frame(number, station.bright if number % 2 else station.dark)

    seen, error = run(Scripted(script(), live=False), station.load())
    assert error is None
    assert seen.verdicts == [PASS, FAIL] * 30
    with pytest.raises(ModelError, match=r"alpha\.onnx: cannot be loaded"):
        station.load()


def test_a_part_of_which_the_model_makes_no_number_is_missed_among_others(station):
    looks = [station.dark, station.not_a_number, station.bright] * 10
    seen, error = run(Scripted(itertools.starmap(station.frame, enumerate(looks)), live=False), station.load())
    assert error is None
    assert seen.verdicts == [PASS, MISSED, FAIL] * 10
    assert causes(seen) == [None, Cause.MODEL, None] * 10


def test_a_model_that_raises_ends_the_run_and_says_so(station):
    looks = itertools.chain([station.dark] * 10, [station.poison], itertools.repeat(station.dark))
    seen, error = run(Scripted(itertools.starmap(station.frame, enumerate(looks)), live=False), station.load())
    assert isinstance(error, ModelError)
    assert "ONNX Runtime failed" in str(error)
    assert causes(seen)[10] is Cause.MODEL


@pytest.mark.parametrize("live", [True, False])
def test_an_inspection_that_ends_its_own_thread_does_not_leave_the_camera_waiting(station, live):
    calls = itertools.count()

    def clock():  # the inspection asks it once for each part
        if next(calls) == 5:
            raise SystemExit("a library that exits")
        return 0

    inspector = load_inspector("alpha", station.config, station.models, clock)
    seen, error = run(Scripted(map(station.frame, itertools.count()), live), inspector)
    assert isinstance(error, SystemExit)
    assert {c for c in causes(seen) if c} <= {Cause.SHUTDOWN, Cause.OVERFLOW}


@pytest.mark.parametrize("live", [True, False])
def test_a_model_that_hangs_is_named_and_its_parts_are_missed(station, hang, live):
    calls = itertools.count()

    def clock():  # the inspection asks it once for each part
        if next(calls) == 5:
            hang()
        return 0

    inspector = load_inspector("alpha", station.config, station.models, clock)
    seen, error = run(Scripted(map(station.frame, range(40)), live), inspector, **hang.options)
    assert isinstance(error, StageStalled)
    assert str(error).startswith("inspect has not moved for 20 s (running the model): check the device")
    assert Cause.MODEL in causes(seen)
    assert len(seen.inspections) == 40 or not live


def test_an_expired_part_is_not_judged_at_all(station):
    """After an overload the model's time belongs to the parts that can still be in time."""
    station.write(deadline_ms=50)
    asked = []

    def clock():
        asked.append(1)
        return 0

    inspector = load_inspector("alpha", station.config, station.models, clock)
    seen, error = run(Scripted(map(station.frame, range(5)), live=False), inspector)  # captured at 0, ages ago
    assert error is None
    assert causes(seen) == [Cause.DEADLINE] * 5
    assert not asked


# ---- models that a line must not change to


@pytest.mark.parametrize(
    ("add_defect", "said"),
    [
        (scalar, "beta.onnx: its output scores is tensor(float) of 0 axes, not tensor(float) of 1 axes"),
        (words, "beta.onnx: its output scores is tensor(string) of 1 axes"),
        (two_for_each, "beta: of 1 patches the model makes maps (1, 8, 8) and scores (2,), not one of each"),
        (no_number, "beta: the model makes no number of a black patch"),
        (never_ends, "beta: the model has no answer after 1 s"),
        (lambda station: station.alter("beta", colour_tolerance=10**6), "metadata cannot be read (colour_tolerance: "),
        (lambda station: station.alter("beta", threshold=1e12), "threshold 1e+12 is so high that nothing would fail"),
        (lambda station: station.alter("beta", threshold=float("inf")), "metadata cannot be read (threshold: "),
        (lambda station: station.alter("beta", patch_limits=[1e30]), "metadata cannot be read (patch_limits.0: "),
        (lambda station: station.alter("beta", patch_limits=[float("inf")]), "cannot be read (patch_limits.0: "),
        (lambda station: station.alter("beta", grid="9999x9999"), "grid 9999x9999 has more than 1024 patches"),
        (
            lambda station: station.write("beta", threshold=1e9),
            "beta.yaml: threshold is 1.000e+09, so high that nothing",
        ),
    ],
)
def test_a_model_that_cannot_judge_is_refused_and_the_line_goes_on_and_changes_to_the_next(
    station, caplog, add_defect, said
):
    add_defect(station)

    def load(product):
        return load_inspector(product, station.config, station.models, limit_s=1)

    changed_to_the_next(station, caplog, load, said)


def test_a_product_that_never_ends_loading_is_given_up_and_the_next_one_is_taken(station, caplog, hang):
    def load(product):
        if product == "beta":
            hang()
        return station.load(product)

    changed_to_the_next(station, caplog, load, "beta: is not loaded after 2 s: given up", load_s=2)


def changed_to_the_next(station, caplog, load, said, **options):
    """Alpha goes on, judged as ever, until beta is refused, and gamma is taken then."""

    def script():
        index = itertools.count()
        line.change_product("beta")
        while "changeover refused" not in caplog.text:
            yield station.frame(next(index), station.dark)
        line.change_product("gamma")
        while line.inspector.recipe.product != "gamma":
            yield station.frame(next(index), station.dark)
        yield station.frame(next(index), station.dark)

    seen = MemorySink()
    line = Pipeline(Scripted(script(), live=False), station.load(), [seen], load=load, **options)
    line.run()
    assert "changeover refused, alpha goes on: " in caplog.text
    assert said in caplog.text
    assert {each.product: each.verdict for each in seen.inspections} == {"alpha": PASS, "gamma": FAIL}
