"""Notes of providers outside the cohort: taken in, held under a reason of their own, and let go when they join."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from delivery import actions, reviewing
from delivery.deeds import deeds_for
from delivery.failures import CATALOGUE
from delivery.lanes import lane_for
from delivery.models import Delivery, NoteVersion
from delivery.pilot import steps
from delivery.pilot.cohort import NAMED
from delivery.states import State
from tests.delivery.conftest import a_note
from tests.delivery.pilot.scenes import a_pilot, plan, post, provider_with, stands, went
from tests.delivery.test_entries import ICD
from tests.delivery.test_sending import run_lanes

pytestmark = pytest.mark.django_db(transaction=True)
OUTSIDE = (State.HELD, "outside_pilot")


def released(delivery: Delivery) -> bool:
    """As by the button of its page."""
    with transaction.atomic():
        return bool(actions.release([delivery.pk]))


@pytest.fixture
def pilot(cast, as_dana):
    return a_pilot(cast.north)


def test_a_note_of_the_cohort_goes_and_one_of_another_provider_is_taken_in_and_held(scribe, pilot, ecw):
    inside, outside = post(scribe, 1), post(scribe, 2, "DR8")
    assert stands(outside) == OUTSIDE
    run_lanes()
    assert stands(inside)[0] == State.ACCEPTED
    assert stands(outside) == OUTSIDE
    assert len(ecw.filings()) == 1


def test_the_scribe_is_told_the_state_and_the_reason(scribe, pilot):
    answer = scribe.post(a_note(provider={"id": "DR8", "family": "Roe", "given": "Di"})).json()
    (told,) = answer["deliveries"]
    assert (told["state"], told["reason"]["code"]) == OUTSIDE


def test_every_part_of_the_note_waits_not_its_text_alone(scribe, pilot):
    post(scribe, 1, "DR8", diagnoses=[ICD])
    rows = Delivery.objects.values_list("part", "state", "reason_code").order_by("part")
    assert list(rows) == [("diagnoses", *OUTSIDE), ("note", *OUTSIDE)]


def test_other_locations_know_nothing_of_it(scribe, pilot):
    assert stands(post(scribe, 1, "DR8", location="SOUTH"))[1] != "outside_pilot"


def test_what_waited_to_be_sent_when_the_pilot_began_waits_as_well(scribe, cast, as_dana, ecw):
    waiting = post(scribe, 1, "DR8")
    assert stands(waiting)[0] == State.READY
    a_pilot(cast.north)
    assert stands(waiting) == OUTSIDE


def test_what_got_past_is_held_before_a_byte_leaves(scribe, cast, pilot, ecw):
    """Taken in while the step was being written, or released, or filed again: the gate asks once more."""
    waiting = post(scribe, 1, "DR8")
    Delivery.objects.filter(pk=waiting.pk).update(reason_code="")
    assert released(waiting)
    run_lanes()
    assert stands(waiting) == OUTSIDE
    assert ecw.filings() == []


def test_nobody_lets_one_go_by_itself_neither_alone_nor_in_a_heap_nor_by_review(scribe, cast, pilot, client):
    waiting = post(scribe, 1, "DR8")
    client.force_login(cast.dana)
    client.post(reverse("delivery:act", args=[waiting.pk, "release"]), {"reason": "In a hurry"})
    assert not released(waiting)
    assert not reviewing.reviewable(Delivery.objects.get(pk=waiting.pk))
    assert "release" not in {deed.verb for deed in deeds_for(Delivery.objects.get(pk=waiting.pk))}
    assert stands(waiting) == OUTSIDE


def test_it_can_be_called_off(scribe, pilot):
    waiting = post(scribe, 1, "DR8")
    assert "cancel" in {deed.verb for deed in deeds_for(Delivery.objects.get(pk=waiting.pk))}


def test_when_its_provider_joins_it_goes(scribe, cast, pilot, ecw):
    waiting = post(scribe, 1, "DR8")
    steps.change(pilot, plan("DR7", "DR8"))
    assert stands(waiting)[0] == State.READY
    run_lanes()
    assert stands(waiting)[0] == State.ACCEPTED


def test_an_encounters_notes_go_in_the_order_they_came(scribe, cast, pilot, ecw):
    texts = ("chief_complaint", "history_of_present_illness", "plan")
    parts = [[{"code": code, "title": code, "text": "As told."}] for code in texts]
    held = [post(scribe, number, "DR8", encounter="E9", sections=part) for number, part in enumerate(parts)]
    steps.change(pilot, plan("DR7", "DR8"))
    run_lanes()
    assert {stands(one)[0] for one in held} == {State.ACCEPTED}
    assert [one["control_id"] for one in ecw.filings()] == [one.control_id for one in held]


def test_a_later_version_takes_the_place_of_what_waits(scribe, pilot):
    waiting = post(scribe, 1, "DR8")
    newer = post(scribe, 1, "DR8", version=2)
    assert stands(waiting) == (State.SUPERSEDED, "superseded")
    assert stands(newer) == OUTSIDE


def test_a_withdrawn_one_does_not_go_when_its_provider_joins(scribe, cast, pilot):
    waiting = post(scribe, 1, "DR8")
    scribe.retract(str(waiting.note_id))
    steps.change(pilot, plan("DR7", "DR8"))
    assert stands(waiting)[0] == State.CANCELLED


def test_what_waited_too_long_needs_a_persons_look(scribe, cast, pilot):
    old, young = post(scribe, 1, "DR8"), post(scribe, 2, "DR8")
    NoteVersion.objects.filter(deliveries=old).update(received_at=timezone.now() - timedelta(days=8))
    steps.change(pilot, plan("DR7", "DR8"))
    assert stands(old) == (State.HELD, "pilot_too_old")
    assert stands(young)[0] == State.READY
    assert released(old)
    assert stands(old)[0] == State.READY


def test_how_long_is_too_long_is_the_pilots_setting(scribe, cast, pilot):
    old = post(scribe, 1, "DR8")
    NoteVersion.objects.filter(deliveries=old).update(received_at=timezone.now() - timedelta(days=8))
    steps.change(pilot, plan("DR7", "DR8", fresh_days=30))
    assert stands(old)[0] == State.READY


def test_with_review_each_note_of_the_cohort_waits_for_a_clinician(scribe, cast, as_dana):
    a_pilot(cast.north, review=True)
    assert stands(post(scribe, 1)) == (State.HELD, "awaits_review")
    assert stands(post(scribe, 2, "DR8")) == OUTSIDE


def test_who_joins_a_pilot_with_review_has_its_waiting_notes_reviewed_too(scribe, cast, as_dana):
    pilot = a_pilot(cast.north, review=True)
    waiting = post(scribe, 1, "DR8", diagnoses=[ICD])
    codes = Delivery.objects.get(part="diagnoses")
    steps.change(pilot, plan("DR7", "DR8", review=True))
    assert stands(waiting) == (State.HELD, "awaits_review")
    assert stands(codes) == (State.HELD, "no_route"), "its codes need no clinician, and have no way to go yet"
    moves = list(waiting.moves.order_by("id").values_list("from_state", "to_state", "reason_code"))
    assert moves == [("", "held", "outside_pilot"), ("held", "held", "awaits_review")]
    held = AuditEvent.objects.filter(event="delivery.held", object_id=str(waiting.pk))
    assert [one.detail["reason_code"] for one in held.order_by("at")] == ["outside_pilot", "awaits_review"]


def test_a_location_that_reviews_all_reviews_who_joins(scribe, cast, as_dana):
    cast.north.review_first = True
    cast.north.save()
    pilot = a_pilot(cast.north)
    waiting = post(scribe, 1, "DR8")
    steps.change(pilot, plan("DR7", "DR8"))
    assert stands(waiting) == (State.HELD, "awaits_review")


def test_released_by_a_clinician_after_its_provider_left_it_waits_again(scribe, cast, as_dana, ecw):
    pilot = a_pilot(cast.north, "DR7", "DR8", review=True)
    waiting = post(scribe, 1, "DR8")
    steps.change(pilot, plan("DR7", review=True))
    assert reviewing.release(Delivery.objects.get(pk=waiting.pk))
    run_lanes()
    assert stands(waiting) == OUTSIDE
    assert ecw.filings() == []


def test_whoever_leaves_has_what_waits_held_and_loses_nothing(scribe, cast, as_dana, ecw):
    pilot = a_pilot(cast.north, "DR7", "DR8")
    mine, leaving = post(scribe, 1), post(scribe, 2, "DR8")
    steps.change(pilot, plan("DR7"))
    assert stands(leaving) == OUTSIDE
    assert stands(mine)[0] == State.READY
    steps.change(pilot, plan("DR7", "DR8"))
    assert stands(leaving)[0] == State.READY


def test_what_was_sent_already_is_left_alone(cast, as_dana):
    pilot = a_pilot(cast.north, "DR7", "DR8")
    states = (State.ACCEPTED, State.VERIFIED, State.UNKNOWN, State.PARKED, State.REJECTED, State.MISFILED)
    rows = [went(cast, state, provider="DR8") for state in states]
    steps.change(pilot, plan("DR7"))
    assert [stands(row)[0] for row in rows] == list(states)


def test_a_share_lets_in_who_has_a_number_below_it(scribe, cast, as_dana):
    early = provider_with(cast.north, 0, 49)
    late = provider_with(cast.north, 50, 99)
    pilot = a_pilot(cast.north)
    for row in (went(cast), went(cast)):
        assert row.pk
    waiting = [post(scribe, 1, early), post(scribe, 2, late)]
    steps.promote(pilot, NAMED)
    assert [stands(one)[0] for one in waiting] == [State.READY, State.HELD]


def test_more_notes_than_one_batch_all_go(cast, as_dana, monkeypatch):
    monkeypatch.setattr(steps, "BATCH", 2)
    pilot = a_pilot(cast.north)
    rows = [went(cast, State.HELD, provider="DR8", reason_code="outside_pilot") for _ in range(5)]
    with_a_lane(cast, rows)
    steps.change(pilot, plan("DR7", "DR8"))
    assert {stands(row)[0] for row in rows} == {State.READY}


def with_a_lane(cast, rows) -> None:
    Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(lane=lane_for(cast.hl7.pk, 1, "0"))


@pytest.mark.parametrize("code", ["outside_pilot", "pilot_stepped_back", "pilot_too_old"])
def test_each_reason_says_that_nothing_was_sent_and_what_to_do(code):
    entry = CATALOGUE[code]
    assert "othing of it was sent" in entry.happened
    assert entry.todo
