"""python -m delivery.bench.load: posts notes over kept connections and writes down when each was sent and answered.

A process of its own without Django. With a rate the notes are due at fixed moments, and each one's time counts from
the moment it was due: a server that makes the generator wait cannot hide it.
"""

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from delivery.bench.notes import body


@dataclass(frozen=True)
class Order:
    """What to post and where; `rate` is notes a second, 0: as fast as the answers come. Times are Unix seconds."""

    host: str
    port: int
    key: str
    prefix: str
    notes: int
    clients: int
    rate: float


@dataclass(frozen=True)
class Posted:
    """One note's fate at the door."""

    number: int
    sent: float
    answered: float
    status: int


class Client:
    """One scribe's connection."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.head = (
            f"POST /api/v1/notes HTTP/1.1\r\nHost: {order.host}:{order.port}\r\n"
            f"Authorization: Bearer {order.key}\r\nContent-Type: application/json\r\n"
        )
        self.sock: socket.socket | None = None

    def post(self, number: int, content: bytes) -> int:
        """The status of the answer. A connection that the server gave up between two notes is opened anew, once."""
        head = f"{self.head}Idempotency-Key: {self.order.prefix}-{number}\r\nContent-Length: {len(content)}\r\n\r\n"
        request = head.encode() + content
        kept = self.sock is not None
        try:
            return self.exchange(request)
        except OSError:
            self.sock = None
            if not kept:
                raise
            return self.exchange(request)

    def exchange(self, request: bytes) -> int:
        if self.sock is None:
            self.sock = socket.create_connection((self.order.host, self.order.port), timeout=60)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.sendall(request)
        head, _, rest = self.read_head(self.sock).partition(b"\r\n\r\n")
        fields = head.lower().split(b"\r\n")
        length = next(int(field.split(b":")[1]) for field in fields if field.startswith(b"content-length:"))
        while len(rest) < length:
            rest += self.more(self.sock)
        if b"connection: close" in fields:
            self.sock = None
        return int(head.split(b" ", 2)[1])

    def read_head(self, sock: socket.socket) -> bytes:
        received = b""
        while b"\r\n\r\n" not in received:
            received += self.more(sock)
        return received

    def more(self, sock: socket.socket) -> bytes:
        received = sock.recv(65536)
        if not received:
            raise ConnectionResetError("the server closed the connection")
        return received


def post_all(order: Order) -> list[Posted]:
    """Post every note by `clients` threads; returns what became of them, in order."""
    bodies = [body(order.prefix, number) for number in range(order.notes)]
    posted: list[Posted] = []
    turn, started = count(), time.time() + 0.05
    threads = [
        threading.Thread(target=post_some, args=(order, bodies, turn, started, posted)) for _ in range(order.clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(posted, key=lambda one: one.number)


def post_some(order: Order, bodies: list[bytes], turn: Iterator[int], started: float, posted: list[Posted]) -> None:
    client = Client(order)
    while (number := next(turn)) < order.notes:
        due = started + number / order.rate if order.rate else max(time.time(), started)
        time.sleep(max(due - time.time(), 0.0))
        status = client.post(number, bodies[number])
        posted.append(Posted(number, due, time.time(), status))


def main() -> None:
    order = Order(**json.loads(sys.stdin.readline()))
    rows = [[one.number, one.sent, one.answered, one.status] for one in post_all(order)]
    sys.stdout.write(json.dumps(rows))


if __name__ == "__main__":
    main()
