"""Events of visits are kept for a time and then go, with what told of them; the audit log says how many, and where."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from delivery import rounds
from delivery.events import keeping, sources
from delivery.events.kinds import Happening
from delivery.events.models import Arrival, Event, VisitStage
from delivery.events.taking import ignore, take
from delivery.webhooks.models import WebhookMessage
from tests.delivery.events import senders
from tests.delivery.events.senders import CHECKED_IN, CLOSED, told

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def never_purged():
    keeping._last.clear()


def aged(days: float, encounter: str, kind: str = CHECKED_IN, source=None, cast=None) -> Event:
    """An event received so many days ago."""
    source = source or senders.ecw(cast).source
    at = timezone.now() - timedelta(days=days)
    take(source, Happening(kind, encounter, "P1001", "DR7", at, f"{encounter}:{kind}"))
    event = Event.objects.latest("received_at")
    Event.objects.filter(pk=event.pk).update(received_at=at)
    Arrival.objects.filter(event=event).update(received_at=at)
    return event


@pytest.fixture
def source(cast):
    return senders.ecw(cast).source


def left() -> set[str]:
    return {str(key) for key in Event.objects.values_list("pk", flat=True)}


def test_what_is_past_its_time_goes_and_what_is_not_stays(cast, source, settings):
    settings.EVENT_DAYS = 30
    old, young = aged(31, "E1", source=source), aged(29, "E2", source=source)
    assert keeping.purge_due() == 1
    assert left() == {str(young.pk)}
    assert str(old.pk) not in left()
    assert Arrival.objects.count() == 1
    assert VisitStage.objects.count() == 1


def test_the_audit_log_says_how_many_went_at_which_location(cast, source, settings):
    settings.EVENT_DAYS = 10
    for number in range(3):
        aged(20, f"E{number}", source=source)
    keeping.purge_due()
    event = AuditEvent.objects.get(event="event.purge")
    assert (event.practice, event.location, event.actor_type) == ("lakeside", "NORTH", "worker")
    assert event.detail["count"] == 3
    assert "P1001" not in str(event.detail)


def test_nothing_to_delete_leaves_no_line_in_the_log(cast, source, settings):
    settings.EVENT_DAYS = 10
    aged(1, "E1", source=source)
    assert keeping.purge_due() == 0
    assert not AuditEvent.objects.filter(event="event.purge").exists()


def test_each_location_has_a_line_of_its_own(cast, source, settings):
    settings.EVENT_DAYS = 10
    south, _ = sources.create(cast.south, "webhook", {})
    aged(20, "E1", source=source)
    aged(20, "E2", source=south)
    assert keeping.purge_due() == 2
    assert set(AuditEvent.objects.filter(event="event.purge").values_list("location", flat=True)) == {"NORTH", "SOUTH"}


def test_a_visit_with_a_younger_event_keeps_its_rank(cast, source, settings):
    settings.EVENT_DAYS = 10
    aged(20, "E1", CHECKED_IN, source=source)
    aged(1, "E1", CLOSED, source=source)
    keeping.purge_due()
    assert VisitStage.objects.get().rank > 0
    assert Event.objects.get().kind == CLOSED


def test_what_a_scribe_was_told_of_it_goes_too(cast, settings):
    settings.EVENT_DAYS = 10
    senders.listening_scribe(cast)
    ecw = senders.ecw(cast)
    ecw.post(told(CHECKED_IN))
    assert WebhookMessage.objects.count() == 1
    Event.objects.update(received_at=timezone.now() - 11 * DAY)
    keeping.purge_due()
    assert WebhookMessage.objects.count() == 0


def test_messages_that_told_of_nothing_go_as_well(cast, source, settings):
    settings.EVENT_DAYS = 10
    ignore(source, "old")
    Arrival.objects.update(received_at=timezone.now() - 11 * DAY)
    ignore(source, "young")
    keeping.purge_due()
    assert Arrival.objects.count() == 1


def test_zero_keeps_them_for_ever(cast, source, settings):
    settings.EVENT_DAYS = 0
    aged(4000, "E1", source=source)
    assert keeping.purge_due() == 0
    assert Event.objects.count() == 1


def test_a_process_looks_once_an_hour_and_goes_on_while_there_is_more(cast, source, settings, monkeypatch):
    settings.EVENT_DAYS = 10
    monkeypatch.setattr(keeping, "BATCH", 2)
    for number in range(3):
        aged(20 + number, f"E{number}", source=source)
    assert [keeping.purge_due() for _ in range(3)] == [2, 1, 0]
    aged(20, "E9", source=source)
    assert keeping.purge_due() == 0  # this hour's look is over
    keeping._last[:] = [keeping._last[0] - keeping.EVERY_SECONDS - 1]
    assert keeping.purge_due() == 1


def test_every_worker_looks_for_old_events():
    assert rounds.ROUNDS["old events"] is keeping.purge_due
