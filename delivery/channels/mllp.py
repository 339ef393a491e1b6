"""Sends framed HL7 messages over one open socket and waits for each answer, under total deadlines.

The rule of every line here: before the first byte of a frame a failure is Unavailable, after it NoAnswer; and on any
doubt the socket is closed, so that no late answer can reach the next message.
"""

import selectors
import socket
import ssl
import time
from datetime import UTC, datetime

from delivery.channels import hl7, hl7_documents, lint, tls
from delivery.channels.acks import ACCEPTED, REFUSED, read_acknowledgement
from delivery.channels.base import (
    CannotExpress,
    NoAnswer,
    OutgoingDocuments,
    OutgoingNote,
    Receipt,
    Refused,
    Rendered,
    Unavailable,
)
from delivery.channels.hl7_settings import Hl7Settings
from delivery.channels.network import Guard, NotConnected, Resolve, dial, left, reason

START, END = b"\x0b", b"\x1c\r"
LONGEST_ANSWER = 65_536
# TLS 1.3 servers judge our certificate after our side of the handshake is over; OpenSSL's then send tickets at once.
SETTLING_SECONDS = 0.25


class MllpClient:
    """One connection to one receiver, used by one thread.

    `resolve` turns host and port into the address to connect to, or raises ValueError for a target that is not
    allowed and OSError when it cannot be found. `guard` is asked immediately before the first byte of each frame.
    """

    def __init__(self, settings: Hl7Settings, resolve: Resolve, guard: Guard = lambda: True) -> None:
        self.settings = settings
        self.peer_expires: datetime | None = None
        self._resolve = resolve
        self._guard = guard
        self._tls = tls.context(settings) if settings.tls else None
        self._client_expires = tls.client_certificate_expires(settings)
        self._sock: socket.socket | None = None
        self._quiet_since = 0.0

    def open(self) -> None:
        """Connect and shake hands unless a usable socket stands open. Raises Unavailable."""
        if self._sock is not None and not self._usable(self._sock):
            self.close()
        if self._sock is None:
            self._sock = self._connect()
            self._quiet_since = time.monotonic()

    def close(self) -> None:
        """Close the socket; what is still under way can reach nobody."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def exchange(self, message: bytes, control_id: str) -> Receipt:
        """Send one message and wait for the answer to it. Raises Refused, Unavailable or NoAnswer."""
        if START in message or END[:1] in message:
            raise CannotExpress("hl7_frame_byte")
        self.open()
        frame, behind = START + message + END, bytearray()
        deadline = time.monotonic() + self.settings.ack_seconds
        try:
            if not self._guard():
                raise Unavailable("lease_lost")
            self._write(frame, deadline)
            return self._await_answer(control_id, behind, deadline)
        except Refused:
            raise
        except BaseException:  # a stopping worker as well: what it leaves half done must not be read by the next
            self.close()
            raise
        finally:
            self._quiet_since = time.monotonic()
            if behind:
                self.close()  # a second answer, or bytes nobody asked for

    def _usable(self, sock: socket.socket) -> bool:
        """Whether the peer is still there and silent. Stray bytes would be taken for the answer to the next message."""
        if time.monotonic() - self._quiet_since > self.settings.idle_seconds:
            return False  # firewalls forget idle connections without telling either side
        sock.settimeout(0)
        try:
            sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    def _connect(self) -> socket.socket:
        deadline = time.monotonic() + self.settings.connect_seconds
        if self._client_expires is not None and self._client_expires <= datetime.now(UTC):
            raise Unavailable("tls_client_certificate", "expired")
        try:
            sock = dial(self._resolve, self.settings.host, self.settings.port, deadline)
        except NotConnected as error:
            raise Unavailable(error.reason) from None
        _tune(sock, self.settings.ack_seconds)
        return self._shake_hands(sock, self._tls, deadline) if self._tls else sock

    def _shake_hands(self, sock: socket.socket, context: ssl.SSLContext, deadline: float) -> socket.socket:
        secured: ssl.SSLSocket | None = None
        try:
            sock.settimeout(left(deadline))
            secured = context.wrap_socket(sock, server_hostname=self.settings.server_name or self.settings.host)
            self.peer_expires = tls.peer_certificate_expires(secured)
            if secured.version() == "TLSv1.3":
                _settle(secured, deadline)
        except (OSError, ValueError) as error:
            (secured or sock).close()
            raise Unavailable(tls.reason(error)) from None
        return secured

    def _write(self, frame: bytes, deadline: float) -> None:
        sock = self._open_socket()
        view, sent = memoryview(frame), 0
        try:
            while sent < len(frame):
                sock.settimeout(left(deadline))
                sent += sock.send(view[sent:])
        except OSError as error:
            # A plain socket that took nothing has sent nothing. TLS may have sent part of a record.
            if sent == 0 and self._tls is None:
                raise Unavailable(reason(error)) from None
            raise NoAnswer("cut_after_send") from None

    def _await_answer(self, control_id: str, behind: bytearray, deadline: float) -> Receipt:
        """The answer to this message; what was received behind it is left in `behind`."""
        receipt = _judge(self._read_frame(behind, deadline), control_id)
        if receipt.code != "CA" or self.settings.ack_mode != "enhanced":
            return receipt
        try:
            return _judge(self._read_frame(behind, deadline), control_id)
        except NoAnswer:
            self.close()
            return receipt  # stored is stored, whatever became of the application's answer

    def _read_frame(self, buffer: bytearray, deadline: float) -> bytes:
        """The next whole frame; what came behind it stays in `buffer`."""
        sock = self._open_socket()
        while True:
            frame = _take_frame(buffer)
            if frame is not None:
                return frame
            try:
                sock.settimeout(left(deadline))
                received = sock.recv(16_384)
            except TimeoutError:
                raise NoAnswer("no_answer") from None
            except OSError:
                raise NoAnswer("cut_after_send") from None
            if not received:
                raise NoAnswer("partial_answer" if buffer else "cut_after_send", answer=bytes(buffer))
            buffer += received

    def _open_socket(self) -> socket.socket:
        if self._sock is None:
            raise NoAnswer("cut_after_send")
        return self._sock


class Hl7Channel:
    """base.Channel for HL7 v2 over MLLP: every message is read again by a second parser before it may leave."""

    def __init__(self, settings: Hl7Settings, resolve: Resolve, guard: Guard = lambda: True) -> None:
        self.settings = settings
        self.client = MllpClient(settings, resolve, guard)

    def render(self, note: OutgoingNote) -> Rendered:
        """Pure; raises CannotExpress."""
        rendered = hl7.render(note, self.settings)
        lint.check(rendered.body, note)
        return rendered

    def render_documents(self, documents: OutgoingDocuments) -> Rendered:
        """Pure; raises CannotExpress."""
        return hl7_documents.render(documents, self.settings)

    def open(self) -> None:
        """Connect and shake hands; raises Unavailable."""
        self.client.open()

    def send(self, rendered: Rendered, control_id: str) -> Receipt:
        """One message and its answer; raises Refused, Unavailable or NoAnswer."""
        return self.client.exchange(rendered.body, control_id)

    def close(self) -> None:
        """Close the socket."""
        self.client.close()


def _tune(sock: socket.socket, ack_seconds: float) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", 60),
        ("TCP_KEEPINTVL", 10),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", int(ack_seconds * 1000)),
    ):
        if hasattr(socket, name):  # Linux has all four
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _settle(sock: ssl.SSLSocket, deadline: float) -> None:
    """Wait until a TLS 1.3 server has said something, so that its refusal of our certificate comes before any note."""
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        selector.select(min(SETTLING_SECONDS, left(deadline)))
    sock.settimeout(0)
    try:
        if not sock.recv(1):
            raise ssl.SSLError(ssl.SSL_ERROR_EOF, "closed after the handshake")
    except ssl.SSLWantReadError:
        return
    raise ssl.SSLError(ssl.SSL_ERROR_SSL, "spoke before it was asked")


def _take_frame(buffer: bytearray) -> bytes | None:
    """Cut the first frame off the buffer; None while it is not whole. NoAnswer when it can never become one."""
    if buffer and buffer[:1] != START:
        raise NoAnswer("unreadable_answer", answer=bytes(buffer[:LONGEST_ANSWER]))
    end = buffer.find(END)
    if end < 0 and len(buffer) <= LONGEST_ANSWER:
        return None
    if end < 0 or end > LONGEST_ANSWER:
        raise NoAnswer("answer_too_long")
    frame = bytes(buffer[1:end])
    del buffer[: end + len(END)]
    return frame


def _judge(frame: bytes, control_id: str) -> Receipt:
    """What the frame says of this very message: a Receipt, Refused, or NoAnswer."""
    said = read_acknowledgement(frame)
    if said is None:
        raise NoAnswer("unreadable_answer", answer=frame)
    if not said.control_id:
        raise NoAnswer("answer_without_id", said.code[:2], frame)
    if said.control_id != control_id:
        raise NoAnswer("wrong_control_id", answer=frame)
    if said.code in ACCEPTED:
        return Receipt(said.code, frame)
    if said.code not in REFUSED:
        raise NoAnswer("unreadable_answer", answer=frame)
    raise Refused(said.code.lower(), said.code, frame)
