"""Coded entries as eCW's transaction: one valid resource an entry, known by control id and number, nothing invented."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import httpx2
import pytest

from delivery.channels import compare_entries, fhir_entries
from delivery.channels.base import CannotExpress, EntriesChannel, NoAnswer, OutgoingEntries, Patient, Refused, Visit
from delivery.channels.fhir import ONE_ENTRY, FhirChannel, judge
from delivery.channels.fhir_settings import FhirSettings
from delivery.channels.mllp import Hl7Channel
from delivery.entries import Allergy, CodedMedication, Diagnosis, Immunization, Medication, Observation
from mapping.codes.drugs import EcwDrug
from tests.channels.fhir_notes import bundle_schema

START = datetime(2026, 3, 19, 10, 15, tzinfo=UTC)
VISIT = Visit("E5001", Patient("P1001", "", "", "", ""), START, "DR7", "", "", "")
SETTINGS = FhirSettings("https://ecw.example/fhir/r4/AB", "sandbox", "client", signing_key_pem="x")
LISINOPRIL = EcwDrug(1, "Lisinopril", "70771", "10 mg", "tablet", "00093111301", "314076")
ICD = Diagnosis("icd-10-cm", "I10", "Hypertension")
PULSE = Observation("8867-4", 72, "/min", "2026-03-19T10:20:00-05:00")


def rendered(*entries, visit=VISIT, **settings):
    outgoing = OutgoingEntries("CONTROLID20CHARACTER", "note-1", visit, "any", entries, START)
    return fhir_entries.render(outgoing, replace(SETTINGS, **settings))


def resources(*entries, **settings) -> list[dict]:
    return [entry["resource"] for entry in json.loads(rendered(*entries, **settings).body)["entry"]]


def test_each_entry_is_known_by_the_control_id_and_its_number():
    made = json.loads(rendered(ICD, replace(ICD, code="E11.9")).body)
    assert (made["resourceType"], made["type"]) == ("Bundle", "transaction")
    assert [entry["request"] for entry in made["entry"]] == [{"method": "POST", "url": "Condition"}] * 2
    assert [entry["resource"]["identifier"][0] for entry in made["entry"]] == [
        {"system": "urn:scribeport:message", "value": f"CONTROLID20CHARACTER.{number}"} for number in (1, 2)
    ]
    assert len({entry["fullUrl"] for entry in made["entry"]}) == 2
    assert rendered(ICD).body == rendered(ICD).body


@pytest.mark.parametrize(
    "entry",
    [
        ICD,
        Diagnosis("snomed-ct", "195967001", "Asthma"),
        CodedMedication(Medication("lisinopril 10 mg", "314076", "0093-1113-01"), LISINOPRIL),
        Allergy("penicillin | ^ & ~", "rash"),
        Immunization("140", "2025-10-02", "influenza"),
        PULSE,
    ],
    ids=lambda entry: type(entry).__name__,
)
def test_each_kind_of_entry_is_valid_by_fhirs_own_schema(entry):
    bundle_schema().validate(json.loads(rendered(entry).body))


def test_a_diagnosis_is_a_condition_of_the_encounter_or_of_the_problem_list():
    (made,) = resources(ICD)
    assert made["code"] == {
        "coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I10"}],
        "text": "Hypertension",
    }
    assert made["category"][0]["coding"][0]["code"] == "encounter-diagnosis"
    assert (made["subject"]["reference"], made["encounter"]["reference"]) == ("Patient/P1001", "Encounter/E5001")
    assert "verificationStatus" not in made  # the note does not say
    (listed,) = resources(Diagnosis("snomed-ct", "195967001", ""), diagnoses_as="problem-list-item")
    assert listed["category"][0]["coding"][0]["code"] == "problem-list-item"
    assert listed["code"]["coding"][0]["system"] == "http://snomed.info/sct"


def test_a_medication_has_ecws_own_drug_the_standard_codes_and_the_words_of_the_note():
    (made,) = resources(CodedMedication(Medication("lisinopril 10 mg daily", "314076", "0093-1113-01"), LISINOPRIL))
    assert made["resourceType"] == "MedicationStatement"
    assert made["medicationCodeableConcept"] == {
        "coding": [
            {"system": "urn:ecw:drug", "code": "70771", "display": "Lisinopril 10 mg tablet"},
            {"system": fhir_entries.RXNORM, "code": "314076"},
            {"system": fhir_entries.NDC, "code": "00093111301"},
        ],
        "text": "lisinopril 10 mg daily",
    }
    assert made["category"]["coding"][0]["code"] == "patientspecified"


def test_an_allergy_goes_by_its_words_with_its_reaction():
    (made,) = resources(Allergy("penicillin", "rash"))
    assert (made["code"], made["reaction"]) == ({"text": "penicillin"}, [{"manifestation": [{"text": "rash"}]}])
    assert "reaction" not in resources(Allergy("latex", ""))[0]


def test_an_immunization_is_a_historical_one_with_its_day():
    (made,) = resources(Immunization("140", "2025-10-02", "influenza"))
    assert (made["vaccineCode"]["coding"][0]["code"], made["occurrenceDateTime"]) == ("140", "2025-10-02")
    assert (made["status"], made["primarySource"]) == ("completed", False)


def test_a_vital_sign_has_its_unit_and_the_visits_time_where_it_has_none():
    (made,) = resources(PULSE)
    assert made["valueQuantity"] == {"value": 72, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"}
    assert made["effectiveDateTime"] == "2026-03-19T10:20:00-05:00"
    assert resources(replace(PULSE, at=""))[0]["effectiveDateTime"] == "2026-03-19T10:15:00+00:00"
    assert resources(Observation("85354-9", "120/80", "", ""))[0]["valueString"] == "120/80"


@pytest.mark.parametrize(
    ("entry", "visit", "reason"),
    [
        (Immunization("flu", "2025-10-02", ""), VISIT, "immunization_code"),
        (Immunization("140", "", ""), VISIT, "immunization_date"),
        (replace(PULSE, loinc="2345-7"), VISIT, "observation_not_vital"),
        (replace(PULSE, unit=""), VISIT, "observation_unit"),
        (replace(PULSE, at=""), replace(VISIT, start=None), "observation_time"),
        (ICD, replace(VISIT, encounter_id=""), "fhir_encounter_missing"),
        (ICD, replace(VISIT, patient=replace(VISIT.patient, id="P 1")), "fhir_id"),
        (replace(ICD, code="I 10 "), VISIT, "fhir_invalid"),
    ],
)
def test_what_would_lose_or_invent_something_is_not_rendered(entry, visit, reason):
    with pytest.raises(CannotExpress) as caught:
        rendered(entry, visit=visit)
    assert caught.value.reason_code == reason


def test_words_with_quotation_marks_count_as_no_entry():
    body = rendered(Allergy('"fullUrl": "urn:uuid:', ""), ICD).body
    assert body.count(ONE_ENTRY) == 2


def test_only_the_fhir_channel_carries_entries():
    assert issubclass(FhirChannel, EntriesChannel)
    assert not issubclass(Hl7Channel, EntriesChannel)


def answered(*codes: str) -> httpx2.Response:
    entry = [{"response": {"status": code}} for code in codes]
    return httpx2.Response(200, json={"resourceType": "Bundle", "type": "transaction-response", "entry": entry})


class TestTheAnswer:
    def test_is_yes_where_every_entry_was_taken(self):
        assert judge(answered("1", "1"), 2).code == "1"

    def test_names_the_first_refusal_where_none_was_taken(self):
        with pytest.raises(Refused) as caught:
            judge(answered("2027", "2025"), 2)
        assert (caught.value.reason_code, caught.value.code) == ("ecw_2027", "2027")

    @pytest.mark.parametrize("codes", [("1", "2027"), ("1",), ("1", "1", "1"), ("1", "999")])
    def test_is_in_doubt_where_it_says_yes_and_no_or_too_little(self, codes):
        with pytest.raises(NoAnswer):
            judge(answered(*codes), 2)


class TestComparing:
    BODY = rendered(ICD, PULSE, Allergy("latex", "")).body

    def compared(self, *changes) -> list[str]:
        """Outcomes where the chart holds these of the entries, each changed so."""
        sent = [entry["resource"] for entry in json.loads(self.BODY)["entry"]]
        chart = {
            f"CONTROLID20CHARACTER.{place + 1}": {**sent[place], **change}
            for place, change in enumerate(changes)
            if change is not None
        }
        read = compare_entries.compare(self.BODY, "CONTROLID20CHARACTER", chart, "Entry")
        return [row.outcome for row in read.sections]

    def test_finds_entries_as_they_were_sent(self):
        assert self.compared({}, {"id": "chart.2"}, {"meta": {}}) == ["verified"] * 3

    def test_calls_what_is_not_there_waiting_and_never_missing(self):
        assert self.compared({}, None, None) == ["verified", "waiting", "waiting"]

    def test_sees_another_code_value_or_words(self):
        other = {"code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I11.9"}]}}
        assert self.compared(other, {"valueQuantity": {"value": 27}}, {"code": {"text": "dust"}}) == ["altered"] * 3

    def test_takes_a_code_of_another_system_beside_ours_as_ecws_own(self):
        sent = json.loads(self.BODY)["entry"][0]["resource"]["code"]["coding"]
        more = {"code": {"coding": [*sent, {"system": "http://snomed.info/sct", "code": "38341003"}]}}
        assert self.compared(more, None, None)[0] == "verified"
