"""Mailing reports, piece by piece: which period has ended where, who claims a mail, and when it is given up."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from audit.models import AuditEvent
from delivery.reports import mailing
from delivery.reports.mailing import CLAIM, choose, claim, conclude, due_at, ended, enter_due, subject, wishes_of
from delivery.reports.periods import MONTH, WEEK, period_of
from delivery.reports.tables import ReportMail, ReportMailing
from delivery.webhooks.sending import WAITS
from portal.mail import Sent
from portal.models import Location

ZONES = st.sampled_from(
    ["America/New_York", "America/Los_Angeles", "Pacific/Auckland", "Pacific/Honolulu", "Asia/Kolkata"]
)
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class TestWhatHasEnded:
    @given(MOMENTS, ZONES)
    def test_the_last_that_is_due_has_come_and_the_next_has_not(self, now, zone):
        place = Location(time_zone=zone)
        for _kind, period in ended(place, now):
            assert due_at(period, place) <= now < due_at(period.after, place)

    @given(MOMENTS, ZONES)
    def test_a_mail_is_due_at_seven_on_the_day_after_by_the_clock_there(self, now, zone):
        for _kind, period in ended(Location(time_zone=zone), now):
            local = due_at(period, Location(time_zone=zone)).astimezone(ZoneInfo(zone))
            assert (local.hour, local.minute) == (7, 0)
            assert local.date() == period.last + timedelta(days=1)

    @given(MOMENTS)
    def test_of_each_kind_there_is_one(self, now):
        assert [kind for kind, _ in ended(Location(time_zone="America/New_York"), now)] == [WEEK, MONTH]

    def test_over_the_new_year_the_month_is_december_of_the_year_before(self):
        found = dict(ended(Location(time_zone="America/New_York"), datetime(2027, 1, 1, 12, tzinfo=UTC)))
        assert found[MONTH].first == date(2026, 12, 1)

    def test_a_subject_names_the_code_and_no_name_of_the_place(self):
        place = Location(code="NORTH", name="North Clinic of Dr. Okafor")
        assert subject(period_of(MONTH, date(2026, 3, 5)), place) == "Scribeport: monthly report of NORTH, March 2026"
        assert "weekly report of NORTH, Week of" in subject(period_of(WEEK, date(2026, 3, 5)), place)


@pytest.fixture
def wish(cast) -> ReportMailing:
    choose(cast.dana, cast.north, weekly=True, monthly=False)
    ReportMailing.objects.update(since=LONG_AGO)
    return ReportMailing.objects.get()


@pytest.fixture
def waiting(wish) -> ReportMail:
    now = timezone.now()
    return ReportMail.objects.create(mailing=wish, kind=WEEK, first=date(2026, 3, 16), not_before=now)


@pytest.mark.django_db
class TestWishes:
    def test_each_place_is_found_by_its_number_and_nobody_elses_wish(self, cast, wish):
        choose(cast.omar, cast.north, weekly=False, monthly=True)
        choose(cast.dana, cast.south, weekly=False, monthly=True)
        found = wishes_of(cast.dana)
        assert {key: (one.weekly, one.monthly) for key, one in found.items()} == {
            cast.north.pk: (True, False),
            cast.south.pk: (False, True),
        }
        assert wishes_of(cast.ava) == {}

    def test_the_same_wish_again_does_not_move_the_day_since_when_it_is_wished(self, cast, wish):
        choose(cast.dana, cast.north, weekly=True, monthly=False)
        wish.refresh_from_db()
        assert wish.since == LONG_AGO

    def test_another_one_does_so_that_nothing_of_before_comes(self, cast, wish):
        choose(cast.dana, cast.north, weekly=True, monthly=True)
        enter_due(timezone.now())
        assert not ReportMail.objects.exists()

    @pytest.mark.parametrize("kind, wanted", [(WEEK, True), (MONTH, False)])
    def test_one_kind_is_not_the_other(self, wish, kind, wanted):
        assert wish.wants(kind) == wanted


@pytest.mark.django_db
class TestEntering:
    def test_of_two_rounds_at_once_each_report_is_entered_once(self, wish):
        now = timezone.now()
        enter_due(now)
        enter_due(now)
        assert ReportMail.objects.count() == 1

    def test_entered_it_may_be_tried_at_once(self, wish):
        now = timezone.now()
        enter_due(now)
        assert ReportMail.objects.get().not_before == now

    def test_a_kind_that_is_not_wished_is_not_entered(self, wish):
        enter_due(timezone.now())
        assert set(ReportMail.objects.values_list("kind", flat=True)) == {WEEK}

    def test_who_wishes_for_nothing_any_more_has_nothing_entered(self, cast, wish):
        ReportMailing.objects.update(weekly=False)
        enter_due(timezone.now())
        assert not ReportMail.objects.exists()


@pytest.mark.django_db
class TestClaiming:
    def test_of_two_workers_one_gets_it_and_the_try_is_counted_once(self, waiting):
        now = timezone.now()
        found = claim(waiting.pk, now)
        assert (found.attempts, claim(waiting.pk, now)) == (1, None)

    def test_one_that_a_dead_worker_had_may_be_claimed_after_a_while_and_not_before(self, waiting):
        now = timezone.now()
        claim(waiting.pk, now)
        assert claim(waiting.pk, now + CLAIM - timedelta(seconds=1)) is None
        assert claim(waiting.pk, now + CLAIM).attempts == 2

    @pytest.mark.parametrize("state", [ReportMail.SENT, ReportMail.GIVEN_UP])
    def test_what_is_done_is_claimed_by_nobody(self, waiting, state):
        ReportMail.objects.update(state=state)
        assert claim(waiting.pk, timezone.now()) is None

    def test_what_is_not_due_yet_neither(self, waiting):
        assert claim(waiting.pk, waiting.not_before - timedelta(seconds=1)) is None


@pytest.mark.django_db
class TestConcluding:
    def after(self, waiting: ReportMail, attempts: int, sent: Sent) -> ReportMail:
        ReportMail.objects.update(attempts=attempts)
        waiting.refresh_from_db()
        conclude(waiting, sent)
        waiting.refresh_from_db()
        return waiting

    def test_taken_it_is_sent_and_forgets_why_it_was_not_before(self, waiting):
        ReportMail.objects.update(reason="busy")
        found = self.after(waiting, 3, Sent())
        assert (found.state, found.reason) == (ReportMail.SENT, "")
        assert found.sent_at is not None

    @pytest.mark.parametrize("attempts", range(1, len(WAITS) + 1))
    def test_refused_for_now_it_waits_as_long_as_that_try_asks(self, waiting, attempts):
        before = timezone.now()
        found = self.after(waiting, attempts, Sent("busy"))
        assert found.state == ReportMail.WAITING
        assert before + WAITS[attempts - 1] <= found.not_before <= timezone.now() + WAITS[attempts - 1]

    def test_after_the_last_wait_it_is_given_up(self, waiting):
        found = self.after(waiting, len(WAITS) + 1, Sent("busy"))
        assert (found.state, found.reason, found.sent_at) == (ReportMail.GIVEN_UP, "busy", None)

    def test_where_nothing_can_change_it_the_first_try_is_the_last(self, waiting):
        assert self.after(waiting, 1, Sent("not_allowed", final=True)).state == ReportMail.GIVEN_UP

    @pytest.mark.parametrize(
        "sent, outcome", [(Sent(), "ok"), (Sent("busy"), "error"), (Sent("x", final=True), "error")]
    )
    def test_each_try_stands_in_the_log_by_the_readers_number_and_without_an_address(self, waiting, sent, outcome):
        self.after(waiting, 1, sent)
        event = AuditEvent.objects.get(event="report.mail")
        assert (event.outcome, event.location) == (outcome, "NORTH")
        assert event.detail == {
            "recipient": waiting.mailing.user_id,
            "what": WEEK,
            "day": "2026-03-16",
            "outcome": sent.reason,
        }
        assert "@" not in str(event.detail)

    def test_without_its_event_nothing_is_written_down_and_it_is_tried_again(self, waiting, monkeypatch):
        def refuse(*_args, **_kwargs):
            raise RuntimeError("the log is away")

        monkeypatch.setattr(mailing, "record", refuse)
        with pytest.raises(RuntimeError):
            conclude(waiting, Sent())
        waiting.refresh_from_db()
        assert waiting.state == ReportMail.WAITING
