"""Another product, loaded and warmed beside the running one."""

from __future__ import annotations

import threading
from collections.abc import Callable

from inspector.errors import InspectorError
from inspector.inspection import Inspector

LoadInspector = Callable[[str], Inspector]


class Changeover:
    """Loads what is asked for with `load`, one product at a time, and gives it to `swap`.

    The reason why a recipe cannot be used goes to `refuse`, any other error to `fail`.
    """

    def __init__(
        self,
        load: LoadInspector,
        swap: Callable[[Inspector], None],
        *,
        refuse: Callable[[InspectorError], None],
        fail: Callable[[BaseException], None],
        thread_name: str,
    ) -> None:
        self._load = load
        self._swap = swap
        self._refuse = refuse
        self._fail = fail
        self._thread_name = thread_name
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wanted: str | None = None  # asked for, perhaps while another one is loading
        self._ended = False

    def ask(self, product: str) -> None:
        """Load `product` soon; asking again while another one loads replaces what comes after that."""
        with self._lock:
            self._wanted = product
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._thread_name, daemon=True)
                self._thread.start()

    def end(self, patience_s: float) -> bool:
        """Load nothing more; wait for what is loading. Whether that has ended in time."""
        with self._lock:
            self._ended = True
            thread = self._thread
        if thread is None:
            return True
        thread.join(patience_s)
        return not thread.is_alive()

    def _run(self) -> None:
        try:
            while (product := self._next()) is not None:
                self._change(product)
        except BaseException as error:
            self._fail(error)

    def _next(self) -> str | None:
        """The product to load; None where there is none, which ends the thread."""
        with self._lock:
            product, self._wanted = self._wanted, None
            if product is None or self._ended:
                self._thread = None
                return None
            return product

    def _change(self, product: str) -> None:
        try:
            inspector = self._load(product)
        except InspectorError as error:
            self._refuse(error)
        else:
            self._swap(inspector)
