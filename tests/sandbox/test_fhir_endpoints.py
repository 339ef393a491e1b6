"""The FHIR face as eCW's is described: its own codes behind HTTP 200, scopes, searches, documents, Binary."""

import base64
import json

import aiohttp
import pytest

from tests.sandbox.office import FHIR, TOKEN, bundle, hl7, reference

JSON = {"Content-Type": "application/fhir+json"}


@pytest.fixture
def rights(office):
    return office.registered()


def post(office, rights, resource=None, practice=FHIR):
    return office.call("POST", practice, bundle(resource), {**JSON, **rights})


def code_of(made) -> str:
    """eCW's own code, which stands where FHIR has an HTTP status."""
    assert made.status == 200, made.text
    return made.json["entry"][0]["response"]["status"]


def words_of(made) -> str:
    return made.json["entry"][0]["response"]["outcome"]["issue"][0]["diagnostics"]


class TestPostingANote:
    def test_answers_ecws_own_1_and_where_the_note_is(self, office, rights):
        made = post(office, rights)
        assert made.status == 200
        assert made.headers["Content-Type"].startswith("application/fhir+json")
        assert made.json == {
            "resourceType": "Bundle",
            "type": "transaction-response",
            "entry": [{"response": {"status": "1", "location": "DocumentReference/doc.1"}}],
        }

    def test_files_it_in_the_chart_of_the_practices_facility(self, office, rights):
        office.api("PUT", "/practices/LAKESI", {"facility": "NORTH", "template": "FM-PROGRESS"})
        post(office, rights, reference(hl7(("HPI", "Cough."), ("Chief Complaint", "Cough"))))
        (filing,) = office.store.filings("NORTH", "E1")
        assert filing.fields == {"NF-01": "Cough", "NF-02": "Cough."}
        assert (filing.control_id, filing.patient, filing.template) == ("M1", "P1", "FM-PROGRESS")

    def test_twice_files_it_twice(self, office, rights):
        """ecw.md: no idempotency key, no de-duplication. Who resends blindly sees two notes."""
        assert code_of(post(office, rights)) == code_of(post(office, rights)) == "1"
        assert [filing.sequence for filing in office.store.filings("LAKESI", "E1")] == [1, 2]

    def test_of_a_section_the_template_does_not_have_is_302(self, office, rights):
        office.api("PUT", "/practices/LAKESI", {"facility": "NORTH"})
        made = post(office, rights, reference(hl7(("Horoscope", "Fair."))))
        assert code_of(made) == "302"
        assert words_of(made) == "A section's name is not in the content table."
        assert office.store.count() == 0

    def test_for_an_encounter_that_is_signed_is_139(self, office, rights):
        office.api("PUT", "/facilities/LAKESI/encounters/E1", {"signed": True})
        made = post(office, rights)
        assert (code_of(made), words_of(made)) == ("139", "The encounter is locked.")
        assert office.store.count() == 0

    def test_for_an_encounter_opened_again_is_filed(self, office, rights):
        office.api("PUT", "/facilities/LAKESI/encounters/E1", {"signed": True})
        office.api("PUT", "/facilities/LAKESI/encounters/E1", {"signed": False})
        assert code_of(post(office, rights)) == "1"

    def test_for_another_patients_encounter_is_303(self, office, rights):
        post(office, rights)
        made = post(office, rights, reference(patient="P2"))
        assert (code_of(made), words_of(made)) == ("303", "The encounter does not belong to this patient.")
        assert office.store.count() == 1

    def test_for_an_encounter_described_as_anothers_is_303_before_anything_was_filed(self, office, rights):
        office.api("PUT", "/practices/LAKESI/resources/Encounter/E1", {"subject": {"reference": "Patient/P9"}})
        assert code_of(post(office, rights)) == "303"

    def test_for_an_unknown_encounter_of_a_strict_practice_is_304(self, office, rights):
        office.api("PUT", "/practices/LAKESI", {"strict": True})
        made = post(office, rights)
        assert (code_of(made), words_of(made)) == ("304", "The encounter is not found.")

    def test_for_a_described_encounter_of_a_strict_practice_is_filed(self, office, rights):
        office.api("PUT", "/practices/LAKESI", {"strict": True})
        office.api("PUT", "/practices/LAKESI/resources/Encounter/E1", {"subject": {"reference": "Patient/P1"}})
        assert code_of(post(office, rights)) == "1"

    def test_that_is_no_json_is_http_400(self, office, rights):
        made = office.call("POST", FHIR, "{", {**JSON, **rights})
        assert made.status == 400
        assert made.json["issue"] == [
            {"severity": "error", "code": "processing", "diagnostics": "The body is no JSON."}
        ]

    def test_that_nests_without_end_is_http_400(self, office, rights):
        assert office.call("POST", FHIR, "[" * 100_000, {**JSON, **rights}).status == 400

    def test_named_by_half_a_character_is_refused_and_the_next_one_filed(self, office, rights):
        """JSON can spell one half of a surrogate pair; no text of a database can hold it."""
        half = {"identifier": [{"system": "urn:x", "value": "\ud800"}]}
        assert post(office, rights, reference(**half)).status == 400
        assert code_of(post(office, rights)) == "1"
        assert office.store.count() == 1

    def test_to_the_type_instead_of_the_base_is_not_taken(self, office, rights):
        """ecw.md: the transaction goes to the base address itself."""
        assert office.call("POST", FHIR + "/DocumentReference", reference(), {**JSON, **rights}).status == 405

    def test_amended_takes_the_place_of_the_first(self, office, rights):
        named = {"identifier": [{"system": "urn:x", "value": "nt-1"}]}
        post(office, rights, reference(hl7(("HPI", "First.")), **named))
        post(office, rights, reference(hl7(("HPI", "Second.")), docStatus="amended", **named))
        assert office.store.filings("LAKESI", "E1")[1].correction is True


class TestWhoMay:
    def test_nobody_without_a_token(self, office):
        made = office.call("POST", FHIR, bundle(), JSON)
        assert (made.status, made.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert made.json["issue"][0]["diagnostics"] == "The access token is missing, wrong or run out."

    def test_nobody_with_an_invented_token(self, office):
        assert office.call("POST", FHIR, bundle(), {"Authorization": "Bearer invented"}).status == 401

    def test_nobody_with_basic_instead_of_bearer(self, office, rights):
        given = rights["Authorization"].replace("Bearer", "Basic")
        assert office.call("POST", FHIR, bundle(), {"Authorization": given}).status == 401

    def test_nobody_with_another_practices_token(self, office):
        foreign = office.registered(practice="HARBOR")
        assert post(office, foreign).status == 401
        assert post(office, foreign, practice="/fhir/r4/HARBOR").status == 200

    def test_no_writer_whose_scope_only_reads(self, office):
        made = post(office, office.registered(["system/DocumentReference.read"]))
        assert made.status == 403
        assert made.json["issue"][0]["diagnostics"] == "The scope is not sufficient."

    def test_no_reader_whose_scope_only_writes(self, office):
        writer = office.registered(["system/DocumentReference.write"])
        assert office.call("GET", FHIR + "/DocumentReference?encounter=E1", headers=writer).status == 403

    def test_no_reader_of_another_type(self, office):
        reader = office.registered(["system/Encounter.read"])
        assert office.call("GET", FHIR + "/Encounter", headers=reader).status == 200
        assert office.call("GET", FHIR + "/Patient", headers=reader).status == 403

    @pytest.mark.parametrize(
        "scope",
        [
            "system/DocumentReference.write",
            "system/DocumentReference.c",
            "system/DocumentReference.cud",
            "user/DocumentReference.write",
            "user/*.cu",
            "system/*.*",
        ],
    )
    def test_a_writer_in_each_spelling_of_smart_1_and_2(self, office, scope):
        assert code_of(post(office, office.registered([scope]))) == "1"

    @pytest.mark.parametrize("scope", ["patient/DocumentReference.write", "system/Binary.write", "system/*.rs"])
    def test_no_writer_by_a_scope_of_another_kind(self, office, scope):
        assert post(office, office.registered([scope])).status == 403


class TestSearching:
    def test_answers_a_searchset_with_full_addresses(self, office, rights):
        office.api("PUT", "/practices/LAKESI/resources/Patient/P1", {"birthDate": "1981-07-19"})
        made = office.call("GET", FHIR + "/Patient?_id=P1", headers=rights).json
        assert (made["resourceType"], made["type"], made["total"]) == ("Bundle", "searchset", 1)
        assert made["entry"] == [
            {
                "fullUrl": office.address(FHIR + "/Patient/P1"),
                "resource": {"birthDate": "1981-07-19", "resourceType": "Patient", "id": "P1"},
            }
        ]

    def test_by_an_id_with_a_dot_finds_what_reading_by_path_does_not(self, office, rights):
        office.api("PUT", "/practices/LAKESI/resources/Patient/a.b", {})
        assert office.call("GET", FHIR + "/Patient?_id=a.b", headers=rights).json["total"] == 1
        assert office.call("GET", FHIR + "/Patient/a.b", headers=rights).status == 404

    def test_by_another_id_finds_nothing(self, office, rights):
        office.api("PUT", "/practices/LAKESI/resources/Patient/P1", {})
        assert office.call("GET", FHIR + "/Patient?_id=P2", headers=rights).json["entry"] == []

    def test_by_patient_takes_the_reference_with_and_without_its_type(self, office, rights):
        subject = {"subject": {"reference": "Patient/P1"}}
        office.api("PUT", "/practices/LAKESI/resources/Encounter/E1", subject)
        office.api("PUT", "/practices/LAKESI/resources/Encounter/E2", {"subject": {"reference": "Patient/P2"}})
        for wanted in ("P1", "Patient/P1"):
            made = office.call("GET", FHIR + f"/Encounter?patient={wanted}", headers=rights).json
            assert [each["resource"]["id"] for each in made["entry"]] == ["E1"]

    def test_allergies_are_found_by_their_patient_element(self, office, rights):
        """AllergyIntolerance has `patient` where other resources have `subject` (FHIR R4)."""
        office.api("PUT", "/practices/LAKESI/resources/AllergyIntolerance/A1", {"patient": {"reference": "Patient/P1"}})
        assert office.call("GET", FHIR + "/AllergyIntolerance?patient=P1", headers=rights).json["total"] == 1
        assert office.call("GET", FHIR + "/AllergyIntolerance?patient=P2", headers=rights).json["total"] == 0

    def test_by_identifier_wants_system_and_value(self, office, rights):
        office.api(
            "PUT", "/practices/LAKESI/resources/Patient/P1", {"identifier": [{"system": "urn:mrn", "value": "77"}]}
        )
        assert office.call("GET", FHIR + "/Patient?identifier=urn:mrn%7C77", headers=rights).json["total"] == 1
        assert office.call("GET", FHIR + "/Patient?identifier=urn:mrn%7C78", headers=rights).json["total"] == 0

    def test_with_count_is_400(self, office, rights):
        made = office.call("GET", FHIR + "/Encounter?patient=P1&_count=5", headers=rights)
        assert made.status == 400
        assert made.json["issue"][0]["diagnostics"] == "This parameter is not supported."

    def test_encounters_by_status_is_400_and_other_types_do_not_care(self, office, rights):
        assert office.call("GET", FHIR + "/Encounter?status=finished", headers=rights).status == 400
        assert office.call("GET", FHIR + "/Observation?status=final", headers=rights).status == 200

    def test_another_type_is_404(self, office, rights):
        made = office.call("GET", FHIR + "/Claim", headers=rights)
        assert (made.status, made.json["issue"][0]["diagnostics"]) == (404, "There is no such resource.")

    def test_a_practice_sees_nothing_of_another(self, office, rights):
        office.api("PUT", "/practices/HARBOR/resources/Patient/P1", {})
        assert office.call("GET", FHIR + "/Patient", headers=rights).json["total"] == 0


class TestReadingANoteBack:
    def test_by_its_encounter_shows_a_document_reference(self, office, rights):
        post(office, rights)
        made = office.call("GET", FHIR + "/DocumentReference?encounter=E1", headers=rights).json
        found = made["entry"][0]["resource"]
        moment = found.pop("date")
        assert moment.endswith("Z")
        assert found == {
            "resourceType": "DocumentReference",
            "id": "doc.1",
            "status": "current",
            "masterIdentifier": {"system": "urn:scribeport:message", "value": "M1"},
            "type": {"coding": [{"system": "http://loinc.org", "code": "11506-3", "display": "Progress note"}]},
            "subject": {"reference": "Patient/P1"},
            "content": [
                {"attachment": {"contentType": "text/plain", "url": office.address(FHIR + "/Binary/doc.1")}},
            ],
            "context": {"encounter": [{"reference": "Encounter/E1"}]},
        }

    def test_shows_its_text_behind_binary_under_each_fields_label(self, office, rights):
        office.api("PUT", "/practices/LAKESI", {"facility": "NORTH"})
        post(office, rights, reference(hl7(("NF-02", "Cough.\\.br\\No fever."), ("NF-01", "Cough"))))
        made = office.call("GET", FHIR + "/Binary/doc.1", headers=rights).json
        assert (made["resourceType"], made["contentType"]) == ("Binary", "text/plain")
        assert base64.b64decode(made["data"]).decode() == "Chief Complaint:\nCough\n\nHPI:\nCough.\nNo fever."

    def test_shows_a_document_as_it_was_posted(self, office, rights):
        content = b"%PDF-1.4\n\x00\xff\n%%EOF"
        assert code_of(post(office, rights, reference(content, kind="application/pdf"))) == "1"
        made = office.call("GET", FHIR + "/Binary/doc.1", headers=rights).json
        assert made["contentType"] == "application/pdf"
        assert base64.b64decode(made["data"]) == content

    def test_by_another_encounter_finds_nothing(self, office, rights):
        post(office, rights)
        assert office.call("GET", FHIR + "/DocumentReference?encounter=E2", headers=rights).json["total"] == 0

    def test_without_an_encounter_finds_nothing(self, office, rights):
        post(office, rights)
        assert office.call("GET", FHIR + "/DocumentReference", headers=rights).json["total"] == 0

    def test_by_the_id_it_was_given_finds_it(self, office, rights):
        location = post(office, rights).json["entry"][0]["response"]["location"]
        wanted = location.removeprefix("DocumentReference/")
        assert office.call("GET", FHIR + f"/DocumentReference?_id={wanted}", headers=rights).json["total"] == 1

    def test_a_binary_that_was_never_filed_is_404(self, office, rights):
        made = office.call("GET", FHIR + "/Binary/doc.7", headers=rights)
        assert (made.status, made.json["issue"][0]["diagnostics"]) == (404, "There is no such Binary.")

    def test_a_binary_of_another_practice_is_404(self, office, rights):
        post(office, rights)
        foreign = office.registered(practice="HARBOR")
        assert office.call("GET", "/fhir/r4/HARBOR/Binary/doc.1", headers=foreign).status == 404


class TestFaults:
    def test_fhir_status_answers_it_and_files_nothing(self, office, rights):
        office.fault("fhir_status", status=502)
        assert post(office, rights).status == 502
        assert office.store.count() == 0

    def test_fhir_code_answers_http_200_with_the_code(self, office, rights):
        office.fault("fhir_code", code="2027")
        assert code_of(post(office, rights)) == "2027"
        assert office.store.count() == 0

    def test_fhir_error_filed_files_behind_a_server_error(self, office, rights):
        office.fault("fhir_error_filed", status=504)
        assert post(office, rights).status == 504
        assert office.store.count() == 1

    def test_fhir_unauthorized_refuses_a_good_token(self, office, rights):
        office.fault("fhir_unauthorized", count=1)
        assert post(office, rights).status == 401
        assert code_of(post(office, rights)) == "1"

    def test_fhir_login_page_is_html_behind_http_200(self, office, rights):
        office.fault("fhir_login_page")
        made = post(office, rights)
        assert (made.status, made.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert made.text == "<html><title>Sign in</title></html>"
        assert office.store.count() == 0

    def test_fhir_no_answer_closes_and_files_nothing(self, office, rights):
        office.fault("fhir_no_answer")
        with pytest.raises(aiohttp.ClientError):
            post(office, rights)
        assert office.store.count() == 0

    def test_fhir_cut_filed_closes_after_filing(self, office, rights):
        office.fault("fhir_cut_filed")
        with pytest.raises(aiohttp.ClientError):
            post(office, rights)
        assert office.store.count() == 1

    def test_fhir_slow_files_and_answers_all_the_same(self, office, rights):
        office.fault("fhir_slow", seconds=0.0)
        assert code_of(post(office, rights)) == "1"

    def test_duplicate_filing_files_twice_behind_one_answer(self, office, rights):
        office.fault("duplicate_filing", count=1)
        assert code_of(post(office, rights)) == "1"
        assert office.store.count() == 2

    def test_silent_drop_loses_a_section_behind_a_positive_answer(self, office, rights):
        office.fault("silent_drop", field_id="ROS")
        assert code_of(post(office, rights, reference(hl7(("HPI", "a"), ("ROS", "b"))))) == "1"
        (filing,) = office.store.filings("LAKESI", "E1")
        assert filing.fields == {"HPI": "a"}
        assert filing.lost == [{"field_id": "ROS", "reason": "silent_drop", "filed_as": ""}]

    def test_read_http_500_strikes_reading_and_not_writing(self, office, rights):
        office.fault("read_http_500", status=500)
        assert code_of(post(office, rights)) == "1"
        assert office.call("GET", FHIR + "/DocumentReference?encounter=E1", headers=rights).status == 500
        assert office.call("GET", FHIR + "/Binary/doc.1", headers=rights).status == 500

    def test_read_unauthorized_refuses_a_good_token_as_often_as_counted(self, office, rights):
        office.fault("read_unauthorized", count=1)
        assert office.call("GET", FHIR + "/Patient", headers=rights).status == 401
        assert office.call("GET", FHIR + "/Patient", headers=rights).status == 200

    def test_strike_the_facility_they_name_and_no_other(self, office, rights):
        office.fault("fhir_status", facility="NORTH")
        assert code_of(post(office, rights)) == "1"
        office.api("PUT", "/practices/LAKESI", {"facility": "NORTH"})
        assert post(office, rights).status == 503


class TestMetadata:
    def test_is_a_capability_statement_of_r4(self, office):
        made = office.call("GET", FHIR + "/metadata").json
        assert (made["resourceType"], made["fhirVersion"], made["kind"]) == ("CapabilityStatement", "4.0.1", "instance")

    def test_lists_what_is_read_and_no_writing(self, office):
        """ecw.md: writes are contracted per practice and not listed."""
        (rest,) = office.call("GET", FHIR + "/metadata").json["rest"]
        assert [each["type"] for each in rest["resource"]] == [
            "Patient",
            "Encounter",
            "Condition",
            "MedicationRequest",
            "AllergyIntolerance",
            "Observation",
            "DocumentReference",
        ]
        for each in rest["resource"]:
            assert each["interaction"] == [{"code": "read"}, {"code": "search-type"}]

    def test_is_only_below_the_practices_path(self, office):
        assert office.call("GET", "/metadata").status == 404


def test_the_limit_of_calls_is_shared_by_reads_writes_and_tokens(office, rights):
    """ecw.md: keyed on the practice code, /token included; 429 without Retry-After."""
    office.api("PUT", "/practices/LAKESI", {"per_minute": 4})  # one call went for the token of the fixture
    assert office.call("GET", FHIR + "/Patient", headers=rights).status == 200
    assert post(office, rights).status == 200
    assert office.call("POST", TOKEN, b"").status == 401
    made = post(office, rights)
    assert made.status == 429
    assert "Retry-After" not in made.headers
    assert office.store.count() == 1


def test_one_practices_limit_is_not_anothers(office, rights):
    office.api("PUT", "/practices/HARBOR", {"per_minute": 0})
    assert office.call("GET", "/fhir/r4/HARBOR/Patient").status == 429
    assert office.call("GET", FHIR + "/Patient", headers=rights).status == 200


def test_an_answer_of_any_kind_is_json_that_names_its_resource(office, rights):
    for made in (
        post(office, rights),
        office.call("GET", FHIR + "/Patient", headers=rights),
        office.call("GET", FHIR + "/Claim", headers=rights),
        office.call("GET", FHIR + "/metadata"),
    ):
        assert made.headers["Content-Type"].startswith("application/fhir+json")
        assert json.loads(made.body)["resourceType"] in ("Bundle", "OperationOutcome", "CapabilityStatement")
