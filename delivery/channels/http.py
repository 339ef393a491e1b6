"""An HTTP client that keeps its connections, reaches checked addresses only, and keeps one deadline per call."""

import logging
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import httpcore2
import httpx2

from delivery.channels.network import Guard, NotConnected, Resolve, checked, left, reason

# Both log the address of each request, and addresses name encounters.
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

LARGEST_BODY = 8 * 2**20
CONNECTIONS = 8
IDLE_SECONDS = 30.0
SENDER_IDLE_SECONDS = 5.0  # a connection closed at the moment it is used again would leave a note in doubt
CONTINUE_SECONDS = 1.0  # RFC 9110, 10.1.1: a server that knows nothing of Expect must not be waited for


class NotAnswered(Exception):
    """No whole answer came. `reason` is a code of the failure catalogue, or too_large, encoded, protocol.

    `body_left`: a byte of the request's body may have left. Known only of clients with a guard, else True.
    """

    def __init__(self, reason: str, body_left: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.body_left = body_left


def client(
    resolve: Resolve, seconds: float, context: ssl.SSLContext | None, guard: Guard | None = None
) -> httpx2.Client:
    """A client for one connection's settings, usable by several threads. Its calls raise NotAnswered.

    No redirect is followed: a bearer token goes to the host it was meant for, or nowhere. The proxy variables of
    the environment are ignored. `context` is needed for https only. With a `guard` it is for requests that change
    something: used by one thread, never repeated by itself, the guard asked before the first byte of each, and an
    answer's extension "body_left" says whether the body was sent before the answer came.
    """
    return httpx2.Client(
        transport=_Transport(resolve, seconds, context, guard), trust_env=False, headers={"Accept-Encoding": "identity"}
    )


_INTERRUPTED = (httpcore2.ReadError, httpcore2.WriteError, httpcore2.RemoteProtocolError)
_FAILED = (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, NotConnected, TimeoutError)


class _Transport(httpx2.BaseTransport):
    def __init__(
        self, resolve: Resolve, seconds: float, context: ssl.SSLContext | None, guard: Guard | None = None
    ) -> None:
        self.seconds = seconds
        self.guard = guard
        self.backend = _Backend(resolve, guard)
        self.pool = httpcore2.ConnectionPool(
            ssl_context=context,
            max_connections=CONNECTIONS,
            keepalive_expiry=IDLE_SECONDS if guard is None else SENDER_IDLE_SECONDS,
            network_backend=self.backend,
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        deadline = time.monotonic() + self.seconds
        self.backend.progress = _Progress(waits="Expect" in request.headers)
        try:
            try:
                return self._call(request, deadline)
            except _INTERRUPTED:
                if self.guard is not None:
                    raise
                # An idle connection may be closed at the moment it is used again. Looking twice changes nothing.
                return self._call(request, deadline)
        except _FAILED as error:
            raise NotAnswered(_reason(error), self._body_left()) from None

    def _body_left(self) -> bool:
        return self.guard is None or self.backend.progress.writes > 1

    def _call(self, request: httpx2.Request, deadline: float) -> httpx2.Response:
        # The pool hands "connect", "read" and "write" on to the streams below, which take them for deadlines.
        limits = {"connect": deadline, "read": deadline, "write": deadline, "pool": left(deadline)}
        url = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        asked = httpcore2.Request(
            request.method, url, headers=request.headers.raw, content=request.read(), extensions={"timeout": limits}
        )
        answer = self.pool.handle_request(asked)
        try:
            headers = _plain(answer.headers)
            body = _whole(cast(Iterable[bytes], answer.stream))
        finally:
            answer.close()
        return httpx2.Response(
            answer.status, headers=headers, content=body, extensions={"body_left": self._body_left()}
        )

    def close(self) -> None:
        self.pool.close()


def _whole(stream: Iterable[bytes]) -> bytes:
    body = bytearray()
    for piece in stream:
        body += piece
        if len(body) > LARGEST_BODY:
            raise NotAnswered("too_large")
    return bytes(body)


def _plain(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers of an uncompressed body: no other was asked for, and a small one may unfold without end."""
    kept = [(name, value) for name, value in headers if name.lower() != b"transfer-encoding"]
    if any(name.lower() == b"content-encoding" and value.lower() != b"identity" for name, value in kept):
        raise NotAnswered("encoded")
    return kept


def _reason(error: Exception) -> str:
    if isinstance(error, NotConnected):
        return error.reason
    if isinstance(error, httpcore2.ConnectError):
        return reason(error.args[0] if error.args else None)  # the pool drops the cause and keeps it as argument
    if isinstance(error, httpcore2.ConnectTimeout):
        return "connect_timeout"
    if isinstance(error, httpcore2.TimeoutException | TimeoutError):
        return "no_answer"
    return "partial_answer" if isinstance(error, _INTERRUPTED) else "protocol"


@dataclass
class _Progress:
    """How far one request of a guarded client has come: its head is the first write, its body the others."""

    waits: bool = False  # for "100 Continue" before the body
    writes: int = 0


class _Backend(httpcore2.NetworkBackend):
    """Connects to the address that was checked. `timeout` is a deadline of the monotonic clock, here and below."""

    def __init__(self, resolve: Resolve, guard: Guard | None = None) -> None:
        self.resolve = resolve
        self.guard = guard
        self.progress = _Progress()
        self.sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> "_Stream":
        address, port = checked(self.resolve, host, port)
        stream = self.sockets.connect_tcp(address, port, left(timeout or 0.0), local_address, socket_options)
        return _Stream(stream, self)


class _Stream(httpcore2.NetworkStream):
    def __init__(self, stream: httpcore2.NetworkStream, backend: _Backend) -> None:
        self.stream = stream
        self.backend = backend
        self.early = b""  # read while waiting for "100 Continue"

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self.early:
            early, self.early = self.early[:max_bytes], self.early[max_bytes:]
            return early
        return self.stream.read(max_bytes, left(timeout or 0.0))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if self.backend.guard is not None:
            self._before_writing(self.backend.progress, self.backend.guard)
        self.stream.write(buffer, left(timeout or 0.0))

    def _before_writing(self, progress: _Progress, guard: Guard) -> None:
        if progress.writes == 0 and not guard():
            raise NotConnected("lease_lost")
        if progress.writes == 1 and progress.waits and self._answered_already():
            raise httpcore2.WriteError  # the pool then reads the answer, without the body having left
        progress.writes += 1

    def _answered_already(self) -> bool:
        """Whether the server has answered the head with something else than "go on"."""
        try:
            self.early = self.stream.read(65_536, CONTINUE_SECONDS)
        except httpcore2.TimeoutException:
            return False
        return not self.early.startswith(b"HTTP/1.1 100")

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> "_Stream":
        return _Stream(self.stream.start_tls(ssl_context, server_hostname, left(timeout or 0.0)), self.backend)

    def close(self) -> None:
        self.stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)
