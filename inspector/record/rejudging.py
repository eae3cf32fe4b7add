"""Archived pictures judged again, on one core or several, in processes of this machine or on Ray."""

from __future__ import annotations

import importlib
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from inspector.cores import keep_to_share
from inspector.errors import DataError, DependencyError
from inspector.identity import PartIdentity
from inspector.images import read_image
from inspector.inspection import Inspector
from inspector.records import Cause, Frame, Verdict

AT_ONCE = 8  # pictures handed to a worker together, at most
PIECES = 16  # for each worker, at least: none of them waits long for the last

MakeInspector = Callable[[], Inspector]  # is sent to workers: a function of a module, or a partial of one


@dataclass(frozen=True, slots=True)
class Again:
    """What came out for one picture."""

    verdict: Verdict
    score: float  # nan where it was missed
    threshold: float
    detail: str


class Workers(Protocol):
    """Judges pictures."""

    def judge(self, paths: Sequence[Path]) -> list[Again]:
        """Judge every picture; results come in the order of paths."""


@contextmanager
def workers(make: MakeInspector, count: int, kind: str) -> Iterator[Workers]:
    """Workers with their models loaded, so that only judging is timed. `kind`: processes or ray.

    Raises DependencyError where Ray is not installed.
    """
    if kind == "ray":
        with _ray(make, count) as found:
            yield found
    elif count == 1:
        yield _Here(make())
    else:
        context = multiprocessing.get_context("spawn")
        begin = _Beginning(context.Value("i", 0), context.Barrier(count), count)
        with ProcessPoolExecutor(count, mp_context=context, initializer=_load, initargs=(make, begin)) as pool:
            list(pool.map(_wait_for_others, range(count)))
            yield _Processes(pool, count)


def timed(found: Workers, paths: Sequence[Path]) -> tuple[list[Again], float]:
    """Judge, and say how many seconds it took."""
    begun = time.perf_counter()
    return found.judge(paths), time.perf_counter() - begun


def judge(inspector: Inspector, paths: Sequence[Path]) -> list[Again]:
    """Judge pictures one by one; one that cannot be read is missed."""
    return [_judge(inspector, path) for path in paths]


def _judge(inspector: Inspector, path: Path) -> Again:
    try:
        frame = Frame(0, time.monotonic_ns(), read_image(path), path.name)
        found = inspector.inspect([frame])[0]
    except DataError as error:
        found = inspector.missed(PartIdentity(0, time.monotonic_ns(), path.name), Cause.DECODE, str(error))
    return Again(found.verdict, found.score, found.threshold, found.detail)


@dataclass(frozen=True, slots=True)
class _Here:
    inspector: Inspector

    def judge(self, paths: Sequence[Path]) -> list[Again]:
        return judge(self.inspector, paths)


@dataclass(frozen=True, slots=True)
class _Processes:
    pool: ProcessPoolExecutor
    count: int

    def judge(self, paths: Sequence[Path]) -> list[Again]:
        return [each for some in self.pool.map(_judge_here, _pieces(paths, self.count)) for each in some]


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What the processes share while they begin."""

    begun: Any  # how many have: their numbers
    loaded: Any  # a barrier
    count: int


_of_this_process: list[Inspector] = []  # of a worker: loaded once, before there is anything to judge
_beginning: list[_Beginning] = []


def _load(make: MakeInspector, beginning: _Beginning) -> None:
    """Take a share of the cores, then load: left to themselves, all workers would run the model on the first core."""
    with beginning.begun.get_lock():
        number = beginning.begun.value
        beginning.begun.value += 1
    keep_to_share(number, beginning.count)
    _of_this_process.append(make())
    _beginning.append(beginning)


def _wait_for_others(_: int) -> None:
    """Return once every worker has its model: each of them is busy with this until then."""
    _beginning[0].loaded.wait()


def _judge_here(paths: Sequence[Path]) -> list[Again]:
    return judge(_of_this_process[0], paths)


@contextmanager
def _ray(make: MakeInspector, count: int) -> Iterator[Workers]:
    try:
        ray: Any = importlib.import_module("ray")
    except ModuleNotFoundError:
        raise DependencyError("--workers ray needs Ray: pip install ray") from None
    ray.init(num_cpus=count, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        actor = ray.remote(_Actor)
        yield _Ray(ray, [actor.remote(make, number, count) for number in range(count)])
    finally:
        ray.shutdown()


class _Actor:
    """A worker of Ray's."""

    def __init__(self, make: MakeInspector, number: int, count: int) -> None:
        keep_to_share(number, count)
        self._inspector = make()

    def judge(self, paths: Sequence[Path]) -> list[Again]:
        return judge(self._inspector, paths)


class _Ray:
    """Hands pieces to actors, each of which takes the next when it is free."""

    def __init__(self, ray: Any, actors: Sequence[Any]) -> None:
        self._pool = importlib.import_module("ray.util").ActorPool(actors)
        self._count = len(actors)
        ray.get([actor.judge.remote([]) for actor in actors])  # loaded

    def judge(self, paths: Sequence[Path]) -> list[Again]:
        found = self._pool.map(lambda actor, piece: actor.judge.remote(piece), _pieces(paths, self._count))
        return [each for some in found for each in some]


def _pieces(paths: Sequence[Path], count: int) -> list[Sequence[Path]]:
    size = max(1, min(AT_ONCE, len(paths) // (PIECES * count)))
    return [paths[start : start + size] for start in range(0, len(paths), size)]
