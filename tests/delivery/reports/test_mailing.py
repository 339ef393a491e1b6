"""Reports by mail: to whom asked, on the morning after, once; figures and a link and no patient; through a real server."""

import email
from datetime import UTC, date, datetime, timedelta
from email.message import Message

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent
from delivery.reports import mailing
from delivery.reports.mailing import choose, due_at, ended, enter_due, mail_due
from delivery.reports.periods import MONTH, WEEK, period_of
from delivery.reports.tables import ReportMail, ReportMailing
from portal.models import Location, Membership, Role, User
from tests.delivery.rows import LENA, make_delivery
from tests.smtp import mail_server

pytestmark = pytest.mark.django_db
PAGE = "/deliveries/reports/"
# Monday the 23rd of March 2026 at seven in New York, when the week of the 16th has ended.
MORNING = datetime(2026, 3, 23, 11, 0, tzinfo=UTC)
FIRST = datetime(2026, 4, 1, 11, 0, tzinfo=UTC)


class Watch:
    """The time of every module that asks for it."""

    def __init__(self, monkeypatch) -> None:
        self.now = MORNING - timedelta(days=3)
        monkeypatch.setattr(timezone, "now", lambda: self.now)

    def go(self, to: datetime) -> int:
        self.now = to
        return mail_due()


@pytest.fixture
def watch(cast, monkeypatch, settings) -> Watch:
    settings.EMAIL_HOST, settings.SITE_URL = "mail.example", "https://scribeport.example/"
    for user, address in ((cast.dana, "dana@example.org"), (cast.omar, "omar@example.org")):
        User.objects.filter(pk=user.pk).update(email=address)
        user.refresh_from_db()
    return Watch(monkeypatch)


class TestWhatIsWished:
    def test_nobody_is_mailed_until_a_person_asks(self, cast, watch):
        make_delivery(cast)
        assert watch.go(FIRST) == 0
        assert not ReportMailing.objects.exists()
        assert mail.outbox == []

    def test_each_person_wishes_for_each_location_by_itself(self, cast, watch):
        choose(cast.dana, cast.north, weekly=True, monthly=False)
        choose(cast.dana, cast.south, weekly=False, monthly=True)
        choose(cast.omar, cast.north, weekly=False, monthly=False)
        assert watch.go(MORNING) == 1
        assert [one.to for one in mail.outbox] == [["dana@example.org"]]
        assert "NORTH" in mail.outbox[0].subject
        assert watch.go(FIRST) == 2  # the month of SOUTH, and the next week of NORTH
        assert "monthly report of SOUTH, March 2026" in mail.outbox[1].subject + mail.outbox[2].subject

    def test_switched_off_nothing_comes_any_more_not_even_what_was_waiting(self, cast, watch, settings):
        choose(cast.dana, cast.north, weekly=True, monthly=True)
        watch.now = MORNING
        enter_due(MORNING)
        choose(cast.dana, cast.north, weekly=False, monthly=False)
        watch.go(MORNING + timedelta(minutes=1))
        assert mail.outbox == []
        assert ReportMail.objects.get().reason == "not_wanted"

    def test_the_wish_is_recorded_once_and_only_where_it_changes_something(self, cast, watch):
        for weekly, monthly in ((False, False), (True, False), (True, False), (True, True), (False, False)):
            choose(cast.dana, cast.north, weekly, monthly)
        events = AuditEvent.objects.filter(event="report.mailing").order_by("at", "pk")
        said = [(one.detail["weekly"], one.detail["monthly"]) for one in events]
        assert sorted(said) == [(False, False), (True, False), (True, True)]
        assert {one.location for one in events} == {"NORTH"}


class TestWhenItIsDue:
    def test_not_before_seven_by_the_locations_clock_and_then_once(self, cast, watch):
        choose(cast.dana, cast.north, weekly=True, monthly=False)
        assert watch.go(MORNING - timedelta(seconds=1)) == 0
        assert watch.go(MORNING) == 1
        assert watch.go(MORNING + timedelta(days=2)) == 0
        assert watch.go(MORNING + timedelta(days=7)) == 1
        assert [one.first for one in ReportMail.objects.order_by("first")] == [date(2026, 3, 16), date(2026, 3, 23)]

    def test_what_ended_before_it_was_asked_for_is_not_mailed(self, cast, watch):
        watch.now = MORNING + timedelta(minutes=1)
        choose(cast.dana, cast.north, weekly=True, monthly=True)
        assert watch.go(MORNING + timedelta(minutes=2)) == 0

    def test_a_worker_that_was_away_for_weeks_mails_the_last_of_each(self, cast, watch):
        choose(cast.dana, cast.north, weekly=True, monthly=True)
        assert watch.go(datetime(2026, 5, 6, 12, 0, tzinfo=UTC)) == 2
        assert {(one.kind, one.first) for one in ReportMail.objects.all()} == {
            (WEEK, date(2026, 4, 27)),
            (MONTH, date(2026, 4, 1)),
        }

    @pytest.mark.parametrize(
        "zone, due",
        [
            ("America/New_York", datetime(2026, 3, 9, 11, 0, tzinfo=UTC)),  # the day after the clocks went forward
            ("America/Los_Angeles", datetime(2026, 3, 9, 14, 0, tzinfo=UTC)),
            ("Pacific/Auckland", datetime(2026, 3, 8, 18, 0, tzinfo=UTC)),
        ],
    )
    def test_seven_is_seven_there(self, cast, zone, due):
        Location.objects.filter(pk=cast.north.pk).update(time_zone=zone)
        cast.north.refresh_from_db()
        week = period_of(WEEK, date(2026, 3, 4))
        assert due_at(week, cast.north) == due
        before, after = dict(ended(cast.north, due - timedelta(seconds=1))), dict(ended(cast.north, due))
        assert (before[WEEK], after[WEEK]) == (week.before, week)

    def test_a_round_with_nothing_to_do_writes_nothing(self, cast, watch):
        choose(cast.dana, cast.north, weekly=True, monthly=True)
        watch.go(MORNING)
        with CaptureQueriesContext(connection) as asked:
            assert watch.go(MORNING + timedelta(minutes=1)) == 0
        assert len(asked) <= 3
        assert not any(one["sql"].startswith(("INSERT", "UPDATE", "DELETE")) for one in asked)


class TestTheMail:
    def text(self) -> str:
        (one,) = mail.outbox
        return f"{one.subject}\n{one.body}"

    def test_it_has_the_figures_and_a_link_and_says_how_to_end_it(self, cast, watch):
        at = datetime(2026, 3, 18, 15, 0, tzinfo=UTC)
        for state in ("verified", "verified", "held"):
            make_delivery(cast, state, received_at=at, reason_code="no_route" if state == "held" else "")
        choose(cast.dana, cast.north, weekly=True, monthly=False)
        watch.go(MORNING)
        said = self.text()
        for words in ("Notes received: 3", "Verified, share: 66.7 %", "America/New_York", "can switch it off there"):
            assert words in said
        assert "https://scribeport.example/deliveries/reports/?kind=week&day=2026-03-16&location=NORTH" in said

    def test_no_patient_no_person_and_no_word_of_a_note_stands_in_it(self, cast, watch):
        make_delivery(cast, "misfiled", received_at=datetime(2026, 3, 18, 15, 0, tzinfo=UTC))
        choose(cast.dana, cast.north, weekly=True, monthly=False)
        watch.go(MORNING)
        said = self.text()
        for word in (
            *LENA.values(),
            "E5001",
            "Ann Lee",
            "DR7",
            "Cough",
            cast.north.name,
            cast.dana.first_name or "Dana",
        ):
            assert len(word) < 2 or word not in said, word

    def test_the_link_opens_that_report(self, cast, watch):
        choose(cast.dana, cast.north, weekly=True, monthly=False)
        watch.go(MORNING)
        link = next(part for part in self.text().split() if part.startswith("https://"))
        client = Client()
        client.force_login(cast.dana)
        shown = client.get(link.removeprefix("https://scribeport.example"))
        assert "Week of 16 Mar to 22 Mar 2026" in shown.content.decode()

    @pytest.mark.parametrize("change", ["inactive", "no role", "wrong role", "no address", "no server"])
    def test_it_is_not_sent_to_whom_it_may_not_or_cannot_and_that_stands_written(self, cast, watch, settings, change):
        choose(cast.omar, cast.north, weekly=True, monthly=False)
        held = Membership.objects.filter(user=cast.omar)
        deeds = {
            "inactive": lambda: User.objects.filter(pk=cast.omar.pk).update(is_active=False),
            "no role": held.delete,
            "wrong role": lambda: held.update(role=Role.MAPPING_EDITOR),
            "no address": lambda: User.objects.filter(pk=cast.omar.pk).update(email=""),
            "no server": lambda: setattr(settings, "EMAIL_HOST", ""),
        }
        deeds[change]()
        watch.go(MORNING)
        row = ReportMail.objects.get()
        reasons = {"no address": "no_address", "no server": "no_mail_server"}
        assert (row.state, row.reason) == (ReportMail.GIVEN_UP, reasons.get(change, "not_allowed"))
        assert mail.outbox == []
        event = AuditEvent.objects.get(event="report.mail")
        assert (event.outcome, event.detail["outcome"]) == ("error", row.reason)
        assert watch.go(MORNING + timedelta(hours=1)) == 0

    def test_what_was_mailed_is_recorded_with_its_reader_and_its_day(self, cast, watch):
        choose(cast.dana, cast.north, weekly=True, monthly=False)
        watch.go(MORNING)
        event = AuditEvent.objects.get(event="report.mail")
        assert (event.outcome, event.location, event.actor_type) == ("ok", "NORTH", "worker")
        assert event.detail == {"recipient": cast.dana.pk, "what": "week", "day": "2026-03-16", "outcome": ""}

    def test_of_two_workers_one_mails_it(self, cast, watch):
        choose(cast.dana, cast.north, weekly=True, monthly=False)
        watch.now = MORNING
        enter_due(MORNING)
        enter_due(MORNING)
        one = ReportMail.objects.get()
        assert mailing.claim(one.pk, MORNING) is not None
        assert mailing.claim(one.pk, MORNING) is None
        assert watch.go(MORNING + timedelta(minutes=4)) == 0
        assert watch.go(MORNING + timedelta(minutes=6)) == 1  # the first had died


@pytest.fixture
def server(watch, settings):
    """A real mail server, which Django speaks to by its own SMTP back end."""
    with mail_server() as inbox:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", inbox.port, False
        settings.DEFAULT_FROM_EMAIL = "scribeport@lakeside.example"
        yield inbox


class TestThroughARealMailServer:
    def mailed(self, inbox) -> Message:
        ((_, _, raw),) = inbox.mails
        return email.message_from_string(raw)

    def test_it_arrives(self, cast, watch, server):
        make_delivery(cast, received_at=datetime(2026, 3, 18, 15, 0, tzinfo=UTC))
        choose(cast.dana, cast.north, weekly=True, monthly=False)
        watch.go(MORNING)
        got = self.mailed(server)
        assert (got["To"], got["From"]) == ("dana@example.org", "scribeport@lakeside.example")
        assert got["Subject"] == "Scribeport: weekly report of NORTH, Week of 16 Mar to 22 Mar 2026"
        body = got.get_payload(decode=True).decode()
        assert "Notes received: 1" in body
        assert LENA["family"] not in str(server.mails)
        assert ReportMail.objects.get().state == ReportMail.SENT

    @pytest.mark.parametrize("refuse", [{"RCPT": "451 later"}, {"DATA": "452 full"}])
    def test_a_busy_server_is_asked_again_and_the_mail_comes_once(self, cast, watch, server, refuse):
        choose(cast.dana, cast.north, weekly=True, monthly=False)
        server.refuse.update(refuse)
        assert watch.go(MORNING) == 1
        row = ReportMail.objects.get()
        assert (row.state, row.reason, server.mails) == (ReportMail.WAITING, "mail_refused", [])
        server.refuse.clear()
        watch.go(row.not_before)
        watch.go(row.not_before + timedelta(hours=3))
        assert (len(server.mails), ReportMail.objects.get().state) == (1, ReportMail.SENT)

    def test_an_address_refused_for_good_is_given_up(self, cast, watch, server):
        choose(cast.dana, cast.north, weekly=True, monthly=False)
        server.refuse["RCPT"] = "550 no such user"
        watch.go(MORNING)
        assert ReportMail.objects.get().state == ReportMail.GIVEN_UP

    def test_a_server_that_hangs_up_is_given_up_in_the_end_and_the_next_week_is_tried_anew(self, cast, watch, server):
        choose(cast.dana, cast.north, weekly=True, monthly=False)
        server.hang_up_at = "DATA"
        watch.now = MORNING
        for _ in range(20):
            mail_due()
            watch.now += timedelta(hours=6)
        first = ReportMail.objects.get()
        assert (first.state, first.reason, first.attempts) == (ReportMail.GIVEN_UP, "mail_failed", 8)
        server.hang_up_at = ""
        watch.go(MORNING + timedelta(days=7))
        assert len(server.mails) == 1


class TestThePage:
    def client(self, user) -> Client:
        client = Client()
        client.force_login(user)
        return client

    def test_it_is_off_at_first_and_keeps_what_is_chosen(self, cast, watch):
        dana = self.client(cast.dana)
        assert " checked" not in dana.get(PAGE).content.decode()
        answer = dana.post(f"{PAGE}mailing/", {"weekly": ["NORTH"], "monthly": ["NORTH", "SOUTH"]}, follow=True)
        shown = answer.content.decode()
        assert shown.count(" checked") == 3
        kept = {
            one.location.code: (one.weekly, one.monthly) for one in ReportMailing.objects.select_related("location")
        }
        assert kept == {"NORTH": (True, True), "SOUTH": (False, True)}
        assert " checked" not in self.client(cast.omar).get(PAGE).content.decode()

    def test_nobody_wishes_for_a_place_they_may_not_see(self, cast, watch):
        self.client(cast.omar).post(f"{PAGE}mailing/", {"weekly": ["SOUTH"]})
        assert not ReportMailing.objects.exists()
        assert self.client(cast.mel).post(f"{PAGE}mailing/", {"weekly": ["NORTH"]}).status_code == 403

    def test_one_location_in_view_leaves_the_wishes_for_others(self, cast, watch):
        choose(cast.dana, cast.south, weekly=True, monthly=True)
        dana = self.client(cast.dana)
        dana.get(f"{PAGE}?location=NORTH")
        dana.post(f"{PAGE}mailing/", {"weekly": ["NORTH"]})
        assert ReportMailing.objects.get(location=cast.south).weekly
        assert ReportMailing.objects.get(location=cast.north).weekly

    def test_it_says_what_is_missing_for_a_mail_to_come(self, cast, watch, settings):
        settings.EMAIL_HOST = ""
        User.objects.filter(pk=cast.dana.pk).update(email="")
        shown = self.client(cast.dana).get(PAGE).content.decode()
        assert "This installation has no mail server" in shown
        assert "Your account has no e-mail address" in shown
        settings.EMAIL_HOST = "mail.example"
        shown = self.client(cast.omar).get(PAGE).content.decode()
        assert "no mail server" not in shown
        assert "omar@example.org" in shown

    def test_it_is_kept_by_post_alone(self, cast, watch):
        assert self.client(cast.dana).get(f"{PAGE}mailing/").status_code == 405
