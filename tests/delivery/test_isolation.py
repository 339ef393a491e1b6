"""One delivery that cannot be worked on stops nobody else: put off, and in the end a person's."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from delivery import outgoing, verification
from delivery.filters import Filters
from delivery.models import Attempt, Delivery, Move
from delivery.queries import UNREAD_AFTER, Scope, counts, matching
from delivery.sentence import sentence
from delivery.states import State
from delivery.verification import read_due
from tests.delivery.test_sending import post, read_profile, run_lanes

pytestmark = pytest.mark.django_db(transaction=True)


class Broken(RuntimeError):
    """What no code here expects."""


def broken_for(monkeypatch, module, name, poisoned, error=Broken, pick=lambda first: first.pk):
    """`module.name` raises for one delivery; returns the list of those it was called for."""
    really, asked = getattr(module, name), []

    def run(first, *rest):
        asked.append(pick(first))
        if pick(first) == poisoned:
            raise error("whatever")
        return really(first, *rest)

    monkeypatch.setattr(module, name, run)
    return asked


def due_now():
    Delivery.objects.update(not_before=timezone.now())


def look_now():
    Delivery.objects.filter(read_at__isnull=False).update(read_at=timezone.now() - timedelta(seconds=1))
    return read_due()


def test_P11_a_note_that_cannot_be_prepared_is_parked_after_three_tries_and_the_others_go(
    scribe, ecw, cast, monkeypatch
):
    read_profile(cast, "readback")
    ids = [post(scribe, number) for number in range(5)]
    asked = broken_for(monkeypatch, outgoing, "_prepare", ids[0])
    run_lanes()
    assert {row.state for row in Delivery.objects.filter(pk__in=ids[1:])} == {State.ACCEPTED}, "in the same round"
    first = Delivery.objects.get(pk=ids[0])
    assert (first.state, first.crashes, first.reason_code) == (State.READY, 1, "preparation_failed")
    assert first.not_before > timezone.now(), "not at once again"
    monkeypatch.undo()
    broken_for(monkeypatch, outgoing, "closed_gate", ids[0])
    for _ in range(3):
        due_now()
        run_lanes()
    first.refresh_from_db()
    assert (first.state, first.reason_code) == (State.PARKED, "poison")
    assert not Attempt.objects.filter(delivery=first).exists(), "nothing was ever sent of it"
    assert asked.count(ids[0]) == 1


def test_a_note_put_off_holds_up_its_own_encounter_only_and_keeps_its_order(scribe, ecw, cast, monkeypatch):
    read_profile(cast, "readback")
    first = post(scribe, 1, encounter="E1")
    second = post(scribe, 2, encounter="E1", sections=[{"code": "physical_exam", "title": "EXAM", "text": "Clear."}])
    other = post(scribe, 3, encounter="E3")
    broken_for(monkeypatch, outgoing, "_prepare", first)
    run_lanes()
    assert [Delivery.objects.get(pk=each).state for each in (first, second, other)] == [
        State.READY,
        State.READY,
        State.ACCEPTED,
    ]
    monkeypatch.undo()
    due_now()
    run_lanes()
    order = list(Attempt.objects.order_by("pk").values_list("delivery_id", flat=True))
    assert order == [other, first, second]


def test_a_database_that_is_away_is_nobodys_poison(scribe, ecw, monkeypatch):
    delivery = post(scribe)
    broken_for(monkeypatch, outgoing, "_prepare", delivery, OperationalError)
    monkeypatch.setattr("delivery.lanes.Lease.holds", lambda lease: False)
    with pytest.raises(OperationalError):
        run_lanes()
    assert Delivery.objects.get().crashes == 0


def test_a_reading_that_cannot_be_judged_does_not_stop_the_others(scribe, ecw, cast, monkeypatch):
    read_profile(cast, "readback")
    ids = [post(scribe, number) for number in range(4)]
    run_lanes()
    broken_for(monkeypatch, verification, "compared", ids[1], pick=lambda look: look.delivery.pk)
    look_now()
    states = dict(Delivery.objects.values_list("pk", "state"))
    assert [states[each] for each in ids] == [State.VERIFIED, State.ACCEPTED, State.VERIFIED, State.VERIFIED]
    left = Delivery.objects.get(pk=ids[1])
    assert (left.reason_code, left.readings_made) == ("reading_failed", 1)
    assert left.read_at > timezone.now()
    assert "not yet read back: the chart's answer could not be worked on" in sentence(left)
    monkeypatch.undo()
    look_now()
    assert Delivery.objects.get(pk=ids[1]).state == State.VERIFIED


def test_a_doubt_whose_reading_cannot_be_judged_is_parked_the_third_time(scribe, ecw, cast, monkeypatch):
    read_profile(cast, "readback")
    cast.hl7.settings |= {"ack_seconds": 0.3}
    cast.hl7.save()
    ecw.fault("drop_ack")
    delivery = post(scribe)
    run_lanes()
    broken_for(monkeypatch, verification, "compared", delivery, pick=lambda look: look.delivery.pk)
    for number in range(3):
        assert Delivery.objects.get().state == State.UNKNOWN, number
        look_now()
    row = Delivery.objects.get()
    assert (row.state, row.reason_code) == (State.PARKED, "reading_failed")
    assert Move.objects.filter(delivery=row, to_state=State.READY).count() == 1, "never sent again"


@pytest.mark.parametrize("where", ["visit_of", "open_reader"])
def test_a_chart_that_cannot_be_asked_for_is_asked_for_later_and_the_worker_goes_on(
    scribe, ecw, cast, monkeypatch, where
):
    read_profile(cast, "readback")
    post(scribe)
    run_lanes()

    def fails(*_, **__):
        raise Broken

    monkeypatch.setattr(verification, where, fails)
    assert look_now() == 1
    row = Delivery.objects.get()
    assert (row.state, row.reason_code) == (State.ACCEPTED, "reading_failed")
    assert row.read_at > timezone.now()


def test_an_accepted_note_that_nobody_can_read_back_needs_attention_after_a_quarter_of_an_hour(scribe, ecw, cast):
    read_profile(cast, "readback")
    ecw.fault("read_http_500")
    delivery = post(scribe)
    run_lanes()
    look_now()
    scope, wanted = Scope((cast.north,)), Filters(state=("attention",))
    now = Delivery.objects.get().accepted_at
    for minutes, listed in ((14, []), (16, [delivery])):
        found = matching(scope, wanted, now + timedelta(minutes=minutes))
        assert list(found.values_list("pk", flat=True)) == listed
    assert counts(matching(scope, Filters()))["attention"] == 0
    Delivery.objects.update(accepted_at=timezone.now() - UNREAD_AFTER - timedelta(seconds=1))
    assert counts(matching(scope, Filters()))["attention"] == 1
    ecw.heal()
    look_now()
    assert counts(matching(scope, Filters()))["attention"] == 0, "verified"


def test_an_accepted_note_where_nothing_can_be_read_needs_nobody(scribe, ecw, cast):
    cast.north.reading_connection = None
    cast.north.save()
    post(scribe)
    run_lanes()
    Delivery.objects.update(accepted_at=timezone.now() - timedelta(days=1))
    assert counts(matching(Scope((cast.north,)), Filters()))["attention"] == 0
