"""The units that H.264 and HEVC packets consist of, as far as damage shows in them without decoding.

Within a unit the sender breaks up every row of zeros, so that none looks like the start of the next unit. Zeros that
are there all the same were put there by a disk or a network, and a decoder may well make a picture of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

FORBIDDEN = re.compile(rb"\x00\x00[\x00-\x02]")
# Where a start mark separates units, zeros before it are allowed.
FORBIDDEN_WITH_STARTS = re.compile(rb"\x00{3,}[^\x00\x01]|\x00\x00\x02|\x00{64}\Z")


def damage_finder(codec: str, extradata: bytes | None) -> Callable[[bytes], bool]:
    """Return what says of a packet whether its units are damaged."""
    if codec not in ("h264", "hevc"):
        return lambda packet: False
    if extradata and extradata[0] == 1 and len(extradata) > 22:  # units with their lengths, as in MP4 and Matroska
        length = (extradata[4 if codec == "h264" else 21] & 3) + 1
        return lambda packet: _with_lengths(packet, length)
    return lambda packet: FORBIDDEN_WITH_STARTS.search(packet) is not None


def _with_lengths(packet: bytes, length: int) -> bool:
    at = 0
    while at < len(packet):
        start = at + length
        at = start + int.from_bytes(packet[at:start], "big")
        if at > len(packet) or FORBIDDEN.search(packet, start, at) or packet[at - 1] == 0:
            return True
    return False
