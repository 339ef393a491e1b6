"""A mail server for the tests: SMTP (RFC 5321) on a real socket, as far as a sender needs it; keeps what it was given."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Inbox:
    """What came, and how the server answers: `refuse` maps a command (RCPT, DATA) to a reply instead of the usual."""

    port: int = 0
    mails: list[tuple[str, list[str], str]] = field(default_factory=list)  # from, to, the message
    refuse: dict[str, str] = field(default_factory=dict)
    hang_up_at: str = ""


class Talk(socketserver.StreamRequestHandler):
    """One connection."""

    timeout = 10

    def say(self, words: str) -> None:
        self.wfile.write(words.encode() + b"\r\n")

    def handle(self) -> None:
        inbox: Inbox = self.server.inbox
        sender, to = "", []
        self.say("220 tests ESMTP")
        while line := self.rfile.readline().decode().strip():
            verb = line.split(":")[0].split(" ")[0].upper()
            if verb == inbox.hang_up_at:
                return
            if verb in inbox.refuse:
                self.say(inbox.refuse[verb])
            elif verb in ("EHLO", "HELO", "RSET", "NOOP"):
                self.say("250 tests")
            elif verb == "MAIL":
                sender, to = line.partition(":")[2].strip(" <>").split(">")[0], []
                self.say("250 OK")
            elif verb == "RCPT":
                to.append(line.partition(":")[2].strip(" <>"))
                self.say("250 OK")
            elif verb == "DATA":
                self.say("354 go on")
                inbox.mails.append((sender, to, self.message()))
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("502 not here")

    def message(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
            lines.append(line.removeprefix(".") if line.startswith("..") else line)
        return "\n".join(lines)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    inbox: Inbox


@contextlib.contextmanager
def mail_server() -> Iterator[Inbox]:
    """A server on a free port of this host, until the block ends."""
    with Server(("127.0.0.1", 0), Talk) as server:
        server.inbox = Inbox(port=server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server.inbox
        server.shutdown()
        thread.join(5)
