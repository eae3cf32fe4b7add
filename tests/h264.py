"""H.264 as cameras send it: streams and files made for a test."""

from fractions import Fraction

import av
import numpy as np

SIDE = 160
FPS = 25


def scene(number):
    """A texture that moves over the picture; the next one can be told from this one."""
    texture = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    return np.roll(texture, 3 * number, axis=1)


def encode(count, key_every=10, b_frames=0):
    """The packets of `count` pictures, each in Annex B form, and whether it is a key frame."""
    context = av.CodecContext.create("libx264", "w")
    context.width = context.height = SIDE
    context.pix_fmt, context.time_base, context.framerate = "yuv420p", Fraction(1, FPS), Fraction(FPS)
    context.options = {"preset": "ultrafast", "g": str(key_every), "bf": str(b_frames), "sc_threshold": "0"}
    context.options |= {"x264-params": "repeat-headers=1:annexb=1", "tune": "zerolatency"} if not b_frames else {}
    packets = []
    for number in [*range(count), None]:
        frame = None
        if number is not None:
            frame = av.VideoFrame.from_ndarray(scene(number), format="bgr24")
            frame.pts = number
        packets += [(bytes(packet), packet.is_keyframe) for packet in context.encode(frame)]
    return packets


def write_file(path, count, key_every=10, b_frames=0, codec="libx264"):
    """A video file of them; returns where each packet's bytes lie, in the order of the file."""
    options = {"g": str(key_every), "bf": str(b_frames), "x265-params": "log-level=none:scenecut=0"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS, options=options)
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for number in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(scene(number), format="bgr24")))
        container.mux(stream.encode())
    with av.open(str(path)) as container:
        return [(packet.pos, packet.size, packet.pts) for packet in container.demux(video=0) if packet.size]
