"""N14: what receivers send for an acknowledgement, and what is made of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.channels.acks import Acknowledgement, read_acknowledgement
from tests.channels.notes import CONTROL_ID

HEAD = "MSH|^~\\&|ECW|NORTH|SCRIBEPORT||20260319||ACK^R01^ACK|1|T|2.5.1"
OURS = Acknowledgement("AA", CONTROL_ID)
ROWS = [HEAD, f"MSA|AA|{CONTROL_ID}|Reçu à l’heure"]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r"])
def test_N14_any_line_end_will_do(end):
    assert read_acknowledgement((end.join(ROWS) + end).encode()) == OURS


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "cp850", "shift_jis"])
def test_N14_any_charset_will_do(charset):
    assert read_acknowledgement("\r".join(ROWS).encode(charset, "replace")) == OURS


def test_N14_spaces_and_nulls_around_lines_will_do():
    assert read_acknowledgement(f" {HEAD} \r\x00MSA| AA | {CONTROL_ID} \r\x00".encode()) == OURS


def test_N14_other_delimiters_will_do():
    assert read_acknowledgement(f"MSH#^~\\&#ECW\rMSA#AA#{CONTROL_ID}#a|b\r".encode()) == OURS


def test_N14_an_answer_without_a_header_is_read_with_the_usual_delimiters():
    assert read_acknowledgement(f"MSA|CA|{CONTROL_ID}".encode()) == Acknowledgement("CA", CONTROL_ID)


def test_N11_lowercase_is_raised():
    assert read_acknowledgement(f"{HEAD}\rMSA|ae|{CONTROL_ID}".encode()) == Acknowledgement("AE", CONTROL_ID)


def test_the_control_id_is_compared_as_sent():
    said = read_acknowledgement(f"{HEAD}\rMSA|AA|{CONTROL_ID.lower()}".encode())
    assert said is not None
    assert said.control_id == CONTROL_ID.lower()


@pytest.mark.parametrize("rows", [[], [HEAD], [HEAD, "MSA|AA|1", "MSA|AA|1"], ["<html>Sign in</html>"]])
def test_without_exactly_one_MSA_there_is_no_acknowledgement(rows):
    assert read_acknowledgement("\r".join(rows).encode()) is None


@given(st.binary(max_size=300))
def test_no_bytes_whatever_raise(raw):
    read_acknowledgement(raw)
    read_acknowledgement(b"MSH|^~\\&|\rMSA|" + raw)
