"""A pilot against the simulated eCW: its notes are sent and read back, a planted fall steps it back, no note is lost."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from delivery.models import Delivery, Issue
from delivery.monitor import counting
from delivery.pilot import watching
from delivery.pilot.cohort import NAMED
from delivery.pilot.tables import Pilot, PilotTurn
from delivery.states import State
from tests.delivery.fhir import words
from tests.delivery.pilot.scenes import a_pilot, post, provider_with, stands
from tests.delivery.test_sending import run_lanes
from tests.delivery.test_verification import settle_and_read

pytestmark = pytest.mark.django_db(transaction=True)


def charted(*notes: Delivery) -> None:
    """Send what may go, and read the chart back."""
    run_lanes()
    for _ in range(3):
        settle_and_read()


def press(client, step: int) -> str:
    answer = client.post(reverse("delivery:pilot-step", args=["NORTH", "promote"]), {"step": step}, follow=True)
    return words(answer.content.decode())


def one_round() -> int:
    PilotTurn.objects.update(at=timezone.now() - timedelta(minutes=1))
    return watching.pilots_due()


@pytest.fixture
def early(cast) -> str:
    """A provider whom the share takes in."""
    return provider_with(cast.north, 0, 49, but=("DR7",))


@pytest.fixture
def late(cast) -> str:
    return provider_with(cast.north, 50, 99)


def test_a_planted_fall_steps_back_in_one_window_and_every_note_arrives_in_the_end(
    scribe, cast, as_dana, ecw, client, early, late
):
    pilot = a_pilot(cast.north, least_notes=3, most_misfiled=100)
    client.force_login(cast.dana)
    assert "Not all numbers hold" in press(client, NAMED), "nothing was measured yet"

    mine = [post(scribe, number) for number in (1, 2, 3)]
    theirs = [post(scribe, number, early) for number in (4, 5)]
    nobodys = post(scribe, 6, late)
    charted()
    assert {stands(one)[0] for one in mine} == {State.VERIFIED}
    assert {stands(one) for one in (*theirs, nobodys)} == {(State.HELD, "outside_pilot")}
    assert "One step further" in press(client, NAMED)
    charted()
    assert {stands(one)[0] for one in theirs} == {State.VERIFIED}, "they joined, and their notes went"
    assert stands(nobodys) == (State.HELD, "outside_pilot")

    ecw.fault("silent_drop", field_id="NF-02")
    spoilt = [post(scribe, number, provider) for number, provider in ((7, "DR7"), (8, early))]
    charted()
    assert {stands(one)[0] for one in spoilt} == {State.MISFILED}
    waiting = [post(scribe, number, early) for number in (9, 10)]
    assert one_round() == 1
    pilot.refresh_from_db()
    assert pilot.step == NAMED
    assert {stands(one) for one in waiting} == {(State.HELD, "pilot_stepped_back")}
    assert "verified in the chart: 50 %, at least 98 %" in AuditEvent.objects.get(event="pilot.step_back").reason
    assert "Not all numbers hold" in press(client, NAMED), "a new window has begun"

    ecw.heal()
    for number in (11, 12, 13):
        post(scribe, number)
    charted()
    assert "One step further" in press(client, NAMED)
    charted()
    assert {stands(one)[0] for one in waiting} == {State.VERIFIED}
    sent = Delivery.objects.exclude(pk=nobodys.pk)
    ids = [one["control_id"] for one in ecw.filings()]
    assert sorted(ids) == sorted(sent.values_list("control_id", flat=True)), "each once, none lost"
    assert stands(nobodys) == (State.HELD, "outside_pilot")


def test_what_a_step_back_holds_is_an_issue_of_its_own(scribe, cast, as_dana, ecw, early, monkeypatch):
    monkeypatch.setattr(counting, "SETTLED", timedelta(seconds=-60))
    counting.catch_up()
    pilot = a_pilot(cast.north, least_notes=1)
    Pilot.objects.filter(pk=pilot.pk).update(step=NAMED + 1)
    ecw.fault("silent_drop", field_id="NF-02")
    post(scribe, 1)
    charted()
    waiting = post(scribe, 2, early)
    assert one_round() == 1
    assert stands(waiting) == (State.HELD, "pilot_stepped_back")
    counting.catch_up()
    assert Issue.objects.filter(location=cast.north, reason_code="pilot_stepped_back", state="new").exists()


def test_the_time_to_chart_is_measured_on_real_notes(scribe, cast, as_dana, ecw):
    pilot = a_pilot(cast.north, least_notes=1, most_p50_seconds=1, most_p95_seconds=1)
    delivery = post(scribe, 1)
    charted()
    stands(delivery)
    went = delivery.moves.filter(to_state=State.READY).earliest("id").at
    Delivery.objects.filter(pk=delivery.pk).update(verified_at=went + timedelta(seconds=90))
    assert one_round() == 1
    assert "time to chart, half within: 90 s, at most 1 s" in pilot.moves.latest("pk").reason
