"""Whom alerts are told, when, and in which message: grouped, throttled, quiet, never lost, never a patient."""

import email
import json
from datetime import UTC, datetime, time, timedelta

import pytest
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook
from werkzeug import Response

from audit.models import AuditEvent
from delivery.alerts import course, messages, recipients, sending
from delivery.alerts.kinds import KINDS
from delivery.alerts.models import Alert, AlertNotice, AlertRecipient
from delivery.alerts.recipients import Wanted
from delivery.alerts.telling import reached
from portal.models import Membership, Role
from tests.smtp import mail_server

pytestmark = pytest.mark.django_db
MANY = ("connection_failing", "connection_refused", "connection_content", "uncertain", "worker_away", "no_traffic",
        "drift", "ending", "agreement_ending")  # fmt: skip


def told(cast, address="it@lakeside.example", way="email", **more) -> AlertRecipient:
    return recipients.create(cast.practice, Wanted(way, address, **more))[0]


def whom(alert, level=1) -> list[str]:
    return [one.recipient.address if one.recipient else one.user.username for one in reached(alert, level)]


def opened(clinic, kind="uncertain", **more) -> Alert:
    clinic.wrong(kind, **more)
    clinic.look()
    return Alert.objects.get(kind=kind, going_on=True)


class TestWhom:
    def test_where_nobody_is_named_the_directors_with_an_address_are(self, clinic, cast):
        assert whom(opened(clinic)) == ["dana"]

    def test_a_director_of_another_location_or_practice_is_not(self, clinic, cast):
        Membership.objects.filter(user=cast.omar).update(role=Role.DIRECTOR, location=cast.south)
        assert whom(opened(clinic)) == ["dana"]
        clinic.wrong()
        clinic.look(minutes=5)
        assert whom(opened(clinic, location="south")) == ["dana", "omar"]

    def test_a_director_without_an_address_or_an_account_in_use_is_not(self, clinic, cast):
        cast.dana.email = ""
        cast.dana.save()
        assert whom(opened(clinic)) == []

    def test_who_is_named_is_told_instead_of_the_directors(self, clinic, cast):
        told(cast)
        assert whom(opened(clinic)) == ["it@lakeside.example"]

    def test_a_recipient_of_one_location_hears_of_that_one(self, clinic, cast):
        told(cast, location=cast.south)
        assert whom(opened(clinic)) == ["dana"]
        assert whom(Alert(practice=cast.practice, location=cast.south, kind="drift")) == ["it@lakeside.example"]

    def test_what_concerns_the_whole_practice_goes_to_those_of_every_location(self, clinic, cast):
        told(cast, "north@lakeside.example", location=cast.north)
        told(cast, "all@lakeside.example")
        assert whom(opened(clinic, "worker_away", location=None)) == ["all@lakeside.example"]

    def test_who_chose_kinds_hears_of_those_alone(self, clinic, cast):
        told(cast, kinds=("drift",))
        assert whom(opened(clinic, "drift")) == ["it@lakeside.example"]
        assert whom(Alert(practice=cast.practice, location=cast.north, kind="uncertain")) == []

    def test_one_switched_off_is_not_told(self, clinic, cast):
        told(cast, enabled=False)
        assert whom(opened(clinic)) == ["dana"]

    def test_the_next_ones_are_those_named_for_it(self, clinic, cast):
        told(cast)
        told(cast, "boss@lakeside.example", level=2)
        assert whom(opened(clinic), 2) == ["boss@lakeside.example"]

    def test_where_nobody_is_named_next_the_directors_are_told(self, clinic, cast):
        told(cast)
        assert whom(opened(clinic), 2) == ["dana"]

    def test_where_the_first_are_the_directors_already_they_are_told_again(self, clinic, cast):
        told(cast, "dana@example.org")
        assert whom(opened(clinic), 2) == ["dana@example.org"]

    def test_another_practices_location_cannot_be_named(self, cast):
        with pytest.raises(ValueError, match="another practice"):
            told(cast, location=cast.elsewhere)


class TestWhen:
    def test_ten_things_within_the_window_are_one_mail(self, clinic, cast, mailoutbox):
        told(cast)
        for place in ("north", "south"):
            clinic.wrong(*MANY[:5], location=place)
            clinic.found += [] if place == "north" else clinic.kept
            clinic.kept = clinic.found
            clinic.look(seconds=3)
        assert clinic.send(seconds=20) == 1
        (mail,) = mailoutbox
        assert mail.subject == "Scribeport: 10 alerts at NORTH, SOUTH"
        assert mail.body.count("https://scribeport.example/deliveries/alerts/") == 11

    def test_nothing_goes_before_the_window_has_passed(self, clinic, cast, mailoutbox):
        opened(clinic, "drift")
        assert clinic.send(seconds=59) == 0
        assert clinic.send(seconds=2) == 1
        assert len(mailoutbox) == 1

    def test_what_follows_soon_after_a_mail_waits_a_quarter_of_an_hour(self, clinic, cast, mailoutbox):
        opened(clinic, "drift")
        clinic.send(minutes=2)
        clinic.wrong("drift", "no_traffic")
        clinic.look(seconds=30)
        assert clinic.send(minutes=13) == 0
        assert clinic.send(minutes=2) == 1
        assert [mail.subject for mail in mailoutbox] == [
            "Scribeport: Template changed in eCW at NORTH: opened",
            "Scribeport: No notes in usual hours at NORTH: opened",
        ]

    def test_an_urgent_one_waits_two_minutes_at_most(self, clinic, cast):
        opened(clinic, "drift")
        clinic.send(minutes=2)
        clinic.wrong("drift", "uncertain")
        clinic.look(seconds=30)
        assert clinic.send(minutes=2) == 1

    def test_in_quiet_hours_only_the_urgent_goes_and_takes_the_rest_along(self, clinic, cast, mailoutbox):
        told(cast, quiet_from=time(10), quiet_until=time(14))  # 11:00 at the recipient's
        opened(clinic, "drift")
        assert clinic.send(hours=2) == 0
        clinic.wrong("drift", "uncertain")
        clinic.look()
        assert clinic.send(minutes=1) == 1
        assert "2 alerts" in mailoutbox[0].subject

    def test_nothing_escalates_before_anybody_could_have_heard_of_it(self, clinic, cast):
        told(cast, quiet_from=time(10), quiet_until=time(14))
        alert = opened(clinic, "drift")
        clinic.look(hours=2)
        alert.refresh_from_db()
        assert alert.state == "open"
        clinic.look(hours=1, minutes=1)
        alert.refresh_from_db()
        assert alert.state == "escalated"

    def test_who_lets_nothing_pass_hears_of_it_when_the_quiet_ends(self, clinic, cast):
        told(cast, quiet_from=time(10), quiet_until=time(14), urgent_passes=False)
        opened(clinic)
        assert clinic.send(hours=2, minutes=59) == 0
        assert clinic.send(minutes=2) == 1

    def test_a_flood_of_a_thousand_changes_is_a_few_mails(self, clinic, cast, mailoutbox):
        for turn in range(120):
            clinic.wrong(*(MANY if turn % 20 < 10 else ()))
            clinic.look(seconds=30)
            clinic.send()
        assert len(mailoutbox) <= 61 // 2


class TestTheMail:
    def test_it_holds_counts_codes_and_links_and_no_name(self, clinic, cast, mailoutbox):
        opened(clinic, label="Okafor's connection", reason_code="connect_timeout", count=4)
        clinic.send(minutes=2)
        (mail,) = mailoutbox
        whole = mail.message().as_string()
        assert "Okafor" not in whole
        for part in ("19 Mar 15:00 UTC", "Outcome uncertain for too long", "NORTH", "count 4", "code connect_timeout"):
            assert part in mail.body
        assert f"https://scribeport.example/deliveries/alerts/{Alert.objects.get().pk}/" in mail.body

    def test_its_times_are_the_recipients(self, clinic, cast, mailoutbox):
        told(cast)
        opened(clinic)
        clinic.send(minutes=2)
        assert "19 Mar 11:00 EDT" in mailoutbox[0].body

    def test_what_recovered_meanwhile_is_told_with_its_beginning(self, clinic, mailoutbox):
        opened(clinic, "drift")
        clinic.wrong()
        clinic.look(minutes=5)
        clinic.send(minutes=2)
        (mail,) = mailoutbox
        assert mail.body.index("Opened") < mail.body.index("Recovered")

    def test_a_place_of_several_lines_cannot_add_a_header(self, clinic, cast, mailoutbox):
        cast.north.code = "NORTH\nBcc: all@example.org"
        cast.north.save()
        opened(clinic)
        clinic.send(minutes=2)
        assert "\n" not in mailoutbox[0].subject
        assert mailoutbox[0].recipients() == ["dana@example.org"]

    def test_more_than_forty_are_counted_and_not_listed(self, clinic, cast, mailoutbox):
        clinic.wrong("uncertain")
        clinic.look()
        one = AlertNotice.objects.get()
        for _ in range(60):
            one.pk = None
            one.save(force_insert=True)
        clinic.send(minutes=2)
        assert "and 21 more" in mailoutbox[0].body

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_has_its_words(self, clinic, kind, mailoutbox):
        opened(clinic, kind, location=None)
        clinic.send(minutes=2)
        assert KINDS[kind].label in mailoutbox[0].subject


class TestNeverLost:
    def test_killed_between_commit_and_mail_it_is_sent_by_the_next(self, clinic, mailoutbox):
        opened(clinic)
        assert clinic.send() == 0
        (key,) = AlertNotice.objects.values_list("key", flat=True)
        clinic.now += timedelta(minutes=1)
        assert len(sending.claim(key, clinic.now)) == 1  # and the worker dies
        assert clinic.send(minutes=1) == 0
        assert clinic.send(minutes=3) == 1
        assert len(mailoutbox) == 1

    def test_killed_between_mail_and_its_writing_down_it_is_repeated_at_most(self, clinic, mailoutbox, monkeypatch):
        opened(clinic)
        with monkeypatch.context() as patch:
            patch.setattr(sending, "conclude", lambda *_: (_ for _ in ()).throw(SystemExit))
            with pytest.raises(SystemExit):
                clinic.send(minutes=1)
        clinic.send(minutes=4)
        clinic.send(minutes=30)
        assert len(mailoutbox) == 2
        assert set(AlertNotice.objects.values_list("state", flat=True)) == {"sent"}

    def test_two_workers_send_it_once(self, clinic):
        opened(clinic)
        key = AlertNotice.objects.get().key
        clinic.now += timedelta(minutes=1)
        assert [len(sending.claim(key, clinic.now)) for _ in range(2)] == [1, 0]

    def test_what_cannot_be_committed_is_told_to_nobody(self, clinic, cast, monkeypatch):
        monkeypatch.setattr(course, "_record", lambda alert: (_ for _ in ()).throw(ValueError("no audit")))
        clinic.wrong("uncertain")
        with pytest.raises(ValueError, match="no audit"):
            clinic.look()
        assert (Alert.objects.count(), AlertNotice.objects.count()) == (0, 0)

    def test_without_a_mail_server_it_is_given_up_and_says_so(self, clinic, settings):
        settings.EMAIL_HOST = ""
        opened(clinic)
        clinic.send(minutes=2)
        one = AlertNotice.objects.get()
        assert (one.state, one.reason) == ("given_up", "no_mail_server")

    def test_each_message_is_in_the_audit_log(self, clinic):
        opened(clinic)
        clinic.send(minutes=2)
        event = AuditEvent.objects.get(event="alert.tell")
        assert (event.outcome, event.detail["alerts"], event.actor_type) == ("ok", 1, "worker")


@pytest.fixture
def server(clinic, settings):
    """A real mail server, which Django speaks to by its own SMTP back end."""
    with mail_server() as inbox:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", inbox.port, False
        settings.DEFAULT_FROM_EMAIL = "scribeport@lakeside.example"
        yield inbox


class TestARealMailServer:
    def test_takes_the_mail(self, clinic, server):
        opened(clinic, count=3)
        clinic.send(minutes=2)
        ((sender, to, raw),) = server.mails
        mail = email.message_from_string(raw)
        assert (sender, to) == ("scribeport@lakeside.example", ["dana@example.org"])
        assert mail["Subject"] == "Scribeport: Outcome uncertain for too long at NORTH: opened"
        assert "count 3" in mail.get_payload(decode=True).decode()

    def test_that_refuses_the_address_for_good_is_not_asked_again(self, clinic, server):
        server.refuse["RCPT"] = "550 no such user"
        opened(clinic)
        clinic.send(minutes=2)
        assert AlertNotice.objects.get().state == "given_up"

    @pytest.mark.parametrize("refuse", [{"RCPT": "451 later"}, {"DATA": "452 full"}, {"MAIL": "421 not now"}])
    def test_that_is_busy_is_asked_again(self, clinic, server, refuse):
        server.refuse.update(refuse)
        opened(clinic)
        clinic.send(minutes=2)
        assert AlertNotice.objects.get().state == "waiting"
        server.refuse.clear()
        clinic.send(seconds=6)
        assert (len(server.mails), AlertNotice.objects.get().state) == (1, "sent")

    def test_that_hangs_up_is_asked_again_until_the_eighth_time(self, clinic, server):
        server.hang_up_at = "DATA"
        opened(clinic)
        for hours in (0.1, 0.1, 0.2, 1, 3, 6, 11, 11):
            clinic.send(hours=hours)
        one = AlertNotice.objects.get()
        assert (one.attempts, one.state, one.reason) == (8, "given_up", "mail_failed")

    def test_that_is_away_is_no_exception(self, clinic, settings, server):
        settings.EMAIL_PORT = 1
        assert messages.mail("a@example.org", "x", "y").reason == "mail_unreachable"


@pytest.fixture
def hook(clinic, cast, httpserver: HTTPServer):
    got: list[tuple[dict, bytes]] = []
    clinic.now = datetime.now(UTC) - timedelta(minutes=2)  # whoever verifies looks at the clock

    def answer(request):
        got.append((dict(request.headers), request.data))
        return Response("", 204)

    httpserver.expect_request("/alerts").respond_with_handler(answer)
    row, secret = recipients.create(cast.practice, Wanted("webhook", httpserver.url_for("/alerts")))
    return row, secret, got


class TestTheWebhook:
    def test_is_signed_and_holds_what_a_mail_does(self, clinic, hook):
        _, secret, got = hook
        alert = opened(clinic, label="Okafor", count=2, reason_code="no_ack")
        clinic.send(minutes=2)
        ((headers, body),) = got
        said = Webhook(secret).verify(body, {name.lower(): value for name, value in headers.items()})
        (one,) = said["data"]["alerts"]
        assert said["type"] == "alert.changed"
        assert (one["kind"], one["change"], one["location"], one["count"]) == ("uncertain", "opened", "NORTH", 2)
        assert one["url"].endswith(f"/deliveries/alerts/{alert.pk}/")
        assert b"Okafor" not in body

    def test_an_address_that_is_no_longer_allowed_is_not_reached(self, clinic, hook, settings):
        settings.ALLOWED_NETWORKS = ["10.0.0.0/8"]
        opened(clinic)
        clinic.send(minutes=2)
        assert (hook[2], AlertNotice.objects.get().reason) == ([], "target_not_allowed")

    def test_in_production_only_tls_will_do(self, clinic, hook, settings):
        settings.PRODUCTION = True
        opened(clinic)
        clinic.send(minutes=2)
        assert hook[2] == []

    def test_is_signed_with_both_secrets_for_a_day(self, clinic, hook):
        row, first, got = hook
        second = recipients.rotate(row)
        opened(clinic)
        clinic.send(minutes=2)
        headers = {name.lower(): value for name, value in got[0][0].items()}
        for secret in (first, second):
            assert json.loads(got[0][1]) == Webhook(secret).verify(got[0][1], headers)

    def test_that_does_not_open_its_secret_is_given_up(self, clinic, hook):
        AlertRecipient.objects.update(sealed_secrets=b"another key's")
        opened(clinic)
        clinic.send(minutes=2)
        assert (AlertNotice.objects.get().reason, hook[2]) == ("cannot_open", [])


class TestTesting:
    def test_a_mail_goes_at_once_whatever_the_hour(self, clinic, cast, mailoutbox):
        row = told(cast, quiet_from=time(0), quiet_until=time(23, 59), urgent_passes=False)
        assert recipients.test(row).taken
        assert (mailoutbox[0].to, "test" in mailoutbox[0].subject) == (["it@lakeside.example"], True)
        assert AuditEvent.objects.get(event="alert.test").outcome == "ok"

    def test_a_failed_one_says_why_and_is_recorded(self, cast, settings):
        settings.EMAIL_HOST = ""
        assert recipients.test(told(cast)).reason == "no_mail_server"
        event = AuditEvent.objects.get(event="alert.test")
        assert (event.outcome, event.detail["outcome"]) == ("error", "no_mail_server")

    def test_a_webhook_is_posted_an_empty_test(self, clinic, hook):
        row, _, got = hook
        assert recipients.test(row).taken
        assert json.loads(got[0][1])["type"] == "alert.test"


def test_the_mail_server_of_these_tests_undoes_dot_stuffing(clinic, server):
    assert messages.mail("a@example.org", "Dots", ".one\n..two\n").taken
    payload = email.message_from_string(server.mails[0][2]).get_payload()
    assert payload.splitlines()[:2] == [".one", "..two"]
    assert datetime.now(UTC) > clinic.now - timedelta(days=3650)
