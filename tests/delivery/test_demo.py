"""The demonstration's parts: notes completed with what they lack, two clinics set up like real ones, an honest tally."""

import json
import re
import socket
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug import Response

from audit.models import AuditEvent
from delivery.api import wrong_content
from delivery.demo import run, world
from delivery.demo.clinics import CLINICS, EXCHANGED
from delivery.demo.notes import complete, notes_from, own_notes, patient
from delivery.demo.run import DemoFailed, Tally, free_port, misfiled_lines, report, tally, unmapped_sections, wait_for
from delivery.demo.world import Ports
from delivery.models import ConnectionState
from delivery.states import State
from mapping.models import MappingVersion, Template
from mapping.queries import published_spec
from mapping.sections import CODES
from portal import keys
from portal.models import Location, Practice, Route, User
from tests.delivery.rows import make_delivery

REAL = {"id": "row-7", "sections": [{"title": "HPI", "text": "Cough."}]}  # as a file has it: no ids, no location


class TestItsNotes:
    def test_that_ship_with_the_product_are_right_and_synthetic(self):
        notes = own_notes()
        assert len(notes) >= 4
        for note in notes:
            assert wrong_content(note) == [], note["source_note_id"]

    def test_fill_both_clinics(self):
        assert {note["location"] for note in own_notes()} == {clinic.code for clinic in CLINICS}

    def test_have_ids_of_their_own_each(self):
        notes = own_notes()
        for place in ("source_note_id", "encounter"):
            assert len({json.dumps(note[place]) for note in notes}) == len(notes)

    def test_that_lack_everything_are_given_what_a_note_needs(self):
        note = complete(REAL, 3)
        assert wrong_content(note) == []
        assert (note["source_note_id"], note["location"]) == ("row-7", CLINICS[1].code)
        assert note["sections"] == REAL["sections"], "nothing of the note itself is invented"

    def test_that_name_no_id_get_one_by_their_place(self):
        assert complete({"sections": []}, 12)["source_note_id"] == "demo-0012"

    @given(st.integers(0, 10_000))
    def test_start_in_the_past_with_an_offset(self, place):
        start = datetime.fromisoformat(complete(REAL, place)["encounter"]["start"])
        assert start.utcoffset() is not None
        assert start < datetime.now(start.tzinfo)

    @pytest.mark.parametrize(
        "given_patient, family, sex, born",
        [
            ({}, "Demo", "U", "1970-01-01"),
            (
                {"patient_familyname": "Okafor", "patient_gender": "Female", "patient_age": "45"},
                "Okafor",
                "F",
                "1981-01-01",
            ),
            ({"patient_gender": "male", "patient_age": ""}, "Demo", "M", "1970-01-01"),
            ({"patient_gender": "", "patient_age": "unknown"}, "Demo", "U", "1970-01-01"),
            ({"family": "Lee", "birth_date": "2001-02-03", "sex": "O"}, "Lee", "O", "2001-02-03"),
        ],
    )
    def test_keep_the_patients_name_and_age_and_invent_the_id(self, given_patient, family, sex, born):
        made = patient(given_patient, 9)
        assert (made["id"], made["family"], made["sex"], made["birth_date"]) == ("P10009", family, sex, born)
        assert date.fromisoformat(made["birth_date"])


class TestAFileOfNotes:
    def read(self, tmp_path, *lines: str):
        path = tmp_path / "notes.jsonl"
        path.write_text("\n".join(lines), encoding="utf-8")
        return notes_from(path)

    def test_has_one_note_a_line_and_empty_lines_are_none(self, tmp_path):
        line = json.dumps({"id": "a", "sections": [{"header": "PLAN", "text": "Rest."}]})
        notes = self.read(tmp_path, line, "", "  ", line.replace('"a"', '"b"'))
        assert [note["source_note_id"] for note in notes] == ["a", "b"]
        assert notes[0]["sections"] == [{"title": "PLAN", "text": "Rest."}]

    def test_may_have_sections_without_a_heading_or_a_text(self, tmp_path):
        [note] = self.read(tmp_path, json.dumps({"id": "a", "sections": [{}, {"title": None, "text": None}]}))
        assert note["sections"] == [{"title": "", "text": ""}] * 2

    @pytest.mark.parametrize("line", ["{", "7", "[]", "{}", '{"sections": 7}', '{"sections": [7]}'])
    def test_that_cannot_be_read_names_the_line(self, tmp_path, line):
        good = json.dumps({"id": "a", "sections": []})
        with pytest.raises((ValueError, AttributeError), match=r"notes\.jsonl, line 2|attribute"):
            self.read(tmp_path, good, line)


class TestItsClinics:
    @pytest.mark.parametrize("clinic", CLINICS, ids=lambda clinic: clinic.code)
    def test_have_a_template_whose_fields_are_named_once_and_mapped_from_known_sections(self, clinic):
        field_ids = [line.field_id for line in clinic.lines]
        assert len(set(field_ids)) == len(field_ids)
        assert clinic.catch_all in field_ids
        assert {code for line in clinic.lines for code in line.sections} <= set(CODES)

    def test_differ_in_field_ids_and_in_order(self):
        north, south = CLINICS
        assert not {line.field_id for line in north.lines} & {line.field_id for line in south.lines}
        ours = [code for line in north.lines for code in line.sections]
        theirs = [code for line in south.lines for code in line.sections if code in ours]
        assert [code for code in ours if code in theirs] != theirs

    @pytest.mark.parametrize("code, pair", EXCHANGED.items())
    def test_have_two_fields_that_the_fault_exchanges(self, code, pair):
        clinic = next(clinic for clinic in CLINICS if clinic.code == code)
        assert set(pair) <= {line.field_id for line in clinic.lines}

    def test_speak_of_time_zones_that_exist(self):
        assert len({ZoneInfo(clinic.time_zone).key for clinic in CLINICS}) == 2


@pytest.mark.django_db(transaction=True)
class TestItsWorld:
    """Set up against a real simulated eCW, as the command does."""

    @pytest.fixture
    def ports(self, sandbox_process) -> Ports:
        sandbox_process.api("POST", "/reset")
        sandbox_process.api("PUT", "/faults", {"faults": []})
        ports = Ports(sandbox_process.mllp, sandbox_process.http)
        world.teach_sandbox(ports)
        return ports

    def test_is_ready_to_send_and_can_be_set_up_again(self, ports):
        secret, password = world.set_up(ports)
        again, other_password = world.set_up(ports)
        assert Practice.objects.count() == 1
        assert Location.objects.count() == Route.objects.count() == Template.objects.count() == len(CLINICS)
        assert MappingVersion.objects.filter(state="published").count() == len(CLINICS)
        assert keys.authenticate(secret).scribe == keys.authenticate(again).scribe
        assert password != other_password
        assert User.objects.get(username="director").check_password(other_password)

    def test_has_connections_whose_receiver_was_probed_and_not_assumed(self, ports):
        world.set_up(ports)
        assert ConnectionState.objects.exclude(profile="").count() == len(CLINICS)
        assert AuditEvent.objects.filter(event="connection.probe").count() == len(CLINICS)

    def test_maps_every_section_that_a_clinic_has_a_field_for(self, ports):
        world.set_up(ports)
        for clinic in CLINICS:
            spec = published_spec(Template.objects.get(code=clinic.template))
            assert {(rule.section_code, rule.field_id) for rule in spec.rules} == {
                (code, line.field_id) for line in clinic.lines for code in line.sections
            }
            assert spec.catch_all_field_id == clinic.catch_all

    def test_lets_ecw_exchange_two_fields_behind_everybodys_back(self, ports, sandbox_process):
        clinic = CLINICS[0]
        before = [line.field_id for line in clinic.lines]
        world.exchange_fields(ports, clinic.code, EXCHANGED[clinic.code])
        path = f"/facilities/{clinic.code}/templates/{clinic.template}"
        now = [field["field_id"] for field in sandbox_process.api("GET", path)["fields"]]
        one, other = (before.index(field_id) for field_id in EXCHANGED[clinic.code])
        before[one], before[other] = before[other], before[one]
        assert now == before


@pytest.mark.django_db
class TestItsTally:
    def test_counts_each_note_by_the_state_of_its_sections(self, cast):
        made = [make_delivery(cast, state) for state in (State.VERIFIED, State.VERIFIED, State.HELD)]
        other = make_delivery(cast, State.MISFILED)
        counted = tally([str(delivery.note_id) for delivery in made])
        assert counted.by_state == {"verified": 2, "held": 1}
        assert str(other.note_id) not in {str(delivery.note_id) for delivery in made}

    @pytest.mark.parametrize("state", list(State))
    def test_is_settled_when_nothing_more_happens_by_itself(self, state):
        moving = {State.READY, State.SENDING, State.ACCEPTED, State.UNKNOWN, State.SUPERSEDED}
        assert Tally({state.value: 1, "verified": 5}).settled == (state not in moving)

    def test_reports_every_count_that_was_promised_and_zero_where_there_is_none(self, cast):
        made = make_delivery(cast, State.VERIFIED)
        said = report([str(made.note_id)], tally([str(made.note_id)]), 1.23456)
        assert {"received", "verified", "held", "misfiled", "rejected", "unknown", "parked"} <= set(said)
        assert {"unmapped_sections", "audit_events", "seconds"} <= set(said)
        assert (said["received"], said["verified"], said["held"], said["seconds"]) == (1, 1, 0, 1.23)
        assert json.loads(json.dumps(said)) == said

    def test_counts_sections_without_a_field_wherever_they_went(self, cast):
        def problem(code):
            return {"code": code, "message": "x", "pointer": "/sections/0", "section_code": ""}

        held = make_delivery(cast, State.HELD, problems=[problem("unmapped_section"), problem("text_too_long")])
        caught = make_delivery(cast, State.VERIFIED, problems=[problem("caught_section")] * 2)
        assert unmapped_sections([str(held.note_id), str(caught.note_id)]) == 3

    def test_names_each_misfiled_note_with_the_sections_at_fault(self, cast):
        wrong = make_delivery(cast, State.MISFILED, outcomes=["verified", "missing", "moved"])
        right = make_delivery(cast, State.VERIFIED)
        [line] = misfiled_lines([str(wrong.note_id), str(right.note_id)])
        assert line == f"  {wrong.note.source_note_id}: history_of_present_illness missing, physical_exam moved"


class TestItsPosting:
    @pytest.mark.django_db
    def test_names_a_refused_note_with_the_places_and_does_not_count_it(self, httpserver):
        refusal = {"problems": [{"pointer": "/patient/id", "message": "Is blank."}, {"pointer": "", "message": "x"}]}
        answers = [
            Response(json.dumps({"id": "n1"}), status=201, content_type="application/json"),
            Response(json.dumps(refusal), status=422, content_type="application/json"),
        ]
        for answer in answers:
            httpserver.expect_ordered_request("/api/v1/notes", method="POST").respond_with_response(answer)
        said: list[str] = []
        notes = [complete(REAL, 0), complete({**REAL, "id": "row-8"}, 1)]
        ids = run.post_notes(httpserver.url_for("").rstrip("/"), "secret", notes, said.append)
        assert ids == ["n1"]
        assert said == ["  refused with 422: row-8 (/patient/id, the note)"]
        asked = [request for request, _ in httpserver.log]
        assert {request.headers["Authorization"] for request in asked} == {"Bearer secret"}
        assert len({request.headers["Idempotency-Key"] for request in asked}) == 2


class TestItsProcesses:
    def test_wait_for_what_comes_up_and_say_what_does_not(self):
        looks = iter(["", "", "there"])
        assert wait_for(lambda: next(looks), "the portal") == "there"
        with pytest.raises(DemoFailed, match=re.escape("The portal did not come up within 0 seconds; see ")):
            wait_for(lambda: None, "The portal", seconds=0.1)

    def test_take_the_wanted_port_or_any_that_is_free(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            wanted = taken.getsockname()[1]
            assert free_port(wanted) not in (0, wanted)
        assert free_port(wanted) == wanted

    def test_listen_where_they_did_before_when_started_again(self):
        script = ["python", "-m", "sandbox", "--mllp-port", "0", "--http-port", "0", "--data", "x"]
        again = run.with_ports(script, {"mllp": 2575, "http": 8080})
        assert again == ["python", "-m", "sandbox", "--mllp-port", "2575", "--http-port", "8080", "--data", "x"]
        assert script[4] == "0", "the first command is left as it was"

    @pytest.mark.parametrize("status, up", [(200, True), (302, True), (500, False)])
    def test_are_up_when_they_answer(self, httpserver, status, up):
        httpserver.expect_request("/api/v1/schema").respond_with_data("", status=status)
        assert run.portal_answers(httpserver.url_for("").rstrip("/")) is up

    def test_are_not_up_when_nobody_answers(self):
        assert not run.portal_answers("http://127.0.0.1:9")


@pytest.mark.parametrize("odd", ['{"id": "b", "sections": "x"}', '{"id": "b", "sections": [1]}', "[1]", '"x"', "7"])
def test_a_line_of_another_shape_is_named_and_not_tripped_over(tmp_path, odd):
    path = tmp_path / "notes.jsonl"
    path.write_text(json.dumps(REAL) + "\n" + odd + "\n")
    with pytest.raises(ValueError, match=r"notes\.jsonl, line 2"):
        notes_from(path)


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "notes.jsonl holds no note."),
        (b"\n \n", "notes.jsonl holds no note."),
        (b'\n{"id": "Okafor"', "notes.jsonl, line 2 is no JSON: Expecting ',' delimiter at 16."),
        (b'{"id": "a", "text": "Okafor"}', 'notes.jsonl, line 1: a note is an object with "sections", a list of'),
        (b"\xff\xfe", "notes.jsonl, line 1 is no UTF-8 text."),
    ],
)
def test_a_file_that_holds_no_notes_is_refused_in_words_without_its_content(tmp_path, content, words):
    path = tmp_path / "notes.jsonl"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{re.escape(words)}") as caught:
        notes_from(path)
    assert "Okafor" not in str(caught.value)


def test_a_patient_of_another_shape_is_named_with_its_line(tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_text(json.dumps({**REAL, "patient": [1]}) + "\n")
    with pytest.raises(ValueError, match=r"notes\.jsonl, line 1"):
        notes_from(path)


@pytest.mark.django_db(transaction=True)
def test_half_a_character_is_refused_by_the_portal_with_its_place_and_the_others_go_on(live_server, cast, tmp_path):
    Location.objects.filter(pk=cast.north.pk).update(code=CLINICS[0].code)
    Location.objects.filter(pk=cast.south.pk).update(code=CLINICS[1].code)
    _, secret = keys.create(cast.scribe, "sandbox")
    path = tmp_path / "notes.jsonl"
    broken = {"id": "odd-\ud800", "sections": [{"title": "HPI", "text": "a\ud800b"}]}
    path.write_text("".join(json.dumps(each) + "\n" for each in (broken, REAL)))
    said: list[str] = []
    ids = run.post_notes(live_server.url, secret, notes_from(path), said.append)
    assert len(ids) == 1
    (line,) = said
    assert line.startswith("  refused with 422: odd-\\ud800 (")
    assert "/sections/0/text" in line
