"""Network cameras on this machine: MJPEG over HTTP, H.264 over RTSP."""

import contextlib
import http.server
import socket
import struct
import threading
import time

from h264 import FPS

CLOCK_HZ = 90_000  # of RTP
LARGEST = 1200  # bytes in a packet
PATIENCE_S = 30  # only a test that fails waits so long


class MjpegServer:
    """Sends the same pictures to each connection, then hangs up or falls silent. `pace_s` lies between them."""

    def __init__(self, jpegs, silent=False, pace_s=0.0):
        self.over = threading.Event()
        camera = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # the client may have seen enough
                    for jpeg in jpegs:
                        self.wfile.write(mjpeg_part(jpeg))
                        camera.over.wait(pace_s)
                if silent:
                    camera.over.wait()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.01])

    @property
    def address(self):
        return f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def mjpeg_part(jpeg):
    return b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg)


class RtspCamera:
    """Plays H.264 once. `loses(picture, packet)` says which packets never arrive over UDP.

    It has kept the pictures of `kept_s` seconds before somebody asked, and sends those at once.
    """

    def __init__(self, pictures, loses=lambda picture, packet: False, kept_s=0.0, tcp=False):
        self._pictures = [rtp_payloads(picture) for picture, _ in pictures]
        self._loses = loses
        self._kept = round(kept_s * FPS)
        self._tcp = tcp
        self._server = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    @property
    def address(self):
        return f"rtsp://127.0.0.1:{self._server.getsockname()[1]}/live"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(PATIENCE_S)

    def _serve(self):
        while not self._over.is_set():
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            with connection, udp, contextlib.suppress(ConnectionError):
                self._talk(connection, udp)

    def _talk(self, connection, udp):
        """Answer requests until the client plays; then play."""
        reader = connection.makefile("rb")
        send = None
        while request := reader.readline().decode():
            headers = read_headers(reader)
            method = request.split()[0]
            status, answer, body = "200 OK", "Session: 1\r\n", ""
            if method == "DESCRIBE":
                body = SESSION
                answer = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
            if method == "SETUP" and ("TCP" in headers["transport"]) != self._tcp:
                status = "461 Unsupported Transport"
            elif method == "SETUP":
                send, transport = self._transport(headers["transport"], connection, udp)
                answer += f"Transport: {transport}\r\n"
            head = f"RTSP/1.0 {status}\r\nCSeq: {headers.get('cseq', '0')}\r\n{answer}\r\n{body}"
            connection.sendall(head.encode())
            if method == "PLAY":
                self._play(send)

    def _transport(self, wanted, connection, udp):
        if self._tcp:
            return (
                lambda data: connection.sendall(b"$\0" + struct.pack(">H", len(data)) + data),
                "RTP/AVP/TCP;unicast;interleaved=0-1",
            )
        theirs = int(wanted.partition("client_port=")[2].split("-")[0])
        udp.bind(("127.0.0.1", 0))
        ours = udp.getsockname()[1]
        return lambda data: udp.sendto(data, ("127.0.0.1", theirs)), f"{wanted};server_port={ours}-{ours + 1}"

    def _play(self, send):
        sequence = 0
        start_s = time.monotonic()
        for number, payloads in enumerate(self._pictures):
            due_s = start_s + max(number - self._kept, 0) / FPS
            if self._over.wait(max(0.0, due_s - time.monotonic())):
                return
            for packet, payload in enumerate(payloads):
                last = packet == len(payloads) - 1
                head = struct.pack(">BBHII", 0x80, 96 | last << 7, sequence, number * CLOCK_HZ // FPS, 7)
                sequence += 1
                if not self._loses(number, packet):
                    send(head + payload)
        self._over.wait()


SESSION = "".join(
    f"{line}\r\n"
    for line in [
        "v=0",
        "o=- 0 0 IN IP4 127.0.0.1",
        "s=-",
        "c=IN IP4 127.0.0.1",
        "t=0 0",
        "m=video 0 RTP/AVP 96",
        f"a=rtpmap:96 H264/{CLOCK_HZ}",
        "a=fmtp:96 packetization-mode=1",
        "a=control:track0",
    ]
)


def read_headers(reader):
    lines = iter(lambda: reader.readline().decode().strip(), "")
    return {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def rtp_payloads(annex_b):
    """One picture as RTP carries it: small units as they are, larger ones in fragments."""
    payloads = []
    for unit in nal_units(annex_b):
        if len(unit) <= LARGEST:
            payloads.append(unit)
            continue
        pieces = [unit[at : at + LARGEST] for at in range(1, len(unit), LARGEST)]
        for number, piece in enumerate(pieces):
            start, end = number == 0, number == len(pieces) - 1
            payloads.append(bytes([unit[0] & 0xE0 | 28, start << 7 | end << 6 | unit[0] & 0x1F]) + piece)
    return payloads


def nal_units(annex_b):
    return [unit.rstrip(b"\0") for unit in annex_b.split(b"\0\0\1") if unit.strip(b"\0")]
