"""What the live page is sent: made once however many look, and only while somebody does."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Collection, Mapping

from jinja2 import Environment

from inspector.page.live import Hub
from inspector.page.schemas import CameraState, LiveState
from inspector.page.snapshot import Snapshots
from inspector.page.video import Video, beat, next_beat

ALIVE_S = 1.0  # a viewer hears something at least so often, and so knows that what it shows is not old
CHARTED = {"sequence", "scores", "verdicts", "latencies_ms", "first_number", "threshold", "deadline_ms"}
PIECES = ("status", "badges", "rejects", "alarms")  # of the page, each a template


class Broadcast:
    """Server-sent events for any number of viewers. One connection each, however many cameras they look at: a browser
    opens six to a host at most. Its methods belong to the event loop.
    """

    def __init__(self, hub: Hub, snapshots: Snapshots, videos: Mapping[str, Video], pages: Environment) -> None:
        self._hub = hub
        self._snapshots = snapshots
        self._videos = videos
        self._templates = {name: pages.get_template(f"_{name}.html.j2") for name in PIECES}
        self._turn = asyncio.Lock()
        self._beat = -1
        self._state = ""

    async def events(self, view: Collection[str] = ()) -> AsyncIterator[str]:
        """All cameras' states, as `message`; the pictures of those in `view`, as `picture`, a name and base64."""
        said, spoke_s = "", 0.0
        shown = {name: -1 for name in view if name in self._videos}
        while not self._hub.over:
            state = await self._newest_state()
            if state != said or time.monotonic() - spoke_s >= ALIVE_S:
                said, spoke_s = state, time.monotonic()
                yield f"data: {state}\n\n"
            for name, sequence in shown.items():
                shot = await self._videos[name].current()
                if shot.text and shot.sequence != sequence:
                    shown[name] = shot.sequence
                    yield f"event: picture\ndata: {name} {shot.text}\n\n"
            await next_beat()

    async def _newest_state(self) -> str:
        async with self._turn:
            now = beat()
            if now != self._beat:
                self._state = await asyncio.to_thread(self._make)
                self._beat = now  # not before: a viewer who leaves meanwhile takes the state along
            return self._state

    def _make(self) -> str:
        state: LiveState = self._snapshots()
        return json.dumps({"cameras": [self._camera(camera) for camera in state.cameras]})

    def _camera(self, camera: CameraState) -> dict[str, object]:
        pieces = {name: template.render(camera=camera) for name, template in self._templates.items()}
        return {"name": camera.name, **pieces, **camera.model_dump(include=CHARTED)}
