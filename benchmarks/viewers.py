"""What it costs a line that people look at its pages: throughput with 0, 1 and 10 viewers.

    python -m benchmarks.viewers --product P --image FILE [--frames 240] [--turns 5] [--rate 17]

The line takes its parts from memory as fast as it can, the hardest case, or at `--rate` Hz. Each viewer takes the live
page's stream, states and pictures, in another process that yields to the line: on a real station, viewers sit
elsewhere. Each turn runs 0, 1 and 10 viewers, each between two runs without, and compares it with these two: other
programs on the machine slow all three. Printed are the ratios' median and quartiles.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path

import httpx
import numpy as np

from inspector.cli import add_folders
from inspector.images import read_image
from inspector.inspection import Inspector, load_inspector
from inspector.page.app import create_app
from inspector.page.control import PipelineControl
from inspector.page.feed import Feed
from inspector.page.live import ONLY, Hub
from inspector.page.server import Server, listen
from inspector.pipeline import Pipeline
from inspector.records import Image
from inspector.rehearsal import PacedCamera, Run, Told, log_into, run_of

VIEWERS = (0, 1, 10)
PATIENCE_S = 30.0


def look(address: str, viewers: int, ready: Event, ended: Event) -> None:
    """Be so many viewers until told to stop."""
    os.nice(19)
    asyncio.run(_look(address, viewers, ready, ended))


async def _look(address: str, viewers: int, ready: Event, ended: Event) -> None:
    async with httpx.AsyncClient(base_url=address, timeout=None, limits=httpx.Limits(max_connections=None)) as client:
        begun = [asyncio.Event() for _ in range(viewers)]
        tasks = [asyncio.create_task(_take(client, f"/live?view={ONLY}", event)) for event in begun]
        await asyncio.wait_for(asyncio.gather(*(event.wait() for event in begun)), PATIENCE_S)
        ready.set()
        await asyncio.to_thread(ended.wait)
        for task in tasks:
            task.cancel()


async def _take(client: httpx.AsyncClient, path: str, begun: asyncio.Event) -> None:
    async with client.stream("GET", path) as answer:
        begun.set()
        async for _ in answer.aiter_raw():
            pass


@dataclass(frozen=True)
class Watched:
    """A run that somebody looked at, and the rate of the unwatched ones beside it."""

    result: tuple[Run, int]
    alone_hz: float

    @property
    def run(self) -> Run:
        return self.result[0]

    @property
    def encoded(self) -> int:
        """How many pictures were encoded."""
        return self.result[1]

    @property
    def ratio(self) -> float:
        return self.run.rate_hz / self.alone_hz


def run_watched(inspector: Inspector, image: Image, arguments: argparse.Namespace, viewers: int) -> tuple[Run, int]:
    """A whole run with its pages served and looked at; with it, how many pictures were encoded."""
    camera, told, feed = PacedCamera([image], arguments.frames, arguments.rate), Told(), Feed("")
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline(camera, inspector, [feed], [told], journal=log_into(folder))
        hub = Hub(watched=[Path(folder)])
        hub.add(feed, PipelineControl(pipeline, arguments.config_dir, arguments.model_dir))
        app = create_app(hub, arguments.config_dir, arguments.model_dir)
        with Server(app, hub, listen("127.0.0.1:0")) as server, looked_at(server.address, viewers):
            pipeline.run()
        return run_of(camera, told), app.state.context.videos[ONLY].encoded


@contextmanager
def looked_at(address: str, viewers: int) -> Iterator[None]:
    """So many viewers in another process, within."""
    if not viewers:
        yield
        return
    start = multiprocessing.get_context("spawn")
    ready, ended = start.Event(), start.Event()
    process = start.Process(target=look, args=(address, viewers, ready, ended))
    process.start()
    try:
        if not ready.wait(PATIENCE_S):
            raise TimeoutError("the viewers did not connect")
        yield
    finally:
        ended.set()
        process.join(PATIENCE_S)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--product", required=True)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=240)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--rate", type=float, help="Hz of a live line (default: as fast as it can)")
    add_folders(parser)
    arguments = parser.parse_args()
    inspector = load_inspector(arguments.product, arguments.config_dir, arguments.model_dir)
    image = read_image(arguments.image)
    run_watched(inspector, image, arguments, 1)  # warms up
    found: dict[int, list[Watched]] = {viewers: [] for viewers in VIEWERS}
    for _ in range(arguments.turns):
        alone = run_watched(inspector, image, arguments, 0)
        for viewers in VIEWERS:
            watched = run_watched(inspector, image, arguments, viewers)
            after = run_watched(inspector, image, arguments, 0)
            found[viewers].append(Watched(watched, (alone[0].rate_hz + after[0].rate_hz) / 2))
            alone = after
    for viewers, runs in found.items():
        low, middle, high = np.percentile([each.ratio for each in runs], (25, 50, 75))
        encoded_hz = sum(each.encoded for each in runs) / sum(each.run.seconds for each in runs)
        p99 = np.percentile(np.concatenate([each.run.latencies_ms for each in runs]), 99)
        print(
            f"{viewers:>2} viewers: {middle:.3f} x the throughput without ({low:.3f} to {high:.3f}), "
            f"{np.median([each.run.rate_hz for each in runs]):.1f} parts/s; "
            f"missed {sum(each.run.missed for each in runs)}, p99 {p99:.0f} ms, "
            f"{encoded_hz:.1f} pictures encoded a second"
        )


if __name__ == "__main__":
    main()
