"""What recording costs a note: the measured transaction is intake's own, with its events or without any."""

import pytest
from django.db import connection
from django.utils.module_loading import import_string

from audit import bench
from audit.bench import Written, lost, measured, overhead, repeated
from audit.management.commands.bench_audit import OWN
from audit.models import AuditEvent
from delivery import sql
from delivery.bench.audit_share import EIGHT, notes_taken_in, posting, prepared
from delivery.models import Delivery, Move, Note
from portal.models import ApiKey

OF_A_NOTE = ["note.ingest", "delivery.held"]


@pytest.fixture
def writer(db, monkeypatch):
    """Ready to write, in this process: closing its connection would end the test's transaction."""
    monkeypatch.setattr(bench.connections, "close_all", lambda: None)
    monkeypatch.setattr(bench, "WARM_UP", 1)
    monkeypatch.setitem(vars(sql), "insert", sql.insert)
    return prepared()["note_taken_in"]


def recorded() -> list[str]:
    return list(AuditEvent.objects.filter(object_type__in=["note", "delivery"]).values_list("event", flat=True))


def test_the_command_names_what_makes_it_ready():
    assert import_string(OWN) is prepared


def test_a_note_is_taken_in_with_its_two_events(writer):
    done = writer(0.01, True)
    notes = Note.objects.count()
    assert len(done.took) == notes - 1 >= 1  # one warmed up
    assert sorted(recorded()) == sorted(OF_A_NOTE * notes)


def test_without_recording_all_but_the_events_is_written(writer):
    done = writer(0.01, False)
    assert len(done.took) + 1 == Note.objects.count() == Delivery.objects.count() == Move.objects.count()
    assert recorded() == []


@pytest.mark.usefixtures("writer")
def test_eight_go_into_one_transaction_with_their_sixteen_events():
    done = notes_taken_in(0.01, True, EIGHT)
    assert Note.objects.count() == EIGHT * (len(done.took) + 1)
    assert sorted(recorded()) == sorted(OF_A_NOTE * Note.objects.count())


@pytest.mark.parametrize("audited", [True, False])
def test_the_time_of_each_transaction_is_taken(writer, audited):
    done = writer(0.01, audited)
    assert done.took
    assert all(0 < seconds < 5 for seconds in done.took)


def test_a_note_that_is_refused_stops_the_measurement(writer):
    ApiKey.objects.update(scopes=["notes:read"])
    with pytest.raises(Exception, match="403"):
        writer(0.01, True)


def test_no_two_postings_are_the_same_note(writer):
    key = ApiKey.objects.select_related("scribe__practice").get()
    one, other = posting(key), posting(key)
    assert not one.names & other.names


@pytest.mark.usefixtures("writer")
def test_processor_time_is_counted_and_what_came_before_is_not(monkeypatch):
    clock = iter([5.0, 7.5])
    monkeypatch.setattr(bench, "cpu", lambda: next(clock))
    assert repeated(0.0, lambda: None).cpu == 2.5


@pytest.mark.usefixtures("writer")
def test_the_databases_processor_time_is_counted_with_it():
    connection.ensure_connection()
    before = bench.cpu()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT i FROM n) AS counted"
        )
    assert bench.cpu() - before > 0.005


def in_turn(found):
    """Rounds as they come, one without and one with recording."""
    rows = iter(found)
    return lambda *_: next(rows)


def test_the_best_of_three_rounds_counts_of_each_kind(monkeypatch):
    rounds = [
        bench.Round(90, 1.0, 2.2, 9),
        bench.Round(80, 1.3, 2.4, 9),
        bench.Round(100, 1.1, 2.1, 8),
        bench.Round(70, 1.2, 2.5, 9),
        bench.Round(95, 1.0, 2.2, 9),
        bench.Round(75, 1.2, 2.5, 9),
    ]
    monkeypatch.setattr(bench, "measured", in_turn(rounds))
    assert overhead(8, 1.0, "some", notes_taken_in) == {
        "transaction": "some",
        "writers": 8,
        "plain_tx_s": 100,
        "audited_tx_s": 80,
        "lost_percent": 20.0,
        "plain_cpu_ms": 1.1,
        "audited_cpu_ms": 1.3,
        "plain_median_ms": 2.1,
        "audited_median_ms": 2.4,
        "added_median_ms": 0.3,
        "plain_p99_ms": 8,
        "audited_p99_ms": 9,
    }


@pytest.mark.parametrize(("rate", "of", "percent"), [(90, 100, 10.0), (100, 100, 0.0), (110, 100, -10.0), (5, 0, 0.0)])
def test_the_loss_is_a_share_of_what_was(rate, of, percent):
    assert lost(rate, of) == percent


def twice(seconds: float, audited: bool) -> Written:
    return Written([0.001, 0.003] if audited else [0.001, 0.001], 0.004)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("audited", "median_ms"), [(True, 2.0), (False, 1.0)])
def test_writers_are_processes_and_their_work_is_added_up(audited, median_ms):
    found = measured(2, 0.5, twice, audited)
    assert (found.rate, found.cpu_ms, found.median_ms) == (8.0, 2.0, median_ms)
