"""The audit pages: who may look, what they see and never see, and that looking is recorded."""

import csv
import hashlib
import html
import io
import re
import uuid
from datetime import UTC, datetime

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse

from audit.actions import ACTIONS
from audit.context import Actor, acting
from audit.models import AuditEvent
from audit.queries import PAGE
from audit.record import Entry, record, record_many
from portal.forms.audit import FAMILIES, event_choices
from portal.models import Membership, Role, User

SEARCH = "/audit/"
PATIENT = "0123456789abcdef" * 2


@pytest.fixture
def log(cast) -> dict[str, uuid.UUID]:
    """Who did what, at which location: the ids of the events."""
    cast.dana.first_name, cast.dana.last_name = "Dana", "Rivera"
    cast.dana.save()
    with acting(Actor("user", str(cast.dana.pk), "dana"), "trace-1"):
        published = record(
            "mapping.publish",
            practice="lakeside",
            location="NORTH",
            object_type="mapping",
            object_id="12",
            reason="New exam field",
            detail={"template": "FM-PROGRESS", "version": 3, "warnings": 1},
        )
        viewed = record(
            "note.view", practice="lakeside", location="SOUTH", subject_bidx=PATIENT, detail={"delivery_id": 5}
        )
    with acting(Actor("worker", "w1"), "trace-2"):
        started = record("authz.denied", outcome="denied", practice="lakeside", detail={"route": "x"})
        harbor = record("note.view", practice="harbor", location="NORTH", subject_bidx=PATIENT)
    return {"published": published, "viewed": viewed, "denied": started, "harbor": harbor}


def sentences(response) -> list[str]:
    return [row.sentence for row in response.context["rows"]]


def searched(client, **filters) -> list[str]:
    return sentences(client.get(SEARCH, filters))


def test_the_address_of_each_page():
    assert reverse("portal:audit") == SEARCH
    assert reverse("portal:audit-export") == "/audit/export.csv"


@pytest.mark.parametrize("who", ["dana", "ava"])
def test_directors_and_auditors_read_plain_sentences(client, cast, log, who):
    client.force_login(getattr(cast, who))
    page = client.get(SEARCH)
    assert page.status_code == 200
    text = page.content.decode()
    assert "Dana Rivera published a mapping" in text
    assert "template FM-PROGRESS · version 3 · warnings 1" in text
    assert "“New exam field”" in text
    assert "A worker w1 was refused" in text


@pytest.mark.parametrize("who, status", [("omar", 403), ("mel", 403), ("stranger", 404), ("nobody", 302)])
@pytest.mark.parametrize("page", ["search", "event", "export"])
def test_others_do_not(client, cast, log, who, status, page):
    if who == "stranger":
        client.force_login(User.objects.create_user("stranger", password="correct-horse-battery"))
    elif who != "nobody":
        client.force_login(getattr(cast, who))
    address = {
        "search": SEARCH,
        "event": reverse("portal:audit-event", args=[log["published"]]),
        "export": reverse("portal:audit-export"),
    }[page]
    response = client.get(address)
    assert response.status_code == status
    assert b"FM-PROGRESS" not in response.content


def test_another_practices_events_are_neither_listed_nor_opened_nor_exported(client, cast, log):
    client.force_login(cast.sam)
    text = client.get(SEARCH).content.decode()
    assert "FM-PROGRESS" not in text
    assert "Dana" not in text
    for name in ("published", "viewed", "denied"):
        assert client.get(reverse("portal:audit-event", args=[log[name]])).status_code == 404
    assert client.get(reverse("portal:audit-event", args=[uuid.uuid4()])).status_code == 404
    rows = exported(client.get(reverse("portal:audit-export")))
    assert {row["practice"] for row in rows} == {"harbor"}


def test_an_auditor_of_one_location_sees_that_location_only(client, cast, log):
    nora = User.objects.create_user("nora", password="correct-horse-battery")
    Membership.objects.create(user=nora, practice=cast.practice, location=cast.south, role=Role.AUDITOR)
    Membership.objects.create(user=nora, practice=cast.practice, location=cast.north, role=Role.OPERATOR)
    client.force_login(nora)
    assert "Dana Rivera viewed a note" in searched(client)
    assert {row["location"] for row in exported(client.get(reverse("portal:audit-export")))} == {"SOUTH"}
    assert client.get(reverse("portal:audit-event", args=[log["published"]])).status_code == 404
    assert client.get(SEARCH, {"location": "NORTH"}).status_code == 403


def test_the_location_switch_narrows_the_list(client, cast, log):
    client.force_login(cast.ava)
    assert "Dana Rivera published a mapping" in searched(client, location="NORTH")
    assert "Dana Rivera published a mapping" not in searched(client, location="SOUTH")
    assert searched(client, event="mapping.publish") == []
    assert searched(client, event="mapping.publish", location="all") == ["Dana Rivera published a mapping"]


@pytest.mark.parametrize(
    "filters, expected",
    [
        ({"event": "mapping.publish"}, ["Dana Rivera published a mapping"]),
        ({"event": "note."}, ["Dana Rivera viewed a note"]),
        ({"outcome": "denied"}, ["A worker w1 was refused"]),
        ({"who": "worker"}, ["A worker w1 was refused"]),
        ({"object_type": "mapping", "object_id": "12"}, ["Dana Rivera published a mapping"]),
        ({"trace": "trace-1"}, ["Dana Rivera viewed a note", "Dana Rivera published a mapping"]),
        ({"subject": PATIENT}, ["Dana Rivera viewed a note"]),
        ({"since": "2199-01-01"}, []),
        ({"until": "1999-01-01"}, []),
    ],
    ids=str,
)
def test_each_filter_of_the_address_narrows_the_list(client, cast, log, filters, expected):
    client.force_login(cast.ava)
    assert searched(client, **filters) == expected


def test_what_one_person_did_is_found(client, cast, log):
    client.force_login(cast.ava)
    assert searched(client, who=str(cast.dana.pk)) == ["Dana Rivera viewed a note", "Dana Rivera published a mapping"]


def at(when: datetime, location: str) -> None:
    AuditEvent.objects.bulk_create(
        [
            AuditEvent(
                id=uuid.uuid4(),
                at=when,
                schema=1,
                event="system.demo",
                outcome="ok",
                practice="lakeside",
                location=location,
                actor_type="system",
            )
        ]
    )


def test_times_are_the_locations_with_utc_beside_them(client, cast):
    cast.south.time_zone = "America/Denver"
    cast.south.save()
    at(datetime(2026, 5, 2, 3, 30, 1, 250, tzinfo=UTC), "SOUTH")
    client.force_login(cast.ava)
    text = client.get(SEARCH, {"event": "system.demo"}).content.decode()
    assert "21:30:01 MDT" in text
    assert 'title="2026-05-02 03:30:01.000250 UTC"' in text
    assert "Friday, 1 May 2026" in text


def test_a_day_begins_and_ends_at_midnight_of_the_location(client, cast):
    at(datetime(2026, 5, 2, 3, 59, 59, tzinfo=UTC), "NORTH")  # the last second of 1 May in New York
    client.force_login(cast.ava)

    def days(since, until):
        return len(searched(client, event="system.demo", since=since, until=until))

    assert days("2026-05-01", "2026-05-01") == 1
    assert days("2026-05-02", "2026-05-02") == 0
    assert days("2026-04-01", "2026-04-30") == 0


@pytest.mark.parametrize("bad", [{"since": "yesterday"}, {"event": "note.lost"}, {"who": "99999"}, {"subject": "Roe"}])
def test_a_search_that_cannot_be_made_says_so_and_shows_nothing(client, cast, log, bad):
    client.force_login(cast.ava)
    response = client.get(SEARCH, bad)
    assert response.status_code == 200
    assert "This search cannot be made" in response.content.decode()
    assert response.context["rows"] == []
    assert client.get(reverse("portal:audit-export"), bad).status_code == 302
    assert not AuditEvent.objects.filter(event="audit.export").exists()


def test_older_events_are_on_the_next_page(client, cast):
    with acting(Actor("worker", "w1")):
        record_many(
            [
                Entry("system.start", practice="lakeside", detail={"component": f"number {n}"})
                for n in range(2 * PAGE + 1)
            ]
        )
    client.force_login(cast.ava)
    address, seen = f"{SEARCH}?event=system.start", []
    while True:
        page = client.get(address)
        seen += [row.facts for row in page.context["rows"]]
        if page.context["older"] is None:
            break
        link = re.search(r'href="([^"]+)" rel="next"', page.content.decode())
        address = SEARCH + html.unescape(link[1])
    assert seen == [f"component number {n}" for n in reversed(range(2 * PAGE + 1))]


def test_looking_is_recorded_with_what_was_looked_for(client, cast, log):
    client.force_login(cast.ava)
    client.get(SEARCH, {"event": "note.", "subject": PATIENT})
    look = AuditEvent.objects.get(event="audit.view")
    assert (look.actor_id, look.practice, look.subject_bidx) == (str(cast.ava.pk), "lakeside", PATIENT)
    assert look.detail == {"shown": 1, "filter": ["event=note.", f"subject={PATIENT}"]}
    client.get(reverse("portal:audit-event", args=[log["published"]]))
    last = AuditEvent.objects.filter(event="audit.view").order_by("id").last()
    assert (last.object_type, last.object_id, last.location) == ("audit_event", str(log["published"]), "NORTH")


def test_a_refused_look_is_recorded_as_refused(client, cast, log):
    client.force_login(cast.omar)
    client.get(SEARCH)
    refusal = AuditEvent.objects.filter(event="authz.denied", actor_id=str(cast.omar.pk)).get()
    assert refusal.detail == {"route": "portal:audit", "role": "auditor,director"}


def test_the_event_page_shows_every_column_and_that_the_row_is_sound(client, cast, log):
    client.force_login(cast.ava)
    text = client.get(reverse("portal:audit-event", args=[log["published"]])).content.decode()
    event = AuditEvent.objects.get(pk=log["published"])
    for value in (event.pk, event.row_mac, "mapping.publish", "New exam field", "FM-PROGRESS", "trace-1", "dana"):
        assert str(value) in text
    assert "As it was written" in text
    assert "?object_type=mapping&amp;object_id=12" in text
    assert "?trace=trace-1" in text


def test_the_patient_is_not_shown_but_their_events_can_be_followed(client, cast, log):
    client.force_login(cast.ava)
    text = client.get(reverse("portal:audit-event", args=[log["viewed"]])).content.decode()
    assert f"?subject={PATIENT}" in text
    assert PATIENT not in text.replace(f"?subject={PATIENT}", "")
    assert PATIENT not in client.get(SEARCH).content.decode()


def test_a_row_that_was_not_written_by_us_is_shown_as_such(client, cast):
    at(datetime(2026, 5, 1, tzinfo=UTC), "NORTH")
    client.force_login(cast.ava)
    forged = AuditEvent.objects.get(event="system.demo")
    text = client.get(reverse("portal:audit-event", args=[forged.pk])).content.decode()
    assert "Not as it was written" in text


def test_a_configuration_change_shows_old_and_new_value(client, cast):
    with acting(Actor("user", str(cast.dana.pk), "dana")):
        cast.north.name = "North Shore Clinic"
        cast.north.save()
    client.force_login(cast.ava)
    event = AuditEvent.objects.filter(event="config.change", actor_id=str(cast.dana.pk)).get()
    text = client.get(reverse("portal:audit-event", args=[event.pk])).content.decode()
    assert "North Clinic" in text
    assert "North Shore Clinic" in text
    assert "The change is as it was written" in text


def exported(response) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_an_export_is_what_was_searched_and_is_recorded_with_its_hash(client, cast, log):
    client.force_login(cast.ava)
    response = client.get(reverse("portal:audit-export"), {"trace": "trace-1"})
    body = b"".join(response.streaming_content)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="audit-lakeside-')
    assert response.headers["Cache-Control"] == "no-store"
    assert body.count(b"\r\n") == 3
    recorded = AuditEvent.objects.get(event="audit.export")
    assert recorded.detail == {
        "rows": 2,
        "filter": ["trace=trace-1"],
        "format": "csv",
        "sha256": hashlib.sha256(body).hexdigest(),
    }


def test_an_export_that_cannot_be_recorded_is_not_given(client, cast, log, monkeypatch):
    client.force_login(cast.ava)

    def fail(*args, **kwargs):
        raise RuntimeError("no room")

    monkeypatch.setattr("portal.views.audit.record", fail)
    client.raise_request_exception = False
    assert client.get(reverse("portal:audit-export")).status_code == 500
    assert client.get(SEARCH).status_code == 500


def test_too_large_an_export_asks_for_parts(client, cast, log, monkeypatch):
    monkeypatch.setattr("portal.views.audit.MOST_ROWS", 3)
    client.force_login(cast.ava)
    response = client.get(reverse("portal:audit-export"))
    assert response.status_code == 302
    assert "export in parts" in str(next(iter(get_messages(response.wsgi_request))))
    assert not AuditEvent.objects.filter(event="audit.export").exists()


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_pages_only_answer_questions(client, cast, log, method):
    client.force_login(cast.ava)
    for address in (SEARCH, reverse("portal:audit-event", args=[log["viewed"]]), reverse("portal:audit-export")):
        assert getattr(client, method)(address).status_code == 405


def test_every_action_can_be_chosen_under_a_heading_in_plain_words():
    families = event_choices()[1:]
    assert {label for label, _ in families} >= set(FAMILIES.values())
    assert sum(len(actions) - 1 for _, actions in families) == len(ACTIONS)
    assert ("note.view", "Viewed a note") in dict(families)["Notes"]
    assert ("note.", "Notes: everything") in dict(families)["Notes"]


def test_the_number_of_queries_does_not_grow_with_the_rows(client, cast, django_assert_max_num_queries):
    with acting(Actor("user", str(cast.dana.pk), "dana")):
        record_many([Entry("note.view", practice="lakeside", location="NORTH") for _ in range(PAGE)])
    client.force_login(cast.ava)
    client.get(SEARCH)
    with django_assert_max_num_queries(24):  # the last one is the banner's: what waits for a second person
        client.get(SEARCH)
