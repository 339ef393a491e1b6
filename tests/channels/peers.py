"""Real TCP peers on 127.0.0.1 that behave as badly as receivers do: each connection runs one script."""

import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from delivery.channels.base import Receipt
from delivery.channels.hl7_settings import Hl7Settings
from delivery.channels.mllp import MllpClient
from tests.channels.notes import CONTROL_ID, SETTINGS

MESSAGE = b"MSH|^~\\&|A|B|C|D|20260319||ORU^R01^ORU_R01|%s|T|2.5.1\rOBX|1|FT|NF-01^HPI^L||Cough.||||||F\r"


def message(control_id: str = CONTROL_ID) -> bytes:
    return MESSAGE % control_id.encode()


def ack(control_id: str = CONTROL_ID, code: str = "AA", text: str = "") -> bytes:
    said = f"MSA|{code}|{control_id}" + (f"|{text}" if text else "")
    return f"MSH|^~\\&|ECW|NORTH|SCRIBEPORT||20260319||ACK^R01^ACK|1|T|2.5.1\r{said}\r".encode()


def framed(body: bytes) -> bytes:
    return b"\x0b" + body + b"\x1c\r"


class Conversation:
    """One accepted connection, from the peer's side."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(10)
        self.got = bytearray()

    def read(self) -> str:
        """Wait for a whole frame; returns its control id."""
        while (end := self.got.find(b"\x1c\r", getattr(self, "seen", 0))) < 0:
            received = self.sock.recv(65_536)
            if not received:
                raise ConnectionError
            self.got += received
        self.seen = end + 2
        return re.findall(rb"ORU\^R01\^ORU_R01\|(\w+)\|", bytes(self.got[:end]))[-1].decode()

    def say(self, raw: bytes) -> None:
        self.sock.sendall(raw)

    def answer(self, code: str = "AA", text: str = "") -> None:
        self.say(framed(ack(self.read(), code, text)))

    def wait_for_end(self) -> None:
        """Until the client closes."""
        while received := self.sock.recv(65_536):
            self.got += received

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Script = Callable[[Conversation], None]


def always(code: str = "AA", text: str = "") -> Script:
    """Answers every message alike."""

    def script(talk: Conversation) -> None:
        while True:
            talk.answer(code, text)

    return script


class Peer:
    """Listens until closed. Connection n runs script n, the last script serves all later ones."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None, receive_buffer: int = 0) -> None:
        self.scripts = scripts
        self.tls = tls
        self.talks: list[Conversation] = []
        self.handshake_errors: list[Exception] = []
        self.listener = socket.socket()
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # a mere close leaves it listening while accept() waits
        self.listener.close()
        for talk in self.talks:
            talk.sock.close()

    @property
    def received(self) -> bytes:
        """Everything that ever came in, over all connections."""
        return b"".join(bytes(talk.got) for talk in self.talks)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=self._serve, args=(sock,), daemon=True))
            self.threads[-1].start()

    def _serve(self, sock: socket.socket) -> None:
        sock.settimeout(10)
        if self.tls:
            try:
                sock = self.tls.wrap_socket(sock, server_side=True)
            except OSError as error:
                self.handshake_errors.append(error)
                sock.close()
                return
        talk = Conversation(sock)
        self.talks.append(talk)
        try:
            self.scripts[min(len(self.talks), len(self.scripts)) - 1](talk)
        except OSError:
            pass
        finally:
            sock.close()


def settings_for(port: int, **changes) -> Hl7Settings:
    quick = {"ack_seconds": 2.0, "connect_seconds": 2.0}
    return replace(SETTINGS, port=port, **{**quick, **changes})


def client_for(peer: Peer, guard: Callable[[], bool] = lambda: True, **changes) -> MllpClient:
    return MllpClient(settings_for(peer.port, **changes), lambda host, port: (host, port), guard)


def exchange(client: MllpClient, control_id: str = CONTROL_ID) -> Receipt:
    return client.exchange(message(control_id), control_id)


def fails(client: MllpClient, kind: type, control_id: str = CONTROL_ID):
    """The error of an exchange that must fail so; the socket is closed by then."""
    with pytest.raises(kind) as caught:
        exchange(client, control_id)
    assert type(caught.value) is kind
    return caught.value


def silent(talk: Conversation) -> None:
    talk.read()
    talk.wait_for_end()
