"""What is made of whole acknowledgements of each version, and of every kind of wrong one. No socket: bytes in, verdict out.

The messages are written as HL7 2.3 to 2.5.1 §2 has them (MSH, MSA, ERR), not as our sandbox happens to answer.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.channels import mllp
from delivery.channels.acks import Acknowledgement, read_acknowledgement
from delivery.channels.base import NoAnswer, Receipt, Refused
from delivery.failures import CATALOGUE

OURS = "ABCDEFGHIJKLMNOPQ234"
OTHER = "ZYXWVUTSRQPONMLKJ765"


def lines(*rows: str) -> bytes:
    return "".join(f"{row}\r" for row in rows).encode()


def judged(raw: bytes) -> Receipt:
    return mllp._judge(raw, OURS)


def doubt(raw: bytes) -> NoAnswer:
    with pytest.raises(NoAnswer) as caught:
        judged(raw)
    assert caught.value.reason_code in CATALOGUE
    return caught.value


def refusal(raw: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        judged(raw)
    assert caught.value.reason_code in CATALOGUE
    return caught.value


class TestAnAcceptance:
    def test_of_version_2_3_with_an_empty_header(self):
        raw = lines("MSH|^~\\&|||||20260319101501||ACK||P|2.3", f"MSA|AA|{OURS}")
        assert judged(raw) == Receipt("AA", raw)

    def test_of_version_2_3_1_with_a_text(self):
        raw = lines("MSH|^~\\&|ECW|NORTH|||20260319||ACK^R01|7|T|2.3.1", f"MSA|AA|{OURS}|Message accepted")
        assert judged(raw) == Receipt("AA", raw)

    def test_of_version_2_4_with_an_expected_sequence_number(self):
        raw = lines("MSH|^~\\&|ECW|NORTH|||20260319||ACK^R01^ACK|7|T|2.4", f"MSA|AA|{OURS}||42")
        assert judged(raw) == Receipt("AA", raw)

    def test_of_version_2_5_with_a_software_segment(self):
        raw = lines(
            "MSH|^~\\&|ECW|NORTH|||20260319||ACK^R01^ACK|7|T|2.5",
            "SFT|Vendor|11|Interface|77",
            f"MSA|AA|{OURS}",
        )
        assert judged(raw) == Receipt("AA", raw)

    def test_of_version_2_5_1_with_an_informational_ERR(self):
        raw = lines(
            "MSH|^~\\&|ECW|NORTH|||20260319||ACK^R01^ACK|7|T|2.5.1",
            f"MSA|AA|{OURS}",
            "ERR||OBX^1^5|0^Message accepted^HL70357|I",
        )
        assert judged(raw) == Receipt("AA", raw)

    def test_of_the_commit_kind_keeps_its_own_code(self):
        raw = lines("MSH|^~\\&|ECW||||20260319||ACK|7|T|2.5.1", f"MSA|CA|{OURS}")
        assert judged(raw).code == "CA"

    def test_by_a_receiver_that_answers_with_an_ORA_message(self):
        raw = lines("MSH|^~\\&|ECW||||20260319||ORA^R33^ORA_R33|7|T|2.5.1", f"MSA|AA|{OURS}")
        assert judged(raw).code == "AA"

    def test_whose_text_says_error_is_an_acceptance_all_the_same(self):
        assert judged(lines("MSH|^~\\&|ECW", f"MSA|AA|{OURS}|ERROR: none")).code == "AA"

    def test_keeps_every_byte_of_what_was_answered(self):
        raw = lines("MSH|^~\\&|ECW", f"MSA|AA|{OURS}", "ZZZ|of their own")
        assert judged(raw).answer == raw

    def test_whose_control_id_stands_in_more_than_one_component_is_none(self):
        assert doubt(lines("MSH|^~\\&|ECW", f"MSA|AA|{OURS}^1")).reason_code == "wrong_control_id"


class TestARefusal:
    @pytest.mark.parametrize("code, reason_code", [("AE", "ae"), ("AR", "ar"), ("CE", "ce"), ("CR", "cr")])
    def test_of_each_code_of_table_0008_has_a_reason_of_its_own(self, code, reason_code):
        error = refusal(lines("MSH|^~\\&|ECW", f"MSA|{code}|{OURS}|No such encounter"))
        assert (error.reason_code, error.code) == (reason_code, code)

    def test_keeps_the_receivers_words_in_the_answer_and_out_of_the_message(self):
        raw = lines("MSH|^~\\&|ECW", f"MSA|AE|{OURS}|Okafor Lena has no such visit")
        error = refusal(raw)
        assert error.answer == raw
        assert str(error) == "ae AE"

    def test_with_an_ERR_segment_of_2_5_is_read_by_its_MSA(self):
        raw = lines(
            "MSH|^~\\&|ECW|NORTH|||20260319||ACK^R01^ACK|7|T|2.5.1",
            f"MSA|AE|{OURS}",
            "ERR||PID^1^3|204^Unknown key identifier^HL70357|E|||Patient not found",
        )
        assert refusal(raw).reason_code == "ae"

    def test_with_an_ERR_segment_before_the_MSA_is_read_by_its_MSA(self):
        raw = lines("MSH|^~\\&|ECW|NORTH|||20260319||ACK|7|T|2.3", "ERR|PID^1^3", f"MSA|AR|{OURS}")
        assert refusal(raw).reason_code == "ar"

    @pytest.mark.parametrize("code", ["ae", "Ae", " AE ", "aE"])
    def test_in_any_spelling_is_that_code(self, code):
        assert refusal(lines("MSH|^~\\&|ECW", f"MSA|{code}|{OURS}")).code == "AE"

    def test_of_another_message_is_no_refusal_of_ours(self):
        assert doubt(lines("MSH|^~\\&|ECW", f"MSA|AE|{OTHER}")).reason_code == "wrong_control_id"

    def test_that_names_no_message_is_no_refusal_of_ours(self):
        error = doubt(lines("MSH|^~\\&|ECW", "MSA|AE|"))
        assert (error.reason_code, error.code) == ("answer_without_id", "AE")


class TestWhatDecidesNothing:
    """Each leaves the message in doubt: never accepted, never refused, and the answer kept for eCW to look at."""

    def test_an_empty_frame(self):
        assert doubt(b"").reason_code == "unreadable_answer"

    def test_a_header_alone(self):
        assert doubt(lines("MSH|^~\\&|ECW||||20260319||ACK|7|T|2.5.1")).reason_code == "unreadable_answer"

    def test_an_MSA_cut_off_before_its_control_id(self):
        assert doubt(b"MSH|^~\\&|ECW\rMSA|AA").reason_code == "answer_without_id"

    def test_an_MSA_cut_off_in_the_middle_of_its_control_id(self):
        assert doubt(f"MSH|^~\\&|ECW\rMSA|AA|{OURS[:12]}".encode()).reason_code == "wrong_control_id"

    def test_an_MSA_of_its_name_alone(self):
        assert doubt(lines("MSH|^~\\&|ECW", "MSA")).reason_code == "answer_without_id"

    def test_two_acknowledgements_in_one_frame(self):
        raw = lines("MSH|^~\\&|ECW", f"MSA|AA|{OURS}", "MSH|^~\\&|ECW", f"MSA|AE|{OURS}")
        assert doubt(raw).reason_code == "unreadable_answer"

    def test_an_empty_code(self):
        assert doubt(lines("MSH|^~\\&|ECW", f"MSA||{OURS}")).reason_code == "unreadable_answer"

    @pytest.mark.parametrize("code", ["OK", "A", "AAA", "XX", "NA", "0", "200", "ACK", "NAK"])
    def test_a_code_that_table_0008_does_not_have(self, code):
        assert doubt(lines("MSH|^~\\&|ECW", f"MSA|{code}|{OURS}")).reason_code == "unreadable_answer"

    def test_the_control_id_of_the_message_before(self):
        assert doubt(lines("MSH|^~\\&|ECW", f"MSA|AA|{OTHER}")).reason_code == "wrong_control_id"

    def test_our_control_id_in_small_letters(self):
        assert doubt(lines("MSH|^~\\&|ECW", f"MSA|AA|{OURS.lower()}")).reason_code == "wrong_control_id"

    def test_our_control_id_cut_to_ten_characters(self):
        assert doubt(lines("MSH|^~\\&|ECW", f"MSA|AA|{OURS[:10]}")).reason_code == "wrong_control_id"

    def test_our_control_id_with_more_behind_it(self):
        assert doubt(lines("MSH|^~\\&|ECW", f"MSA|AA|{OURS}X")).reason_code == "wrong_control_id"

    def test_our_own_message_sent_back(self):
        raw = lines(
            f"MSH|^~\\&|SCRIBEPORT||ECW|NORTH|20260319||ORU^R01^ORU_R01|{OURS}|T|2.5.1",
            "PID|||P1001||Okafor^Lena",
            "OBX|1|FT|NF-01^HPI^L||Cough.||||||F",
        )
        error = doubt(raw)
        assert error.reason_code == "unreadable_answer"
        assert "Okafor" not in str(error)

    def test_a_web_page(self):
        assert doubt(b"<html><body>Sign in to continue</body></html>").reason_code == "unreadable_answer"

    def test_a_single_ACK_byte_as_serial_lines_send_it(self):
        assert doubt(b"\x06").reason_code == "unreadable_answer"

    def test_an_MSA_that_is_indented_is_an_MSA(self):
        assert judged(lines("MSH|^~\\&|ECW", f"  MSA|AA|{OURS}")).code == "AA"

    def test_the_letters_MSA_within_another_segment_are_none(self):
        assert doubt(lines("MSH|^~\\&|ECW", f"NTE|1||MSA|AA|{OURS}")).reason_code == "unreadable_answer"

    def test_every_such_answer_is_kept(self):
        raw = lines("MSH|^~\\&|ECW", f"MSA|??|{OURS}")
        assert doubt(raw).answer == raw


class TestReadingLeniently:
    """An answer is taken as it comes: other separators, line ends and characters do not make it unreadable."""

    @pytest.mark.parametrize("separator", ["|", "#", "!", "*", ";", "\t"])
    def test_the_separator_is_the_one_the_header_names(self, separator):
        raw = f"MSH{separator}^~\\&{separator}ECW\rMSA{separator}AA{separator}{OURS}\r".encode()
        assert read_acknowledgement(raw) == Acknowledgement("AA", OURS)

    def test_a_header_of_three_letters_names_no_separator(self):
        assert read_acknowledgement(f"MSH\rMSA|AA|{OURS}\r".encode()) == Acknowledgement("AA", OURS)

    def test_an_answer_without_a_last_line_end_is_whole(self):
        assert read_acknowledgement(f"MSH|^~\\&|ECW\rMSA|AA|{OURS}".encode()) == Acknowledgement("AA", OURS)

    def test_empty_lines_between_segments_are_passed_over(self):
        raw = f"MSH|^~\\&|ECW\r\r\n\nMSA|AA|{OURS}\r\r".encode()
        assert read_acknowledgement(raw) == Acknowledgement("AA", OURS)

    @pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be"])
    def test_two_byte_characters_are_known_by_their_mark(self, charset):
        mark = "\ufeff".encode(charset)
        raw = mark + f"MSH|^~\\&|ECW\rMSA|AA|{OURS}\r".encode(charset)
        assert read_acknowledgement(raw) == Acknowledgement("AA", OURS)

    def test_a_byte_order_mark_of_utf_8_is_no_part_of_the_header(self):
        raw = b"\xef\xbb\xbf" + f"MSH#^~\\&#ECW\rMSA#AA#{OURS}\r".encode()
        assert read_acknowledgement(raw) == Acknowledgement("AA", OURS)

    def test_bytes_that_no_charset_explains_stand_in_the_text_and_harm_nothing(self):
        raw = b"MSH|^~\\&|ECW\rMSA|AA|" + OURS.encode() + b"|\xff\xfe\x80\x81\r"
        assert read_acknowledgement(raw) == Acknowledgement("AA", OURS)

    def test_spaces_around_code_and_id_are_no_part_of_them(self):
        assert read_acknowledgement(f"MSA|  AA|{OURS}  ".encode()) == Acknowledgement("AA", OURS)

    def test_an_MSA_without_further_fields_has_neither_code_nor_id(self):
        assert read_acknowledgement(b"MSA") == Acknowledgement("", "")

    def test_a_thousand_other_segments_hide_nothing(self):
        raw = lines("MSH|^~\\&|ECW", *[f"NTE|{place}|more" for place in range(1000)], f"MSA|AA|{OURS}")
        assert read_acknowledgement(raw) == Acknowledgement("AA", OURS)


@given(st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", min_size=20, max_size=20))
def test_of_all_control_ids_only_ours_is_ours(control_id):
    raw = lines("MSH|^~\\&|ECW", f"MSA|AA|{control_id}")
    if control_id == OURS:
        assert judged(raw).code == "AA"
    else:
        assert doubt(raw).reason_code == "wrong_control_id"


@given(st.integers(0, 60))
def test_an_acceptance_cut_anywhere_before_its_id_is_whole_is_never_taken_for_one(cut):
    whole = f"MSH|^~\\&|ECW|NORTH||\rMSA|AA|{OURS}".encode()
    if cut < len(whole):
        doubt(whole[:cut])
    else:
        assert judged(whole).code == "AA"


class TestAFrame:
    """MLLP: 0x0B, the content, 0x1C 0x0D."""

    def taken(self, *received: bytes) -> tuple[list[bytes | None], bytes]:
        buffer, found = bytearray(), []
        for piece in received:
            buffer += piece
            found.append(mllp._take_frame(buffer))
        return found, bytes(buffer)

    def test_is_its_content_without_the_three_bytes_around_it(self):
        assert self.taken(b"\x0bMSA\x1c\r") == ([b"MSA"], b"")

    def test_of_nothing_is_an_empty_content(self):
        assert self.taken(b"\x0b\x1c\r") == ([b""], b"")

    def test_in_three_pieces_is_there_with_the_third(self):
        assert self.taken(b"\x0bMS", b"A\x1c", b"\r") == ([None, None, b"MSA"], b"")

    def test_split_between_its_two_last_bytes_is_waited_for(self):
        assert self.taken(b"\x0bMSA\x1c") == ([None], b"\x0bMSA\x1c")

    def test_with_a_0x1C_alone_within_goes_on(self):
        assert self.taken(b"\x0bA\x1cB\x1c\r") == ([b"A\x1cB"], b"")

    def test_with_a_carriage_return_within_goes_on(self):
        assert self.taken(b"\x0bMSH\rMSA\r\x1c\r") == ([b"MSH\rMSA\r"], b"")

    def test_and_another_in_the_same_piece_leaves_the_other(self):
        assert self.taken(b"\x0bA\x1c\r\x0bB\x1c\r") == ([b"A"], b"\x0bB\x1c\r")

    def test_and_the_beginning_of_another_leaves_that_beginning(self):
        assert self.taken(b"\x0bA\x1c\r\x0bB") == ([b"A"], b"\x0bB")

    def test_nothing_at_all_is_waited_for(self):
        assert self.taken(b"") == ([None], b"")

    def test_its_first_byte_alone_is_waited_for(self):
        assert self.taken(b"\x0b") == ([None], b"\x0b")

    @pytest.mark.parametrize("first", [b"M", b"\r", b"\n", b"\x1c", b"\x00", b" \x0b", b"\x06"])
    def test_that_begins_with_something_else_never_becomes_one(self, first):
        with pytest.raises(NoAnswer, match="unreadable_answer"):
            self.taken(first)

    def test_of_the_longest_content_is_taken(self):
        content = b"x" * (mllp.LONGEST_ANSWER - 1)
        assert self.taken(b"\x0b" + content + b"\x1c\r") == ([content], b"")

    def test_of_one_byte_more_is_given_up(self):
        with pytest.raises(NoAnswer, match="answer_too_long"):
            self.taken(b"\x0b" + b"x" * mllp.LONGEST_ANSWER + b"\x1c\r")

    def test_without_an_end_is_waited_for_up_to_the_cap(self):
        assert self.taken(b"\x0b" + b"x" * (mllp.LONGEST_ANSWER - 1))[0] == [None]

    def test_without_an_end_is_given_up_beyond_the_cap(self):
        with pytest.raises(NoAnswer, match="answer_too_long"):
            self.taken(b"\x0b" + b"x" * mllp.LONGEST_ANSWER)

    @given(st.lists(st.binary(max_size=12).filter(lambda each: b"\x1c\r" not in each and not each.endswith(b"\x1c"))))
    def test_after_frame_received_byte_by_byte_is_the_same_row_of_contents(self, contents):
        received = b"".join(b"\x0b" + each + b"\x1c\r" for each in contents)
        found, left = self.taken(*[received[at : at + 1] for at in range(len(received))])
        assert [each for each in found if each is not None] == contents
        assert left == b""
