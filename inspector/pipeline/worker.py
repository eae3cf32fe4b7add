"""A thread of a line."""

from __future__ import annotations

import threading
from collections.abc import Callable

from inspector.pipeline.watchdog import Abandoned, Stage


class Worker:
    """Runs one stage. Its error goes to `fail`, its end is told to `ended`."""

    def __init__(
        self,
        stage: Stage,
        work: Callable[[Stage], None],
        name: str,
        *,
        fail: Callable[[BaseException], None],
        ended: Callable[[], None],
    ) -> None:
        self.stage = stage
        self.name = name
        self._work = work
        self._fail = fail
        self._ended = ended
        self._done = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.start = self._thread.start

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def over(self) -> bool:
        """Nothing more comes from it: it has ended, or hangs and was given up."""
        return self._done or self.stage.given_up

    def join(self, seconds: float) -> None:
        if self.alive:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._work(self.stage)
        except Abandoned:
            return
        except BaseException as error:
            self._fail(error)
        finally:
            self._done = True
            self._ended()
