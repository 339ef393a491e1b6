"""The second person is told by mail, from a real server: once, without a name, a reason or a patient."""

import email
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import AuditEvent
from audit.record import Actor, acting
from portal.exports.asking import begin, cancel
from portal.exports.tables import ExportJob
from portal.factors import emergency
from portal.factors.tables import EmergencyAccess
from portal.mail import mail
from portal.models import Membership, Role, User
from portal.second_person import AGAIN, GIVEN_UP, due, others, tell_due
from tests.smtp import mail_server

REASON = "Lena Okafor's results must be filed"


@pytest.fixture
def server(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = "127.0.0.1", False, False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.SITE_URL = "https://scribeport.example/"
    with mail_server() as inbox:
        settings.EMAIL_PORT = inbox.port
        yield inbox


@pytest.fixture
def people(cast):
    for name in ("dana", "ava", "omar"):
        User.objects.filter(pk=getattr(cast, name).pk).update(email=f"{name}@lakeside.example")
    return cast


@pytest.fixture
def opened(people) -> EmergencyAccess:
    """Omar has opened an emergency access."""
    with acting(Actor("user", str(people.omar.pk), "omar")):
        return emergency.open_for(people.omar, REASON)


def receivers(server) -> list[str]:
    return sorted(address for _, to, _ in server.mails for address in to)


def texts(server) -> list[str]:
    found = [email.message_from_string(raw) for _, _, raw in server.mails]
    return [f"{one['Subject']}\n{one.get_payload(decode=True).decode()}" for one in found]


def later(row, length: timedelta) -> None:
    """As if so much time had passed."""
    rows = type(row).objects.filter(pk=row.pk)
    if isinstance(row, EmergencyAccess):
        rows.update(opened_at=row.opened_at - length)
    rows.filter(tell_after__isnull=False).update(tell_after=timezone.now())


# --- emergency access -----------------------------------------------------------------------------------------------------


def test_an_emergency_access_is_told_to_everybody_else_who_directs_or_audits(server, people, opened):
    assert tell_due() == 1
    assert receivers(server) == ["ava@lakeside.example", "dana@lakeside.example"]


def test_the_mail_says_what_and_where_to_look_and_names_nobody(server, people, opened):
    tell_due()
    for text in texts(server):
        assert text.startswith("Scribeport: an emergency access was opened\n")
        assert "https://scribeport.example/" in text
        assert f"{opened.opened_at:%Y-%m-%d %H:%M} UTC" in text
        for hidden in ("omar", "Okafor", "results", REASON):
            assert hidden.lower() not in text.lower()


def test_it_is_told_once_and_that_is_recorded(server, people, opened):
    assert tell_due() == 1
    assert tell_due() == 0
    assert len(server.mails) == 2
    event = AuditEvent.objects.get(event="second.tell")
    assert (event.outcome, event.practice, event.object_id) == ("ok", "lakeside", str(opened.pk))
    assert event.detail == {"about": "emergency", "mails": 2, "outcome": "ok"}
    assert REASON not in str(event.detail)


def test_whoever_opened_it_is_not_told_though_they_direct(server, people):
    with acting(Actor("user", "1", "dana")):
        emergency.open_for(people.dana, REASON)
    tell_due()
    assert receivers(server) == ["ava@lakeside.example"]


def test_a_server_that_is_away_is_asked_again(server, people, opened, settings):
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, 1
    assert tell_due() == 1
    assert AuditEvent.objects.get(event="second.tell").detail["outcome"] == "mail_unreachable"
    assert tell_due() == 0  # not before its time
    settings.EMAIL_PORT = port
    later(opened, AGAIN)
    assert tell_due() == 1
    assert receivers(server) == ["ava@lakeside.example", "dana@lakeside.example"]
    assert not list(due())


def test_a_day_of_failures_is_the_end(server, people, opened, settings):
    settings.EMAIL_PORT = 1
    later(opened, GIVEN_UP)
    tell_due()
    assert EmergencyAccess.objects.get().tell_after is None


def test_an_address_refused_for_good_is_not_tried_again(server, people, opened):
    server.refuse["RCPT"] = "550 nobody here"
    tell_due()
    assert EmergencyAccess.objects.get().tell_after is None
    assert AuditEvent.objects.get(event="second.tell").detail == {
        "about": "emergency",
        "mails": 0,
        "outcome": "mail_refused",
    }


def test_without_a_mail_server_or_an_address_it_is_said_and_the_page_remains(server, cast):
    User.objects.update(email="")
    with acting(Actor("user", str(cast.omar.pk), "omar")):
        emergency.open_for(cast.omar, REASON)
    assert tell_due() == 1
    assert AuditEvent.objects.get(event="second.tell").detail["outcome"] == "nobody"
    assert emergency.to_review(cast.dana)


def test_two_workers_tell_it_once(server, people, opened):
    first = list(due())
    assert tell_due() == 1
    assert not EmergencyAccess.objects.filter(pk=first[0].row.pk, tell_after__isnull=False).exists()
    assert tell_due() == 0
    assert len(server.mails) == 2


# --- an export of everything ----------------------------------------------------------------------------------------------


def test_an_export_of_everything_is_told_to_whoever_may_agree(server, people):
    begin(people.dana, "ehi", {"format": "zip", "patient": ""})
    assert tell_due() == 1
    assert receivers(server) == ["ava@lakeside.example"]
    (text,) = texts(server)
    assert "asks to export everything" in text
    assert "dana" not in text


def test_an_export_of_one_patient_is_told_to_nobody(server, people):
    begin(people.dana, "ehi", {"format": "zip", "patient": "a" * 32})
    assert tell_due() == 0
    assert not server.mails


def test_what_was_taken_back_is_told_to_nobody(server, people):
    cancel(begin(people.dana, "ehi", {"format": "zip", "patient": ""}))
    assert tell_due() == 0
    assert ExportJob.objects.get().state == "cancelled"


# --- who they are ---------------------------------------------------------------------------------------------------------


def test_the_others_are_active_of_this_practice_and_of_all_its_locations(cast):
    local = User.objects.create_user("local")
    Membership.objects.create(user=local, practice=cast.practice, location=cast.north, role=Role.DIRECTOR)
    gone = User.objects.create_user("gone", is_active=False)
    Membership.objects.create(user=gone, practice=cast.practice, role=Role.AUDITOR)
    assert set(others(cast.practice, cast.dana)) == {cast.ava}
    assert set(others(cast.practice, cast.omar)) == {cast.ava, cast.dana}


def test_somebody_with_both_roles_is_one_person(cast):
    Membership.objects.create(user=cast.ava, practice=cast.practice, role=Role.DIRECTOR)
    assert list(others(cast.practice, cast.dana)) == [cast.ava]


def test_a_mail_without_an_address_or_a_server_is_final(settings, server):
    assert mail("", "x", "y").final
    settings.EMAIL_HOST = ""
    assert mail("a@example.org", "x", "y").reason == "no_mail_server"
