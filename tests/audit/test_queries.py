"""Searching: always within the practice, by every element, page by page without gaps or repeats."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from audit.actions import ACTIONS
from audit.context import Actor, acting
from audit.models import AuditEvent
from audit.queries import Key, Scope, Search, every, found, page
from audit.record import Entry, record, record_many
from audit.sentences import facts, sentence, who

LAKESIDE = Scope("lakeside")
MINUTE = timedelta(minutes=1)


def events(search: Search) -> list[str]:
    return [event.object_id for event in found(search)]


@pytest.fixture
def log(db):
    """Six events; their object ids are their names here."""
    with acting(Actor("user", "7", "dana"), "trace-1"):
        record("mapping.publish", practice="lakeside", location="NORTH", object_type="mapping", object_id="published")
        record("note.view", practice="lakeside", location="SOUTH", subject_bidx="a" * 32, object_id="viewed")
        record("authz.denied", outcome="denied", practice="lakeside", object_id="refused")
    with acting(Actor("worker", "w1"), "trace-2"):
        record("note.ingest", practice="lakeside", location="NORTH", subject_bidx="a" * 32, object_id="received")
        record("note.view", practice="harbor", location="NORTH", subject_bidx="a" * 32, object_id="elsewhere")
        record("system.start", object_id="nowhere")


@pytest.mark.parametrize(
    "sought, expected",
    [
        ({}, ["received", "refused", "viewed", "published"]),
        ({"event": "mapping.publish"}, ["published"]),
        ({"event": "note."}, ["received", "viewed"]),
        ({"event": "note"}, []),
        ({"event": "not."}, []),
        ({"outcome": "denied"}, ["refused"]),
        ({"actor_type": "user", "actor_id": "7"}, ["refused", "viewed", "published"]),
        ({"actor_type": "worker"}, ["received"]),
        ({"object_type": "mapping", "object_id": "published"}, ["published"]),
        ({"correlation_id": "trace-2"}, ["received"]),
        ({"subject": "a" * 32}, ["received", "viewed"]),
        ({"subject": "b" * 32}, []),
    ],
    ids=str,
)
def test_each_element_narrows_the_search_within_the_practice(log, sought, expected):
    assert events(Search(LAKESIDE, **sought)) == expected


def test_a_scope_of_locations_shows_these_locations_only(log):
    assert events(Search(Scope("lakeside", frozenset({"NORTH"})))) == ["received", "published"]
    assert events(Search(Scope("lakeside", frozenset()))) == []


def test_nothing_sought_crosses_into_another_practice(log):
    for search in (Search(Scope("harbor"), object_id="viewed"), Search(Scope("harbor"), correlation_id="trace-1")):
        assert events(search) == []
    assert events(Search(Scope("harbor"))) == ["elsewhere"]


def test_a_time_range_takes_its_beginning_and_not_its_end(log):
    first, *_, last = AuditEvent.objects.filter(practice="lakeside").order_by("at")
    assert "published" in events(Search(LAKESIDE, since=first.at))
    assert events(Search(LAKESIDE, since=first.at + timedelta(microseconds=1), until=last.at)) == ["refused", "viewed"]
    assert events(Search(LAKESIDE, since=last.at + MINUTE)) == []


def insert_at(times: list[datetime]) -> None:
    AuditEvent.objects.bulk_create(
        AuditEvent(id=uuid.uuid4(), at=at, schema=1, event="note.view", outcome="ok", practice="lakeside")
        for at in times
    )


def test_pages_join_without_gap_or_repeat_even_where_times_are_equal(db):
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    insert_at([noon] * 7 + [noon + MINUTE] * 3 + [noon - MINUTE] * 2)
    whole = [event.id for event in found(Search(LAKESIDE))]
    for size in (1, 2, 3, 5, 11, 12, 13):
        key, seen = None, []
        while True:
            part = page(Search(LAKESIDE), key, size)
            seen += [event.id for event in part.events]
            if part.older is None:
                break
            key = Key.read(str(part.older))
        assert seen == whole
        assert [event.id for event in every(Search(LAKESIDE), size)] == whole


def test_an_event_recorded_meanwhile_does_not_shift_the_next_page(log):
    first = page(Search(LAKESIDE), size=2)
    record("note.view", practice="lakeside", object_id="later")
    second = page(Search(LAKESIDE), first.older, size=2)
    assert [event.object_id for event in second.events] == ["viewed", "published"]
    assert second.older is None


@pytest.mark.parametrize("text", ["", "~", "x~y", "2026-05-01T12:00:00+00:00~1", f"2026-05-01T12:00:00~{uuid.uuid4()}"])
def test_a_key_that_is_none_starts_at_the_first_page(text):
    assert Key.read(text) is None


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_key_reads_back(at, key):
    assert Key.read(str(Key(at, key))) == Key(at, key)


@pytest.mark.parametrize(
    "sought, index",
    [
        ({}, "audit_practice_at"),
        ({"event": "note.view"}, "audit_event_at"),
        ({"actor_type": "user", "actor_id": "7"}, "audit_person"),
        ({"object_type": "mapping", "object_id": "12"}, "audit_object"),
        ({"correlation_id": "trace-3"}, "audit_correlation"),
        ({"subject": "a" * 32}, "audit_subject"),
    ],
    ids=str,
)
def test_each_search_is_answered_from_an_index(db, sought, index):
    with acting(Actor("worker", "w1")):
        record_many(
            [
                Entry(
                    "note.ingest",
                    practice="lakeside",
                    correlation_id=f"trace-{n}",
                    subject_bidx=f"{n % 500:032x}",
                    object_type="note",
                    object_id=str(n),
                )
                for n in range(3000)
            ]
        )
    with acting(Actor("user", "7")):
        record("note.view", practice="lakeside", subject_bidx="a" * 32, object_type="mapping", object_id="12")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert index in found(Search(LAKESIDE, **sought))[:51].explain()


def test_a_sentence_names_the_person_and_the_deed(event):
    event.actor_type, event.actor_id, event.actor_name = "user", "7", "dana"
    assert sentence(event, {"7": "Dana Rivera"}) == "Dana Rivera published a mapping"
    assert sentence(event, {}) == "dana published a mapping"
    assert facts(event) == "template FM-PROGRESS · version 3 · warnings 0"


def test_whoever_has_no_account_is_named_too(event):
    said = []
    for kind, key in (("worker", "w1"), ("api_key", "sp_1"), ("system", ""), ("command", "demo"), ("anonymous", "")):
        event.actor_type, event.actor_id = kind, key
        said.append(who(event, {}))
    assert said == ["A worker w1", "The scribe's key sp_1", "Scribeport", "The command demo", "Somebody not signed in"]


def test_an_event_this_version_does_not_know_is_shown_by_its_name(event):
    event.event = "note.folded"
    assert "note.folded" not in ACTIONS
    assert sentence(event, {}) == "Scribeport note.folded"


@pytest.mark.parametrize(
    "detail, expected",
    [
        (
            {"model": "portal.location", "deed": "update", "name": "NORTH", "fields": ["time_zone"]},
            "changed a location",
        ),
        ({"model": "portal.agreement", "deed": "create"}, "created an agreement"),
        ({"model": "mapping.mappingversion", "deed": "delete"}, "deleted a mapping version"),
        ({"model": "portal.user", "deed": "update"}, "changed a user"),
        ({"model": "gone.model", "deed": "update"}, "changed a mapping"),
        ({}, "changed a mapping"),
    ],
    ids=str,
)
def test_a_configuration_change_says_of_what(event, detail, expected):
    event.event, event.detail = "config.change", detail
    assert sentence(event, {}) == f"Scribeport {expected}"


def test_the_facts_of_a_configuration_change_are_its_name_and_fields(event):
    event.event = "config.change"
    event.detail = {"deed": "update", "name": "NORTH", "fields": ["time_zone", "name"], "entry": 3, "model": "x.y"}
    assert facts(event) == "NORTH · fields time zone, name"
    event.detail["deed"] = "create"
    assert facts(event) == "NORTH"


def test_facts_leave_out_hashes_and_say_truth_as_words(event):
    event.detail = {"entry_sha256": "f" * 64, "fields": ["name", "code"], "wide": True, "empty": []}
    assert facts(event) == "fields name, code · wide yes"
