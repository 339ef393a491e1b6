"""An encounter is looked up before a note goes into it: of another patient, unknown or cancelled, nothing is sent."""

import pytest
from django.db import transaction

from delivery import whose_visit
from delivery.actions import release
from delivery.failures import CATALOGUE
from delivery.models import Attempt, Delivery
from delivery.oauth import endpoints, scopes
from portal.forms.fhir import FhirForm
from portal.models import Part, Route
from tests.delivery.fhir import PRACTICE, calls, fhir_connection, register
from tests.delivery.test_fhir_sending import drain, post, sent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_believed():
    whose_visit._right.clear()


@pytest.fixture
def fhir(ecw, cast):
    endpoints._kept.clear()
    made = fhir_connection(cast, f"http://127.0.0.1:{ecw.process.http}", check_encounter=True)
    register(ecw.process, made)
    ecw.process.api(
        "PUT", f"/practices/{PRACTICE}", {"facility": "NORTH", "template": "FM-PROGRESS", "per_minute": 2000}
    )
    return made


def encounter(ecw, patient: str = "P1001", status: str = "in-progress", key: str = "E5001") -> None:
    body = {"resourceType": "Encounter", "id": key, "status": status, "subject": {"reference": f"Patient/{patient}"}}
    ecw.process.api("PUT", f"/practices/{PRACTICE}/resources/Encounter/{key}", body)


def test_A24_a_note_for_its_own_patients_encounter_goes(ecw, scribe, fhir):
    encounter(ecw)
    assert sent(scribe).state == "accepted"


@pytest.mark.parametrize(
    "patient, status, reason",
    [
        ("P9999", "in-progress", "encounter_of_another_patient"),
        ("P1001", "cancelled", "encounter_cancelled"),
        ("P1001", "entered-in-error", "encounter_cancelled"),
    ],
)
def test_A24_a_note_for_a_visit_that_is_not_its_own_is_held_and_never_sent(ecw, scribe, fhir, patient, status, reason):
    encounter(ecw, patient, status)
    delivery = sent(scribe)
    assert (delivery.state, delivery.reason_code) == ("held", reason)
    assert reason in CATALOGUE
    assert not Attempt.objects.exists()
    assert ecw.filings() == []


def test_A24_an_encounter_that_ecw_does_not_know_holds_its_note_until_it_does(ecw, scribe, fhir):
    delivery = sent(scribe)
    assert (delivery.state, delivery.reason_code) == ("held", "encounter_unknown")
    encounter(ecw)
    with transaction.atomic():
        release([delivery.pk], "the visit was opened late")
    drain(delivery.lane_id)
    delivery.refresh_from_db()
    assert delivery.state == "accepted"


def test_A24_a_note_by_hl7_is_looked_up_through_the_locations_reading_connection(ecw, scribe, fhir, cast):
    Route.objects.filter(location=cast.north, part=Part.NOTE).update(connection=cast.hl7)
    encounter(ecw, "P9999")
    delivery = sent(scribe)
    assert (delivery.connection, delivery.reason_code) == (cast.hl7, "encounter_of_another_patient")
    assert ecw.filings() == []


def test_the_others_of_a_batch_go_all_the_same(ecw, scribe, fhir):
    encounter(ecw, "P9999", key="E1")
    encounter(ecw, key="E2")
    wrong = post(scribe, source_note_id="a", encounter={"id": "E1"})
    right = post(scribe, source_note_id="b", encounter={"id": "E2"})
    for lane in {wrong.lane_id, right.lane_id}:
        drain(lane)
    assert [Delivery.objects.get(pk=one.pk).state for one in (wrong, right)] == ["held", "accepted"]


def test_a_base_that_cannot_say_holds_nothing_up(ecw, scribe, fhir):
    encounter(ecw)
    ecw.fault("read_http_500")
    assert sent(scribe).state == "accepted"


def test_what_was_right_is_believed_for_a_while_and_what_was_wrong_is_asked_again(ecw, scribe, fhir):
    encounter(ecw)
    first = sent(scribe)
    assert list(whose_visit._right) == [(fhir.pk, first.note_version.encounter_bidx, first.note_version.patient_bidx)]
    encounter(ecw, "P9999")
    assert sent(scribe, source_note_id="second").reason_code == "ecw_303"  # asked nobody, and eCW refused it
    whose_visit._right.clear()
    assert sent(scribe, source_note_id="third").reason_code == "encounter_of_another_patient"
    assert whose_visit._right == {}


def test_without_the_setting_nobody_asks(ecw, scribe, fhir):
    fhir.settings.pop("check_encounter")
    fhir.save()
    encounter(ecw, "P9999")
    assert sent(scribe).reason_code != "encounter_of_another_patient"
    assert calls(ecw.process) == 1


def test_the_right_to_read_encounters_is_asked_for_only_where_it_is_needed(fhir):
    assert scopes.needed(fhir)["system/Encounter.read"] == "looks a note's encounter up"
    fhir.settings["check_encounter"] = False
    assert "system/Encounter.read" not in scopes.needed(fhir)


def test_memory_does_not_grow_without_end(monkeypatch):
    monkeypatch.setattr(whose_visit, "MOST_KEPT", 3)
    for number in range(10):
        whose_visit._believe((1, str(number), ""))
    assert len(whose_visit._right) <= 3


def test_the_form_of_a_fhir_connection_has_the_setting(cast):
    assert "check_encounter" in FhirForm(cast.practice, None).fields
