"""Clinical Notes: text/hl7v2 in a DocumentReference in a transaction, read again by readers that share nothing."""

import json
from dataclasses import replace

import jsonschema
import pytest
from hypothesis import given

from delivery.channels import clinical_notes
from delivery.channels.base import CannotExpress
from delivery.failures import failure
from tests.channels.fhir_notes import attachment, bundle_schema, sections, settings
from tests.channels.notes import CONTROL_ID, NASTY, VISIT, WILD_NOTES, for_patient, for_visit, note, values

GOLDEN = [
    "MSH|^~\\&|PROG|PROG|PROG||20260319151502||ORU^R01|ABCDEFGHIJKLMNOPQ234|T|2.4",
    "PID|1||P1001",
    "OBR|1|E5001||Chief Complaint^Chief Complaint",
    "OBX|1|TX|||Cough for nine days.",
    "OBR|2|E5001||HPI^HPI",
    "OBX|1|TX|||Dry cough, worse at night.\\.br\\No fever.\\.br\\\\.br\\Took honey \\T\\ lemon.",
    "OBR|3|E5001||Examination^Examination",
    "OBX|1|TX|||Lungs clear. SpO2 98 % \\F\\ pulse 72.",
    "OBR|4|E5001||Treatment Plan^Treatment Plan",
    "OBX|1|TX|||1) Fluids\\.br\\2) Return if worse",
]


def render(made, **changes) -> bytes:
    return clinical_notes.render(made, settings(**changes)).body


def test_the_golden_note_is_as_ecw_publishes_it():
    kind, content = attachment(render(note()))
    assert kind == "text/hl7v2"
    assert content.decode().removesuffix("\r").split("\r") == GOLDEN


def test_the_transaction_is_as_ecw_wants_it():
    body = json.loads(render(note()))
    (entry,) = body["entry"]
    assert (body["resourceType"], body["type"]) == ("Bundle", "transaction")
    assert entry["request"] == {"method": "POST", "url": "DocumentReference"}
    assert entry["fullUrl"].startswith("urn:uuid:")
    resource = entry["resource"]
    assert resource["status"] == "current"
    assert resource["type"]["coding"][0]["code"] == "11506-3"
    assert resource["category"][0]["coding"][0]["code"] == "clinical-note"
    assert resource["subject"] == {"reference": "Patient/P1001"}
    assert resource["author"] == [{"reference": "Practitioner/DR7"}]
    assert resource["context"]["encounter"] == [{"reference": "Encounter/E5001"}]
    assert resource["masterIdentifier"]["value"] == CONTROL_ID
    assert "docStatus" not in resource


def test_equal_notes_have_equal_bytes_and_a_correction_says_so():
    assert render(note()) == render(note())
    body = json.loads(render(note(correction=True)))
    assert body["entry"][0]["resource"]["docStatus"] == "amended"


def test_what_is_sent_is_valid_by_fhirs_own_schema():
    check = bundle_schema()
    check.validate(json.loads(render(note())))
    with pytest.raises(jsonschema.ValidationError):
        check.validate(json.loads(render(note()).replace(b'"current"', b"7")))


@given(WILD_NOTES)
def test_every_wild_text_comes_back_identical(made):
    assert sections(render(made)) == [(value.label, value.text) for value in made.values]


def test_every_nasty_text_comes_back_identical():
    assert [text for _, text in sections(render(note(*NASTY)))] == NASTY


def test_a_text_beyond_ascii_declares_its_character_set():
    _, content = attachment(render(note("SpO₂ 98 %")))
    assert content.split(b"\r")[0].endswith(b"|2.4||||||UNICODE UTF-8")


def test_sections_can_be_called_by_their_identifiers():
    assert [name for name, _ in sections(render(note(), section_name="field_id"))] == [
        "NF-01",
        "NF-02",
        "NF-04",
        "NF-06",
    ]


def test_two_fields_of_one_name_are_refused_by_label_and_sent_by_identifier():
    twice = tuple(replace(value, label="Notes") for value in values(["one", "two"]))
    with pytest.raises(CannotExpress, match="fhir_section_name_twice"):
        render(note(values=twice))
    assert len(sections(render(note(values=twice), section_name="field_id"))) == 2


def test_production_says_so():
    made = replace(settings(), environment="production")
    _, content = attachment(clinical_notes.render(note(), made).body)
    assert content.split(b"\r")[0].split(b"|")[10] == b"P"


REFUSED = {
    "fhir_author_missing": for_visit(provider_id=""),
    "fhir_encounter_missing": for_visit(encounter_id=""),
    "fhir_patient_missing": for_patient(id=""),
    "fhir_id": for_patient(id="P 1/../2"),
    "hl7_nothing_to_send": note(values=()),
    "hl7_empty_value": note(" \n "),
    "hl7_control_character": note("end\x1cblock"),
    "hl7_lone_surrogate": note("half \ud800"),
    "obx_order": note(values=tuple(reversed(values(["one", "two"])))),
    "fhir_section_name": note(values=(replace(values(["one"])[0], label=""),)),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_said_is_refused_with_a_reason_and_no_content(reason):
    with pytest.raises(CannotExpress) as caught:
        render(REFUSED[reason])
    assert caught.value.reason_code == reason
    assert caught.value.__cause__ is None
    assert "without an explanation" not in failure(reason).title
    assert str(caught.value) == reason


def test_a_note_over_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr("delivery.channels.fhir_bundle.LARGEST", 100)
    with pytest.raises(CannotExpress, match="fhir_too_large"):
        render(note())


def test_ids_with_dots_and_underscores_are_ecws():
    visit = replace(VISIT, encounter_id="Mx.7_a-9")
    body = json.loads(render(note(visit=visit)))
    assert body["entry"][0]["resource"]["context"]["encounter"][0]["reference"] == "Encounter/Mx.7_a-9"
