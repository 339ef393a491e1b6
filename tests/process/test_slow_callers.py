"""The embedded web process among callers who never finish what they began: notes are taken in all the same."""

import contextlib
import socket
import time

import pytest

from portal.supervisor import web
from tests.processes import answers, free_port

pytestmark = pytest.mark.process
HEAD = b"POST /api/v1/notes HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
HALF_DONE = [b"", HEAD, HEAD + b"Content-Length: 2000\r\n\r\n{", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{"]


def test_a_note_is_taken_in_while_forty_callers_hang(clinic):
    port = free_port()
    command = web("127.0.0.1", port).arguments[2:]  # as the supervisor starts it, threads and all
    ready = answers(f"http://127.0.0.1:{port}/healthz")
    clinic.site.module("embedded", *command, "--no-control-socket", ready=ready, seconds=90)
    first, second = clinic.some(2)
    clinic.post(first, port)
    with contextlib.ExitStack() as hanging:
        for number in range(40):
            caller = hanging.enter_context(socket.create_connection(("127.0.0.1", port)))
            caller.sendall(HALF_DONE[number % len(HALF_DONE)])
        begun = time.monotonic()
        assert clinic.post(second, port, timeout=8)["id"]
        assert time.monotonic() - begun < 8, "before any of them was let go (portal/web_worker.py: HEAD_SECONDS)"
