"""What was under way when its note was amended or withdrawn, and comes back unsent, never reaches the chart."""

from itertools import pairwise
from threading import Barrier, Thread

import pytest
from django.db import connection, connections, transaction

from audit.models import AuditEvent
from delivery import actions
from delivery.models import ConnectionState, Delivery, Note, NoteVersion, Wire
from delivery.states import State
from delivery.transition import tickets, transition
from portal import crypto
from tests.delivery.conftest import a_note
from tests.delivery.test_sending import post, read_profile, run_lanes, state
from tests.mapping.test_drift_pages import GONE, imported

pytestmark = pytest.mark.django_db(transaction=True)


def move(delivery_id, *states, reason_code=""):
    """Through these states one after another, as lanes, verification and people move it."""
    for old, new in pairwise(states):
        with transaction.atomic():
            assert transition(tickets([delivery_id]), old, new, reason_code=reason_code)


def retract(scribe):
    answer = scribe.retract(str(Note.objects.get().pk))
    assert answer.status_code == 200, answer.content


def lose_the_answer(cast, ecw, profile):
    """Filed, and the answer lost; the receiver's profile says what is then known."""
    read_profile(cast, profile)
    cast.hl7.settings |= {"ack_seconds": 5}
    cast.hl7.save()
    ecw.fault("cut_after_file", count=1)
    run_lanes()
    ecw.heal()


def test_a_version_that_comes_back_unsent_after_a_newer_one_came_is_not_sent(scribe, ecw):
    first = post(scribe)
    move(first, State.READY, State.SENDING)
    second = post(scribe, version=2)
    move(first, State.SENDING, State.READY, reason_code="connection_lost")
    run_lanes()
    assert state(first) == State.SUPERSEDED
    run_lanes()
    assert state(second) == State.ACCEPTED
    [filing] = ecw.filings()
    assert filing["control_id"] == Delivery.objects.get(pk=second).control_id


def test_an_older_version_released_by_a_person_does_not_replace_the_newer_one_in_the_chart(scribe, ecw):
    first = post(scribe)
    move(first, State.READY, State.SENDING)
    second = post(scribe, version=2)
    move(first, State.SENDING, State.READY, State.HELD, reason_code="held_by_person")
    run_lanes()
    assert state(second) == State.ACCEPTED
    with transaction.atomic():
        actions.release([first], "looked at")
    run_lanes()
    assert (state(first), len(ecw.filings())) == (State.SUPERSEDED, 1)


def test_a_replay_of_an_older_version_does_not_replace_the_newer_one_in_the_chart(scribe, ecw):
    first = post(scribe)
    run_lanes()
    post(scribe, version=2)
    run_lanes()
    with transaction.atomic():
        [again] = actions.replay([first], "by mistake", same_identity=False)
    run_lanes()
    assert (state(again.pk), len(ecw.filings())) == (State.SUPERSEDED, 2)


def test_an_older_version_may_go_again_when_the_newer_one_was_rejected(scribe, ecw):
    first = post(scribe)
    run_lanes()
    second = post(scribe, version=2)
    ecw.fault("ae", count=1)
    run_lanes()
    assert state(second) == State.REJECTED
    with transaction.atomic():
        [again] = actions.replay([first], "the newer one was refused", same_identity=False)
    run_lanes()
    assert state(again.pk) == State.ACCEPTED


def test_a_note_withdrawn_while_it_was_being_sent_is_not_sent_later(scribe, ecw):
    delivery = post(scribe)
    move(delivery, State.READY, State.SENDING)
    retract(scribe)
    move(delivery, State.SENDING, State.READY, reason_code="connection_lost")
    run_lanes()
    row = Delivery.objects.get(pk=delivery)
    assert (row.state, row.reason_code, ecw.filings()) == (State.CANCELLED, "retracted", [])
    assert AuditEvent.objects.filter(event="delivery.cancelled").count() == 1


def test_a_version_posted_after_the_withdrawal_is_sent(scribe, ecw):
    first = post(scribe)
    retract(scribe)
    second = post(scribe, version=2)
    run_lanes()
    assert (state(first), state(second)) == (State.CANCELLED, State.ACCEPTED)


def test_a_withdrawn_note_that_may_stand_in_the_chart_stays_a_persons_task(scribe, ecw, cast):
    delivery = post(scribe)
    lose_the_answer(cast, ecw, "blind")
    move(delivery, State.UNKNOWN, State.PARKED, reason_code="blind_receiver")
    retract(scribe)
    assert state(delivery) == State.PARKED, "never 'called off before it was sent': it may be in the chart"


def test_a_withdrawn_note_whose_time_was_up_before_it_was_sent_is_cancelled(scribe, ecw):
    delivery = post(scribe)
    move(delivery, State.READY, State.PARKED, reason_code="deadline")
    retract(scribe)
    assert state(delivery) == State.CANCELLED


def test_a_note_withdrawn_in_doubt_is_not_sent_again_and_not_called_unsent(scribe, ecw, cast):
    delivery = post(scribe)
    lose_the_answer(cast, ecw, "dedupe")
    retract(scribe)
    move(delivery, State.UNKNOWN, State.READY, reason_code="receiver_ignores_repeats")
    run_lanes()
    row = Delivery.objects.get(pk=delivery)
    assert (row.state, row.reason_code, len(ecw.filings())) == (State.PARKED, "retracted", 1)


def test_an_amendment_of_what_may_be_charted_goes_as_a_correction(scribe, ecw, cast):
    first = post(scribe)
    lose_the_answer(cast, ecw, "dedupe")
    move(first, State.UNKNOWN, State.READY, reason_code="receiver_ignores_repeats")
    second = post(scribe, version=2)
    assert state(first) == State.SUPERSEDED
    ConnectionState.objects.update(retry_at=None)
    run_lanes()
    wire = Wire.objects.get(delivery_id=second)
    assert b"|C\r" in crypto.unseal(wire.sealed_bytes, table="wire", column="bytes", row=second)


def sent_again(cast, delivery):
    """Proven not there: the frozen bytes are about to go once more."""
    move(delivery, State.UNKNOWN, State.READY, reason_code="receiver_ignores_repeats")
    ConnectionState.objects.update(retry_at=None)
    run_lanes()
    return Delivery.objects.get(pk=delivery)


def test_frozen_bytes_that_fill_a_field_broken_since_are_held_and_say_how_they_are_made_anew(scribe, ecw, cast):
    delivery = post(scribe)
    lose_the_answer(cast, ecw, "dedupe")
    imported(cast, GONE)
    held = sent_again(cast, delivery)
    assert (held.state, held.reason_code) == (State.HELD, "template_drift")
    assert held.problems[0]["field_id"] == "NF-06"
    assert "cancel it and file it again" in held.problems[0]["message"]
    assert len(ecw.filings()) == 1


def test_frozen_bytes_that_leave_the_broken_field_alone_go_as_they_are(scribe, ecw, cast):
    delivery = post(scribe, sections=[{"code": "chief_complaint", "title": "CC", "text": "Cough."}])
    lose_the_answer(cast, ecw, "dedupe")
    before = Wire.objects.get(delivery_id=delivery).sha256
    imported(cast, GONE)
    assert sent_again(cast, delivery).state == State.ACCEPTED
    assert Wire.objects.get(delivery_id=delivery).sha256 == before


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one writer in at a time")
def test_of_two_versions_in_the_same_moment_only_the_newer_one_waits(scribe, cast, monkeypatch):
    post(scribe)
    both = Barrier(2)

    def amend(number):
        both.wait()
        scribe.post(a_note(source_note_id="n1", encounter={"id": "E1"}, version=number), key=f"v{number}")
        connections.close_all()

    for lower in range(2, 22, 2):
        pair = [Thread(target=amend, args=(number,)) for number in (lower, lower + 1)]
        for thread in pair:
            thread.start()
        for thread in pair:
            thread.join()
        waiting = Delivery.objects.filter(state=State.READY)
        assert [row.note_version.number for row in waiting] == [lower + 1]
    assert NoteVersion.objects.count() == 21
