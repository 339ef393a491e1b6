"""Requests that change something: never repeated, guarded before the first byte, and known to have left or not."""

import socket
import time

import pytest

from delivery.channels import http
from delivery.channels.http import NotAnswered, client
from tests.channels.peers import Conversation, Peer

BODY = b'{"note": "Cough for nine days."}'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def here(host: str, port: int) -> tuple[str, int]:
    return host, port


def head(talk: Conversation) -> None:
    while b"\r\n\r\n" not in talk.got:
        talk.got += talk.sock.recv(1)


def whole(talk: Conversation) -> None:
    head(talk)
    while not talk.got.endswith(BODY):
        talk.got += talk.sock.recv(65_536)


def post(peer: Peer, guard=lambda: True, seconds: float = 3, **headers: str):
    made = client(here, seconds, None, guard=guard)
    try:
        return made.post(f"http://127.0.0.1:{peer.port}/", content=BODY, headers=headers)
    finally:
        made.close()


def answers(said: bytes, before: bytes = b""):
    def script(talk: Conversation) -> None:
        if before:
            head(talk)
            talk.say(before)
        whole(talk)
        talk.say(said)

    return script


def test_the_body_arrives_and_is_known_to_have_left():
    with Peer(answers(OK)) as peer:
        answer = post(peer)
        assert answer.status_code == 200
        assert answer.extensions["body_left"] is True
        assert peer.received.endswith(BODY)


def test_nothing_leaves_when_the_guard_has_tripped():
    with Peer(answers(OK)) as peer:
        with pytest.raises(NotAnswered) as caught:
            post(peer, guard=lambda: False)
        assert (caught.value.reason, caught.value.body_left) == ("lease_lost", False)
        assert peer.received == b""


def test_a_request_that_changes_something_is_never_repeated():
    def hangs_up(talk: Conversation) -> None:
        whole(talk)

    with Peer(hangs_up) as peer:
        with pytest.raises(NotAnswered) as caught:
            post(peer)
        assert caught.value.body_left
        assert len(peer.talks) == 1


def test_what_cannot_be_reached_has_not_left():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    made = client(here, 1, None, guard=lambda: True)
    with pytest.raises(NotAnswered) as caught:
        made.post(f"http://127.0.0.1:{port}/", content=BODY)
    assert (caught.value.reason, caught.value.body_left) == ("connection_refused", False)


def test_A09_a_refusal_before_the_body_is_known_not_to_have_sent_it():
    def refuses(talk: Conversation) -> None:
        head(talk)
        talk.say(BUSY)
        talk.wait_for_end()

    with Peer(refuses) as peer:
        answer = post(peer, Expect="100-continue")
        assert answer.status_code == 503
        assert answer.extensions["body_left"] is False
        assert b"Cough" not in peer.received


def test_A09_a_server_that_says_go_on_gets_the_body():
    with Peer(answers(OK, before=b"HTTP/1.1 100 Continue\r\n\r\n")) as peer:
        answer = post(peer, Expect="100-continue")
        assert (answer.status_code, answer.extensions["body_left"]) == (200, True)


def test_A09_a_server_that_knows_nothing_of_it_gets_the_body_after_a_moment(monkeypatch):
    monkeypatch.setattr(http, "CONTINUE_SECONDS", 0.1)
    with Peer(answers(OK)) as peer:
        started = time.monotonic()
        assert post(peer, Expect="100-continue").status_code == 200
        assert time.monotonic() - started >= 0.1


def test_A08_a_503_after_the_body_says_that_the_body_left():
    with Peer(answers(BUSY)) as peer:
        answer = post(peer)
        assert (answer.status_code, answer.extensions["body_left"]) == (503, True)


def test_a_server_that_closes_before_the_body_has_not_got_it():
    def closes(talk: Conversation) -> None:
        head(talk)
        talk.sock.shutdown(socket.SHUT_RDWR)

    with Peer(closes) as peer:
        with pytest.raises(NotAnswered) as caught:
            post(peer, Expect="100-continue")
        assert not caught.value.body_left


def test_one_deadline_covers_the_whole_call():
    def drips(talk: Conversation) -> None:
        whole(talk)
        while True:
            talk.say(b"H")
            time.sleep(0.05)

    with Peer(drips) as peer:
        started = time.monotonic()
        with pytest.raises(NotAnswered) as caught:
            post(peer, seconds=0.5)
        assert caught.value.body_left
        assert time.monotonic() - started < 1.5
