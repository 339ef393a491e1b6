"""Answers late, split, doubled, mistaken, endless or unclear (N06–N13), from real peers."""

import socket
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery.channels import mllp
from delivery.channels.base import NoAnswer, Receipt, Refused
from tests.channels.notes import CONTROL_ID, OTHER_ID
from tests.channels.peers import Conversation, Peer, ack, always, client_for, exchange, fails, framed, silent


def test_N06_an_answer_split_into_single_bytes_is_one_answer():
    def single_bytes(talk: Conversation) -> None:
        talk.read()
        talk.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in framed(ack()):
            talk.say(bytes([byte]))

    with Peer(single_bytes) as peer:
        assert exchange(client_for(peer)) == Receipt("AA", ack())


def test_N06_a_frame_cut_off_in_the_middle_is_no_answer():
    def cut(talk: Conversation) -> None:
        talk.read()
        talk.say(framed(ack())[:-1])

    with Peer(cut) as peer:
        error = fails(client_for(peer), NoAnswer)
        assert error.reason_code == "partial_answer"
        assert error.answer == framed(ack())[:-1]


@pytest.mark.parametrize("first", [b"garbage", b"\r\n", ack(), b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x1c\r"])
def test_N06_what_does_not_begin_as_a_frame_is_no_answer(first):
    def garbage(talk: Conversation) -> None:
        talk.read()
        talk.say(first + framed(ack()))

    with Peer(garbage) as peer:
        error = fails(client_for(peer), NoAnswer)
        assert error.reason_code == "unreadable_answer"
        assert error.answer.startswith(first[:1])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(1, 130), max_size=6))
def test_N06_wherever_an_answer_is_split_it_is_the_same_answer(cuts):
    whole = framed(ack())
    places = sorted({cut for cut in cuts if cut < len(whole)})
    pieces = [whole[start:end] for start, end in zip([0, *places], [*places, len(whole)], strict=True)]
    buffer, found = bytearray(), []
    for piece in pieces:
        buffer += piece
        found.append(mllp._take_frame(buffer))
    assert found == [None] * (len(pieces) - 1) + [ack()]
    assert not buffer


def test_N07_silence_is_no_answer_and_never_a_refusal():
    with Peer(silent) as peer:
        client = client_for(peer, ack_seconds=0.3)
        assert fails(client, NoAnswer).reason_code == "no_answer"
        assert client._sock is None


def test_N08_a_late_ack_cannot_reach_the_next_message():
    late = threading.Event()

    def answers_late(talk: Conversation) -> None:
        control_id = talk.read()
        late.wait(5)
        talk.say(framed(ack(control_id)))

    with Peer(answers_late, silent) as peer:
        client = client_for(peer, ack_seconds=0.3)
        fails(client, NoAnswer)
        late.set()
        # The same control id on purpose: even an answer that names it must not come by the old socket.
        assert fails(client, NoAnswer).reason_code == "no_answer"
        assert len(peer.talks) == 2


def test_N09_an_answer_for_another_message_is_no_answer_to_this_one():
    def mistaken(talk: Conversation) -> None:
        talk.read()
        talk.say(framed(ack(OTHER_ID)))
        talk.wait_for_end()

    with Peer(mistaken, always()) as peer:
        client = client_for(peer)
        error = fails(client, NoAnswer)
        assert error.reason_code == "wrong_control_id"
        assert OTHER_ID not in str(error)
        assert exchange(client).code == "AA"
        assert len(peer.talks) == 2


def test_N10_a_duplicate_answer_counts_once_and_the_next_message_is_clean():
    def twice(talk: Conversation) -> None:
        control_id = talk.read()
        talk.say(framed(ack(control_id)) * 2)
        talk.wait_for_end()

    with Peer(twice, always("AE")) as peer:
        client = client_for(peer)
        assert exchange(client).code == "AA"
        assert fails(client, Refused, OTHER_ID).code == "AE"
        assert len(peer.talks) == 2


def test_N10_a_duplicate_answer_that_comes_later_is_not_taken_for_the_next():
    sent = threading.Event()

    def twice(talk: Conversation) -> None:
        control_id = talk.read()
        talk.say(framed(ack(control_id)))
        time.sleep(0.05)
        talk.say(framed(ack(control_id)))
        sent.set()
        talk.wait_for_end()

    with Peer(twice, always()) as peer:
        client = client_for(peer)
        exchange(client)
        sent.wait(2)
        time.sleep(0.05)
        assert exchange(client, OTHER_ID).code == "AA"
        assert len(peer.talks) == 2


def test_N10_a_refusal_with_bytes_behind_it_counts_and_the_socket_is_replaced():
    def refuses_twice(talk: Conversation) -> None:
        talk.say(framed(ack(talk.read(), "AR")) + b"?")
        talk.wait_for_end()

    with Peer(refuses_twice, always()) as peer:
        client = client_for(peer)
        fails(client, Refused)
        assert client._sock is None


@pytest.mark.parametrize("code, reason", [("AE", "ae"), ("AR", "ar"), ("CE", "ce"), ("CR", "cr")])
def test_N11_a_refusal_of_this_message_is_final_and_its_words_stay_in_the_answer(code, reason):
    with Peer(always(code, "Okafor is not a patient here")) as peer:
        client = client_for(peer)
        error = fails(client, Refused)
        assert (error.code, error.reason_code) == (code, reason)
        assert b"Okafor" in error.answer
        assert "Okafor" not in str(error) + repr(error)
        fails(client, Refused)
        assert len(peer.talks) == 1  # a clean refusal leaves the socket usable


@pytest.mark.parametrize(
    "said, reason",
    [
        (b"MSH|^~\\&|\rMSA|AE\r", "answer_without_id"),
        (b"MSH|^~\\&|\rMSA|AA|\r", "answer_without_id"),
        (b"MSH|^~\\&|\rMSA|AR||no id\r", "answer_without_id"),
        (b"MSH|^~\\&|\rMSA|ZZ|%s\r" % CONTROL_ID.encode(), "unreadable_answer"),
        (b"MSH|^~\\&|\rMSA||%s\r" % CONTROL_ID.encode(), "unreadable_answer"),
        (b"MSH|^~\\&|\rERR|||207\r", "unreadable_answer"),
        (b"", "unreadable_answer"),
        (b"MSH|^~\\&|\rMSA|AA|%s\rMSA|AE|%s\r" % (CONTROL_ID.encode(), CONTROL_ID.encode()), "unreadable_answer"),
    ],
)
def test_N11_an_answer_that_does_not_name_this_message_decides_nothing(said, reason):
    def says(talk: Conversation) -> None:
        talk.read()
        talk.say(framed(said))
        talk.wait_for_end()

    with Peer(says) as peer:
        client = client_for(peer)
        assert fails(client, NoAnswer).reason_code == reason
        assert client._sock is None


def test_N11_lowercase_codes_are_understood():
    with Peer(always("aa"), always("ae")) as peer:
        assert exchange(client_for(peer)).code == "AA"
        assert fails(client_for(peer), Refused).code == "AE"


def enhanced(*codes: str, pause: float = 0.0):
    def script(talk: Conversation) -> None:
        while True:
            control_id = talk.read()
            for code in codes:
                talk.say(framed(ack(control_id, code)))
                time.sleep(pause)

    return script


def test_N12_in_enhanced_mode_the_application_answer_follows_the_commit_answer():
    for pause in (0, 0.05):
        with Peer(enhanced("CA", "AA", pause=pause)) as peer:
            client = client_for(peer, ack_mode="enhanced")
            assert exchange(client).code == "AA"
            assert exchange(client, OTHER_ID).code == "AA"
            assert len(peer.talks) == 1


def test_N12_a_commit_answer_alone_counts_as_stored_at_the_deadline():
    with Peer(enhanced("CA")) as peer:
        client = client_for(peer, ack_mode="enhanced", ack_seconds=0.3)
        assert exchange(client).code == "CA"
        assert client._sock is None  # the application's answer may still come, and is not the next one's


def test_N12_a_refusal_after_the_commit_answer_is_a_refusal():
    with Peer(enhanced("CA", "AE")) as peer:
        assert fails(client_for(peer, ack_mode="enhanced"), Refused).code == "AE"


@pytest.mark.parametrize("code", ["CE", "CR"])
def test_N12_a_refused_commit_is_a_refusal(code):
    with Peer(enhanced(code)) as peer:
        assert fails(client_for(peer, ack_mode="enhanced"), Refused).code == code


def test_N12_what_follows_a_commit_answer_for_another_message_does_not_undo_it():
    def mixed(talk: Conversation) -> None:
        talk.say(framed(ack(talk.read(), "CA")) + framed(ack(OTHER_ID, "AE")))
        talk.wait_for_end()

    with Peer(mixed) as peer:
        client = client_for(peer, ack_mode="enhanced")
        assert exchange(client).code == "CA"
        assert client._sock is None


def test_N12_in_original_mode_a_commit_answer_is_taken_at_once():
    with Peer(enhanced("CA")) as peer:
        started = time.monotonic()
        assert exchange(client_for(peer)).code == "CA"
        assert time.monotonic() - started < 1


@pytest.mark.parametrize("start", [b"\x0b", b"\x0b" + ack()])
def test_N13_an_endless_answer_is_cut_at_its_cap(start):
    def endless(talk: Conversation) -> None:
        talk.read()
        talk.say(start)
        while True:
            talk.say(b"x" * 65_536)

    with Peer(endless) as peer:
        client = client_for(peer)
        assert fails(client, NoAnswer).reason_code == "answer_too_long"
        assert client._sock is None


def test_N13_ten_megabytes_in_a_whole_frame_are_still_too_many():
    def huge(talk: Conversation) -> None:
        control_id = talk.read()
        talk.say(framed(ack(control_id) + b"ZZZ|" + b"x" * 10_000_000 + b"\r"))

    with Peer(huge) as peer:
        assert fails(client_for(peer), NoAnswer).reason_code == "answer_too_long"
