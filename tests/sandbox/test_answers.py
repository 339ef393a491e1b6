"""What is refused with AE or AR, in which words, and how answers look in both acknowledgement modes."""

import hl7
import pytest

from sandbox.acknowledgement import answers
from sandbox.hl7 import read
from sandbox.oru import Refusal, check_header, read_note
from tests.sandbox.desk import msa, msh, oru

GOOD = [("NF-01", "cc")]


def refusal_of(frame):
    message = read(frame)
    try:
        check_header(message)
        read_note(message)
    except Refusal as refusal:
        return refusal
    raise AssertionError("not refused")


def segments(*lines):
    return "\r".join([msh(), *lines]).encode()


PID = "PID|1||P1"
PV1 = "PV1|1|O" + "|" * 17 + "E1"
OBR = "OBR|1|E1|N1|T"
OBX = "OBX|1|FT|F||x||||||F"


@pytest.mark.parametrize(
    "change,location",
    [
        ({"msh9": "ADT^A01"}, "MSH^1^9"),
        ({"msh9": "ORU^R30"}, "MSH^1^9"),
        ({"msh9": "ORU^R01^ORU_R30"}, "MSH^1^9"),
        ({"msh9": ""}, "MSH^1^9"),
        ({"msh10": ""}, "MSH^1^10"),
        ({"msh11": ""}, "MSH^1^11"),
        ({"msh11": "X"}, "MSH^1^11"),
        ({"msh12": "2.2"}, "MSH^1^12"),
        ({"msh12": "2.6"}, "MSH^1^12"),
        ({"msh12": ""}, "MSH^1^12"),
    ],
)
def test_trouble_with_msh_9_to_12_is_ar(change, location):
    refusal = refusal_of(oru(GOOD, **change))
    assert (refusal.code, refusal.location) == ("AR", location)


@pytest.mark.parametrize("version", ["2.3", "2.3.1", "2.4", "2.5", "2.5.1"])
def test_the_versions_from_2_3_to_2_5_1_are_taken(version):
    kind = "ORU^R01" if version < "2.4" else "ORU^R01^ORU_R01"
    check_header(read(oru(GOOD, msh12=version, msh9=kind)))


@pytest.mark.parametrize(
    "frame,error,words",
    [
        (segments(PID, PV1, OBR, OBX), "", ""),
        (segments("SFT|x", PID, "PD1|", PV1, "ORC|RE", OBR, "NTE|1", OBX, "NTE|1"), "", ""),
        (segments(PID, OBR, OBX), "", ""),
        (segments(PV1, PID, OBR, OBX), "100", "order"),
        (segments(PID, PV1, OBX, OBR), "100", "order"),
        (segments(PID, PV1, OBR, "ZZZ|1", OBX), "100", "order"),
        (segments(PID, PV1, OBR), "100", "at least one OBX"),
        (segments(PID, PV1, OBX), "100", "OBR"),
        (segments(PV1, OBR, OBX), "100", "PID"),
        (segments(PID, PID, PV1, OBR, OBX), "100", "one MSH, PID"),
        (segments(PID, PV1, PV1, OBR, OBX), "100", "PV1"),
        (segments(PID, PV1, OBR, OBX, OBR, OBX), "100", "order"),
        (segments("PID|1||", PV1, OBR, OBX), "101", "PID-3"),
        (segments("PID|1||^^^A", PV1, OBR, OBX), "101", "PID-3"),
        (segments(PID, "PV1|1|O", "OBR|1||N1|T", OBX), "101", "encounter is missing"),
        (segments(PID, "PV1|1|O", OBR, OBX), "", ""),  # OBR-2 alone
        (segments(PID, PV1, "OBR|1||N1|T", OBX), "", ""),  # PV1-19 alone
        (segments(PID, PV1, "OBR|1|E2|N1|T", OBX), "204", "two different encounters"),
        (segments(PID, PV1, "OBR|1|E1|N1|", OBX), "101", "OBR-4"),
        (segments(PID, PV1, OBR, "OBX|2|FT|F||x||||||F"), "102", "OBX-1"),
        (segments(PID, PV1, OBR, OBX, OBX), "102", "OBX-1"),
        (segments(PID, PV1, OBR, "OBX||FT|F||x||||||F"), "102", "OBX-1"),
        (segments(PID, PV1, OBR, "OBX|1|FT|||x||||||F"), "101", "OBX-3"),
        (segments(PID, PV1, OBR, "OBX|1|FT|F||x||||||"), "101", "OBX-11"),
        (segments(PID, PV1, OBR, "OBX|1|FT|F||x"), "101", "OBX-11"),
        (segments(PID, PV1, OBR, "OBX|1|FT|F||x||||||D"), "103", "OBX-11"),
        (segments(PID, PV1, OBR, "OBX|1|NM|F||x||||||F"), "103", "OBX-2"),
        (segments(PID, PV1, OBR, "OBX|1|ED|F||x||||||F"), "102", "OBX-5"),  # a document, and none in it
        (segments(PID, PV1, OBR, "OBX|1||F||x||||||F"), "103", "OBX-2"),
        (segments(PID, PV1, OBR, "OBX|1|FT|F||||||||F"), "101", "OBX-5"),
        (segments(PID, PV1, OBR, "OBX|1|FT|F||\\Q\\||||||F"), "102", "escape"),
        (oru(GOOD, facility=""), "101", "MSH-6"),
    ],
)
def test_trouble_with_the_content_is_ae(frame, error, words):
    if not error:
        assert read_note(read(frame)).encounter == "E1"
        return
    refusal = refusal_of(frame)
    assert (refusal.code, refusal.error) == ("AE", error)
    assert words in refusal.text


def test_unknown_facility_and_template_are_ae(sandbox):
    for change in ({"facility": "EAST"}, {"template": "SM-VISIT"}):
        answer = sandbox.ask(oru(GOOD, **change))
        assert msa(answer) == ("AE", "C1")
    assert sandbox.filings() == []


def test_a_signed_note_is_locked_until_it_is_opened(sandbox):
    assert msa(sandbox.ask(oru(GOOD, "C1")))[0] == "AA"
    sandbox.api("PUT", "/facilities/NORTH/encounters/E1", {"signed": True})
    assert sandbox.note()[1]["signed"] is True
    answer = sandbox.ask(oru(GOOD, "C2", status="C"))
    assert msa(answer) == ("AE", "C2")
    assert b"139 The encounter is locked" in answer
    sandbox.api("PUT", "/facilities/NORTH/encounters/E1", {"signed": False})
    assert msa(sandbox.ask(oru(GOOD, "C3")))[0] == "AA"


def test_a_refusal_quotes_nothing_of_the_note(sandbox):
    answer = sandbox.ask(oru([("NF-01", "canary-text \\Q\\")], patient="canary-patient"))
    assert msa(answer) == ("AE", "C1")
    assert b"canary" not in answer


def test_an_answer_goes_back_to_its_sender_under_the_senders_delimiters(sandbox):
    message = oru(GOOD, "C~1").decode().replace("\\", "?").replace("|", "$").replace("^", "%").encode()
    answer = sandbox.ask(message)
    assert answer.startswith(b"MSH$%~?&$ECW$NORTH$SCRIBEPORT$LAKESIDE$")
    assert b"\rMSA$AA$C~1$" in answer


def test_answers_parse_with_another_reader():
    for refusal in (None, Refusal("AE", "101", "PID-3: missing.", "PID^1^3"), Refusal("AR", "200", "No.", "MSH^1^9")):
        (answer,) = answers(read(oru(GOOD)), refusal)
        parsed = hl7.parse(answer.decode())
        assert str(parsed.segment("MSH")[9]) == "ACK^R01^ACK"
        assert str(parsed["MSA.F1"]) == (refusal.code if refusal else "AA")
        assert str(parsed["MSA.F2"]) == "C1"
        if refusal:
            assert str(parsed["MSA.F3"]) == refusal.text
            assert str(parsed.segment("ERR")[2]) == refusal.location
            assert str(parsed["ERR.F3.R1.C1"]) == refusal.error
            assert str(parsed["ERR.F4"]) == "E"


def test_before_2_5_the_error_stands_in_err_1():
    (answer,) = answers(read(oru(GOOD, msh12="2.4")), Refusal("AE", "101", "PID-3: missing.", "PID^1^3"))
    assert b"\rERR|PID^1^3^101\r" in answer
    (answer,) = answers(read(oru(GOOD, msh12="2.4")), Refusal("AE", "100", "Order."))
    assert b"\rERR|^^^100\r" in answer


def test_every_answer_has_a_control_id_of_its_own():
    ids = {str(hl7.parse(answers(read(oru(GOOD)), None)[0].decode())["MSH.F10"]) for _ in range(100)}
    assert len(ids) == 100
    assert all(len(each) <= 20 for each in ids)


def test_what_cannot_be_read_is_answered_ar_without_an_id(sandbox):
    for frame in (b"", b"hello", oru(GOOD) + b"\x00"):
        assert msa(sandbox.ask(frame)) == ("AR", "")


@pytest.mark.parametrize(
    "accept,application,good,bad_content,bad_header",
    [
        ("", "", ["AA"], ["AE"], ["AR"]),
        ("AL", "AL", ["CA", "AA"], ["CA", "AE"], ["CR"]),
        ("AL", "NE", ["CA"], ["CE"], ["CR"]),
        ("AL", "", ["CA"], ["CE"], ["CR"]),
        ("NE", "AL", ["AA"], ["AE"], ["AR"]),
        ("ER", "AL", ["AA"], ["AE"], ["CR"]),
        ("ER", "ER", [], ["AE"], ["CR"]),
        ("SU", "SU", ["CA", "AA"], [], []),
        ("NE", "NE", [], [], []),
    ],
)
def test_acknowledgement_modes(accept, application, good, bad_content, bad_header):
    message = read(oru(GOOD, msh15=accept, msh16=application))
    for refusal, codes in (
        (None, good),
        (Refusal("AE", "101", "x"), bad_content),
        (Refusal("AR", "200", "x"), bad_header),
    ):
        assert [msa(answer) for answer in answers(message, refusal)] == [(code, "C1") for code in codes]


def test_enhanced_mode_answers_ca_then_aa_on_the_wire(sandbox):
    with sandbox.wire() as wire:
        assert msa(wire.ask(oru(GOOD, msh15="AL", msh16="AL"))) == ("CA", "C1")
        assert msa(wire.answer()) == ("AA", "C1")
    assert len(sandbox.filings()) == 1
