"""A gunicorn worker that gives no thread to a request before all of it has arrived: slow callers take none.

The main loop reads what comes, up to a deadline for the whole request; a thread gets it complete. What cannot be
awaited so (a body in chunks, or larger than any note) gets one of a few threads, and a deadline of its own there.
"""

import contextlib
import re
import socket
import struct
import time
import weakref
from collections import OrderedDict
from concurrent.futures import Future
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from portal import unreadable

HEAD_SECONDS = 10.0  # for everything before the body
BODY_SECONDS = 20.0  # for the body after that, and as long as a slow line needs:
SLOWEST = 32 * 1024  # bytes a second
LARGEST_HEAD = 64 * 1024
LARGEST_BODY = 6 * 1024 * 1024  # no note is as large (SCRIBEPORT_MAX_NOTE_BYTES); more is for the view to refuse
MOST_AT_ONCE = 64 * 1024 * 1024  # bytes held of all requests that are still arriving
MOST_ARRIVING = 500  # connections whose request is still arriving; the oldest gives way
STALLED_SECONDS = 30  # for a caller who does not take the answer
LINGER = 2.0  # seconds for callers to close when we have, and for what still arrives when the worker is to stop

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_PLAIN_NUMBER = re.compile(rb"\d{1,9}")
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Arrival:
    """What has come of one request; `needed` bytes make it whole, None as long as its head has not ended."""

    def __init__(self, begun: bytes = b"") -> None:
        self.data = bytearray(begun)
        self.needed: int | None = None
        self.in_part = False  # its end cannot be awaited: a thread reads the rest
        self.expects = False
        self.deadline = time.monotonic() + HEAD_SECONDS

    def add(self, data: bytes) -> None:
        self.data += data

    @property
    def whole(self) -> bool:
        return self.needed is not None and len(self.data) >= self.needed

    @property
    def head_too_long(self) -> bool:
        return self.needed is None and len(self.data) > LARGEST_HEAD

    def look(self) -> None:
        """Find the head's end, and how long the request is."""
        if self.needed is not None:
            return
        while self.data[:2] == b"\r\n":  # blank lines before a request mean nothing, and are waited for by nobody
            del self.data[:2]
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self.data[:end])
        lengths = [each.strip() for each in _LENGTH.findall(head)] or [b"0"]
        plain = len(lengths) == 1 and _PLAIN_NUMBER.fullmatch(lengths[0])
        length = int(lengths[0]) if plain else 0
        self.in_part = not plain or length > LARGEST_BODY or _CHUNKED.search(head) is not None
        self.needed = end + 4 + (0 if self.in_part else length)
        self.expects = _EXPECTS.search(head) is not None and not self.whole
        self.deadline = time.monotonic() + BODY_SECONDS + length / SLOWEST


class WholeRequests(ThreadWorker):
    """gthread, with the reading of requests taken out of its threads."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.arriving: OrderedDict[TConn, Arrival] = OrderedDict()
        self.for_api: weakref.WeakSet[socket.socket] = weakref.WeakSet()  # whose request with a thread is for the API
        self.in_part: dict[TConn, float] = {}  # with a thread that still reads, and until when
        self.leaving: dict[TConn, float] = {}  # answered and closed on our side, and until when

    def accept(self, listener: socket.socket) -> None:
        if self.cfg.is_ssl:  # a handshake is not ours to await here; TLS ends at a proxy (docs/operations.md)
            super().accept(listener)
            return
        try:
            taken, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError:  # no descriptor left, perhaps: one who has not finished gives way
            if not self.arriving:
                raise
            self.drop(next(iter(self.arriving)))
            return
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", STALLED_SECONDS, 0))
        self.nr_conns += 1
        if len(self.arriving) >= MOST_ARRIVING:
            self.drop(next(iter(self.arriving)))
        self.await_request(TConn(self.cfg, taken, client, listener.getsockname()), Arrival())

    def await_request(self, conn: TConn, arrival: Arrival) -> None:
        """From here on the main loop reads; what has come already is looked at at once."""
        conn.sock.setblocking(False)
        self.arriving[conn] = arrival
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_arriving, conn))
        arrival.look()
        if arrival.whole:
            self.hand_over(conn, arrival)
        else:
            self.on_arriving(conn, conn.sock)

    def on_arriving(self, conn: TConn, sock: socket.socket) -> None:
        """Read what is there. A caller who hangs up is forgotten."""
        arrival = self.arriving[conn]
        try:
            data = sock.recv(256 * 1024)
        except BlockingIOError:
            data = None
        except OSError:
            data = b""
        if data == b"":
            self.drop(conn)
            return
        arrival.add(data or b"")
        arrival.look()
        if arrival.head_too_long:
            self.refuse(conn, arrival, unreadable.TOO_LONG)
        elif arrival.whole:
            self.hand_over(conn, arrival)
        else:
            self.encourage(conn, arrival)

    def encourage(self, conn: TConn, arrival: Arrival) -> None:
        """Ask for a body that waits to be asked for; make room where too much is held."""
        if arrival.expects:
            arrival.expects = False
            with contextlib.suppress(OSError):
                conn.sock.send(CONTINUE)
        while (
            len(arrival.data) > LARGEST_HEAD and sum(len(each.data) for each in self.arriving.values()) > MOST_AT_ONCE
        ):
            self.drop(next(other for other, each in self.arriving.items() if len(each.data) > LARGEST_HEAD))
            if conn not in self.arriving:
                return

    def hand_over(self, conn: TConn, arrival: Arrival) -> None:
        """To a thread, with all that was read; of requests that still need reading only so many at once."""
        if arrival.in_part and len(self.in_part) >= max(1, self.cfg.threads // 4):
            self.refuse(conn, arrival, unreadable.TOO_MANY)
            return
        self.forget(conn)
        if arrival.in_part:
            self.in_part[conn] = time.monotonic() + BODY_SECONDS
        conn.sock.setblocking(True)
        conn.init()
        conn.parser.unreader.unread(bytes(arrival.data))
        conn.data_ready = True
        (self.for_api.add if unreadable.asks_api(arrival.data) else self.for_api.discard)(conn.sock)
        self.enqueue_req(conn)

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """gunicorn's own repeats the line it could not read, in a page of HTML and in the log."""
        refusal = unreadable.refusal_of(exc)
        if refusal is None:
            super().handle_error(req, client, addr, exc)
            return
        self.log.warning("a request could not be read: %s", type(exc).__name__)
        with contextlib.suppress(OSError):
            client.sendall(unreadable.answer(refusal, client in self.for_api))

    def forget(self, conn: TConn) -> None:
        del self.arriving[conn]
        self.poller.unregister(conn.sock)

    def refuse(self, conn: TConn, arrival: Arrival, refusal: unreadable.Refusal) -> None:
        self.drop(conn, unreadable.answer(refusal, unreadable.asks_api(arrival.data)))

    def drop(self, conn: TConn, answer: bytes = b"") -> None:
        """Close without a thread, perhaps with a last word."""
        self.forget(conn)
        if answer:
            with contextlib.suppress(OSError):
                conn.sock.send(answer)
        self.close(conn)

    def on_client_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        """A kept connection brings its next request, which is awaited like the first."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self.await_request(conn, Arrival())

    def finish_request(self, conn: TConn, fs: "Future[Any]") -> None:
        """What a caller sent behind a request is awaited too: half a request must not take a thread either."""
        self.in_part.pop(conn, None)
        if fs.cancelled() or fs.exception() is not None or not fs.result():
            self.take_leave(conn)
            return
        begun = conn.parser.unreader.take_buffered() if self.alive and conn.parser is not None else b""
        if begun:
            self.await_request(conn, Arrival(begun))
        else:
            super().finish_request(conn, fs)

    def take_leave(self, conn: TConn) -> None:
        """Close as RFC 9112, 9.6 says, after what the caller still sends. gunicorn's own way holds up the main loop."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.close(conn)
            return
        conn.sock.setblocking(False)
        self.leaving[conn] = time.monotonic() + LINGER
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_leaving, conn))

    def on_leaving(self, conn: TConn, sock: socket.socket) -> None:
        """Throw away what still comes, until the caller closes too."""
        try:
            if sock.recv(256 * 1024):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.left(conn)

    def left(self, conn: TConn) -> None:
        del self.leaving[conn]
        self.poller.unregister(conn.sock)
        self.close(conn)

    def close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """gunicorn's own each second: whoever has had the time for a request is let go."""
        super().murder_pending()
        now = time.monotonic()
        for conn, arrival in list(self.arriving.items()):
            if not self.alive:
                arrival.deadline = min(arrival.deadline, now + LINGER)
            if arrival.deadline <= now:
                self.drop(conn)
        for conn, deadline in list(self.leaving.items()):
            if deadline <= now:
                self.left(conn)
        for conn, deadline in list(self.in_part.items()):
            if deadline <= now:
                with contextlib.suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RD)  # the thread's read ends, its answer can still be sent
