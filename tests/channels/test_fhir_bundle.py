"""The transaction Bundle and its DocumentReference element by element: FHIR R4, US Core, and what eCW demands beside."""

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from delivery.channels import fhir_bundle, fhir_document
from delivery.channels.base import CannotExpress, OutgoingNote
from delivery.channels.fhir_bundle import bundle, reference
from tests.channels.notes import CONTROL_ID, for_patient, for_visit, note

TEXT = b"HPI:\nCough.\n"


def made(of: OutgoingNote | None = None) -> dict:
    return json.loads(bundle(of or note(), "text/plain", TEXT).body)


def document(of: OutgoingNote | None = None) -> dict:
    return reference(of or note(), "text/plain", TEXT)


def refused(of: OutgoingNote, content: bytes = TEXT) -> str:
    with pytest.raises(CannotExpress) as caught:
        bundle(of, "text/plain", content)
    assert caught.value.__cause__ is None
    assert "Okafor" not in repr(caught.value)
    return caught.value.reason_code


class TestTheTransaction:
    def test_is_a_bundle_of_one_entry(self):
        body = made()
        assert (body["resourceType"], body["type"], len(body["entry"])) == ("Bundle", "transaction", 1)

    def test_asks_for_a_creation(self):
        assert made()["entry"][0]["request"] == {"method": "POST", "url": "DocumentReference"}

    def test_names_its_entry_by_a_uuid_made_of_the_control_id(self):
        expected = uuid.uuid5(uuid.NAMESPACE_URL, f"urn:scribeport:message:{CONTROL_ID}")
        assert made()["entry"][0]["fullUrl"] == f"urn:uuid:{expected}"

    def test_names_another_message_otherwise(self):
        other = note(control_id="ZZZZZZZZZZZZZZZZZZZZ")
        assert made()["entry"][0]["fullUrl"] != made(other)["entry"][0]["fullUrl"]

    def test_travels_as_fhir_json(self):
        assert bundle(note(), "text/plain", TEXT).content_type == "application/fhir+json"

    def test_has_equal_bytes_for_equal_notes(self):
        assert bundle(note(), "text/plain", TEXT) == bundle(note(), "text/plain", TEXT)


class TestTheDocumentReference:
    def test_is_current(self):
        assert document()["status"] == "current"

    def test_is_a_progress_note_by_loinc(self):
        assert document()["type"] == {
            "coding": [{"system": "http://loinc.org", "code": "11506-3", "display": "Progress note"}]
        }

    def test_is_in_us_cores_category_of_clinical_notes(self):
        (category,) = document()["category"]
        assert category["coding"] == [
            {
                "system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
                "code": "clinical-note",
                "display": "Clinical Note",
            }
        ]

    def test_carries_the_control_id_as_its_master_identifier(self):
        assert document()["masterIdentifier"] == {"system": "urn:scribeport:message", "value": CONTROL_ID}

    def test_carries_our_note_as_an_identifier_that_versions_share(self):
        shared = [{"system": "urn:scribeport:note", "value": "0198c0de-0000-7000-8000-000000000001"}]
        assert document()["identifier"] == document(note(version=2))["identifier"] == shared

    def test_names_patient_encounter_and_author_by_their_ids(self):
        assert document()["subject"] == {"reference": "Patient/P1001"}
        assert document()["context"]["encounter"] == [{"reference": "Encounter/E5001"}]
        assert document()["author"] == [{"reference": "Practitioner/DR7"}]

    def test_names_nobody_by_name(self):
        raw = json.dumps(document())
        assert not [name for name in ("Okafor", "Lena", "Lee", "Ann") if name in raw]

    def test_of_a_first_version_has_no_document_status(self):
        assert "docStatus" not in document()

    def test_of_a_correction_is_amended(self):
        assert document(note(correction=True))["docStatus"] == "amended"

    def test_has_one_content_with_its_type_and_base64(self):
        assert document()["content"] == [{"attachment": {"contentType": "text/plain", "data": "SFBJOgpDb3VnaC4K"}}]

    def test_of_bytes_that_are_no_text_gives_them_back(self):
        raw = bytes(range(256))
        data = reference(note(), "application/pdf", raw)["content"][0]["attachment"]["data"]
        assert base64.b64decode(data, validate=True) == raw


class TestItsTimes:
    def test_is_when_the_note_came_with_its_zone(self):
        assert document()["date"] == "2026-03-19T15:15:02+00:00"

    def test_keeps_another_zone(self):
        moment = datetime(2026, 3, 19, 10, 15, 2, tzinfo=timezone(timedelta(hours=-5)))
        assert document(note(created_at=moment))["date"] == "2026-03-19T10:15:02-05:00"

    def test_of_the_visit_is_the_start_of_its_period(self):
        assert document()["context"]["period"] == {"start": "2026-03-19T10:15:00-05:00"}

    def test_of_a_visit_without_a_start_is_no_period(self):
        assert "period" not in document(for_visit(start=None))["context"]

    def test_of_a_visit_whose_start_has_no_zone_is_no_period(self):
        """FHIR R4, dateTime: with hours and minutes, a time zone SHALL be populated."""
        assert "period" not in document(for_visit(start=datetime(2026, 3, 19, 10, 15)))["context"]

    def test_with_fractions_of_a_second_keeps_them(self):
        moment = datetime(2026, 3, 19, 15, 15, 2, 500_000, tzinfo=UTC)
        assert document(note(created_at=moment))["date"] == "2026-03-19T15:15:02.500000+00:00"


class TestAnId:
    @pytest.mark.parametrize("good", ["P1001", "a", "A.b-c_d", "0", "x" * 64, "-", "..", "P_1"])
    def test_of_letters_digits_dot_dash_and_underscore_is_taken(self, good):
        assert document(for_patient(id=good))["subject"] == {"reference": f"Patient/{good}"}

    @pytest.mark.parametrize("bad", ["P 1", "P/1", "P?1", "P#1", "x" * 65, "Pä", "P\n", "Patient/P1", "P1&x=1"])
    def test_of_anything_else_is_refused_for_the_patient(self, bad):
        assert refused(for_patient(id=bad)) == "fhir_id"

    @pytest.mark.parametrize("bad", ["E 1", "E/1", "../E1", "E1?_id=2"])
    def test_of_anything_else_is_refused_for_the_encounter(self, bad):
        assert refused(for_visit(encounter_id=bad)) == "fhir_id"

    @pytest.mark.parametrize("bad", ["DR 7", "DR|7"])
    def test_of_anything_else_is_refused_for_the_author(self, bad):
        assert refused(for_visit(provider_id=bad)) == "fhir_id"

    def test_that_is_missing_is_named_patient_by_patient(self):
        assert refused(for_patient(id="")) == "fhir_patient_missing"

    def test_that_is_missing_is_named_encounter_by_encounter(self):
        assert refused(for_visit(encounter_id="")) == "fhir_encounter_missing"

    def test_that_is_missing_is_named_author_by_author(self):
        assert refused(for_visit(provider_id="")) == "fhir_author_missing"

    def test_of_an_author_is_the_practices_own_and_never_the_npi(self):
        assert refused(for_visit(provider_id="", provider_npi="1234567893")) == "fhir_author_missing"


class TestItsSize:
    def test_of_five_million_bytes_passes(self, monkeypatch):
        monkeypatch.setattr(fhir_bundle, "LARGEST", 12)
        assert len(TEXT) == 12
        assert bundle(note(), "text/plain", TEXT).body

    def test_of_one_byte_more_is_refused(self, monkeypatch):
        monkeypatch.setattr(fhir_bundle, "LARGEST", 12)
        assert refused(note(), TEXT + b"x") == "fhir_too_large"

    def test_is_limited_to_five_million_bytes(self):
        assert fhir_bundle.LARGEST == 5_000_000


class TestAPlainDocument:
    def test_has_each_label_over_its_text_and_a_line_between(self):
        assert fhir_document.plain(note("One.", "Two.\nThree.")) == b"Field 1:\nOne.\n\nField 2:\nTwo.\nThree.\n"

    def test_keeps_spaces_at_the_ends_of_a_text(self):
        assert fhir_document.plain(note("  a  ")) == b"Field 1:\n  a  \n"

    def test_is_utf_8(self):
        assert fhir_document.plain(note("é")) == b"Field 1:\n\xc3\xa9\n"
