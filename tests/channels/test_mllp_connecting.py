"""Connections that fail, vanish, stall and come back (N01–N05, N20–N22), against real sockets."""

import socket
import threading
import time

import pytest

from delivery.channels.base import NoAnswer, Unavailable
from delivery.channels.mllp import MllpClient
from tests.channels.notes import CONTROL_ID
from tests.channels.peers import (
    Conversation,
    Peer,
    ack,
    always,
    client_for,
    exchange,
    fails,
    framed,
    message,
    settings_for,
)


def test_N01_a_refused_connection_is_not_sent():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = MllpClient(settings_for(unused.getsockname()[1]), lambda host, port: (host, port))
        assert fails(client, Unavailable).reason_code == "connection_refused"


@pytest.mark.parametrize(
    "error, reason",
    [(socket.gaierror(-2, "unknown"), "dns"), (ValueError("private address"), "target_not_allowed")],
)
def test_N01_a_name_that_cannot_be_found_or_is_not_allowed_is_not_sent(error, reason):
    def resolve(host, port):
        raise error

    assert fails(MllpClient(settings_for(1), resolve), Unavailable).reason_code == reason


def test_N01_a_receiver_that_never_accepts_is_given_up_in_time():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        crowd = [socket.socket() for _ in range(4)]
        for each in crowd:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        client = MllpClient(settings_for(port, connect_seconds=0.3), lambda host, port: (host, port))
        started = time.monotonic()
        assert fails(client, Unavailable).reason_code == "connect_timeout"
        assert time.monotonic() - started < 1
        for each in crowd:
            each.close()


def test_N02_a_peer_that_vanished_without_a_word_is_given_up_at_the_deadline():
    # A listener that never accepts: the kernel completes the handshake and takes the bytes, nobody ever answers.
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        nobody.listen()
        client = MllpClient(settings_for(nobody.getsockname()[1], ack_seconds=0.4), lambda host, port: (host, port))
        started = time.monotonic()
        assert fails(client, NoAnswer).reason_code == "no_answer"
        assert 0.35 < time.monotonic() - started < 1


@pytest.mark.parametrize("leave", [lambda talk: None, Conversation.reset])
def test_N03_a_socket_the_peer_closed_while_idle_is_replaced_before_sending(leave):
    def answers_once(talk: Conversation) -> None:
        talk.answer()
        leave(talk)

    with Peer(answers_once, always()) as peer:
        client = client_for(peer)
        exchange(client)
        peer.threads[1].join()
        assert exchange(client).code == "AA"
        assert len(peer.talks) == 2
        assert peer.received == framed(message()) * 2


def test_N03_when_the_peer_is_gone_for_good_the_message_is_not_sent():
    def answers_once(talk: Conversation) -> None:
        talk.answer()

    with Peer(answers_once) as peer:
        client = client_for(peer)
        exchange(client)
        peer.threads[1].join()
        peer.close()
        assert fails(client, Unavailable).reason_code == "connection_refused"


def test_N03_a_socket_idle_for_too_long_is_replaced_unasked():
    with Peer(always()) as peer:
        client = client_for(peer, idle_seconds=0.1)
        exchange(client)
        time.sleep(0.15)
        exchange(client)
        assert len(peer.talks) == 2


def test_N04_an_answer_of_one_byte_at_a_time_meets_the_total_deadline():
    def drips(talk: Conversation) -> None:
        talk.read()
        for byte in framed(ack()):
            talk.say(bytes([byte]))
            time.sleep(0.05)

    with Peer(drips) as peer:
        client = client_for(peer, ack_seconds=0.4)
        started = time.monotonic()
        assert fails(client, NoAnswer).reason_code == "no_answer"
        assert time.monotonic() - started < 0.8


def test_N05_a_receiver_that_stops_reading_meets_the_same_deadline():
    stop = threading.Event()
    with Peer(lambda talk: stop.wait(5), receive_buffer=4096) as peer:
        client = client_for(peer, ack_seconds=0.4)
        started = time.monotonic()
        with pytest.raises(NoAnswer, match="cut_after_send"):
            client.exchange(b"x" * 20_000_000, CONTROL_ID)
        assert time.monotonic() - started < 1.5
        stop.set()


def test_N21_a_receiver_that_restarts_in_the_middle_is_no_answer():
    def restarts(talk: Conversation) -> None:
        talk.read()
        talk.reset()

    with Peer(restarts, always()) as peer:
        client = client_for(peer)
        assert fails(client, NoAnswer).reason_code == "cut_after_send"
        assert exchange(client).code == "AA"


def test_N20_while_the_receiver_is_away_each_try_is_one_connect():
    connects = []

    def resolve(host, port):
        connects.append(port)
        return host, port

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = MllpClient(settings_for(unused.getsockname()[1]), resolve)
        for _ in range(5):
            fails(client, Unavailable)
    assert len(connects) == 5


def test_N22_three_hundred_waiting_messages_go_out_in_order_over_one_socket():
    order = []

    def notes(talk: Conversation) -> None:
        while True:
            order.append(talk.read())
            talk.say(framed(ack(order[-1])))

    with Peer(notes) as peer:
        client = client_for(peer)
        for number in range(300):
            exchange(client, f"{number:020}")
        assert order == [f"{number:020}" for number in range(300)]
        assert len(peer.talks) == 1
