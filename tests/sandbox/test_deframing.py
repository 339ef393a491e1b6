"""Frames out of a byte stream, wherever the network cuts it (MLLP release 1: 0x0B … 0x1C 0x0D)."""

import pytest

from sandbox import mllp
from sandbox.mllp import Deframer, TooLarge


def fed(*pieces: bytes) -> list[list[bytes]]:
    deframer = Deframer()
    return [deframer.feed(piece) for piece in pieces]


def test_a_whole_frame_comes_out_without_its_marks():
    assert fed(b"\x0bMSH|x\x1c\r") == [[b"MSH|x"]]


def test_two_frames_in_one_piece_come_out_in_their_order():
    assert fed(b"\x0bone\x1c\r\x0btwo\x1c\r") == [[b"one", b"two"]]


def test_an_empty_frame_is_a_frame():
    assert fed(b"\x0b\x1c\r") == [[b""]]


def test_half_a_frame_waits_for_the_other_half():
    assert fed(b"\x0bMSH", b"|x\x1c\r") == [[], [b"MSH|x"]]


def test_an_end_mark_cut_in_two_is_still_an_end_mark():
    assert fed(b"\x0bMSH\x1c", b"\r") == [[], [b"MSH"]]


def test_a_lone_0x1c_ends_nothing():
    assert fed(b"\x0bMSH\x1cx", b"y\x1c\r") == [[], [b"MSH\x1cxy"]]


def test_a_carriage_return_ends_nothing():
    assert fed(b"\x0bMSH\rPID\r", b"\x1c\r") == [[], [b"MSH\rPID\r"]]


def test_what_stands_between_frames_is_dropped():
    assert fed(b"noise\x0bone\x1c\r\r\n\x0btwo\x1c\rmore") == [[b"one", b"two"]]


def test_noise_without_a_start_mark_is_not_kept():
    deframer = Deframer()
    assert deframer.feed(b"GET / HTTP/1.1\r\n\r\n") == []
    assert deframer.buffer == b""


def test_a_start_mark_within_a_frame_belongs_to_it():
    """The reader of HL7 refuses it there as a control character: nobody files what a lost end mark ran together."""
    assert fed(b"\x0bone\x0btwo\x1c\r") == [[b"one\x0btwo"]]


def test_after_a_frame_the_next_begins_afresh():
    deframer = Deframer()
    assert deframer.feed(b"\x0blong long long\x1c\r\x0bno") == [b"long long long"]
    assert deframer.feed(b"w\x1c\r") == [b"now"]


def test_a_frame_that_grows_over_the_limit_is_given_up(monkeypatch):
    monkeypatch.setattr(mllp, "LARGEST", 10)
    deframer = Deframer()
    assert deframer.feed(b"\x0b123456789") == []
    with pytest.raises(TooLarge):
        deframer.feed(b"0")


def test_many_frames_may_together_be_larger_than_the_limit(monkeypatch):
    monkeypatch.setattr(mllp, "LARGEST", 10)
    assert fed(b"\x0b1234567\x1c\r" * 5) == [[b"1234567"] * 5]
