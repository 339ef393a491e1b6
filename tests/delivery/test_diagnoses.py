"""A note's diagnoses: a wrong code holds them and not the note; what may have been meant is for those who may read."""

import json

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from delivery.models import Delivery, IdempotencyKey
from delivery.posted import note_of
from portal.models import Part, Route
from tests.delivery.conftest import a_note

pytestmark = pytest.mark.django_db


def diagnosis(code: str, system: str = "icd-10-cm", text: str = "Asthma") -> dict[str, str]:
    return {"system": system, "code": code, "text": text}


@pytest.fixture
def route(cast):
    return Route.objects.create(location=cast.north, part=Part.DIAGNOSES, connection=cast.hl7)


def parts(scribe, *diagnoses) -> dict[str, Delivery]:
    assert scribe.post(a_note(diagnoses=list(diagnoses))).status_code == 201
    return {delivery.part: delivery for delivery in Delivery.objects.all()}


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [
        ("J45", "diagnosis_not_billable", "Diagnosis 2 of 2 is a category: a longer code is needed."),
        ("J45909", "diagnosis_form", "Diagnosis 2 of 2 is not written as an ICD-10-CM code is."),
        ("J45.900", "diagnosis_unknown", "Diagnosis 2 of 2 is in no ICD-10-CM list in force on that day."),
    ],
)
def test_a_wrong_code_holds_the_diagnoses_and_lets_the_note_go(scribe, route, code, reason, words):
    found = parts(scribe, diagnosis("I10"), diagnosis(code))
    assert found["note"].state == "ready"
    assert (found["diagnoses"].state, found["diagnoses"].reason_code) == ("held", reason)
    assert [(row["pointer"], row["message"]) for row in found["diagnoses"].problems] == [("/diagnoses/1/code", words)]


def test_no_code_of_a_note_is_written_down_unsealed(scribe, route):
    found = parts(scribe, diagnosis("J45.900"))
    kept = [found["diagnoses"].problems, IdempotencyKey.objects.get().answer]
    kept += [event.detail for event in AuditEvent.objects.all()]
    assert "J45" not in json.dumps(kept)


def test_a_snomed_code_is_judged_by_its_form(scribe, route):
    found = parts(scribe, diagnosis("195967001", "snomed-ct"), diagnosis("J45", "snomed-ct"))
    assert [row["pointer"] for row in found["diagnoses"].problems] == ["/diagnoses/1/code"]
    assert found["diagnoses"].reason_code == "diagnosis_snomed"


def test_no_code_is_taken_from_a_text():
    posted = note_of(a_note(sections=[{"code": "assessment", "text": "Asthma J45.909, hypertension I10."}]))
    assert posted.entries.diagnoses == ()
    assert posted.parts == ("note",)


class TestThePage:
    def opened(self, client, delivery) -> str:
        return client.post(reverse("delivery:content", args=[delivery.pk, "sections"])).content.decode()

    def test_shows_what_may_have_been_meant_to_those_who_may_read_it(self, cast, scribe, route, client):
        held = parts(scribe, diagnosis("I10", text="Hypertension"), diagnosis("J45"))["diagnoses"]
        client.force_login(cast.omar)
        page = self.opened(client, held)
        assert "J45.909</code> Unspecified asthma, uncomplicated" in page
        assert "Is a category" in page
        assert "Billable" in page
        assert AuditEvent.objects.filter(event="note.view", object_id=str(held.pk)).exists()

    def test_says_to_all_others_which_place_is_wrong_and_where_codes_are_looked_up(self, cast, scribe, route, client):
        held = parts(scribe, diagnosis("J45"))["diagnoses"]
        client.force_login(cast.ava)
        page = client.get(reverse("delivery:delivery", args=[held.pk])).content.decode()
        assert "A diagnosis is a category, not a billable code" in page
        assert "Diagnosis 1 of 1" in page
        assert "J45" not in page
        assert reverse("codes:diagnoses") in page
