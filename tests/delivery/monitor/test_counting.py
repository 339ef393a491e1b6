"""The tallies are what a count of the rows would say, whatever moved, and however often it is looked."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from delivery.filters import Filters
from delivery.models import Delivery, Move
from delivery.monitor import counting, outcomes
from delivery.monitor.counting import catch_up, note_standing
from delivery.monitor.overview import oldest
from delivery.monitor.span import span_of
from delivery.monitor.tables import Counted, Issue, Standing, Tally
from delivery.queries import Scope
from delivery.states import State
from delivery.transition import tickets, transition
from tests.delivery.rows import make_delivery

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def at_once(monkeypatch):
    """Nothing is in flight in a test: what is written is counted at once."""
    monkeypatch.setattr(counting, "SETTLED", timedelta(seconds=-1))


def a_month(cast) -> Scope:
    now = timezone.now()
    for days in (0, 1, 3, 12, 29):
        for state in (State.VERIFIED, State.HELD, State.ACCEPTED):
            make_delivery(cast, state, received_at=now - days * DAY - timedelta(minutes=30))
    make_delivery(cast, State.READY, location=cast.south, received_at=now - 3 * DAY)
    return Scope((cast.north, cast.south))


def sums(scope: Scope, range: str) -> dict[State, int]:
    return dict(outcomes.by_state(outcomes.counts(scope, span_of(Filters(range=range), scope.zone, timezone.now()))))


def test_from_rows_and_from_tallies_come_the_same_numbers(cast, at_once):
    scope = a_month(cast)
    by_rows = {range: sums(scope, range) for range in ("1h", "24h", "7d", "30d")}
    catch_up()
    assert Tally.objects.exists()
    assert {range: sums(scope, range) for range in by_rows} == by_rows
    assert by_rows["30d"] == {State.VERIFIED: 5, State.HELD: 5, State.ACCEPTED: 5, State.READY: 1}
    assert by_rows["24h"] == {State.VERIFIED: 1, State.HELD: 1, State.ACCEPTED: 1}


def test_long_spans_are_read_from_the_tallies(cast, at_once):
    scope = a_month(cast)
    catch_up()
    Tally.objects.filter(location=cast.south).update(number=70)
    assert sums(scope, "7d")[State.READY] == 70
    assert sums(scope, "24h").get(State.READY) is None


def test_what_moved_since_is_counted_anew_and_twice_is_as_good_as_once(cast, at_once):
    scope = a_month(cast)
    catch_up()
    held = list(Delivery.objects.filter(state="held").values_list("pk", flat=True))
    with transaction.atomic():
        transition(tickets(held), State.HELD, State.CANCELLED)
    assert catch_up() == len(held)
    assert catch_up() == 0
    Counted.objects.update(move_id=0)
    catch_up()
    assert sums(scope, "30d") == {State.VERIFIED: 5, State.CANCELLED: 5, State.ACCEPTED: 5, State.READY: 1}


def test_moves_too_young_to_be_sure_of_are_left_for_the_next_look(cast):
    make_delivery(cast, State.READY, received_at=timezone.now() - 2 * DAY)
    catch_up()
    one = make_delivery(cast, State.HELD, received_at=timezone.now() - 2 * DAY)
    with transaction.atomic():
        transition(tickets([one.pk]), State.HELD, State.CANCELLED)
    mark = Counted.objects.get().move_id
    assert catch_up() <= 1  # the first move is two days old; the second was written just now
    assert Counted.objects.get().move_id < Move.objects.latest("pk").pk
    assert Counted.objects.get().move_id >= mark


def test_the_first_look_leaves_what_is_too_young_to_be_sure_of_for_the_next_one(cast, monkeypatch):
    """A move of a lower key may be committed after it: past a mark above it nobody would ever count it."""
    old = make_delivery(cast, State.HELD, reason_code="no_route", received_at=timezone.now() - timedelta(hours=2))
    young = make_delivery(cast, State.HELD, reason_code="no_route")
    catch_up()
    assert Counted.objects.get().move_id == Move.objects.get(delivery=old).pk
    assert sum(Tally.objects.values_list("number", flat=True)) == 2
    assert Issue.objects.get().seen == 1  # the young one is counted with its move
    late = make_delivery(cast, State.HELD, reason_code="ae", received_at=timezone.now() - timedelta(minutes=1))
    monkeypatch.setattr(counting, "SETTLED", timedelta(seconds=-60))
    assert catch_up() == 2
    assert {(one.reason_code, one.seen, one.affected) for one in Issue.objects.all()} == {
        ("no_route", 2, 2),
        ("ae", 1, 1),
    }
    assert young.pk < late.pk


def test_the_first_look_at_nothing_marks_nothing(cast):
    assert catch_up() == 0
    assert (Counted.objects.get().move_id, Tally.objects.count()) == (0, 0)


def test_a_worker_that_was_overtaken_writes_nothing(cast, at_once, monkeypatch):
    a_month(cast)
    catch_up()
    make_delivery(cast, State.HELD, received_at=timezone.now() - 9 * DAY)
    count = counting.count

    def overtaken(touched):
        Counted.objects.update(move_id=Move.objects.latest("pk").pk)
        return count(touched)

    before = Tally.objects.count()
    monkeypatch.setattr(counting, "count", overtaken)
    assert catch_up() == 0
    assert Tally.objects.count() == before


def test_many_moves_are_taken_in_portions(cast, at_once, monkeypatch):
    make_delivery(cast, State.READY)
    catch_up()
    monkeypatch.setattr(counting, "BATCH", 4)
    scope = a_month(cast)
    looks = [catch_up() for _ in range(20)]
    assert max(looks) == 4
    assert looks[-1] == 0
    assert sum(sums(scope, "30d").values()) == 17


def test_before_the_first_counting_rows_are_counted(cast):
    scope = a_month(cast)
    assert not Counted.objects.exists()
    assert sum(sums(scope, "30d").values()) == 16


def test_hours_nobody_has_tallied_yet_are_counted_from_rows(cast, at_once):
    scope = a_month(cast)
    catch_up()
    Counted.objects.update(at=timezone.now() - 2 * DAY)  # the workers have been down since
    make_delivery(cast, State.HELD, received_at=timezone.now() - DAY)
    assert sums(scope, "7d")[State.HELD] == 4


def test_what_stands_is_noted_once_in_twenty_minutes(cast):
    now = timezone.now()
    make_delivery(cast, State.READY, received_at=now - timedelta(hours=2))
    make_delivery(cast, State.SENDING, received_at=now - timedelta(minutes=1))
    make_delivery(cast, State.PARKED)
    assert note_standing(now) == 3  # a row a location
    assert note_standing(now) == 0
    row = Standing.objects.get(location=cast.north)
    assert (row.waiting, row.attention) == (2, 1)
    assert 7195 <= row.oldest_seconds <= 7205
    assert Standing.objects.get(location=cast.south).oldest_seconds == 0
    span = span_of(Filters(range="24h"), cast.north and Scope((cast.north,)).zone, now + timedelta(seconds=1))
    assert max(oldest(Scope((cast.north, cast.south)), span).values()) == row.oldest_seconds


def test_what_needs_a_person_beyond_its_state_is_noted_too(cast):
    """As the card counts it: charted but withdrawn, and accepted but not read back for long."""
    now = timezone.now()
    make_delivery(cast, State.HELD)
    struck, unread, fresh = (make_delivery(cast, state) for state in (State.VERIFIED, State.ACCEPTED, State.ACCEPTED))
    Delivery.objects.filter(pk=struck.pk).update(withdrawn_at=now)
    Delivery.objects.filter(pk=unread.pk).update(read_at=now, accepted_at=now - timedelta(hours=1))
    Delivery.objects.filter(pk=fresh.pk).update(read_at=now, accepted_at=now)
    note_standing(now)
    assert Standing.objects.get(location=cast.north).attention == 3
    assert Standing.objects.get(location=cast.south).attention == 0


def test_old_notes_of_what_stood_are_thrown_away(cast):
    now = timezone.now()
    Standing.objects.create(location=cast.north, at=now - timedelta(days=90), waiting=1, oldest_seconds=1, attention=0)
    note_standing(now)
    assert not Standing.objects.filter(at__lt=now - counting.KEPT).exists()
