"""How long a delivery waits after a try that could not be sent: by its own failures in a row, and by nothing else.

The steps are 5 s, 30 s, 2 min, 10 min, 30 min, then every hour, each spread by a fifth; a Retry-After counts instead.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from delivery import retry
from delivery.channels.base import NoAnswer, Receipt, Refused, Rendered, Unavailable
from delivery.models import Attempt, Delivery
from delivery.outcomes import Outcome, accepted, ended, failed_in_a_row, not_reached
from delivery.outgoing import Prepared
from delivery.states import State
from tests.delivery.rows import add_attempt, make_delivery, write_down

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def without_jitter(monkeypatch):
    """The middle of the spread, so that a wait can be written down."""
    monkeypatch.setattr(retry.random, "uniform", lambda least, most: 0.0)


class Try:
    """A delivery in its next try, after these earlier ones: (outcome, reason code) each, the oldest first."""

    def __init__(self, cast, *earlier: tuple[str, str]) -> None:
        self.connection = cast.hl7
        self.delivery = make_delivery(cast, State.SENDING, tries=[])
        for number, (outcome, reason_code) in enumerate(earlier, start=1):
            add_attempt(cast, self.delivery, number, outcome, reason_code)
        add_attempt(cast, self.delivery, len(earlier) + 1, "")
        Delivery.objects.filter(pk=self.delivery.pk).update(attempts=len(earlier))
        self.delivery.refresh_from_db()
        self.prepared = Prepared(self.delivery, Rendered(b"MSH", "application/hl7-v2"), "0" * 64, None, None)

    def end(self, outcome: Outcome) -> float:
        """Write the outcome down; the seconds until the delivery is due again."""
        asked = timezone.now()
        write_down([outcome], 0, self.connection)
        self.delivery.refresh_from_db()
        return (self.delivery.not_before - asked).total_seconds()

    def fails(self, reason_code: str = "connection_refused", **more) -> float:
        return self.end(ended(self.prepared, Unavailable(reason_code, **more)))


AWAY = ("unavailable", "connection_refused")
DOUBT = ("no_answer", "no_answer")
CRASH = ("", "")


def about(seconds: float):
    return pytest.approx(seconds, abs=1.0)


class TestAfterAReceiverThatIsAway:
    def test_the_first_failure_waits_five_seconds(self, cast):
        assert Try(cast).fails() == about(5)

    def test_the_second_in_a_row_waits_half_a_minute(self, cast):
        assert Try(cast, AWAY).fails() == about(30)

    def test_the_third_in_a_row_waits_two_minutes(self, cast):
        assert Try(cast, AWAY, AWAY).fails() == about(120)

    def test_the_fourth_in_a_row_waits_ten_minutes(self, cast):
        assert Try(cast, AWAY, AWAY, AWAY).fails() == about(600)

    def test_the_fifth_in_a_row_waits_half_an_hour(self, cast):
        assert Try(cast, *[AWAY] * 4).fails() == about(1800)

    def test_the_sixth_in_a_row_waits_an_hour(self, cast):
        assert Try(cast, *[AWAY] * 5).fails() == about(3600)

    def test_the_twentieth_in_a_row_still_waits_an_hour(self, cast):
        assert Try(cast, *[AWAY] * 19).fails() == about(3600)

    def test_the_kind_of_connection_failure_does_not_matter_to_the_series(self, cast):
        waited = Try(cast, ("unavailable", "dns"), ("unavailable", "tls_expired")).fails("connect_timeout")
        assert waited == about(120)

    def test_the_wait_is_written_with_the_reason_on_a_delivery_that_is_ready_again(self, cast):
        one = Try(cast, AWAY)
        one.fails("peer_closed")
        assert (one.delivery.state, one.delivery.reason_code) == ("ready", "peer_closed")


class TestCrashesAndDoubts:
    """They are not failures of the line: a delivery that lived through them starts its waits anew."""

    def test_a_crash_before_it_does_not_lengthen_the_wait(self, cast):
        assert Try(cast, CRASH).fails() == about(5)

    def test_five_crashes_before_it_do_not_lengthen_the_wait(self, cast):
        assert Try(cast, *[CRASH] * 5).fails() == about(5)

    def test_a_doubt_before_it_does_not_lengthen_the_wait(self, cast):
        assert Try(cast, DOUBT).fails() == about(5)

    def test_doubts_and_crashes_mixed_do_not_lengthen_the_wait(self, cast):
        assert Try(cast, DOUBT, CRASH, DOUBT, CRASH, DOUBT).fails() == about(5)

    def test_a_doubt_ends_a_series_of_failures(self, cast):
        assert Try(cast, AWAY, AWAY, AWAY, DOUBT).fails() == about(5)

    def test_a_crash_ends_a_series_of_failures(self, cast):
        assert Try(cast, AWAY, AWAY, AWAY, CRASH).fails() == about(5)

    def test_only_the_failures_since_the_last_doubt_are_counted(self, cast):
        assert Try(cast, AWAY, AWAY, DOUBT, AWAY, AWAY).fails() == about(120)

    def test_an_hour_after_an_hour_becomes_five_seconds_once_the_receiver_was_reached(self, cast):
        assert Try(cast, *[AWAY] * 8, DOUBT).fails() == about(5)


class TestWhatIsNotItsOwnFault:
    @pytest.mark.parametrize("reason_code", ["batch_ended", "lease_lost", "worker_ended"])
    def test_a_message_whose_turn_never_came_is_due_at_once(self, cast, reason_code):
        one = Try(cast, AWAY, AWAY)
        assert one.end(not_reached(one.prepared, reason_code)) == about(0)

    @pytest.mark.parametrize("reason_code", ["batch_ended", "lease_lost", "worker_ended"])
    def test_a_turn_that_never_came_does_not_lengthen_the_next_wait(self, cast, reason_code):
        assert Try(cast, *[("unavailable", reason_code)] * 4).fails() == about(5)

    @pytest.mark.parametrize("reason_code", ["batch_ended", "lease_lost", "worker_ended"])
    def test_a_turn_that_never_came_does_not_end_a_series_either(self, cast, reason_code):
        assert Try(cast, AWAY, AWAY, ("unavailable", reason_code)).fails() == about(120)

    def test_a_hundred_turns_that_never_came_hide_no_failure_behind_them(self, cast):
        assert Try(cast, AWAY, *[("unavailable", "batch_ended")] * 100).fails() == about(30)

    def test_a_lease_lost_by_the_channels_own_guard_is_due_at_once(self, cast):
        assert Try(cast, AWAY).fails("lease_lost") == about(0)


class TestATimeTheReceiverNamed:
    def test_is_kept_for_the_first_failure(self, cast):
        assert Try(cast).fails("rate_limited", retry_after=42.0) == about(42)

    def test_is_kept_however_long_the_series_is(self, cast):
        assert Try(cast, *[AWAY] * 7).fails("rate_limited", retry_after=17.0) == about(17)

    def test_is_an_hour_at_most(self, cast):
        assert Try(cast).fails("fhir_busy", retry_after=86_400.0) == about(3600)

    def test_of_zero_means_now(self, cast):
        assert Try(cast, AWAY, AWAY).fails("fhir_busy", retry_after=0.0) == about(0)

    def test_counts_as_a_failure_of_the_series(self, cast):
        assert Try(cast, ("unavailable", "rate_limited")).fails() == about(30)


class TestOtherEnds:
    def test_an_acceptance_moves_no_time_of_sending(self, cast):
        one = Try(cast, AWAY, AWAY)
        before = one.delivery.not_before
        one.end(accepted(one.prepared, Receipt("AA", b"MSA|AA|1")))
        assert (one.delivery.state, one.delivery.not_before) == ("accepted", before)

    def test_a_refusal_moves_no_time_of_sending(self, cast):
        one = Try(cast, AWAY, AWAY)
        before = one.delivery.not_before
        one.end(ended(one.prepared, Refused("ae", "AE", b"MSA|AE|1")))
        assert (one.delivery.state, one.delivery.not_before) == ("rejected", before)

    def test_a_doubt_moves_no_time_of_sending_but_says_when_the_chart_is_asked(self, cast, settings):
        settings.SETTLE_SECONDS = 7.0
        one = Try(cast)
        before, asked = one.delivery.not_before, timezone.now()
        one.end(ended(one.prepared, NoAnswer("no_answer")))
        assert (one.delivery.state, one.delivery.not_before) == ("unknown", before)
        assert (one.delivery.read_at - asked).total_seconds() == about(7)

    def test_an_acceptance_is_read_back_at_once_where_the_location_can_be_read(self, cast):
        one = Try(cast)
        one.end(accepted(one.prepared, Receipt("AA", b"")))
        assert one.delivery.read_at is not None
        assert one.delivery.proof == ""

    def test_an_acceptance_is_never_read_back_where_nothing_can_read(self, cast):
        cast.north.reading_connection = None
        cast.north.save()
        one = Try(cast)
        one.end(accepted(one.prepared, Receipt("AA", b"")))
        assert one.delivery.read_at is None
        assert one.delivery.proof == "none"

    def test_a_new_doubt_forgets_the_looks_of_an_earlier_one(self, cast):
        one = Try(cast, DOUBT)
        Delivery.objects.filter(pk=one.delivery.pk).update(readings_made=6, negatives=1)
        one.end(ended(one.prepared, NoAnswer("no_answer")))
        assert (one.delivery.readings_made, one.delivery.negatives) == (0, 0)


class TestTheCount:
    def test_is_none_for_a_delivery_that_was_never_tried(self, cast):
        assert failed_in_a_row(make_delivery(cast, State.READY).pk) == 0

    def test_is_of_this_delivery_alone(self, cast):
        other = Try(cast, AWAY, AWAY, AWAY)
        assert failed_in_a_row(make_delivery(cast, State.SENDING, tries=["unavailable"]).pk) == 1
        assert failed_in_a_row(other.delivery.pk) == 0, "its newest try is still under way"

    def test_stops_at_an_acceptance(self, cast):
        assert failed_in_a_row(make_delivery(cast, State.SENDING, tries=["accepted", "unavailable"]).pk) == 1

    def test_never_asks_for_more_rows_than_there_are_steps(self, cast, django_assert_num_queries):
        one = make_delivery(cast, State.SENDING, tries=["unavailable"] * 30)
        with django_assert_num_queries(1):
            assert failed_in_a_row(one.pk) == len(retry.STEPS) == 6


class TestTheAttemptsRow:
    def test_keeps_the_word_the_code_and_the_reason_of_a_failure(self, cast):
        one = Try(cast, AWAY)
        one.end(ended(one.prepared, Unavailable("rate_limited", "HTTP 429")))
        row = Attempt.objects.get(delivery=one.delivery, number=2)
        assert (row.outcome, row.code, row.reason_code) == ("unavailable", "HTTP 429", "rate_limited")
        assert row.finished_at is not None
        assert row.sealed_answer is None

    def test_of_an_earlier_try_is_not_touched(self, cast):
        one = Try(cast, DOUBT)
        before = Attempt.objects.get(delivery=one.delivery, number=1)
        one.fails()
        after = Attempt.objects.get(delivery=one.delivery, number=1)
        assert (after.outcome, after.finished_at) == (before.outcome, before.finished_at)

    def test_holds_at_most_twenty_characters_of_a_receivers_code(self, cast):
        one = Try(cast)
        one.end(ended(one.prepared, Refused("ecw_305", "3" * 50)))
        assert Attempt.objects.get(delivery=one.delivery).code == "3" * 20

    def test_seals_the_receivers_words_so_that_none_stands_in_the_row(self, cast):
        one = Try(cast)
        one.end(ended(one.prepared, Refused("ae", "AE", b"MSA|AE|1|Okafor Lena has no such visit")))
        sealed = bytes(Attempt.objects.get(delivery=one.delivery).sealed_answer)
        assert b"Okafor" not in sealed
        assert len(sealed) > len(b"MSA|AE|1|Okafor Lena has no such visit")


class TestABatch:
    def test_gives_each_of_its_members_its_own_wait(self, cast):
        first, second = Try(cast, AWAY, AWAY), Try(cast)
        asked = timezone.now()
        write_down(
            [
                ended(first.prepared, Unavailable("peer_closed")),
                not_reached(second.prepared, "batch_ended"),
            ],
            0,
            cast.hl7,
        )
        first.delivery.refresh_from_db()
        second.delivery.refresh_from_db()
        assert first.delivery.not_before - asked == pytest.approx(timedelta(seconds=120), abs=timedelta(seconds=1))
        assert second.delivery.not_before - asked == pytest.approx(timedelta(0), abs=timedelta(seconds=1))

    def test_of_nothing_writes_nothing(self, cast, django_assert_num_queries):
        with django_assert_num_queries(0):
            write_down([], 0, cast.hl7)

    def test_under_an_epoch_that_is_not_the_deliverys_moves_nothing(self, cast):
        one = Try(cast)
        write_down([ended(one.prepared, Refused("ae", "AE"))], 99, cast.hl7)
        one.delivery.refresh_from_db()
        assert one.delivery.state == "sending"
