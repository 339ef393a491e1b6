"""The page on keeping the log: what it shows to whom, and that each deed there needs its role and its second person."""

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent, LegalHold, PurgeRequest, Tree
from audit.retention import Held, hold, holds_of, lift, years_of
from portal import crypto

PAGE = "/audit/retention/"


@pytest.fixture
def old_month(cast, monkeypatch) -> Tree:
    """A month that may go."""
    tree = Tree.objects.create(practice="lakeside", month="201501", size=3)
    monkeypatch.setattr("audit.retention.believed", timezone.now)
    return tree


def said(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def post(client, name: str, *args, **data):
    return client.post(reverse(f"portal:{name}", args=args), data, follow=True)


def test_it_shows_rule_oldest_event_last_purge_and_holds(client, cast):
    client.force_login(cast.ava)
    text = client.get(PAGE).content.decode()
    for words in ("10 calendar years", "none yet", "Nothing is anchored yet", "Nothing: every month is younger"):
        assert words in text
    assert "Set a hold" not in text  # an auditor looks
    client.force_login(cast.dana)
    assert "Set a hold" in client.get(PAGE).content.decode()


@pytest.mark.parametrize(
    "given, kept",
    [
        ({"kind": "patient", "patient": " P1001 "}, "patient"),
        ({"kind": "location", "location": "NORTH"}, "location"),
        ({"kind": "period", "since": "2026-01-01", "until": "2026-01-31"}, "period"),
    ],
)
def test_a_director_sets_a_hold(client, cast, given, kept):
    client.force_login(cast.dana)
    answer = client.post(PAGE, {f"hold-{name}": value for name, value in given.items()} | {"hold-reason": "Court"})
    assert answer.status_code == 302
    one = LegalHold.objects.get()
    assert one.kind == kept
    if kept == "patient":
        assert one.value == crypto.blind_index("patient", "P1001")
    if kept == "period":  # the last day belongs to it, where the practice is
        assert [str(one.since)[:16], str(one.until)[:16]] == ["2026-01-01 05:00", "2026-02-01 05:00"]
    assert "P1001" not in client.get(PAGE).content.decode()


def test_a_persons_deeds_can_be_held(client, cast):
    client.force_login(cast.dana)
    client.post(PAGE, {"hold-kind": "person", "hold-person": cast.omar.pk, "hold-reason": "Inquiry"})
    assert LegalHold.objects.get().value == str(cast.omar.pk)


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "patient"},
        {"kind": "location", "location": "NOWHERE"},
        {"kind": "person", "person": "999999"},
        {"kind": "period", "since": "2026-02-01"},
        {"kind": "period", "since": "2026-02-01", "until": "2026-01-01"},
        {"kind": "everything"},
    ],
)
def test_a_hold_of_nothing_in_particular_is_not_set(client, cast, given):
    client.force_login(cast.dana)
    answer = client.post(PAGE, {f"hold-{name}": value for name, value in given.items()} | {"hold-reason": "x"})
    assert answer.status_code == 200
    assert not LegalHold.objects.exists()


def test_a_strangers_person_cannot_be_held(client, cast):
    client.force_login(cast.dana)
    client.post(PAGE, {"hold-kind": "person", "hold-person": cast.sam.pk, "hold-reason": "x"})
    assert not LegalHold.objects.exists()


def test_a_hold_is_lifted_with_a_reason_once(client, cast):
    one = hold("lakeside", Held("location", "NORTH"), "Court", "7")
    client.force_login(cast.dana)
    assert "Say why" in said(post(client, "hold-lift", one.pk))
    assert "lifted" in said(post(client, "hold-lift", one.pk, reason="Settled"))
    assert not holds_of("lakeside").exists()
    assert "meanwhile" in said(post(client, "hold-lift", one.pk, reason="Settled"))
    assert AuditEvent.objects.filter(event="audit.hold.lift").count() == 1


@pytest.mark.parametrize("years, kept", [("12", 12), ("5", 10), ("101", 10), ("", 10), ("ten", 10)])
def test_the_rule_is_between_six_and_a_hundred_years(client, cast, years, kept):
    client.force_login(cast.dana)
    post(client, "retention-years", years=years)
    assert years_of("lakeside") == kept


def test_a_month_goes_by_two_people(client, cast, old_month):
    client.force_login(cast.dana)
    assert "Ask to purge" in client.get(PAGE).content.decode()
    assert "second" in said(post(client, "purge-ask", old_month.pk, reason="Ten years are over"))
    one = PurgeRequest.objects.get()
    assert "asked for by you" in client.get(PAGE).content.decode()
    assert "cannot approve" in said(post(client, "purge-decide", one.pk, "approve"))
    client.force_login(cast.ava)
    assert "Approved" in said(post(client, "purge-decide", one.pk, "approve"))
    one.refresh_from_db()
    assert (one.asked_by, one.approved_by) == (str(cast.dana.pk), str(cast.ava.pk))
    assert "meanwhile" in said(post(client, "purge-decide", one.pk, "approve"))
    assert "stays" in said(post(client, "purge-decide", one.pk, "withdraw"))


def test_a_month_that_is_not_due_is_not_asked_for(client, cast, old_month):
    Tree.objects.update(month=f"{timezone.now():%Y%m}")
    client.force_login(cast.dana)
    assert "may not go" in said(post(client, "purge-ask", old_month.pk, reason="x"))
    assert "Say why" in said(post(client, "purge-ask", old_month.pk))
    assert not PurgeRequest.objects.exists()


def test_an_auditor_decides_nothing_alone(client, cast, old_month):
    client.force_login(cast.ava)
    for name, args in (("retention-years", []), ("purge-ask", [old_month.pk])):
        assert client.post(reverse(f"portal:{name}", args=args), {"years": 12, "reason": "x"}).status_code == 403
    assert client.post(PAGE, {"hold-kind": "location"}).status_code == 403


def test_another_practices_holds_months_and_requests_are_not_there(client, cast, old_month):
    one = hold("lakeside", Held("location", "NORTH"), "Court", "7")
    asked = PurgeRequest.objects.create(tree=old_month, reason="x", asked_by="7", asked_at=timezone.now())
    client.force_login(cast.sam)
    for name, args in (
        ("hold-lift", [one.pk]),
        ("purge-ask", [old_month.pk]),
        ("purge-decide", [asked.pk, "approve"]),
    ):
        assert client.post(reverse(f"portal:{name}", args=args), {"reason": "x"}).status_code == 404
    assert "Court" not in client.get(PAGE).content.decode()
    assert client.post(reverse("portal:purge-decide", args=[asked.pk, "burn"])).status_code == 404


def test_a_lifted_hold_is_no_longer_counted(client, cast):
    lift(hold("lakeside", Held("location", "NORTH"), "Court", "7"), "Over", "7")
    client.force_login(cast.ava)
    assert "Holds in force</dt><dd>0" in client.get(PAGE).content.decode()
