"""P18, P19, P24, P26: no connection left, a writer that fell idle, a backup under load, two versions on one schema."""

import contextvars
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest
from django.db import DatabaseError, OperationalError, connection, connections, transaction
from django.utils import timezone

from audit.models import AuditEvent
from delivery import actions, poll, sweeper, verification
from delivery.models import Delivery, Heartbeat, Move, NoteVersion, Wire
from delivery.states import State
from delivery.transition import IllegalMove, tickets, transition
from portal import crypto
from portal.keyring import forget
from tests.delivery.conftest import a_note
from tests.delivery.rows import LENA, make_delivery
from tests.delivery.test_sending import post, run_lanes

pytestmark = pytest.mark.django_db(transaction=True)

Ask = Callable[[str], list[tuple]]
OTHER_KEY = "ab" * 32
TOO_MANY = "FATAL:  sorry, too many clients already"


def in_a_thread(work):
    """Work that has to open a database connection of its own."""
    found: list = []

    def run() -> None:
        try:
            found.append(work())
        finally:
            connections.close_all()

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,))
    thread.start()
    thread.join(30)
    return found[0]


# P18


@pytest.fixture
def full_server(monkeypatch):
    """The server takes no further connection; those that are open go on."""
    connection.ensure_connection()
    refused = []

    def refuse(self, parameters):
        refused.append(1)
        raise OperationalError(TOO_MANY)

    monkeypatch.setattr(type(connections["default"]), "get_new_connection", refuse)
    return refused


def test_P18_a_note_that_finds_no_connection_left_is_503_with_a_time_and_nothing_is_stored(scribe, full_server):
    answer = in_a_thread(lambda: scribe.post(a_note()))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert full_server
    assert not NoteVersion.objects.exists()


def test_P18_the_refusal_says_nothing_of_the_server(scribe, full_server):
    answer = in_a_thread(lambda: scribe.post(a_note()))
    assert "too many clients" not in answer.content.decode()


def test_P18_the_same_note_is_taken_once_there_is_room_again(scribe, full_server, monkeypatch):
    assert in_a_thread(lambda: scribe.post(a_note(), key="k1")).status_code == 503
    monkeypatch.undo()
    monkeypatch.setattr("delivery.bell.publish", lambda *_: None)
    assert in_a_thread(lambda: scribe.post(a_note(), key="k1")).status_code == 201
    assert NoteVersion.objects.count() == 1


def test_P18_a_lane_loop_sends_on_by_the_connection_it_has(scribe, ecw, full_server):
    ids = [post(scribe, number) for number in range(3)]
    assert run_lanes() == 3
    assert {row.state for row in Delivery.objects.filter(pk__in=ids)} == {State.ACCEPTED}


def test_P18_the_heartbeat_goes_on_by_the_connection_it_has(full_server):
    poll.beat(timezone.now())
    poll.beat(timezone.now())
    assert Heartbeat.objects.count() == 1


def test_P18_a_round_that_finds_no_connection_is_left_out_and_the_next_is_done(full_server, monkeypatch):
    beat = []

    def rounds() -> None:
        poll.guarded(lambda: poll.beat(timezone.now()))
        beat.append(Heartbeat.objects.count() if not full_server else -1)
        monkeypatch.undo()
        poll.guarded(lambda: poll.beat(timezone.now()))
        beat.append(Heartbeat.objects.count())

    in_a_thread(rounds)
    assert beat == [-1, 1]


# P19


@contextmanager
def another_session() -> Iterator:
    """A second connection to the test's database, as another process would have it."""
    other = connection.copy()
    try:
        yield other
    finally:
        other.close()


def ended(other) -> bool:
    """Whether the server has ended this session."""
    with other.cursor() as cursor:
        try:
            cursor.execute("SELECT 1")
        except (OperationalError, DatabaseError):
            return True
    return False


def test_P19_is_ended_by_the_server_after_a_minute(postgres_only):
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("1min",)


def test_P19_leaves_nothing_of_what_it_wrote_and_holds_nobody_up(postgres_only, cast):
    delivery = make_delivery(cast, State.READY)
    with another_session() as idle:
        with idle.cursor() as cursor:
            cursor.execute("SET idle_in_transaction_session_timeout = '30ms'")
            cursor.execute("BEGIN")
            cursor.execute("UPDATE delivery_delivery SET reason_code = 'idle' WHERE id = %s", [delivery.pk])
        began = time.monotonic()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '10s'")
            assert transition(tickets([delivery.pk]), State.READY, State.HELD, reason_code="held_by_person")
        assert time.monotonic() - began < 5, "the row was free as soon as the server had ended the idle one"
        assert ended(idle)
    assert Delivery.objects.get().reason_code == "held_by_person"


def test_P19_a_worker_whose_session_was_ended_works_on_with_another(postgres_only):
    def worker() -> int:
        poll.beat(timezone.now())
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        with another_session() as admin, admin.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        poll.guarded(lambda: poll.beat(timezone.now()))
        poll.guarded(lambda: poll.beat(timezone.now()))
        return Heartbeat.objects.count()

    assert in_a_thread(worker) == 1


# P24


@contextmanager
def backup_under_load(scribe, folder) -> Iterator[Ask]:
    """A copy of the database made while five more notes are taken in; questions are answered by the copy.

    SQLite: its own online backup, page by page. PostgreSQL: the snapshot that pg_dump reads from.
    """
    numbers = iter(range(100, 105))

    def another_note(*_: object) -> None:
        if (number := next(numbers, None)) is not None:
            post(scribe, number)

    if connection.vendor == "sqlite":
        path = connection.settings_dict["NAME"]
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(folder / "copy")) as copy:
            source.backup(copy, pages=20, progress=another_note)
            assert next(numbers, None) is None, "the backup was over before the load began"
            yield lambda question: copy.execute(question).fetchall()
        return
    with another_session() as snapshot, snapshot.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT count(*) FROM delivery_delivery")
        for _ in range(5):
            another_note()

        def ask(question: str) -> list[tuple]:
            cursor.execute(question)
            return cursor.fetchall()

        yield ask
        cursor.execute("ROLLBACK")


@pytest.fixture
def copy(scribe, tmp_path) -> Iterator[Ask]:
    for number in range(5):
        post(scribe, number)
    with backup_under_load(scribe, tmp_path) as ask:
        yield ask


def test_P24_a_copy_made_under_load_holds_whole_notes_only(copy):
    assert copy("SELECT count(*) FROM delivery_noteversion") >= [(5,)]
    without = "SELECT count(*) FROM delivery_noteversion v WHERE NOT EXISTS ({})"
    of_it = "SELECT 1 FROM delivery_delivery d WHERE d.note_version_id = v.id"
    assert copy(without.format(of_it)) == [(0,)]
    assert copy(
        "SELECT count(*) FROM delivery_delivery d LEFT JOIN delivery_note n ON n.id = d.note_id WHERE n.id IS NULL"
    ) == [(0,)]


def test_P24_a_copy_made_under_load_has_each_delivery_in_the_state_its_last_move_says(copy):
    differing = (
        "SELECT d.id FROM delivery_delivery d WHERE d.state <> (SELECT m.to_state FROM delivery_move m"
        " WHERE m.delivery_id = d.id ORDER BY m.id DESC LIMIT 1)"
    )
    assert copy(differing) == []


def test_P24_a_copy_made_under_load_has_an_audit_event_for_every_move(copy):
    (moves,) = copy("SELECT count(*) FROM delivery_move")
    (events,) = copy("SELECT count(*) FROM audit_auditevent WHERE event LIKE 'delivery.%' AND object_type = 'delivery'")
    assert moves == events
    assert moves[0] >= 5


def test_P24_a_copy_made_under_load_has_no_answered_key_without_its_note(copy):
    (answers,), (notes,) = (copy(f"SELECT count(*) FROM delivery_{one}") for one in ("idempotencykey", "noteversion"))
    assert answers == notes


def test_P24_a_copy_made_under_load_is_sound_by_the_databases_own_check(copy):
    if connection.vendor == "sqlite":
        assert copy("PRAGMA integrity_check") == [("ok",)]
        assert copy("PRAGMA foreign_key_check") == []
    else:
        assert copy("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND NOT convalidated") == [(0,)]


def test_P24_S28_nothing_of_a_patient_stands_in_a_copy_in_clear(copy):
    rows = copy("SELECT sealed_body FROM delivery_noteversion")
    for secret in (LENA["id"], LENA["family"], "Cough for nine days."):
        assert not any(secret.encode() in bytes(body) for (body,) in rows)


def test_P24_S28_a_copy_opens_with_the_keys_and_stays_shut_without_them(copy, settings):
    key, body = copy("SELECT id, sealed_body FROM delivery_noteversion")[0]
    row = NoteVersion.objects.get(pk=key).pk
    assert b"Cough for nine days." in crypto.unseal(body, table="noteversion", column="body", row=row)
    settings.MASTER_KEY = OTHER_KEY
    forget()
    with pytest.raises(crypto.CannotOpen, match="is the right key file in place"):
        crypto.unseal(body, table="noteversion", column="body", row=row)
    forget()


# P26


@pytest.fixture
def from_the_future(cast) -> Delivery:
    """A delivery in a state that only a newer version of the program knows; due, late and to be read all at once."""
    made = make_delivery(cast, State.READY)
    row = Delivery.objects.get(pk=made.pk)
    past = timezone.now() - timedelta(hours=1)
    row.pk, row.control_id, row.state = None, "F" * 20, "embargoed"
    row.lane = cast.hl7.lanes.get_or_create(index=0)[0]
    row.not_before, row.deadline, row.read_at = past, past, past
    row.save(force_insert=True)
    Delivery.objects.filter(pk=made.pk).update(not_before=timezone.now() + timedelta(days=1), read_at=None)
    return row


def untouched(row: Delivery) -> bool:
    now = Delivery.objects.get(pk=row.pk)
    return (now.state, now.attempts, now.reason_code) == ("embargoed", 0, "") and not Move.objects.filter(
        delivery=row
    ).exists()


def test_P26_a_worker_does_not_send_what_is_in_a_state_it_does_not_know(from_the_future, ecw):
    assert run_lanes() == 0
    assert ecw.filings() == []
    assert untouched(from_the_future)


def test_P26_a_worker_does_not_park_what_is_in_a_state_it_does_not_know(from_the_future):
    assert sweeper.sweep() == 0
    assert untouched(from_the_future)


def test_P26_a_worker_does_not_read_back_what_is_in_a_state_it_does_not_know(from_the_future):
    assert verification.claim_reads() == []
    assert untouched(from_the_future)


@pytest.mark.parametrize(
    "deed", [actions.hold, actions.release, actions.cancel, actions.decide_sent, actions.decide_not_sent]
)
def test_P26_a_person_on_the_old_version_cannot_move_it(from_the_future, deed):
    with transaction.atomic():
        assert deed([from_the_future.pk], "a reason") == []
    assert untouched(from_the_future)


def test_P26_it_is_not_filed_again_by_the_old_version(from_the_future):
    assert actions.replayable([from_the_future.pk], same_identity=False) == []
    assert actions.replayable([from_the_future.pk], same_identity=True) == []


@pytest.mark.parametrize("state", list(State))
def test_P26_the_database_refuses_to_move_it_into_a_state_the_old_version_knows(from_the_future, state):
    with pytest.raises(DatabaseError), transaction.atomic():
        Delivery.objects.filter(pk=from_the_future.pk).update(state=state)
    assert untouched(from_the_future)


@pytest.mark.parametrize("state", [State.HELD, State.READY, State.SENDING, State.UNKNOWN, State.PARKED])
def test_P26_the_database_refuses_a_move_into_a_state_it_was_not_migrated_for(cast, state):
    row = make_delivery(cast, state)
    with pytest.raises(DatabaseError), transaction.atomic():
        Delivery.objects.filter(pk=row.pk).update(state="embargoed")
    assert Delivery.objects.get(pk=row.pk).state == state


def test_P26_a_state_nobody_knows_raises_and_is_not_guessed_at():
    with pytest.raises(ValueError, match="embargoed"):
        State("embargoed")


def test_P26_what_stands_behind_it_in_its_lane_goes_all_the_same(from_the_future, scribe, ecw):
    other = post(scribe, 7, encounter="E-other")
    run_lanes()
    assert Delivery.objects.get(pk=other).state == State.ACCEPTED


def test_P26_a_refused_move_leaves_no_move_and_no_event(cast):
    row = make_delivery(cast, State.VERIFIED)
    moves, events = Move.objects.count(), AuditEvent.objects.count()
    with pytest.raises(IllegalMove), transaction.atomic():
        transition(tickets([row.pk]), State.VERIFIED, State.READY)
    assert (Move.objects.count(), AuditEvent.objects.count()) == (moves, events)
    assert Wire.objects.filter(delivery=row).exists()
