"""Documents attached to a note, by FHIR: one DocumentReference each, valid, whole or not at all, read back by the byte."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fhir.resources.R4B.bundle import Bundle
from hypothesis import given
from hypothesis import strategies as st

from delivery.channels.base import CannotExpress, OutgoingDocuments
from delivery.channels.fhir_attachments import compare, render
from delivery.channels.fhir_bundle import LARGEST
from delivery.documents import Document
from delivery.failures import CATALOGUE
from tests.channels.fhir_notes import bundle_schema
from tests.channels.notes import CONTROL_ID, VISIT

PDF = b"%PDF-1.7 synthetic"


def document(content: bytes = PDF, kind: str = "application/pdf", title: str = "Summary") -> Document:
    return Document(kind, title, base64.b64encode(content).decode())


def outgoing(*documents: Document, visit=VISIT) -> OutgoingDocuments:
    return OutgoingDocuments(CONTROL_ID, "note-1", visit, documents, datetime(2026, 3, 19, 15, 20, tzinfo=UTC))


def entries(*documents: Document) -> list[dict]:
    return [entry["resource"] for entry in json.loads(render(outgoing(*documents)).body)["entry"]]


def refused(*documents: Document, visit=VISIT) -> CannotExpress:
    with pytest.raises(CannotExpress) as caught:
        render(outgoing(*documents, visit=visit))
    assert caught.value.reason_code in CATALOGUE
    return caught.value


class TestTheBytes:
    def test_each_document_is_a_reference_of_its_own_with_its_very_bytes(self):
        first, second = entries(document(), document(b"\x00\xff", "image/png", ""))
        assert first["content"] == [
            {
                "attachment": {
                    "contentType": "application/pdf",
                    "data": base64.b64encode(PDF).decode(),
                    "title": "Summary",
                }
            }
        ]
        assert base64.b64decode(second["content"][0]["attachment"]["data"]) == b"\x00\xff"
        assert "title" not in second["content"][0]["attachment"]

    def test_each_carries_the_messages_identity_and_its_number(self):
        made = entries(document(), document())
        assert [each["masterIdentifier"]["value"] for each in made] == [f"{CONTROL_ID}.1", f"{CONTROL_ID}.2"]

    def test_names_patient_visit_and_author_and_calls_itself_no_progress_note(self):
        (made,) = entries(document())
        assert made["subject"] == {"reference": "Patient/P1001"}
        assert made["author"] == [{"reference": "Practitioner/DR7"}]
        assert made["context"]["encounter"] == [{"reference": "Encounter/E5001"}]
        assert [one["code"] for one in made["type"]["coding"]] == ["34109-9"]

    def test_is_the_same_for_the_same_documents(self):
        assert render(outgoing(document())) == render(outgoing(document()))

    def test_is_valid_r4(self):
        Bundle.model_validate_json(render(outgoing(document(), document(title="Täglich | ^ & ~ \\ 🫁"))).body)

    def test_is_valid_by_fhirs_own_schema(self):
        check = bundle_schema()
        check.validate(json.loads(render(outgoing(document(), document(title="Täglich | ^ & ~ \\ 🫁"))).body))

    @given(st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=4))
    def test_any_bytes_come_back_identical(self, contents):
        made = entries(*[document(content) for content in contents])
        assert [base64.b64decode(one["content"][0]["attachment"]["data"]) for one in made] == contents


class TestHeldByName:
    def test_hl7_text_which_would_be_filed_into_fields(self):
        error = refused(document(), document(b"MSH|", "text/hl7v2"))
        assert (error.reason_code, error.places) == ("fhir_document_type", ("/attachments/1/content_type",))

    def test_one_too_large(self):
        error = refused(document(b"x" * (LARGEST + 1)))
        assert (error.reason_code, error.places) == ("fhir_too_large", ("/attachments/0/data",))

    @pytest.mark.parametrize("data", ["", "no base64!"])
    def test_one_without_bytes(self, data):
        error = refused(Document("application/pdf", "", data))
        assert (error.reason_code, error.places) == ("hl7_document", ("/attachments/0/data",))

    def test_none_at_all(self):
        assert refused().reason_code == "hl7_nothing_to_send"

    @pytest.mark.parametrize(
        "changes, reason, place",
        [
            ({"encounter_id": ""}, "fhir_encounter_missing", "/encounter/id"),
            ({"provider_id": ""}, "fhir_author_missing", "/provider/id"),
            ({"encounter_id": "../x"}, "fhir_id", "/encounter/id"),
        ],
    )
    def test_a_visit_that_lacks_what_ecw_demands(self, changes, reason, place):
        error = refused(document(), visit=replace(VISIT, **changes))
        assert (error.reason_code, error.places) == (reason, (place,))

    def test_a_title_that_no_json_can_hold_names_its_document_and_not_its_words(self):
        error = refused(document(), document(title="secret \ud800"))
        assert error.places == ("/attachments/1",)
        assert "secret" not in str(error)


class TestReadBack:
    BODY = render(outgoing(document(), document(b"second", "text/plain", ""))).body
    WHOLE = {f"{CONTROL_ID}.1": [PDF], f"{CONTROL_ID}.2": [b"second"]}

    @pytest.mark.parametrize(
        "changes, outcomes",
        [
            ({}, ["verified", "verified"]),
            ({f"{CONTROL_ID}.2": []}, ["verified", "missing"]),
            ({f"{CONTROL_ID}.1": [PDF[:-1]]}, ["altered", "verified"]),
            ({f"{CONTROL_ID}.1": [PDF, PDF]}, ["duplicated", "verified"]),
        ],
    )
    def test_says_of_each_document_what_became_of_it(self, changes, outcomes):
        seen = compare(self.BODY, self.WHOLE | changes)
        assert ([row.outcome for row in seen.sections], seen.grade, seen.found) == (outcomes, "document", True)

    def test_of_none_there_says_that_nothing_was_found(self):
        seen = compare(self.BODY, {"ANOTHER.1": [PDF]})
        assert (seen.found, {row.outcome for row in seen.sections}) == (False, {"missing"})

    def test_shows_sizes_and_hashes_and_no_content(self):
        (first, second) = compare(self.BODY, self.WHOLE).sections
        assert (first.title, second.title) == ("Summary", "Document 2")
        assert first.sent.startswith(f"{len(PDF)} bytes, SHA-256 ")
        assert first.sent == first.in_chart
