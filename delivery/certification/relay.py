"""A relay between us and a receiver that misbehaves on request: how a network fails is tested at any receiver.

It passes bytes on and understands none of them, so that it works with TLS as well. `mood` says what the next exchange
meets; moods that name one exchange end with it.
"""

import contextlib
import socket
import struct
import threading
from enum import StrEnum


class Mood(StrEnum):
    """What befalls an exchange. All but CLOSED, which lasts, befall one message."""

    PASS = "pass"  # noqa: S105
    SILENT = "silent"  # the message arrives, its answer does not
    CUT_BEFORE = "cut_before"  # the line goes before the message arrives
    CUT_AFTER = "cut_after"  # the line goes after the message arrived
    GARBLED = "garbled"  # the answer arrives out of shape
    CLOSED = "closed"  # nobody can connect


NOISE = b"\x0b\xff\xfe not an answer \x1c\r"
CHUNK = 65536


class Relay:
    """Listens on a free port of this machine. A message is what the caller writes until the receiver answers."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.mood = Mood.PASS
        self.struck = 0
        self.lock = threading.Lock()
        self.open: set[socket.socket] = set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._listen, name="relay", daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()

    def cut(self) -> None:
        """Every line there is goes."""
        with self.lock:
            lines = list(self.open)
        for line in lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def be(self, mood: Mood) -> None:
        """What the next message meets; lines opened before are closed, so that it meets it from the beginning."""
        self.cut()
        self.mood = mood

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self.listener.accept()
            except OSError:
                return
            if self.mood is Mood.CLOSED:
                self._refuse(caller)
            else:
                threading.Thread(target=self._serve, args=(caller,), name="relay line", daemon=True).start()

    def _refuse(self, caller: socket.socket) -> None:
        """With a reset, not with a polite end: nobody is there."""
        with self.lock:
            self.struck += 1
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        caller.close()

    def _serve(self, caller: socket.socket) -> None:
        try:
            receiver = socket.create_connection(self.target, timeout=10)
        except OSError:
            caller.close()
            return
        receiver.settimeout(None)
        with self.lock:
            self.open |= {caller, receiver}
        back = threading.Thread(target=self._answers, args=(receiver, caller), name="relay back", daemon=True)
        back.start()
        try:
            self._messages(caller, receiver)
        finally:
            self._close(caller, receiver)

    def _messages(self, caller: socket.socket, receiver: socket.socket) -> None:
        """From the caller to the receiver; a line that is cut before the message arrives ends here."""
        with contextlib.suppress(OSError):
            while data := caller.recv(CHUNK):
                if self.mood is Mood.CUT_BEFORE and self._strike():
                    return
                receiver.sendall(data)

    def _answers(self, receiver: socket.socket, caller: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := receiver.recv(CHUNK):
                if self.mood is Mood.SILENT and self._strike():
                    continue
                if self.mood is Mood.CUT_AFTER and self._strike():
                    break
                if self.mood is Mood.GARBLED and self._strike():
                    data = NOISE
                caller.sendall(data)
        self._close(caller, receiver)

    def _strike(self) -> bool:
        """Whether this is the exchange that is meant: the mood ends with it."""
        with self.lock:
            if self.mood is Mood.PASS:
                return False
            self.mood = Mood.PASS
            self.struck += 1
            return True

    def _close(self, *lines: socket.socket) -> None:
        for line in lines:
            with self.lock:
                self.open.discard(line)
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()
