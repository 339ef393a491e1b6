"""Acknowledgements byte by byte (HL7 v2.5.1 §2.9, §2.15.5, §2.15.8), and each refusal of an ORU^R01 in its own words."""

import pytest

from sandbox import acknowledgement
from sandbox.acknowledgement import Mode, answers, build, enhanced, wanted
from sandbox.answering import framed
from sandbox.hl7 import read
from sandbox.oru import Note, Observation, Refusal, check_header, read_note
from tests.sandbox.desk import msh

PID = "PID|1||P1^^^LAKESIDE"
PV1 = "PV1|1|O" + "|" * 17 + "E1"
OBR = "OBR|1|E1|N1|FM-PROGRESS^Note^L"
OBX = "OBX|1|FT|NF-01^CC^L||Cough||||||F"
WRONG = Refusal("AE", "103", "OBX-11 is none of C, F, P (OBX 1).", "OBX^1^11")
UNREAD = Refusal("AR", "207", "The message does not begin with MSH.")


@pytest.fixture(autouse=True)
def still(monkeypatch):
    """19 March 2026, 15:15:00 UTC, and control ids that begin at SB1."""

    class Still:
        gmtime = staticmethod(lambda: None)
        strftime = staticmethod(lambda form, moment: "20260319151500+0000")

    monkeypatch.setattr(acknowledgement, "time", Still)
    monkeypatch.setattr(acknowledgement, "started", "SB")
    monkeypatch.setattr(acknowledgement, "numbers", iter(range(1, 100)))


def message(*segments, **changes):
    return read("\r".join([msh(**changes), *segments]).encode())


def refusal(*segments, **changes) -> tuple[str, str, str, str]:
    read_in = message(*segments, **changes)
    with pytest.raises(Refusal) as caught:
        check_header(read_in)
        read_note(read_in)
    return caught.value.code, caught.value.error, caught.value.text, caught.value.location


class TestAnAnswer:
    def test_to_a_good_message_is_these_bytes(self):
        assert answers(message(), None) == [
            b"MSH|^~\\&|ECW|NORTH|SCRIBEPORT|LAKESIDE|20260319151500+0000||ACK^R01^ACK|SB1|T|2.5.1||||||UNICODE UTF-8\r"
            b"MSA|AA|C1|\r"
        ]

    def test_to_wrong_content_is_these_bytes(self):
        assert answers(message(), WRONG) == [
            b"MSH|^~\\&|ECW|NORTH|SCRIBEPORT|LAKESIDE|20260319151500+0000||ACK^R01^ACK|SB1|T|2.5.1||||||UNICODE UTF-8\r"
            b"MSA|AE|C1|OBX-11 is none of C, F, P (OBX 1).\r"
            b"ERR||OBX^1^11|103^OBX-11 is none of C, F, P (OBX 1).^HL70357|E||||OBX-11 is none of C, F, P (OBX 1).\r"
        ]

    def test_to_a_message_of_version_2_4_has_its_error_in_err_1(self):
        (made,) = answers(message(msh12="2.4"), WRONG)
        assert made.split(b"\r")[2] == b"ERR|OBX^1^11^103"

    def test_without_a_place_leaves_it_empty_in_err_1(self):
        (made,) = answers(message(msh12="2.4"), Refusal("AE", "207", "No."))
        assert made.split(b"\r")[2] == b"ERR|^^^207"

    def test_to_what_cannot_be_read_names_no_message(self):
        assert answers(None, UNREAD) == [
            b"MSH|^~\\&|||||20260319151500+0000||ACK^R01^ACK|SB1|T|2.5.1||||||UNICODE UTF-8\r"
            b"MSA|AR||The message does not begin with MSH.\r"
            b"ERR|||207^The message does not begin with MSH.^HL70357|E||||The message does not begin with MSH.\r"
        ]

    def test_can_name_another_message(self):
        assert answers(message(), None, "C0")[0].split(b"\r")[1] == b"MSA|AA|C0|"

    def test_comes_under_the_senders_own_delimiters(self):
        asked = read(b"MSH#*~\\&#A#B#C#D#20260319##ORU*R01*ORU_R01#C1#P#2.5.1\r")
        (made,) = answers(asked, None)
        assert made.startswith(b"MSH#*~\\&#C#D#A#B#20260319151500+0000##ACK*R01*ACK#SB1#P#2.5.1#")
        assert made.split(b"\r")[1] == b"MSA#AA#C1#"

    def test_keeps_the_processing_id(self):
        assert b"|SB1|P|2.5.1|" in answers(message(msh11="P"), None)[0]

    def test_has_each_time_an_id_of_its_own(self):
        assert [each.split(b"|")[9] for _ in range(3) for each in answers(message(), None)] == [b"SB1", b"SB2", b"SB3"]

    def test_is_framed_by_0x0b_and_0x1c_0x0d(self):
        assert framed(b"MSH") == b"\x0bMSH\x1c\r"

    def test_positive_holds_no_words_of_a_refusal(self):
        assert build(message(), "CA", WRONG).split(b"\r")[1:] == [b"MSA|CA|C1|", b""]


class TestTheModes:
    """HL7 table 0155 for MSH-15 and MSH-16."""

    @pytest.mark.parametrize(
        "condition, on_success, on_error",
        [("AL", True, True), ("NE", False, False), ("SU", True, False), ("ER", False, True), ("", False, False)],
    )
    def test_each_condition_asks_for_its_answers(self, condition, on_success, on_error):
        assert (wanted(condition, True), wanted(condition, False)) == (on_success, on_error)

    def codes(self, accept, application, found=None) -> list[bytes]:
        made = answers(message(msh15=accept, msh16=application), found)
        return [each.split(b"\r")[1].split(b"|")[1] for each in made]

    def test_both_empty_is_original_mode(self):
        assert not Mode("", "").enhanced
        assert self.codes("", "") == [b"AA"]

    def test_always_both_answers_ca_and_then_aa(self):
        assert self.codes("AL", "AL") == [b"CA", b"AA"]

    def test_accept_alone_answers_ca_alone(self):
        assert self.codes("AL", "NE") == [b"CA"]

    def test_application_alone_answers_aa_alone(self):
        assert self.codes("NE", "AL") == [b"AA"]

    def test_never_both_answers_nothing(self):
        assert self.codes("NE", "NE") == []

    def test_never_both_answers_nothing_even_to_a_refused_message(self):
        assert self.codes("NE", "NE", WRONG) == []

    def test_wrong_content_is_accepted_and_then_refused(self):
        assert self.codes("AL", "AL", WRONG) == [b"CA", b"AE"]

    def test_wrong_content_without_an_application_answer_is_refused_at_once(self):
        assert self.codes("AL", "NE", WRONG) == [b"CE"]

    def test_a_wrong_header_is_refused_at_once(self):
        assert self.codes("AL", "AL", Refusal("AR", "203", "No.")) == [b"CR"]

    def test_a_wrong_header_without_an_accept_answer_is_refused_by_the_application(self):
        assert self.codes("NE", "AL", Refusal("AR", "203", "No.")) == [b"AR"]

    def test_errors_only_keeps_silent_on_success(self):
        assert self.codes("ER", "ER") == []

    def test_success_only_keeps_silent_on_error(self):
        assert enhanced(Mode("SU", "SU"), "AE") == []


class TestANote:
    def test_is_read_into_its_parts(self):
        found = read_note(message(PID, PV1, OBR, OBX))
        assert found == Note(
            control_id="C1",
            note_id="N1",
            facility="NORTH",
            encounter="E1",
            patient="P1",
            template="FM-PROGRESS",
            observations=(Observation("NF-01", "Cough"),),
            correction=False,
        )

    def test_may_come_without_pv1(self):
        assert read_note(message(PID, OBR, OBX)).encounter == "E1"

    def test_may_name_its_encounter_in_pv1_alone(self):
        assert read_note(message(PID, PV1, "OBR|1||N1|T", OBX)).encounter == "E1"

    def test_is_a_correction_when_one_obx_is(self):
        second = "OBX|2|FT|NF-02||more||||||C"
        assert read_note(message(PID, PV1, OBR, OBX, second)).correction is True

    def test_may_hold_segments_that_nobody_reads(self):
        made = message("SFT|x", PID, "PD1|x", PV1, "PV2|x", "ORC|x", OBR, "NTE|1||x", OBX, "NTE|1||x")
        assert len(read_note(made).observations) == 1


class TestARefusedNote:
    def test_of_segments_out_of_order(self):
        words = "The segments are not MSH, PID, PV1, OBR, OBX … in this order."
        assert refusal(PV1, PID, OBR, OBX) == ("AE", "100", words, "")

    def test_of_an_unknown_segment(self):
        assert refusal(PID, PV1, "ZZZ|1", OBR, OBX)[:2] == ("AE", "100")

    def test_of_two_notes_in_one_message(self):
        words = "A message holds one MSH, PID and OBR, at most one PV1, and at least one OBX."
        assert refusal(PID, PV1, OBR, OBR, OBX) == ("AE", "100", words, "")

    def test_without_text(self):
        assert refusal(PID, PV1, OBR)[:2] == ("AE", "100")

    def test_without_a_patient(self):
        assert refusal("PID|1||", PV1, OBR, OBX) == ("AE", "101", "PID-3: the patient id is missing.", "PID^1^3")

    def test_without_a_facility(self):
        words = "MSH-6: the receiving facility is missing."
        assert refusal(PID, PV1, OBR, OBX, msh6="") == ("AE", "101", words, "MSH^1^6")

    def test_without_a_template(self):
        words = "OBR-4: the template code is missing."
        assert refusal(PID, PV1, "OBR|1|E1|N1|", OBX) == ("AE", "101", words, "OBR^1^4")

    def test_without_an_encounter(self):
        words = "PV1-19, OBR-2: the encounter is missing."
        assert refusal(PID, "OBR|1||N1|T", OBX) == ("AE", "101", words, "PV1^1^19")

    def test_with_two_encounters(self):
        words = "PV1-19 and OBR-2 name two different encounters."
        assert refusal(PID, PV1, "OBR|1|E2|N1|T", OBX) == ("AE", "204", words, "OBR^1^2")

    def test_whose_obx_are_not_numbered(self):
        words = "OBX-1: the segments are not numbered 1 to n (at 2)."
        assert refusal(PID, PV1, OBR, OBX, OBX) == ("AE", "102", words, "OBX^2^1")

    def test_without_a_field(self):
        made = refusal(PID, PV1, OBR, "OBX|1|FT|||Cough||||||F")
        assert made == ("AE", "101", "OBX-3 is empty (OBX 1).", "OBX^1^3")

    def test_without_a_status(self):
        made = refusal(PID, PV1, OBR, "OBX|1|FT|F||Cough")
        assert made == ("AE", "101", "OBX-11 is empty (OBX 1).", "OBX^1^11")

    def test_with_a_status_that_carries_no_text(self):
        made = refusal(PID, PV1, OBR, "OBX|1|FT|F||Cough||||||D")
        assert made == ("AE", "103", "OBX-11 is none of C, F, P (OBX 1).", "OBX^1^11")

    def test_with_a_number_where_text_is_due(self):
        made = refusal(PID, PV1, OBR, "OBX|1|NM|F||7||||||F")
        assert made == ("AE", "103", "OBX-2 is none of FT, ST, TX (OBX 1).", "OBX^1^2")

    def test_with_an_empty_text(self):
        made = refusal(PID, PV1, OBR, "OBX|1|FT|F||||||||F")
        assert made == ("AE", "101", "OBX-5 is empty (OBX 1).", "OBX^1^5")

    def test_with_an_escape_that_is_not_closed(self):
        made = refusal(PID, PV1, OBR, "OBX|1|FT|F||a\\F||||||F")
        assert made == ("AE", "102", "An escape sequence is not closed.", "")


class TestARefusedHeader:
    def test_of_another_kind_of_message(self):
        assert refusal(msh9="ADT^A08") == ("AR", "200", "MSH-9: this interface takes ORU^R01 only.", "MSH^1^9")

    def test_of_another_event(self):
        words = "MSH-9: this interface takes ORU^R01^ORU_R01 only."
        assert refusal(msh9="ORU^R30^ORU_R30") == ("AR", "201", words, "MSH^1^9")

    def test_without_a_control_id(self):
        assert refusal(msh10="") == ("AR", "101", "MSH-10: the message has no control id.", "MSH^1^10")

    def test_of_an_unknown_processing_id(self):
        assert refusal(msh11="Q") == ("AR", "202", "MSH-11: the processing id is none of D, P, T.", "MSH^1^11")

    def test_of_a_version_from_the_future(self):
        words = "MSH-12: the version is none of 2.3, 2.3.1, 2.4, 2.5, 2.5.1."
        assert refusal(msh12="2.8") == ("AR", "203", words, "MSH^1^12")
