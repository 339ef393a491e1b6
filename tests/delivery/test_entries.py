"""Coded entries the whole way by FHIR: sent, waiting in eCW for a person, found in the chart, refused, decided on.

The first test is the journey of a note with a diagnosis, a known and an unknown drug.
"""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from delivery import entry_verification
from delivery.models import Attempt, Delivery, Reading
from delivery.oauth import endpoints, scopes
from delivery.verification import read_due
from mapping.codes.drug_files import drug_row
from mapping.codes.drug_imports import keep
from portal.models import Part, Route
from tests.delivery.conftest import a_note
from tests.delivery.fhir import PRACTICE, fhir_connection, register
from tests.delivery.test_fhir_sending import drain

ICD = {"system": "icd-10-cm", "code": "I10", "text": "Hypertension"}
METFORMIN = {"text": "metformin 500 mg twice a day", "rxcui": "861007"}
LISINOPRIL = {"text": "lisinopril 10 mg daily", "ndc": "0093-1113-01", "rxcui": "314076"}
PARTS = (Part.DIAGNOSES, Part.MEDICATIONS, Part.ALLERGIES, Part.IMMUNIZATIONS, Part.OBSERVATIONS)


@pytest.fixture
def fhir(ecw, cast):
    endpoints._kept.clear()
    made = fhir_connection(cast, f"http://127.0.0.1:{ecw.process.http}")
    for part in PARTS:
        Route.objects.create(location=cast.north, part=part, connection=made)
    register(ecw.process, made)
    ecw.process.api(
        "PUT", f"/practices/{PRACTICE}", {"facility": "NORTH", "template": "FM-PROGRESS", "per_minute": 2000}
    )
    row = {"rxcui": "861007", "name": "Metformin", "ecw_id": "80061", "strength": "500 mg", "formulation": "tablet"}
    keep(cast.practice, drug_row(row), cast.dana, "x")
    return made


def sent(scribe, **entries) -> dict[str, Delivery]:
    assert scribe.post(a_note(**entries)).status_code == 201
    return everything_sent()


def everything_sent() -> dict[str, Delivery]:
    Delivery.objects.filter(state="ready").update(not_before=timezone.now())
    for lane in set(Delivery.objects.filter(state="ready").values_list("lane_id", flat=True)):
        drain(lane)
    return {delivery.part: delivery for delivery in Delivery.objects.order_by("pk")}


def looked() -> dict[str, Delivery]:
    soon = timezone.now() - timedelta(seconds=1)
    Delivery.objects.filter(read_at__isnull=False).update(read_at=soon)
    read_due()
    return {delivery.part: delivery for delivery in Delivery.objects.order_by("pk")}


def app_data(ecw) -> list[dict]:
    return ecw.process.api("GET", f"/practices/{PRACTICE}/app-data")["entries"]


def cut_once(ecw) -> None:
    ecw.process.api("PUT", "/faults", {"seed": 0, "faults": [{"kind": "fhir_cut_filed", "count": 1}]})


def take_over(ecw) -> None:
    for entry in app_data(ecw):
        ecw.process.api("POST", f"/practices/{PRACTICE}/app-data/{entry['id']}/take", {})


def test_a_note_goes_while_its_unknown_drug_waits_for_one_decision(ecw, scribe, fhir, cast, client):
    found = sent(scribe, diagnoses=[ICD], medications=[METFORMIN, LISINOPRIL])
    assert (found["medications"].state, found["medications"].reason_code) == ("held", "drug_unknown")
    found = looked()
    assert (found["note"].state, found["note"].proof) == ("verified", "section")
    assert (found["diagnoses"].state, found["diagnoses"].proof) == ("accepted", "app_data")

    client.force_login(cast.dana)
    said = {"drug": "other", "name": "Lisinopril", "ecw_id": "70771", "strength": "10 mg", "formulation": "tablet"}
    address = reverse("workbench:decide", args=[found["medications"].pk, 1])
    assert "This releases 1 delivery." in client.get(address).content.decode()
    assert client.post(address, said).status_code == 302

    found = everything_sent()
    assert (found["medications"].state, found["medications"].proof) == ("accepted", "app_data")
    kinds = sorted(entry["resourceType"] for entry in app_data(ecw))
    assert kinds == ["Condition", "MedicationStatement", "MedicationStatement"]

    take_over(ecw)
    found = looked()
    assert {part: (each.state, each.proof) for part, each in found.items()} == {
        "note": ("verified", "section"),
        "diagnoses": ("verified", "entry"),
        "medications": ("verified", "entry"),
    }


def test_taken_into_app_data_is_shown_as_what_it_is(ecw, scribe, fhir, cast, client):
    sent(scribe, diagnoses=[ICD], allergies=[{"text": "penicillin", "reaction": "rash"}])
    found = looked()  # which verifies the note beside them
    client.force_login(cast.dana)
    page = client.get(reverse("delivery:delivery", args=[found["diagnoses"].pk])).content.decode()
    assert "Waits in eCW for a person" in page
    assert "Accepted, not yet verified" not in page
    answer = scribe.get(f"deliveries/{found['diagnoses'].pk}").json()
    assert (answer["state"], answer["state_label"], answer["proof"]) == (
        "accepted",
        "Waits in eCW for a person",
        "app_data",
    )
    assert Attempt.objects.filter(delivery=found["diagnoses"]).get().code == "1"


def test_every_part_is_taken_and_each_that_ecw_reads_is_found_again(ecw, scribe, fhir):
    sent(
        scribe,
        allergies=[{"text": "penicillin", "reaction": "rash"}],
        immunizations=[{"cvx": "140", "date": "2025-10-02", "text": "influenza"}],
        observations=[{"loinc": "8867-4", "value": 72, "unit": "/min", "at": "2026-03-19T10:20:00-05:00"}],
    )
    take_over(ecw)
    found = looked()
    assert [(found[part].state, found[part].proof) for part in ("allergies", "observations")] == [
        ("verified", "entry")
    ] * 2
    vaccine = found["immunizations"]
    assert (vaccine.state, vaccine.proof, vaccine.read_at) == ("accepted", "app_data", None)


def test_what_nobody_takes_over_waits_and_is_never_called_missing(ecw, scribe, fhir):
    sent(scribe, diagnoses=[ICD])
    for _ in range(8):
        diagnosis = looked()["diagnoses"]
    assert (diagnosis.state, diagnosis.reason_code) == ("accepted", "waits_in_app_data")
    assert [row["outcome"] for row in diagnosis.section_outcomes] == ["waiting"]
    assert diagnosis.read_at > timezone.now() + timedelta(hours=23)
    Delivery.objects.filter(pk=diagnosis.pk).update(accepted_at=timezone.now() - timedelta(days=31))
    assert looked()["diagnoses"].read_at is None
    assert Reading.objects.filter(delivery=diagnosis, connection=fhir).count() == 9


def test_an_entry_that_stands_otherwise_is_not_as_sent(ecw, scribe, fhir):
    sent(scribe, diagnoses=[ICD])
    (entry,) = app_data(ecw)
    code = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I11.9"}]}
    ecw.process.api("PUT", f"/practices/{PRACTICE}/resources/Condition/c1", {**entry, "code": code})
    diagnosis = looked()["diagnoses"]
    assert (diagnosis.state, diagnosis.reason_code) == ("misfiled", "entries_differ")


def test_a_drug_that_ecw_refuses_rejects_the_medications_alone_and_leads_to_the_workbench(
    ecw, scribe, fhir, cast, client
):
    wrong = {"ndc": "0093-1113-01", "rxcui": "314077", "name": "Lisinopril", "ecw_id": "70771"}
    keep(cast.practice, drug_row(wrong), cast.dana, "x")
    found = sent(scribe, medications=[{**LISINOPRIL, "rxcui": "314077"}, METFORMIN])
    assert (found["medications"].state, found["medications"].reason_code) == ("rejected", "ecw_2027")
    assert found["note"].state == "accepted"
    assert app_data(ecw) == []
    client.force_login(cast.dana)
    page = client.get(reverse("delivery:delivery", args=[found["medications"].pk])).content.decode()
    assert "A drug code is unknown to eCW (2027)" in page
    assert reverse("workbench:waiting") in page


def test_without_an_answer_nothing_is_sent_again_and_a_person_looks(ecw, scribe, fhir):
    cut_once(ecw)
    Route.objects.filter(part=Part.NOTE).delete()
    found = sent(scribe, diagnoses=[ICD])
    assert found["diagnoses"].state == "unknown"
    for _ in range(entry_verification.DOUBT_LOOKS):
        diagnosis = looked()["diagnoses"]
    assert (diagnosis.state, diagnosis.reason_code) == ("parked", "entries_in_doubt")
    assert len(app_data(ecw)) == 1


def test_a_doubt_is_settled_by_the_chart(ecw, scribe, fhir):
    cut_once(ecw)
    Route.objects.filter(part=Part.NOTE).delete()
    sent(scribe, diagnoses=[ICD])
    take_over(ecw)
    assert (looked()["diagnoses"].state, looked()["diagnoses"].state) == ("accepted", "verified")


def test_a_newer_version_is_not_sent_beside_what_ecw_has(ecw, scribe, fhir):
    sent(scribe, diagnoses=[ICD])
    found = sent(scribe, version=2, diagnoses=[ICD, {**ICD, "code": "E11.9"}])
    assert (found["diagnoses"].state, found["diagnoses"].reason_code) == ("held", "entries_sent_before")
    assert len(app_data(ecw)) == 1


def test_a_connection_without_entries_holds_them(scribe, cast):
    Route.objects.create(location=cast.north, part=Part.DIAGNOSES, connection=cast.hl7)
    assert scribe.post(a_note(diagnoses=[ICD])).status_code == 201
    assert Delivery.objects.get(part="diagnoses").reason_code == "part_not_supported"


def test_only_the_scopes_of_the_parts_that_travel_are_asked_for(fhir):
    Route.objects.exclude(part__in=[Part.DIAGNOSES, Part.IMMUNIZATIONS]).delete()
    asked = set(scopes.needed(fhir))
    assert {"system/Condition.write", "system/Condition.read", "system/Immunization.write"} <= asked
    assert not {"system/Immunization.read", "system/MedicationStatement.write"} & asked
