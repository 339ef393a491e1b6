"""Notes that share a transaction: each has its own fate, and what spoils the transaction spoils it for one only."""

import json
import threading

import pytest
from django.db import OperationalError, connection, transaction

from audit.models import AuditEvent
from audit.record import Actor, acting
from delivery import intake, sql
from delivery.intake import take_in
from delivery.known import Posting
from delivery.models import Delivery, IdempotencyKey, Lane, Move, Note, NoteVersion
from delivery.places import Refusal
from delivery.posted import note_of
from delivery.states import State
from portal import keys
from portal.models import Environment
from tests.delivery.conftest import Scribe, a_note

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(cast):
    return keys.create(cast.scribe, Environment.SANDBOX)[0]


@pytest.fixture(autouse=True)
def somebody():
    with acting(Actor("system", "test")):
        yield


def posting(key, name="nt-1", idempotency="", actor="scribe", encounter="", **changes) -> Posting:
    note = a_note(source_note_id=name, encounter={"id": encounter or f"E-{name}"}, **changes)
    body = json.dumps(note).encode()
    digest = intake.hashlib.sha256
    return Posting(
        key=key,
        actor=Actor("api_key", actor),
        posted=note_of(note),
        body=body,
        key_hash=digest((idempotency or f"key-{name}-{note['version']}").encode()).hexdigest(),
        body_sha256=digest(body).hexdigest(),
    )


def test_notes_that_come_together_are_answered_each_in_its_place(key):
    answers = take_in([posting(key, f"nt-{number}") for number in (3, 1, 2)])
    assert [answer["source_note_id"] for answer in answers] == ["nt-3", "nt-1", "nt-2"]
    ids = [answer["deliveries"][0]["id"] for answer in answers]
    names = Delivery.objects.in_bulk(ids)
    assert [names[pk].note.source_note_id for pk in ids] == ["nt-3", "nt-1", "nt-2"]
    assert NoteVersion.objects.count() == Move.objects.count() == IdempotencyKey.objects.count() == 3


def test_every_note_of_a_group_has_its_own_audit_events_under_its_own_scribe(key):
    take_in([posting(key, "nt-1", actor="one"), posting(key, "nt-2", actor="two")])
    for name, actor in (("nt-1", "one"), ("nt-2", "two")):
        version = NoteVersion.objects.get(note__source_note_id=name)
        events = AuditEvent.objects.filter(correlation_id=version.correlation_id)
        assert sorted(events.values_list("event", "actor_id")) == [("delivery.ready", actor), ("note.ingest", actor)]
        assert version.deliveries.get().moves.get().actor == f"api_key {actor}"


def test_a_refused_note_spoils_nothing_for_the_others(key):
    fates = take_in([posting(key, "nt-1"), posting(key, "nt-2", location="NOWHERE"), posting(key, "nt-3")])
    assert isinstance(fates[1], Refusal)
    assert fates[1].status == 422
    assert [fates[place]["source_note_id"] for place in (0, 2)] == ["nt-1", "nt-3"]
    assert Note.objects.count() == 2


def test_a_note_that_breaks_the_transaction_breaks_it_for_itself_only(key, monkeypatch):
    real = sql.insert

    def insert(rows, events=(), *, others=()):
        if any(isinstance(row, Note) and row.source_note_id == "nt-2" for group in others for row in group):
            raise RuntimeError("something about this one note")
        real(rows, events, others=others)

    monkeypatch.setattr(sql, "insert", insert)
    fates = take_in([posting(key, f"nt-{number}") for number in (1, 2, 3)])
    assert isinstance(fates[1], RuntimeError)
    assert {note.source_note_id for note in Note.objects.all()} == {"nt-1", "nt-3"}
    assert [fates[place]["source_note_id"] for place in (0, 2)] == ["nt-1", "nt-3"]


def test_a_database_that_is_gone_is_not_asked_again_for_every_note(key, monkeypatch):
    asked = []

    def gone(postings):
        asked.append(len(postings))
        raise OperationalError("gone")

    monkeypatch.setattr(intake, "commit", gone)
    monkeypatch.setattr(connection, "is_usable", lambda: False)
    with pytest.raises(OperationalError):
        take_in([posting(key, "nt-1"), posting(key, "nt-2")])
    assert asked == [2]


def test_the_same_note_twice_in_one_group_is_one_note(key):
    first, second = take_in([posting(key, idempotency="a"), posting(key, idempotency="b")])
    assert first["deliveries"] == second["deliveries"]
    assert Note.objects.count() == Delivery.objects.count() == 1
    assert IdempotencyKey.objects.count() == 2


def test_the_same_key_twice_in_one_group_gets_one_answer_and_another_body_is_refused(key):
    same, again, other = take_in(
        [posting(key, idempotency="k"), posting(key, idempotency="k"), posting(key, "nt-9", idempotency="k")]
    )
    fates = [same, again, other]
    refused = [fate for fate in fates if isinstance(fate, Refusal)]
    assert len(refused) == 1
    assert "another body" in refused[0].problems[0].message
    assert Note.objects.count() == 1


def test_two_versions_in_one_group_leave_the_newer_one_to_be_sent(key):
    take_in([posting(key, version=2, idempotency="b"), posting(key, version=1, idempotency="a")])
    states = dict(Delivery.objects.values_list("note_version__number", "state"))
    assert states == {1: State.SUPERSEDED, 2: State.READY}


def test_the_superseding_is_recorded_as_the_scribes_deed(key):
    take_in([posting(key, version=1)])
    take_in([posting(key, version=2, actor="later")])
    event = AuditEvent.objects.get(event="delivery.superseded")
    assert (event.actor_type, event.actor_id) == ("api_key", "later")


def test_the_bell_is_rung_once_a_lane_after_the_commit(key, quiet_bell):
    take_in([posting(key, f"nt-{number}") for number in range(6)])
    assert sorted(quiet_bell) == sorted(set(Delivery.objects.values_list("lane_id", flat=True)))
    Lane.objects.update(draining=True)
    quiet_bell.clear()
    take_in([posting(key, "nt-7", encounter="E-nt-0")])  # of another visit it might come to a lane that is new
    assert quiet_bell == [], "the lane's loop looks again by itself"


def test_a_group_asks_for_each_place_once_and_inserts_into_each_table_once(key, django_assert_max_num_queries):
    take_in([posting(key, "warm")])
    with django_assert_max_num_queries(24):
        take_in([posting(key, f"nt-{number}") for number in range(20)])


def test_a_change_of_the_mapping_counts_for_the_very_next_note(key, cast):
    take_in([posting(key, "nt-1")])
    cast.north_mapping.state = "retired"
    cast.north_mapping.__class__.objects.filter(pk=cast.north_mapping.pk).update(state="retired")
    [answer] = take_in([posting(key, "nt-2")])
    assert answer["deliveries"][0]["reason"]["code"] == "no_mapping"


@pytest.mark.django_db(transaction=True)
def test_many_posts_of_one_key_from_many_threads_are_one_note(cast):
    _, secret = keys.create(cast.scribe, Environment.SANDBOX)
    answers, body = [], json.dumps(a_note()).encode()

    def post():
        scribe = Scribe(secret)
        for _ in range(25):
            answers.append(scribe.post(body, key="one").json())
        connection.close()

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 200
    assert {json.dumps(answer, sort_keys=True) for answer in answers} == {json.dumps(answers[0], sort_keys=True)}
    assert Note.objects.count() == Delivery.objects.count() == IdempotencyKey.objects.count() == 1


def test_rows_get_the_keys_the_database_gave_them_in_their_order(key):
    take_in([posting(key)])
    delivery = Delivery.objects.get()
    rows = [
        Move(delivery=delivery, from_state="", to_state=f"s{n}", at=delivery.created_at, actor="t") for n in range(9)
    ]
    with transaction.atomic():
        sql.insert(rows)
    assert [Move.objects.get(pk=row.pk).to_state for row in rows] == [f"s{n}" for n in range(9)]


def test_more_rows_than_one_statement_can_hold_are_inserted_all_the_same(key):
    take_in([posting(key)])
    delivery = Delivery.objects.get()
    rows = [Move(delivery=delivery, from_state="", to_state="x", at=delivery.created_at, actor="t") for _ in range(400)]
    sql.insert(rows)
    sql.insert([])
    assert len({row.pk for row in rows}) == 400
