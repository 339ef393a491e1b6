"""The web worker with real sockets: callers who never finish a request take no thread, and everybody else is served."""

import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from portal import web_worker
from portal.web_worker import Arrival
from tests.processes import ROOT, answers, die_with_parent, free_port, wait_until

pytestmark = [pytest.mark.process, pytest.mark.alike]
THREADS = 4
POST = b"POST /note HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"POST /note HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """gunicorn with our worker and four threads, serving tests/portal/slow_site.py."""
    number = free_port()
    log = tmp_path_factory.mktemp("web") / "log"
    command = [sys.executable, "-m", "gunicorn", "tests.portal.slow_site:application", "--bind", f"127.0.0.1:{number}"]
    command += ["--worker-class", "portal.web_worker.WholeRequests", "--threads", str(THREADS), "--no-control-socket"]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, cwd=ROOT, stdout=sink, stderr=sink, preexec_fn=die_with_parent)
        try:
            wait_until(answers(f"http://127.0.0.1:{number}/"), 60, log.read_text)
            yield number
            assert "Traceback" not in log.read_text()
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture
def caller(port):
    """Opens a connection and sends so much; all are closed in the end."""
    with contextlib.ExitStack() as opened:

        def call(*pieces: bytes, pause: float = 0.0) -> socket.socket:
            sock = opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            for piece in pieces:
                sock.sendall(piece)
                time.sleep(pause)
            return sock

        yield call


def answer(sock: socket.socket) -> bytes:
    """What comes until the far end closes or a whole answer is there."""
    said = b""
    while b"\r\n\r\n" not in said or len(said.partition(b"\r\n\r\n")[2]) < length_in(said):
        piece = sock.recv(65536)
        if not piece:
            return said
        said += piece
    return said


def length_in(said: bytes) -> int:
    return int(said.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)


def get(port, path="/", timeout=10) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=timeout) as answered:
        return answered.read()


HANGING = {
    "nothing": [],
    "half a request line": [b"POST /no"],
    "blank lines": [b"\r\n\r\n"],
    "half a head": [POST[:30]],
    "half a body": [POST, b"abc"],
    "a request behind another": [b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT"],
    "half a chunk": [CHUNKED, b"5\r\nab"],
    "less than a huge body": [POST.replace(b": 5", b": 99999999"), b"abc"],
    "nothing more, and not closing either": [b"GET / HTTP/1.0\r\n\r\n"],
    "a length that is none": [POST.replace(b": 5", b": 5, 5"), b"abc"],
}


@pytest.mark.parametrize("kind", HANGING)
def test_forty_who_hang_keep_nobody_waiting(port, caller, kind):
    hanging = [caller(*HANGING[kind]) for _ in range(40)]
    begun = time.monotonic()
    assert get(port) == b"/ 0 0"
    assert time.monotonic() - begun < 2.8, "served before the first of them was let go"
    assert len(hanging) == 40


@pytest.mark.parametrize("kind", ["nothing", "half a head", "half a body", "half a chunk"])
def test_who_hangs_is_let_go_at_the_deadline(port, caller, kind):
    sock = caller(*HANGING[kind])
    begun = time.monotonic()
    while sock.recv(1024):
        pass
    assert 2.0 < time.monotonic() - begun < 15.0


def test_a_trickle_does_not_move_the_deadline(port, caller):
    sock = caller(b"GET / HTTP/1.1\r\nHost: x\r\n")
    begun = time.monotonic()
    with pytest.raises(OSError):
        while time.monotonic() - begun < 10:
            sock.sendall(b"X-More: 1\r\n")
            time.sleep(0.1)
    assert time.monotonic() - begun < 8


def test_a_request_in_pieces_is_served_whole(caller):
    sock = caller(POST[:10], POST[10:-2], POST[-2:], b"ab", b"cde", pause=0.05)
    assert answer(sock).endswith(b"/note 5 244")


def test_requests_sent_behind_each_other_are_answered_each_in_turn(caller):
    sock = caller(POST + b"abcde" + POST.replace(b"/note", b"/next") + b"abcde" + POST[:20])
    said = answer(sock)
    while said.count(b"HTTP/1.1 200") < 2 or not said.endswith(b"/next 5 244"):
        said += answer(sock)
    sock.sendall(POST[20:] + b"abcde")
    assert answer(sock).endswith(b"/note 5 244"), "the one whose end came later, too"


def test_a_connection_that_was_kept_is_served_again(caller):
    sock = caller(POST + b"abcde")
    assert answer(sock).endswith(b"244")
    sock.sendall(POST + b"abcde")
    assert answer(sock).endswith(b"244")


def test_a_caller_who_waits_to_be_asked_for_the_body_is_asked(caller):
    sock = caller(POST[:-2] + b"Expect: 100-continue\r\n\r\n")
    assert sock.recv(1024).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
    sock.sendall(b"abcde")
    said = answer(sock)
    while b"200 OK" not in said:
        said += answer(sock)
    assert said.endswith(b"/note 5 244")


def test_a_large_body_arrives_whole_and_one_too_large_is_the_views_to_refuse(port, caller):
    large = bytes(range(250)) * 20_000  # 5 MB
    request = urllib.request.Request(f"http://127.0.0.1:{port}/note", large)
    with urllib.request.urlopen(request, timeout=20) as answered:
        assert answered.read() == f"/note {len(large)} {sum(large) % 251}".encode()
    assert answer(caller(POST.replace(b": 5", b": 7000000"))).startswith(b"HTTP/1.1 413")


def test_a_body_in_chunks_reaches_the_view(caller):
    assert answer(caller(CHUNKED + b"5\r\nabcde\r\n0\r\n\r\n")).endswith(b"/note 5 244")


def test_a_head_without_end_is_refused_before_it_fills_the_memory(caller):
    sock = caller(b"GET / HTTP/1.1\r\nX: " + b"x" * (web_worker.LARGEST_HEAD + 1000))
    said = answer(sock)
    assert said.startswith(b"HTTP/1.1 431")
    assert b"send fewer or shorter ones" in said


GARBLED = {
    "no request line": (b"HELLO\r\n\r\n", b"400"),
    "another version": (b"GET /x HTTP/3.0\r\n\r\n", b"400"),
    "a header without a colon": (b"POST /x HTTP/1.1\r\nHost: x\r\nMRN-40947\r\n\r\n", b"400"),
    "a folded header": (b"POST /x HTTP/1.1\r\nHost: x\r\nX: a\r\n MRN-40947\r\n\r\n", b"400"),
    "two lengths": (POST.replace(b": 5", b": 5\r\nContent-Length: 6"), b"400"),
    "a length and chunks": (CHUNKED.replace(b"Host: x", b"Content-Length: 5"), b"400"),
    "a compressed body": (CHUNKED.replace(b": chunked", b": lzma"), b"501"),
    "an address of 5,000 characters": (b"GET /MRN-40947" + b"x" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
}


class TestWhatIsNoRequest:
    @pytest.mark.parametrize("kind", GARBLED)
    def test_is_answered_in_words_that_repeat_nothing_of_it(self, caller, kind):
        sent, status = GARBLED[kind]
        head, _, said = answer(caller(sent)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 " + status), head
        assert b"text/plain" in head
        assert b"Connection: close" in head
        assert len(said.split()) > 6
        assert b"MRN" not in said

    @pytest.mark.parametrize("kind", sorted(GARBLED.keys() - {"no request line"}))
    def test_is_answered_to_the_api_in_its_own_shape(self, caller, kind):
        sent, status = GARBLED[kind]
        at = sent.replace(b" /", b" /api/v1/notes/", 1)
        head, _, said = answer(caller(at)).partition(b"\r\n\r\n")
        assert (head.split()[1], b"application/json" in head) == (status, True)
        (problem,) = json.loads(said)["problems"]
        assert (problem["pointer"], "MRN" in problem["message"]) == ("", False)

    def test_takes_nothing_from_the_next_who_asks(self, port, caller):
        caller(GARBLED["no request line"][0])
        assert get(port, "/after") == b"/after 0 0"

    def test_on_a_kept_connection_is_answered_by_its_own_address(self, caller):
        sock = caller(b"GET /api/v1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer(sock).startswith(b"HTTP/1.1 200")
        sock.sendall(GARBLED["another version"][0])
        assert b"text/plain" in answer(sock)


def test_of_very_many_who_hang_the_oldest_gives_way(port, caller):
    first = caller(b"GET")
    for _ in range(70):
        caller(b"GET")
    begun = time.monotonic()
    assert first.recv(10) == b""
    assert get(port) == b"/ 0 0"
    assert time.monotonic() - begun < 2.8


class TestAnArrival:
    def arrival(self, *pieces: bytes) -> Arrival:
        made = Arrival()
        for piece in pieces:
            made.add(piece)
            made.look()
        return made

    def test_is_whole_with_the_last_byte_of_its_body_and_not_before(self):
        assert not self.arrival(POST, b"abcd").whole
        assert self.arrival(POST, b"abcde").whole
        assert self.arrival(b"GET / HTTP/1.1\r\n\r\n").whole

    @pytest.mark.parametrize("length", [b"-1", b"+5", b"5, 5", b"0x5", b"", b"9" * 20, b"5\r\nContent-Length: 5"])
    def test_of_a_length_that_cannot_be_trusted_is_left_to_a_thread_with_a_deadline(self, length):
        made = self.arrival(POST.replace(b": 5", b": " + length))
        assert (made.whole, made.in_part) == (True, True)

    def test_has_more_time_for_a_longer_body(self):
        short, long = self.arrival(POST), self.arrival(POST.replace(b": 5", b": 5000000"))
        assert 100 < long.deadline - short.deadline < 200

    def test_makes_nothing_of_blank_lines_before_it(self):
        assert self.arrival(b"\r\n\r\n").needed is None
        assert self.arrival(b"\r\n\r\n" + POST, b"abcde").whole
