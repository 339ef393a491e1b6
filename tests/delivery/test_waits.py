"""The arithmetic of waiting: when a note is tried again, when a connection rests, how many calls a minute has left."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from audit.models import AuditEvent
from delivery import breaker, rate, retry
from delivery.models import Breaker, ConnectionState, RateWindow
from portal.models import Connection, Environment

# After how many failed tries, how many seconds: what operations.md promises.
SCHEDULE = [(0, 0.0), (1, 5.0), (2, 30.0), (3, 120.0), (4, 600.0), (5, 1800.0), (6, 3600.0), (7, 3600.0), (500, 3600.0)]


class TestTheNextTry:
    @pytest.mark.parametrize("tries, seconds", SCHEDULE)
    def test_comes_after_the_step_of_the_schedule(self, tries, seconds):
        assert retry.delay(tries, spread=0) == seconds

    @pytest.mark.parametrize("tries, seconds", SCHEDULE)
    @pytest.mark.parametrize("spread", [-1, 1])
    def test_is_spread_by_a_fifth_at_most(self, tries, seconds, spread):
        assert retry.delay(tries, spread=spread) == pytest.approx(seconds * (1 + 0.2 * spread))

    @given(st.integers(0, 100))
    def test_is_never_negative_and_never_more_than_an_hour_and_a_fifth(self, tries):
        assert 0 <= retry.delay(tries) <= 3600 * 1.2

    @given(st.integers(0, 20))
    def test_comes_never_sooner_than_the_try_before_it_did(self, tries):
        assert retry.delay(tries + 1, spread=0) >= retry.delay(tries, spread=0)

    @given(st.integers(0, 100), st.floats(0, 3600))
    def test_comes_when_the_receiver_said_where_it_said_so(self, tries, said):
        assert retry.delay(tries, retry_after=said) == said

    @given(st.integers(0, 100), st.floats(3600, 1e12))
    def test_is_not_put_off_for_days_by_a_receiver(self, tries, said):
        assert retry.delay(tries, retry_after=said) == 3600

    @pytest.mark.parametrize("said", [-1.0, -1e9])
    def test_in_the_past_means_now(self, said):
        assert retry.delay(3, retry_after=said) == 0

    def test_of_a_hundred_waiting_notes_does_not_fall_into_one_second(self):
        assert len({round(retry.delay(2), 3) for _ in range(100)}) > 50


@pytest.fixture
def line(cast) -> Connection:
    return cast.hl7


def state(line: Connection) -> ConnectionState:
    return ConnectionState.objects.get(connection=line)


def fail(line: Connection, times: int, reason_code: str = "connection_refused") -> ConnectionState:
    for _ in range(times):
        breaker.failed(line, reason_code)
    return state(line)


def waits(line: Connection) -> float:
    """Seconds until somebody may knock again."""
    return (state(line).retry_at - timezone.now()).total_seconds()


def told(line: Connection) -> list[str]:
    """The states of the breaker that were recorded, in their order."""
    events = AuditEvent.objects.filter(event="connection.breaker", object_id=str(line.pk)).order_by("id")
    return [event.detail["state"] for event in events]


@pytest.mark.django_db
class TestABreaker:
    def test_lets_through_what_it_knows_nothing_about(self, line):
        assert breaker.allows(line.pk)

    @pytest.mark.parametrize(
        "failures, seconds, opened",
        [
            (1, 1, False),
            (2, 2, False),
            (3, 5, False),
            (4, 10, False),
            (5, 30, True),
            (6, 60, True),
            (7, 120, True),
            (8, 240, True),
            (9, 480, True),
            (10, 900, True),
            (11, 900, True),
        ],
    )
    def test_rests_longer_after_each_failure_and_opens_at_the_fifth(self, line, failures, seconds, opened):
        assert fail(line, failures).breaker == (Breaker.OPEN if opened else Breaker.CLOSED)
        assert waits(line) == pytest.approx(seconds, abs=1.0)
        assert not breaker.allows(line.pk)

    def test_lets_one_try_through_when_its_wait_is_over(self, line):
        fail(line, 5)
        ConnectionState.objects.update(retry_at=timezone.now() - timedelta(seconds=1))
        assert breaker.allows(line.pk)
        assert state(line).breaker == Breaker.OPEN, "open until something has succeeded"

    def test_closes_by_itself_with_the_first_success(self, line):
        fail(line, 6)
        breaker.succeeded(line)
        assert (state(line).breaker, state(line).failures, state(line).retry_at) == (Breaker.CLOSED, 0, None)
        assert told(line) == ["open", "closed"]

    def test_says_nothing_of_a_success_that_changes_nothing(self, line):
        breaker.succeeded(line)
        assert told(line) == []
        assert state(line).last_ok_at is None

    def test_forgets_single_failures_after_a_success(self, line):
        fail(line, 4)
        breaker.succeeded(line)
        assert fail(line, 1).breaker == Breaker.CLOSED
        assert waits(line) == pytest.approx(1, abs=1.0)

    @pytest.mark.parametrize("reason_code", sorted(breaker.PERSON_NEEDED))
    def test_stops_without_a_timer_where_only_a_person_can_help(self, line, reason_code):
        assert fail(line, 1, reason_code).breaker == Breaker.AUTH
        ConnectionState.objects.update(retry_at=timezone.now() - timedelta(days=1))
        assert not breaker.allows(line.pk)

    def test_that_needs_a_person_is_not_closed_by_a_stray_success(self, line):
        fail(line, 1, "unauthorized")
        breaker.succeeded(line)
        assert state(line).breaker == Breaker.AUTH

    @pytest.mark.parametrize("reason_code", sorted(breaker.PERSON_NEEDED))
    def test_is_closed_by_the_person_who_repaired_it(self, line, reason_code):
        fail(line, 1, reason_code)
        breaker.close(line)
        assert breaker.allows(line.pk)
        assert told(line) == ["auth", "closed"]

    def test_stops_after_twenty_identical_rejections(self, line):
        breaker.rejected(line, "AE/ae", 19)
        assert breaker.allows(line.pk)
        breaker.rejected(line, "AE/ae", 1)
        assert state(line).breaker == Breaker.CONTENT
        assert state(line).last_reason == "content_breaker"
        assert not breaker.allows(line.pk)

    def test_counts_only_rejections_that_are_alike(self, line):
        breaker.rejected(line, "AE/ae", 19)
        breaker.rejected(line, "AR/ar", 19)
        assert state(line).rejections == 19
        assert breaker.allows(line.pk)

    def test_counts_anew_after_something_was_accepted(self, line):
        breaker.rejected(line, "AE/ae", 19)
        breaker.content_accepted(line.pk)
        breaker.rejected(line, "AE/ae", 19)
        assert breaker.allows(line.pk)

    def test_of_one_connection_leaves_the_others_alone(self, line, cast):
        fail(line, 5)
        assert breaker.allows(cast.reader.pk)

    def test_records_a_change_once_and_not_every_failure(self, line):
        fail(line, 9)
        assert told(line) == ["open"]


@given(st.integers(1, 100_000))
@example(1030)  # two weeks of an outage, four knocks an hour
def test_a_breaker_never_rests_longer_than_a_quarter_of_an_hour(failures):
    assert 0 < breaker.wait_after(failures) <= 900


@pytest.mark.django_db
class TestTheMinutesCalls:
    @pytest.fixture(autouse=True)
    def stopped_clock(self, monkeypatch):
        """The clock of these tests stands in the middle of a minute; `tick` moves it."""
        self.now = 1_800_000_030.0
        monkeypatch.setattr(rate.time, "time", lambda: self.now)

    def tick(self, seconds: float) -> None:
        self.now += seconds

    def test_are_granted_until_they_are_used_up(self):
        assert [rate.take("LAKESI", 3) for _ in range(5)] == [1, 1, 1, 0, 0]

    def test_are_granted_again_in_the_next_minute_of_the_clock(self):
        rate.take("LAKESI", 2, 2)
        self.tick(29)
        assert rate.take("LAKESI", 2) == 0
        self.tick(1)
        assert rate.take("LAKESI", 2) == 1

    def test_of_one_practice_are_not_anothers(self):
        assert rate.take("LAKESI", 1) == rate.take("HARBOR", 1) == 1
        assert rate.take("LAKESI", 1) == rate.take("HARBOR", 1) == 0

    @pytest.mark.parametrize("limit, wanted, granted", [(10, 4, 4), (10, 10, 10), (10, 16, 8), (10, 64, 8), (1, 64, 1)])
    def test_are_given_in_halves_where_all_would_be_too_many(self, limit, wanted, granted):
        assert rate.take("LAKESI", limit, wanted) == granted
        assert RateWindow.objects.get().used == granted

    @pytest.mark.parametrize("limit", [0, -1])
    def test_of_none_are_none(self, limit):
        assert rate.take("LAKESI", limit, 5) == 0

    # Each example empties the table itself, and the clock stands still.
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
    @given(st.lists(st.integers(1, 40), max_size=12), st.integers(1, 60))
    def test_are_never_more_than_the_limit_whatever_is_asked(self, wishes, limit):
        RateWindow.objects.all().delete()
        assert sum(rate.take("LAKESI", limit, wish) for wish in wishes) <= limit

    def test_are_counted_by_practice_code_over_all_of_its_connections(self, cast):
        other = Connection.objects.create(
            practice=cast.practice,
            name="second reader",
            kind="openapi",
            environment=Environment.SANDBOX,
            settings={"practice_code": "LAKESI", "calls_per_minute": 3},
        )
        cast.reader.settings |= {"calls_per_minute": 3}
        assert [rate.granted(cast.reader), rate.granted(other), rate.granted(other)] == [1, 1, 1]
        assert rate.granted(cast.reader) == 0

    def test_without_a_limit_are_as_many_as_are_wanted(self, cast):
        assert rate.granted(cast.hl7, 64) == 64
        assert not RateWindow.objects.exists()

    def test_of_a_connection_without_a_practice_code_are_its_own(self, cast):
        cast.hl7.settings |= {"calls_per_minute": 2}
        assert [rate.granted(cast.hl7) for _ in range(3)] == [1, 1, 0]
        assert RateWindow.objects.get().key == f"connection {cast.hl7.pk}"
