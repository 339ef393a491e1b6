"""A receiver that files late: no second copy while it may still be at work, and none that goes unseen."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from delivery.models import Attempt, Delivery, Move
from delivery.states import State
from delivery.verification import read_due, second_copies
from portal import settings as shipped
from tests.delivery.rows import make_delivery
from tests.delivery.test_sending import post, read_profile, run_lanes, state

ACK = 1.0  # seconds until a silent receiver is doubted


def doubted(scribe, ecw, cast, filing: float) -> int:
    """A note whose receiver files it that many seconds after it was sent, and answers nobody any more."""
    read_profile(cast, "readback")
    cast.hl7.settings |= {"ack_seconds": ACK}
    cast.hl7.save()
    delivery = post(scribe)
    ecw.fault("delay_filing", seconds=filing, count=1)
    run_lanes()
    assert (state(delivery), ecw.filings()) == (State.UNKNOWN, [])
    return delivery


def work_until(delivery: int, *ends: State) -> Delivery:
    """What a worker does, over and over."""
    deadline = time.monotonic() + 15
    while state(delivery) not in ends:
        assert time.monotonic() < deadline, f"it is still {state(delivery)}"
        read_due()
        run_lanes()
        time.sleep(0.05)
    return Delivery.objects.get(pk=delivery)


@pytest.mark.django_db(transaction=True)
class TestANoteThatIsFiledLate:
    def test_is_not_sent_again_however_early_it_was_looked_for(self, scribe, ecw, cast, settings):
        settings.SETTLE_SECONDS, settings.DOUBT_SETTLE_SECONDS = 0.1, 2.0
        delivery = doubted(scribe, ecw, cast, filing=ACK + 1.5)
        looked = read_due()
        time.sleep(0.2)
        assert looked + read_due() >= 1, "the first look is early"
        assert Delivery.objects.get(pk=delivery).negatives == 0, "and an early *not there* proves nothing"
        done = work_until(delivery, State.VERIFIED, State.MISFILED)
        assert (done.state, done.attempts, len(ecw.filings())) == (State.VERIFIED, 1, 1)

    def test_later_than_its_resend_is_never_verified_beside_its_second_copy(self, scribe, ecw, cast, settings):
        settings.SETTLE_SECONDS = settings.DOUBT_SETTLE_SECONDS = 0.1
        delivery = doubted(scribe, ecw, cast, filing=ACK + 4.0)
        work_until(delivery, State.ACCEPTED)
        settings.DOUBT_SETTLE_SECONDS = 5.0
        done = work_until(delivery, State.VERIFIED, State.MISFILED)
        assert (done.state, done.reason_code, done.attempts) == (State.MISFILED, "sections_differ", 2)
        assert {row["outcome"] for row in done.section_outcomes} == {"duplicated"}
        assert len(ecw.filings()) == 2
        assert not Move.objects.filter(delivery=delivery, to_state=State.VERIFIED).exists()

    def test_is_not_missed_after_a_resend_by_a_look_that_was_too_early(self, scribe, ecw, cast, settings):
        settings.SETTLE_SECONDS, settings.DOUBT_SETTLE_SECONDS = 0.1, 0.3
        delivery = doubted(scribe, ecw, cast, filing=30.0)
        work_until(delivery, State.ACCEPTED)
        settings.DOUBT_SETTLE_SECONDS = 60.0
        Delivery.objects.update(read_at=timezone.now())
        assert read_due() == 1
        row, last = Delivery.objects.get(pk=delivery), Attempt.objects.get(delivery=delivery, number=2)
        assert (row.state, row.reason_code) == (State.ACCEPTED, "sent_twice_look_again")
        assert row.read_at == last.finished_at + timedelta(seconds=60)


@pytest.mark.django_db
class TestBothCopies:
    def tried(self, cast, *outcomes: str) -> Delivery:
        """A delivery with these tries, a minute apart, the last one just ended."""
        made = make_delivery(cast, State.ACCEPTED)
        Attempt.objects.filter(delivery=made).delete()
        for number, outcome in enumerate(outcomes, start=1):
            at = timezone.now() - timedelta(minutes=len(outcomes) - number)
            Attempt.objects.create(
                delivery=made,
                number=number,
                epoch=1,
                worker="w",
                connection=cast.hl7,
                wire_sha256="0" * 64,
                intent_at=at,
                finished_at=at if outcome else None,
                outcome=outcome,
            )
        Delivery.objects.filter(pk=made.pk).update(attempts=len(outcomes))
        return Delivery.objects.get(pk=made.pk)

    @pytest.mark.parametrize("outcomes", [("accepted",), ("unavailable", "accepted"), ("no_answer", "unavailable")])
    def test_are_not_waited_for_where_bytes_left_once(self, cast, outcomes):
        assert second_copies([self.tried(cast, *outcomes)]) == {}

    @pytest.mark.parametrize("outcomes", [("no_answer", "accepted"), ("", "accepted"), ("accepted", "")])
    def test_are_filed_a_doubts_settle_time_after_the_last(self, cast, settings, outcomes):
        settings.DOUBT_SETTLE_SECONDS = 45.0
        one = self.tried(cast, *outcomes)
        last = Attempt.objects.get(delivery=one, number=len(outcomes)).intent_at
        assert second_copies([one]) == {one.pk: last + timedelta(seconds=45)}


def test_a_receiver_is_given_a_minute_in_doubt_unless_the_installation_says_otherwise():
    assert shipped.DOUBT_SETTLE_SECONDS >= 60.0 > shipped.SETTLE_SECONDS
