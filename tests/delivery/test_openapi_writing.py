"""The whole way by the Open API: posted, written field by field, read back, proved; locked encounters are refused."""

from datetime import timedelta

import pytest
from django.utils import timezone

from delivery import sockets
from delivery.models import Attempt, Delivery
from delivery.sending import drain as drain_held
from delivery.sentence import sentence
from delivery.verification import read_due
from portal.models import Connection, Part, Route
from tests.delivery.conftest import a_note


@pytest.fixture
def writing(ecw, cast) -> Connection:
    """NORTH's notes go by the Open API connection that reads its charts, too."""
    Route.objects.filter(location=cast.north, part=Part.NOTE).delete()
    Route.objects.create(location=cast.north, part=Part.NOTE, connection=cast.reader)
    return cast.reader


def sent(scribe, **changes) -> Delivery:
    answer = scribe.post(a_note(**changes))
    assert answer.status_code == 201, answer.content
    delivery = Delivery.objects.get(pk=answer.json()["deliveries"][0]["id"])
    with sockets.holding(delivery.lane_id):
        drain_held(delivery.lane_id)
    delivery.refresh_from_db()
    return delivery


def read(delivery: Delivery) -> Delivery:
    Delivery.objects.filter(pk=delivery.pk).update(read_at=timezone.now() - timedelta(seconds=1))
    read_due()
    delivery.refresh_from_db()
    return delivery


def test_a_note_is_written_by_field_and_proved_by_field(ecw, scribe, writing):
    delivery = sent(scribe)
    assert (delivery.state, delivery.reason_code) == ("accepted", "")
    assert Attempt.objects.get().code == "HTTP 201"
    delivery = read(delivery)
    assert (delivery.state, delivery.proof) == ("verified", "field")
    (filing,) = ecw.process.filings(fields=1)
    assert filing["control_id"] == delivery.control_id
    assert filing["template"] == "FM-PROGRESS"
    assert filing["fields"]["NF-01"] == "Cough for nine days."


def test_A19_a_section_dropped_behind_201_is_misfiled_by_name(ecw, scribe, writing, settings):
    ecw.process.api("PUT", "/faults", {"seed": 0, "faults": [{"kind": "silent_drop", "field_id": "NF-01"}]})
    delivery = sent(scribe)
    settings.SETTLE_SECONDS = 0.0
    Delivery.objects.filter(pk=delivery.pk).update(readings_made=1)
    delivery = read(delivery)
    assert delivery.state == "misfiled"
    assert [row["outcome"] for row in delivery.section_outcomes if row["field_id"] == "NF-01"] == ["missing"]


def test_a_note_that_fills_another_template_than_the_one_chosen_is_misfiled(ecw, scribe, writing):
    ecw.fault("other_template", template="SM-OLD")
    delivery = sent(scribe)
    Delivery.objects.filter(pk=delivery.pk).update(accepted_at=timezone.now() - timedelta(hours=1), readings_made=9)
    delivery = read(delivery)
    assert (delivery.state, delivery.reason_code) == ("misfiled", "sections_differ")
    wrong = [(one["title"], one["outcome"]) for one in delivery.section_outcomes if one["outcome"] != "verified"]
    assert wrong == [("Template of the visit", "altered")]
    assert "Template of the visit altered" in sentence(delivery)


def test_A25_a_locked_encounter_is_rejected_with_ecws_own_code(ecw, scribe, writing):
    note = a_note()
    ecw.process.api("PUT", f"/facilities/NORTH/encounters/{note['encounter']['id']}", {"signed": True})
    delivery = sent(scribe)
    assert (delivery.state, delivery.reason_code) == ("rejected", "ecw_139")
    assert Attempt.objects.get().code == "139"


def test_an_answer_lost_after_filing_is_unknown_and_then_found_not_sent_again(ecw, scribe, writing):
    ecw.process.api("PUT", "/faults", {"seed": 0, "faults": [{"kind": "fhir_cut_filed", "count": 1}]})
    delivery = sent(scribe)
    assert delivery.state == "unknown"
    assert read(delivery).state == "accepted"
    assert read(delivery).state == "verified"
    assert len(ecw.process.filings()) == 1


def test_a_token_that_is_refused_stops_the_lane_and_loses_nothing(ecw, scribe, writing):
    writing.set_secrets({"token": "yesterdays"})
    writing.save()
    delivery = sent(scribe)
    assert delivery.state == "ready"
    assert Attempt.objects.get().reason_code == "unauthorized"
    assert ecw.process.filings() == []
