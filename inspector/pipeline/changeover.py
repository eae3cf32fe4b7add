"""Load and warm up another product beside the running one.

Threads: "line-changeover", while something is to be loaded, and "line-changeover-load", which is left behind where
loading hangs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass

from inspector.errors import InspectorError, ModelError
from inspector.inspection import Inspector

LoadInspector = Callable[[str], Inspector]

LOAD_S = 120.0  # beside a line that takes all cores, too


@dataclass(frozen=True, slots=True)
class Wanted:
    """What shall take over."""

    product: str
    load: LoadInspector
    settle: Callable[[], None]  # called once it is loaded, before it takes over; InspectorError refuses it


class Changeover:
    """Loads what is asked for with `load`, one product at a time, and passes it to `swap`.

    The reason why a product cannot be used, or took longer than `limit_s`, goes to `refuse`, and the old one goes on.
    An error of the swap itself goes to `fail`.
    """

    def __init__(
        self,
        load: LoadInspector,
        swap: Callable[[Inspector], None],
        *,
        refuse: Callable[[InspectorError], None],
        fail: Callable[[BaseException], None],
        thread_name: str,
        limit_s: float = LOAD_S,
    ) -> None:
        self._load = load
        self._swap = swap
        self._refuse = refuse
        self._fail = fail
        self._thread_name = thread_name
        self._limit_s = limit_s
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wanted: Wanted | None = None  # asked for, perhaps while another one is loading
        self._ended = False

    def ask(self, product: str, load: LoadInspector | None = None, settle: Callable[[], None] = lambda: None) -> None:
        """Load `product` soon, with `load` where it is given. A second request while one loads replaces what comes
        after that.
        """
        with self._lock:
            self._wanted = Wanted(product, load or self._load, settle)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._thread_name, daemon=True)
                self._thread.start()

    def end(self, patience_s: float) -> bool:
        """Load nothing more and wait for what is loading; return whether that has ended in time."""
        with self._lock:
            self._ended = True
            thread = self._thread
        if thread is None:
            return True
        thread.join(patience_s)
        return not thread.is_alive()

    def _run(self) -> None:
        try:
            while (wanted := self._next()) is not None:
                self._change(wanted)
        except BaseException as error:
            self._fail(error)

    def _next(self) -> Wanted | None:
        """Return what to load; None where there is nothing, which ends the thread."""
        with self._lock:
            wanted, self._wanted = self._wanted, None
            if wanted is None or self._ended:
                self._thread = None
                return None
            return wanted

    def _change(self, wanted: Wanted) -> None:
        product = wanted.product
        loaded: Future[Inspector] = Future()
        # On a thread of its own, which is left behind where it never ends: the next product gets another one.
        threading.Thread(
            target=_load_into, args=(loaded, wanted), name=f"{self._thread_name}-load", daemon=True
        ).start()
        if not wait([loaded], self._limit_s).done:
            self._refuse(ModelError(f"{product}: is not loaded after {self._limit_s:g} s: given up"))
        elif (error := loaded.exception()) is not None:
            self._refuse(error if isinstance(error, InspectorError) else _unknown(product, error))
        else:
            self._take_over(wanted, loaded.result())

    def _take_over(self, wanted: Wanted, inspector: Inspector) -> None:
        try:
            wanted.settle()
        except InspectorError as error:
            self._refuse(error)
        else:
            self._swap(inspector)


def _load_into(loaded: Future[Inspector], wanted: Wanted) -> None:
    try:
        loaded.set_result(wanted.load(wanted.product))
    except BaseException as error:  # a library that exits, too, is no reason to end the run
        loaded.set_exception(error)


def _unknown(product: str, error: BaseException) -> ModelError:
    said = " ".join(str(error).split())
    return ModelError(f"{product}: cannot be loaded ({type(error).__name__}{': ' if said else ''}{said[:200]})")
