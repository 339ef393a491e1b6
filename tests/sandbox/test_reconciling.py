"""The simulated eCW and coded entries: its drug database, its codes, App Data, and a person who takes entries over."""

import copy

import pytest

from sandbox import drugs, reconciling
from sandbox.clinical_notes import CodedRefusal
from sandbox.practices import Practice

STATEMENT = {
    "resourceType": "MedicationStatement",
    "category": {"coding": [{"code": "patientspecified"}]},
    "medicationCodeableConcept": {
        "coding": [
            {"system": drugs.OWN, "code": "70771", "display": "Lisinopril 10 mg tablet"},
            {"system": drugs.RXNORM, "code": "314076"},
            {"system": drugs.NDC, "code": "00093111301"},
        ]
    },
    "subject": {"reference": "Patient/P1"},
    "context": {"reference": "Encounter/E1"},
}


def stated(category=STATEMENT["category"], **codes) -> dict:
    """The statement with these codings; `shown` is the display of eCW's own."""
    systems = {"own": drugs.OWN, "rxcui": drugs.RXNORM, "ndc": drugs.NDC}
    rows = [{"system": systems[name], "code": code} for name, code in codes.items() if name in systems]
    for row in rows:
        if row["system"] == drugs.OWN and "shown" in codes:
            row["display"] = codes["shown"]
    return {**copy.deepcopy(STATEMENT), "category": category, "medicationCodeableConcept": {"coding": rows}}


def bundle(*resources) -> dict:
    entries = [{"resource": each, "request": {"method": "POST", "url": each["resourceType"]}} for each in resources]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        (STATEMENT, None),
        (stated(rxcui="314076"), None),
        (stated(ndc="00093-1113-01"), None),
        (stated(own="70771"), "2024"),
        (stated(own="1", rxcui="314076"), "2025"),
        (stated(own="70771", rxcui="314076", shown="Lisinopril 20 mg tablet"), "2025"),
        (stated(category=None, rxcui="314076"), "2026"),
        (stated(rxcui="314076", ndc="00093111401"), "2027"),
        (stated(ndc="99999999999"), "2027"),
        (stated(own="80061", rxcui="314076", shown="Metformin 500 mg tablet"), "2027"),
    ],
)
def test_the_drug_database_answers_with_ecws_codes(statement, code):
    refused = drugs.refusal(statement)
    assert (refused and refused[0]) == code


def test_a_transaction_is_taken_whole_or_not_at_all():
    practice = Practice("AB", "NORTH")
    with pytest.raises(CodedRefusal) as caught:
        reconciling.keep(bundle(STATEMENT, stated(ndc="99999999999")), practice)
    assert caught.value.code == "2027"
    assert practice.app_data == {}
    assert reconciling.keep(bundle(STATEMENT, STATEMENT), practice) == ["app.1", "app.2"]


def test_what_a_person_takes_over_stands_in_the_chart_as_what_ecw_reads():
    practice = Practice("AB", "NORTH")
    (key,) = reconciling.keep(bundle(STATEMENT), practice)
    made = reconciling.take_over(practice, key)
    assert (made["resourceType"], made["id"]) == ("MedicationRequest", "chart.1")
    assert practice.resources["MedicationRequest", "chart.1"] == made
    assert practice.app_data == {}
    assert reconciling.take_over(practice, key) is None


def test_another_patients_encounter_is_refused():
    practice = Practice("AB", "NORTH", resources={("Encounter", "E1"): {"subject": {"reference": "Patient/P2"}}})
    with pytest.raises(CodedRefusal) as caught:
        reconciling.keep(bundle(STATEMENT), practice)
    assert caught.value.code == "303"


@pytest.mark.parametrize(
    "body", [None, [], {}, {"entry": []}, {"entry": [1]}, bundle({"resourceType": "DocumentReference"})]
)
def test_what_holds_no_coded_entries_is_left_to_the_notes(body):
    assert reconciling.posted_types(body) == []
