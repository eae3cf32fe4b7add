"""What the threads of one line share."""

from __future__ import annotations

import logging
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

from inspector.errors import InspectorError
from inspector.identity import RunIdentity
from inspector.inspection import Inspector
from inspector.outputs.base import Output
from inspector.pipeline.safety import Outputs
from inspector.records import Inspection
from inspector.stats import Stats


class Run:
    """One run of a line: who judges, whether it ends, what went wrong, its account, its log and its outputs."""

    def __init__(
        self, inspector: Inspector, outputs: Sequence[Output], *, identity: RunIdentity, now_ns: Callable[[], int]
    ) -> None:
        self.inspector = inspector  # the one that judges at present
        self.identity = identity
        self.name = name = identity.camera
        self.now_ns = now_ns
        self.log = _NamedLog(logging.getLogger(__name__), {"name": name})
        self.stats = Stats(now_ns)
        self.outputs = Outputs(outputs, self.log)
        self.stopping = False  # no Event: its lock would be taken twice where a signal interrupts `stop`
        self.errors: list[BaseException] = []
        self.loading = ""  # the product of a changeover that is under way
        self.refusal = ""  # why the last changeover was refused; empty where it was not

    def stop(self) -> None:
        """End the run soon; safe from any thread and from a signal handler."""
        self.stopping = True

    def fail(self, error: BaseException) -> None:
        """End the run because of `error`, and drive the outputs to their safe state. Safe from any thread."""
        told = bool(self.name or self.errors)  # else the only one to tell it is who called `run`
        self.errors.append(error)
        self.stop()
        self.outputs.safe(str(error) or type(error).__name__)
        if told:
            self.log.error("%s: this line ends, its outputs are safe", error)

    def swap(self, inspector: Inspector) -> None:
        """From now on `inspector` judges."""
        self.inspector, self.loading = inspector, ""
        self.log.info("changeover: now inspecting %s, recipe %s", inspector.recipe.product, inspector.recipe.hash)

    def refuse(self, error: InspectorError) -> None:
        """The product asked for cannot be inspected."""
        self.refusal, self.loading = str(error), ""
        self.log.error("changeover refused, %s goes on: %s", self.inspector.recipe.product, error)

    def note_late(self, inspection: Inspection) -> None:
        """A judgement that came after its frame's deadline."""
        self.stats.late()
        judged = f"judged {inspection.verdict.name} after {inspection.latency_ms:.1f} ms"
        self.log.warning("frame %d: %s, not told before its deadline: it is MISSED", inspection.index, judged)


class _NamedLog(logging.LoggerAdapter[logging.Logger]):
    """Puts the camera's name in front, where there are several."""

    def process(self, msg: str, kwargs: MutableMapping[str, Any]) -> tuple[str, MutableMapping[str, Any]]:
        name = (self.extra or {}).get("name")
        return (f"{name}: {msg}" if name else msg), kwargs
