"""The whole way against the simulated eCW, a process of its own: sent by HL7, read back by the Open API, compared."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery.channels.base import NoAnswer, OutgoingNote, Receipt, Refused, Unavailable
from delivery.channels.compare import ReadBack, compare
from delivery.channels.registry import channel_for, reader_for
from mapping.note import Contribution, FieldValue
from tests.channels.notes import CONTROL_ID, NASTY, OTHER_ID, WILD, note
from tests.sandbox.desk import Process

pytestmark = [pytest.mark.process, pytest.mark.alike]

FIELDS = [("NF-01", "Chief Complaint", 1), ("NF-02", "HPI", 2), ("NF-04", "Examination", 4), ("NF-06", "Plan", 6)]
TEXTS = [
    "Cough for nine days.",
    "Dry cough.\n• worse at night",
    "Lungs clear | SpO2 98 %",
    "1) Fluids & rest\n2) Return",
]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    process = Process(tmp_path_factory.mktemp("sandbox"))
    yield process
    assert process.stop() == 0


@pytest.fixture
def sandbox(running):
    running.api("POST", "/reset")
    return running.clinics()


def here(host: str, port: int) -> tuple[str, int]:
    return host, port


def outgoing(texts=TEXTS, **changes) -> OutgoingNote:
    values = tuple(
        FieldValue(field_id, label, place, text, (Contribution(place, field_id.lower(), label, text),))
        for (field_id, label, place), text in zip(FIELDS, texts, strict=False)
    )
    return note(values=values, **changes)


class Clinic:
    """A location's two connections, opened to the sandbox."""

    def __init__(self, sandbox: Process, **changes) -> None:
        hl7 = {"host": "127.0.0.1", "port": sandbox.mllp, "receiving_facility": "NORTH", "ack_seconds": 0.5, **changes}
        api = {"base_url": f"http://127.0.0.1:{sandbox.http}", "practice_code": "LAKESI", "facility": "NORTH"}
        self.channel = channel_for("hl7", hl7, {}, "sandbox", here)
        self.reader = reader_for("openapi", api, {"token": "sandbox-token"}, "sandbox", here)

    def __enter__(self) -> "Clinic":
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()
        self.reader.close()

    def send(self, made: OutgoingNote) -> Receipt:
        return self.channel.send(self.channel.render(made), made.control_id)

    def look(self, made: OutgoingNote) -> ReadBack:
        return compare(made.values, self.reader.read(made.visit), made.control_id)


def strike(sandbox: Process, kind: str, **how) -> None:
    sandbox.api("PUT", "/faults", {"seed": 0, "faults": [{"kind": kind, **how}]})


def outcomes(back: ReadBack) -> dict[str, str]:
    return {section.field_id: section.outcome for section in back.sections}


@pytest.mark.parametrize("version", ["2.3", "2.3.1", "2.4", "2.5", "2.5.1"])
@pytest.mark.parametrize("ack_mode, code", [("original", "AA"), ("enhanced", "AA")])
def test_a_note_is_accepted_and_verified(sandbox, version, ack_mode, code):
    with Clinic(sandbox, version=version, ack_mode=ack_mode) as clinic:
        assert clinic.look(outgoing()).found is False
        assert clinic.send(outgoing()).code == code
        assert clinic.look(outgoing()).verified


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(WILD.filter(lambda text: len(text) < 400), min_size=1, max_size=4), st.integers(0, 32**8))
def test_every_wild_text_comes_back_as_it_was_sent(running, texts, number):
    running.clinics()
    control_id = f"W{number:019}"
    made = outgoing(texts, control_id=control_id)
    made = replace(made, visit=replace(made.visit, encounter_id=f"E-{number}"))
    with Clinic(running) as clinic:
        running.api("POST", "/reset", {"keep_templates": True})
        clinic.send(made)
        assert clinic.look(made).verified


def test_every_nasty_text_comes_back_as_it_was_sent(sandbox):
    with Clinic(sandbox) as clinic:
        for number, text in enumerate(NASTY):
            made = outgoing(["Nasty", text], control_id=f"{number:020}", note_id=f"n{number}")
            clinic.send(made)
            assert clinic.look(made).verified, text


def test_a_correction_takes_the_first_versions_place_and_both_are_proven(sandbox):
    first = outgoing()
    second = outgoing(["Cough for ten days.", TEXTS[1]], control_id=OTHER_ID, correction=True, version=2)
    with Clinic(sandbox) as clinic:
        clinic.send(first)
        assert clinic.look(first).verified
        clinic.send(second)
        assert clinic.look(second).verified
        assert clinic.look(first).verified


def test_A19_a_silent_drop_is_missing(sandbox):
    strike(sandbox, "silent_drop", field_id="NF-02")
    with Clinic(sandbox) as clinic:
        assert clinic.send(outgoing()).code == "AA"
        back = clinic.look(outgoing())
        assert not back.verified
        assert outcomes(back) == {"NF-01": "verified", "NF-02": "missing", "NF-04": "verified", "NF-06": "verified"}


@pytest.mark.parametrize("to, found_in, beside", [("NF-03", "NF-03", "verified"), ("NF-04", "NF-04", "altered")])
def test_A20_a_moved_section_is_found_where_it_went(sandbox, to, found_in, beside):
    strike(sandbox, "move_field", **{"from": "NF-02", "to": to})
    with Clinic(sandbox) as clinic:
        clinic.send(outgoing())
        back = clinic.look(outgoing())
        assert outcomes(back) == {"NF-01": "verified", "NF-02": "moved", "NF-04": beside, "NF-06": "verified"}
        assert back.sections[1].found_in == found_in


def test_A21_a_truncated_section_is_altered(sandbox):
    strike(sandbox, "truncate", field_id="NF-04", length=7)
    with Clinic(sandbox) as clinic:
        clinic.send(outgoing())
        back = clinic.look(outgoing())
        assert outcomes(back) == {"NF-01": "verified", "NF-02": "verified", "NF-04": "altered", "NF-06": "verified"}
        assert back.sections[2].in_chart == "Lungs c"


def test_A21_a_field_over_the_templates_limit_is_altered(sandbox):
    with Clinic(sandbox) as clinic:
        made = outgoing(["long " * 200, "HPI"])
        clinic.send(made)
        assert outcomes(clinic.look(made)) == {"NF-01": "altered", "NF-02": "verified"}


def test_a_filing_that_stands_twice_is_duplicated(sandbox):
    strike(sandbox, "duplicate_filing")
    with Clinic(sandbox) as clinic:
        clinic.send(outgoing())
        assert set(outcomes(clinic.look(outgoing())).values()) == {"duplicated"}


def test_A17_a_template_reordered_at_ecw_behind_our_back_is_seen(sandbox):
    sandbox.api("POST", "/facilities/NORTH/templates/FM-PROGRESS/swap", {"fields": ["NF-01", "NF-04"]})
    with Clinic(sandbox) as clinic:
        assert clinic.send(outgoing()).code == "AA"
        back = clinic.look(outgoing())
        assert back.found
        assert not back.verified
        assert "missing" in outcomes(back).values()


FILED_WITHOUT_ANSWER = {
    "drop_ack": ({}, "no_answer"),
    "delay_ack": ({"seconds": 1.5}, "no_answer"),
    "cut_after_file": ({}, "cut_after_send"),
    "partial_ack": ({}, "no_answer"),
    "slow_ack": ({"seconds": 0.2}, "no_answer"),
    "endless_ack": ({}, "answer_too_long"),
}


@pytest.mark.parametrize("kind", FILED_WITHOUT_ANSWER)
def test_what_was_filed_without_a_clean_answer_is_no_answer_and_found_by_looking(sandbox, kind):
    how, reason = FILED_WITHOUT_ANSWER[kind]
    strike(sandbox, kind, count=1, **how)
    after = outgoing(control_id=OTHER_ID, note_id="next")
    with Clinic(sandbox) as clinic:
        with pytest.raises(NoAnswer) as caught:
            clinic.send(outgoing())
        assert caught.value.reason_code == reason
        assert clinic.look(outgoing()).verified
        assert clinic.send(after).code == "AA"  # on a socket of its own
        assert clinic.look(after).verified


@pytest.mark.parametrize("kind", ["no_file_no_ack", "cut_before_file"])
def test_what_was_neither_filed_nor_answered_is_no_answer_and_not_found(sandbox, kind):
    strike(sandbox, kind, count=1)
    with Clinic(sandbox) as clinic:
        with pytest.raises(NoAnswer):
            clinic.send(outgoing())
        assert clinic.look(outgoing()).found is False


def test_N09_an_answer_with_the_id_of_the_message_before_is_no_answer(sandbox):
    with Clinic(sandbox) as clinic:
        clinic.send(outgoing())
        strike(sandbox, "wrong_id_ack", count=1)
        after = outgoing(control_id=OTHER_ID, note_id="next")
        with pytest.raises(NoAnswer, match="wrong_control_id"):
            clinic.send(after)
        assert clinic.look(after).verified


def test_N10_double_answers_do_not_shift_the_answers_of_a_batch(sandbox):
    strike(sandbox, "double_ack")
    with Clinic(sandbox) as clinic:
        for number in range(10):
            made = outgoing(control_id=f"{number:020}", note_id=f"n{number}")
            assert clinic.send(made).code == "AA"
            assert clinic.look(made).verified


@pytest.mark.parametrize("form", ["lower_case", "line_feeds", "bom"])
def test_N14_answers_off_the_standard_are_understood(sandbox, form):
    strike(sandbox, "garbage_ack", form=form)
    with Clinic(sandbox) as clinic:
        assert clinic.send(outgoing()).code == "AA"


@pytest.mark.parametrize("form", ["noise", "no_msa", "empty_id"])
def test_N11_answers_that_say_nothing_are_no_answer(sandbox, form):
    strike(sandbox, "garbage_ack", form=form)
    with Clinic(sandbox) as clinic, pytest.raises(NoAnswer):
        clinic.send(outgoing())


@pytest.mark.parametrize("kind", ["ae", "ar"])
def test_N11_a_refusal_is_final_and_nothing_was_filed(sandbox, kind):
    strike(sandbox, kind, text="Lena Okafor is unknown")
    with Clinic(sandbox) as clinic:
        with pytest.raises(Refused) as caught:
            clinic.send(outgoing())
        assert caught.value.reason_code == kind
        assert b"Okafor" in caught.value.answer
        assert "Okafor" not in str(caught.value)
        assert clinic.look(outgoing()).found is False


def test_A24_another_patients_encounter_is_refused(sandbox):
    made = outgoing()
    other = replace(made.visit, patient=replace(made.visit.patient, id="P2002"))
    with Clinic(sandbox) as clinic:
        clinic.send(made)
        with pytest.raises(Refused, match="ae"):
            clinic.send(outgoing(control_id=OTHER_ID, visit=other))
        with pytest.raises(Unavailable, match="read_unreadable"):
            clinic.reader.read(other)


def test_A25_a_signed_encounter_is_refused(sandbox):
    with Clinic(sandbox) as clinic:
        sandbox.api("PUT", "/facilities/NORTH/encounters/E5001", {"signed": True})
        with pytest.raises(Refused, match="ae"):
            clinic.send(outgoing())


def test_N12_without_an_application_answer_the_commit_answer_stands(sandbox):
    strike(sandbox, "drop_application_ack")
    with Clinic(sandbox, ack_mode="enhanced") as clinic:
        assert clinic.send(outgoing()).code == "CA"
        assert clinic.look(outgoing()).verified


READS = {
    "read_http_500": ({"status": 503}, "read_unavailable"),
    "read_unauthorized": ({}, "read_unauthorized"),
    "read_rate_limit": ({"per_minute": 0}, "rate_limited"),
}


@pytest.mark.parametrize("kind", READS)
def test_a_read_that_fails_never_says_not_there(sandbox, kind):
    how, reason = READS[kind]
    with Clinic(sandbox) as clinic:
        clinic.send(outgoing())
        strike(sandbox, kind, **how)
        with pytest.raises(Unavailable) as caught:
            clinic.look(outgoing())
        assert caught.value.reason_code == reason


@pytest.mark.parametrize("change", [{"practice_code": "lower"}, {"facility": "NOWHERE"}, {"token": "wrong"}])
def test_a_reader_set_up_wrongly_never_says_not_there(sandbox, change):
    api = {"base_url": f"http://127.0.0.1:{sandbox.http}", "practice_code": "LAKESI", "facility": "NORTH", **change}
    made = reader_for("openapi", api, {"token": "sandbox-token", **change}, "sandbox", here)
    with pytest.raises(Unavailable) as caught:
        made.read(outgoing().visit)
    assert caught.value.reason_code == ("read_unauthorized" if "token" in change else "read_not_found")
    made.close()


def test_five_hundred_notes_go_through_one_socket(sandbox):
    with Clinic(sandbox, ack_seconds=5) as clinic:
        for number in range(500):
            made = outgoing(control_id=f"B{number:019}", note_id=f"b{number}")
            made = replace(made, visit=replace(made.visit, encounter_id=f"B{number}"))
            clinic.send(made)
    assert sandbox.api("GET", "/health")["filings"] == 500
    assert CONTROL_ID not in {row["control_id"] for row in sandbox.filings(limit=1000)}
