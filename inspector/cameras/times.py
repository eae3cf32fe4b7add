"""Estimate when a picture was taken, by the clock of this computer.

A picture that waited in a buffer comes as fast as it is read. Whoever takes its time from the moment when it was read
takes an old part for a new one.
"""

from __future__ import annotations

import statistics
from collections import deque

BLOCKED_NS = 5_000_000  # a read that took so long had to wait: nothing lay in the buffer

PATIENCE_NS = 5_000_000_000  # from the opening, to catch up with what was kept
MOST_MISSING = 100  # pictures at once; a clock that jumps further was set anew


class SenderTimes:
    """For streams whose packets carry the time of the sender's clock (RTSP).

    `held_back`: a picture comes only when the next one begins, as FFmpeg does it with H.264; so it is a period older.
    """

    def __init__(self, opened_ns: int, *, held_back: bool) -> None:
        self._held_back = held_back
        self._opened_ns = opened_ns
        self._stream_ns = 0  # of the picture before; of the first one that has a time, as long as there is none
        self._offset_ns: int | None = None  # from the sender's clock to ours
        self._packet: tuple[int, int] | None = None  # arrival of the packet before, and its time
        self.caught_up = False  # whether a packet had to be waited for: only then is anything known of those before it

    def note(self, stream_s: float | None, asked_ns: int, arrived_ns: int) -> None:
        """Note a packet: when it was asked for, and when it arrived."""
        if stream_s is None:
            return
        stream_ns = round(stream_s * 1e9)
        if self._offset_ns is None:  # known is only that hardly any camera sends what it took before it was asked
            self._offset_ns, self._stream_ns = self._opened_ns - stream_ns, stream_ns
        if self._packet is not None and arrived_ns - asked_ns > BLOCKED_NS:
            here_ns, there_ns = arrived_ns - self._packet[0], stream_ns - self._packet[1]
            if 0.5 * there_ns <= here_ns <= 1.5 * there_ns:  # else it may be the end of a jam, late as well
                self._offset_ns = arrived_ns - stream_ns - (there_ns if self._held_back else 0)
                self.caught_up = True
        self.caught_up |= arrived_ns - self._opened_ns > PATIENCE_NS  # a decoder that is too slow never has to wait
        self._packet = (arrived_ns, stream_ns)

    def taken_ns(self, stream_s: float | None, arrived_ns: int) -> int:
        """Return when a picture was taken that is known since `arrived_ns`."""
        if self._offset_ns is None:
            return arrived_ns
        if stream_s is not None:
            self._stream_ns = round(stream_s * 1e9)
        return min(arrived_ns, self._stream_ns + self._offset_ns)


class ArrivalTimes:
    """For streams that say nothing of time (HTTP): what comes without waiting came one period after the other."""

    caught_up = True  # more will not be known

    def __init__(self) -> None:
        self._fresh_ns: int | None = None  # when we last had to wait for a packet
        self._behind = 0  # packets since
        self._gaps_ns: deque[int] = deque(maxlen=33)  # between packets that were waited for

    def note(self, stream_s: float | None, asked_ns: int, arrived_ns: int) -> None:
        """Note a packet: when it was asked for, and when it arrived."""
        if arrived_ns - asked_ns <= BLOCKED_NS:
            self._behind += 1
            return
        if self._fresh_ns is not None and self._behind == 0:
            self._gaps_ns.append(arrived_ns - self._fresh_ns)
        self._fresh_ns, self._behind = arrived_ns, 0

    def taken_ns(self, stream_s: float | None, arrived_ns: int) -> int:
        """Return when the picture was taken that arrived last."""
        if self._fresh_ns is None or not self._gaps_ns:
            return arrived_ns
        return min(arrived_ns, self._fresh_ns + self._behind * round(statistics.median(self._gaps_ns)))


class Gaps:
    """How many pictures never arrived. Asked only where packets got lost: a camera may pause as well."""

    def __init__(self) -> None:
        self._before_s: float | None = None
        self._usual_s: deque[float] = deque(maxlen=33)
        self._calls = 0  # for which a loss may still show

    def note(self, stream_s: float | None, lost: bool) -> int:
        """Note the time of a packet, and whether anything got lost; return how many pictures are missing before it."""
        self._calls = 2 if lost else self._calls - 1  # the loss is told while the packet before the gap is put together
        gap_s = 0.0 if stream_s is None or self._before_s is None else stream_s - self._before_s
        self._before_s = stream_s
        if self._calls > 0 and self._usual_s:
            return max(0, min(round(gap_s / statistics.median(self._usual_s)) - 1, MOST_MISSING))
        if gap_s > 0:
            self._usual_s.append(gap_s)
        return 0
