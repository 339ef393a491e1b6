"""The simulated Open API's writing: what it files, what it refuses, and what its faults make of a note."""

import json

import aiohttp
import pytest

from tests.sandbox.office import Office

ADDRESS = "/openapi/v1/LAKESI/progress-notes"
RIGHTS = {"Authorization": "Bearer sandbox-token", "Content-Type": "application/json"}
FIELDS = [{"field_id": "NF-01", "text": "Cough"}, {"field_id": "NF-02", "text": "Dry cough.\nNo fever."}]
NOTE = {
    "control_id": "M1",
    "note_id": "N1",
    "version": 1,
    "correction": False,
    "facility": "NORTH",
    "encounter_id": "E1",
    "patient_id": "P1",
    "template": "FM-PROGRESS",
    "fields": FIELDS,
}


def post(office, headers=RIGHTS, address=ADDRESS, **changes):
    return office.call("POST", address, {**NOTE, **changes}, headers)


def chart(office):
    return office.store.filings("NORTH", "E1")


def read(office):
    address = "/openapi/v1/LAKESI/encounters/E1/progress-note?facility=NORTH"
    return office.call("GET", address, None, {"Authorization": "Bearer sandbox-token"}).json


def strike(office, kind, **how):
    office.api("PUT", "/faults", {"seed": 0, "faults": [{"kind": kind, **how}]})


class TestANoteInOrder:
    def test_is_answered_201_with_its_control_id(self, office):
        made = post(office)
        assert (made.status, made.json) == (201, {"control_id": "M1", "status": "filed"})

    def test_stands_in_the_chart_field_by_field(self, office):
        post(office)
        (filing,) = chart(office)
        assert filing.fields == {"NF-01": "Cough", "NF-02": "Dry cough.\nNo fever."}
        assert (filing.control_id, filing.note_id, filing.patient, filing.template) == ("M1", "N1", "P1", "FM-PROGRESS")

    def test_is_read_back_over_the_same_interface(self, office):
        post(office)
        answered = read(office)
        assert answered["fields"] == {"NF-01": "Cough", "NF-02": "Dry cough.\nNo fever."}
        assert [filing["control_id"] for filing in answered["filings"]] == ["M1"]

    def test_that_corrects_another_takes_its_place(self, office):
        post(office)
        post(office, control_id="M2", version=2, correction=True, fields=[{"field_id": "NF-01", "text": "Cold"}])
        assert read(office)["fields"] == {"NF-01": "Cold"}

    def test_posted_twice_is_filed_twice_by_a_server_that_does_not_look(self, office):
        assert [post(office).status for _ in range(2)] == [201, 201]
        assert len(chart(office)) == 2

    def test_posted_twice_is_filed_once_by_a_server_that_knows_control_ids(self, tmp_path):
        office = Office(tmp_path / "dedupe", dedupe=True)
        try:
            first, second = post(office), post(office)
            assert (first.status, second.status) == (201, 200)
            assert second.json == {"control_id": "M1", "status": "already_filed"}
            assert len(chart(office)) == 1
        finally:
            office.close()

    def test_whose_fields_break_the_templates_order_loses_one_behind_a_positive_answer(self, office):
        assert post(office, fields=[FIELDS[1], FIELDS[0]]).status == 201
        assert chart(office)[0].fields == {"NF-02": "Dry cough.\nNo fever."}


class TestRefused:
    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}])
    def test_without_the_right_token(self, office, headers):
        assert post(office, headers={**headers, "Content-Type": "application/json"}).status == 401
        assert chart(office) == []

    def test_for_a_practice_that_is_not_here(self, office):
        assert post(office, address="/openapi/v1/lower/progress-notes").status == 404

    @pytest.mark.parametrize(
        "changes, status, code, words",
        [
            ({"facility": "NOWHERE"}, 404, "", "There is no such facility."),
            ({"template": "OTHER"}, 422, "", "The facility has no such template."),
            ({"control_id": ""}, 422, "", "control_id is missing or no text."),
            ({"encounter_id": 7}, 422, "", "encounter_id is missing or no text."),
            ({"patient_id": None}, 422, "", "patient_id is missing or no text."),
            ({"fields": []}, 422, "", "fields is missing or empty."),
            ({"fields": "NF-01"}, 422, "", "fields is missing or empty."),
            ({"fields": [{"field_id": "NF-01"}]}, 422, "", "Each of fields needs a field_id and a text."),
            ({"fields": ["NF-01"]}, 422, "", "Each of fields needs a field_id and a text."),
            ({"fields": [{"field_id": "NF-99", "text": "x"}]}, 422, "302", "The template has no field NF-99."),
        ],
    )
    def test_what_does_not_fit_and_nothing_is_filed(self, office, changes, status, code, words):
        made = post(office, **changes)
        assert (made.status, made.json) == (status, {"error": words, "code": code})
        assert office.store.count() == 0

    def test_another_patients_encounter(self, office):
        post(office)
        made = post(office, control_id="M2", patient_id="P2")
        assert (made.status, made.json["code"]) == (422, "303")
        assert len(chart(office)) == 1

    def test_a_locked_encounter(self, office):
        office.store.sign("NORTH", "E1", signed=True)
        made = post(office)
        assert (made.status, made.json["code"]) == (409, "139")
        assert chart(office) == []

    @pytest.mark.parametrize("body", [b"{", b"[1]", b"\xff"])
    def test_what_is_no_json_object(self, office, body):
        made = office.call("POST", ADDRESS, body, RIGHTS)
        assert made.status == 400
        assert office.store.count() == 0

    @pytest.mark.parametrize("name", ["control_id", "note_id", "patient_id", "encounter_id"])
    def test_half_a_character_which_json_can_spell_and_no_text_can_hold(self, office, name):
        made = post(office, **{name: "\ud800"})
        assert (made.status, made.json) == (400, {"error": "The body holds half a character.", "code": ""})
        assert post(office).status == 201

    def test_half_a_character_within_a_text(self, office):
        assert post(office, fields=[{"field_id": "NF-01", "text": "a\udfffb"}]).status == 400
        assert chart(office) == []

    def test_but_not_a_whole_character_of_two_halves(self, office):
        body = json.dumps({**NOTE, "fields": [{"field_id": "NF-01", "text": "well 🙂"}]}).encode()
        assert b"\\ud83d\\ude42" in body
        assert office.call("POST", ADDRESS, body, RIGHTS).status == 201
        assert chart(office)[0].fields == {"NF-01": "well 🙂"}


class TestAFault:
    @pytest.mark.parametrize(
        "kind, how, status",
        [
            ("fhir_status", {"status": 503}, 503),
            ("fhir_code", {"code": "2027"}, 422),
            ("fhir_unauthorized", {}, 401),
            ("fhir_login_page", {}, 200),
        ],
    )
    def test_that_files_nothing_answers_as_it_says(self, office, kind, how, status):
        strike(office, kind, **how)
        assert post(office).status == status
        assert chart(office) == []

    def test_that_files_and_answers_with_an_error_leaves_the_note_in_the_chart(self, office):
        strike(office, "fhir_error_filed", status=500)
        assert post(office).status == 500
        assert len(chart(office)) == 1

    @pytest.mark.parametrize("kind, filings", [("fhir_no_answer", 0), ("fhir_cut_filed", 1)])
    def test_that_closes_the_connection_says_nothing_either_way(self, office, kind, filings):
        strike(office, kind)
        with pytest.raises(aiohttp.ClientError):
            post(office)
        assert len(chart(office)) == filings

    def test_of_filing_strikes_behind_a_positive_answer(self, office):
        strike(office, "silent_drop", field_id="NF-02")
        assert post(office).status == 201
        assert chart(office)[0].fields == {"NF-01": "Cough"}

    def test_that_files_twice_is_seen_in_the_chart(self, office):
        strike(office, "duplicate_filing")
        assert post(office).status == 201
        assert len(chart(office)) == 2
