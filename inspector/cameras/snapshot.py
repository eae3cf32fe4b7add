"""Network cameras that give one picture for each request (http://, https://): asked again and again."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from types import TracebackType

from inspector.cameras.device import camera_name
from inspector.errors import CameraError, CameraLost, DataError, FrameLost
from inspector.jpeg import decode_jpeg, is_jpeg
from inspector.records import Cause, Frame

USUAL_HZ = 2.0  # where no rate is given: most such cameras take some tenths of a second for a picture
MOST_BYTES = 50_000_000  # of one answer: more is no picture
FAILURES = (urllib.error.URLError, OSError, http.client.HTTPException, ValueError)


def gives_snapshots(address: str, timeout_s: float = 5.0) -> bool:
    """Return whether an address answers with a single picture; False where it does not answer at all."""
    if not address.startswith(("http://", "https://")):
        return False
    try:
        with _opener(address).open(_bare(address), timeout=timeout_s) as answer:
            return str(answer.headers.get_content_maintype()) == "image"
    except FAILURES:
        return False


class SnapshotCamera:
    """Asks an address for a picture, `fps` times a second. Raises FrameLost for a picture that is not whole.

    A picture counts as taken when it was asked for: the camera does not say more.
    """

    live = True

    def __init__(
        self,
        address: str,
        fps: float | None = None,
        *,
        timeout_s: float = 5.0,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._address = _bare(address)
        self._opener = _opener(address)
        self._name = camera_name(address)
        self._period_ns = round(1e9 / (fps or USUAL_HZ))
        self._timeout_s = timeout_s
        self._now_ns = now_ns
        self._index = 0
        self._due_ns = 0

    def __enter__(self) -> SnapshotCamera:
        self._index, self._due_ns = 0, self._now_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: nothing stays open between two pictures."""

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame when it is due, or None where that is later than `timeout_s`.

        Raises FrameLost for a picture that is not whole, CameraLost when the camera does not answer.
        """
        wait_s = (self._due_ns - self._now_ns()) / 1e9
        time.sleep(max(0.0, min(wait_s, timeout_s)))
        if wait_s > timeout_s:
            return None
        asked_ns = self._now_ns()
        self._due_ns = max(self._due_ns + self._period_ns, asked_ns)  # a late answer puts the next one off, no backlog
        data = self._ask()
        index, self._index = self._index, self._index + 1
        try:
            return Frame(index, asked_ns, decode_jpeg(data, self._name))
        except DataError as error:
            raise FrameLost(str(error), cause=Cause.DECODE, captured_ns=asked_ns) from None

    def _ask(self) -> bytes:
        try:
            with self._opener.open(self._address, timeout=self._timeout_s) as answer:
                data = bytes(answer.read(MOST_BYTES))
        except http.client.IncompleteRead as cut:
            return bytes(cut.partial)
        except FAILURES:
            raise CameraLost(f"{self._name}: gives no more pictures; check cable and power") from None
        if not is_jpeg(data):
            raise CameraError(f"{self._name}: answers with something else than a JPEG picture: set it to JPEG")
        return data


def _bare(address: str) -> str:
    """Return the address without user and password."""
    parts = urllib.parse.urlsplit(address)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _opener(address: str) -> urllib.request.OpenerDirector:
    """Return what asks for pictures, with the user and password that the address names. No proxy: cameras are near."""
    parts = urllib.parse.urlsplit(address)
    known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    if parts.username is not None:
        user, password = (urllib.parse.unquote(part or "") for part in (parts.username, parts.password))
        known.add_password(None, _bare(address), user, password)
    handlers = urllib.request.HTTPBasicAuthHandler(known), urllib.request.HTTPDigestAuthHandler(known)
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), *handlers)
