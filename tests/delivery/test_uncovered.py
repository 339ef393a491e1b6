"""What waits for production is held as soon as its agreements have ended, due or not; the sandbox needs none."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from delivery import actions, poll, sweeper
from delivery.due import due
from delivery.models import Delivery, Lane, Note
from delivery.states import State
from portal import agreements
from portal.agreements import Terms, record_agreement, today_at
from portal.models import Agreement, AgreementKind, Environment, Scribe
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db

IN_AN_HOUR = timedelta(hours=1)


@pytest.fixture
def lane(cast) -> Lane:
    """Of a production location, whose agreements are in force until today."""
    for row in (cast.north, cast.hl7):
        row.environment = Environment.PRODUCTION
        row.save()
    agree(cast)
    return Lane.objects.create(connection=cast.hl7, index=0)


def agree(cast) -> None:
    today = today_at(cast.north)
    for kind, scribe in ((AgreementKind.BAA_SCRIBE, cast.scribe), (AgreementKind.BAA_ECW, None)):
        record_agreement(cast.practice, Terms(kind, "Murmur", today, today), scribe)


def end_agreements() -> None:
    for agreement in Agreement.objects.all():
        agreements.end(agreement)


def backing_off(cast, lane, state=State.READY, **changes) -> Delivery:
    """Tried before, and due in an hour."""
    delivery = make_delivery(cast, state, tries=["unavailable"])
    waits = {"lane": lane, "not_before": timezone.now() + IN_AN_HOUR, **changes}
    Delivery.objects.filter(pk=delivery.pk).update(**waits)
    return delivery


def standing(delivery) -> tuple[str, str]:
    delivery.refresh_from_db()
    return delivery.state, delivery.reason_code


def test_what_is_not_due_yet_is_held_by_a_workers_next_look_after_the_end(cast, lane):
    delivery = backing_off(cast, lane)
    poll.look_around(timezone.now())
    assert standing(delivery) == (State.READY, "")
    end_agreements()
    poll.look_around(timezone.now())
    assert standing(delivery) == (State.HELD, "agreement_missing")
    assert AuditEvent.objects.get(event="delivery.held").detail["reason_code"] == "agreement_missing"


def test_one_whose_agreement_ends_with_its_last_day_is_held_without_any_change(cast, lane, monkeypatch):
    delivery = backing_off(cast, lane)
    assert sweeper.hold_uncovered() == 0
    tomorrow = today_at(cast.north) + timedelta(days=1)
    monkeypatch.setattr(agreements, "today_at", lambda location: tomorrow)
    assert sweeper.hold_uncovered() == 1
    assert standing(delivery) == (State.HELD, "agreement_missing")


def test_what_waits_behind_another_delivery_is_held_too(cast, lane):
    backing_off(cast, lane, State.UNKNOWN)
    behind = backing_off(cast, lane, not_before=timezone.now())
    assert not due(lane.pk).exists()
    end_agreements()
    assert sweeper.hold_uncovered() == 1
    assert standing(behind) == (State.HELD, "agreement_missing")


@pytest.mark.parametrize("state", [state for state in State if state is not State.READY])
def test_nothing_but_what_is_ready_is_touched(cast, lane, state):
    delivery = backing_off(cast, lane, state)
    before = standing(delivery)
    end_agreements()
    assert sweeper.hold_uncovered() == 0
    assert standing(delivery) == before


@pytest.mark.parametrize("of", ["connection", "location"])
def test_the_sandboxs_are_left_alone(cast, lane, of):
    delivery = backing_off(cast, lane)
    row = cast.hl7 if of == "connection" else cast.north
    row.environment = Environment.SANDBOX
    row.save()
    end_agreements()
    assert sweeper.hold_uncovered() == 0
    assert standing(delivery) == (State.READY, "")


def test_another_scribes_notes_go_on(cast, lane):
    mine, anothers = backing_off(cast, lane), backing_off(cast, lane)
    other = Scribe.objects.create(practice=cast.practice, name="Other")
    record_agreement(cast.practice, Terms(AgreementKind.BAA_SCRIBE, "Other", today_at(cast.north)), other)
    Note.objects.filter(deliveries=anothers).update(scribe=other)
    agreements.end(Agreement.objects.get(scribe=cast.scribe))
    assert sweeper.hold_uncovered() == 1
    assert (standing(mine)[0], standing(anothers)[0]) == (State.HELD, State.READY)


def test_they_go_once_the_agreements_are_renewed_and_a_person_releases_them(cast, lane):
    delivery = backing_off(cast, lane)
    end_agreements()
    sweeper.hold_uncovered()
    agree(cast)
    assert sweeper.hold_uncovered() == 0
    actions.release([delivery.pk])
    assert standing(delivery) == (State.READY, "")
    assert list(due(lane.pk).values_list("pk", flat=True)) == [delivery.pk]
    assert sweeper.hold_uncovered() == 0


def test_released_before_they_are_held_again(cast, lane):
    delivery = backing_off(cast, lane)
    end_agreements()
    sweeper.hold_uncovered()
    actions.release([delivery.pk])
    assert sweeper.hold_uncovered() == 1
    assert standing(delivery) == (State.HELD, "agreement_missing")


def test_however_many_wait_they_are_held_by_one_look(cast, lane, monkeypatch):
    monkeypatch.setattr(sweeper, "BATCH", 2)
    for _ in range(5):
        backing_off(cast, lane)
    end_agreements()
    assert sweeper.hold_uncovered() == 5


def test_it_costs_three_questions_while_the_agreements_stand(cast, lane, django_assert_num_queries):
    backing_off(cast, lane)
    sweeper.hold_uncovered()  # what lacks is kept in memory from here
    with django_assert_num_queries(3):
        assert sweeper.hold_uncovered() == 0
