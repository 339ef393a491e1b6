"""The sealer gives every committed event one place, in every order of commits, and never a place twice."""

import os
import threading
from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit import sealing
from audit.canonical import canonical
from audit.checkpoints import opened, read_statement
from audit.event import AuditEvent
from audit.merkle import leaf_hash, root_of
from audit.prepared import WHOLE_TABLES
from audit.record import Actor, acting, record
from audit.sealed import Checkpoint, Leaf, SealerState, Tree
from audit.sealing import Ticking, _unsealed, head_entries, seal, seal_all, waiting
from tests.audit.log import note, seal_now, without_statistics
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_event_gets_its_leaf_in_order():
    keys = note(count=5)
    assert seal_now() == 5
    leaves = list(Leaf.objects.order_by("seq"))
    assert [leaf.pk for leaf in leaves] == keys
    assert [leaf.seq for leaf in leaves] == [0, 1, 2, 3, 4]
    events = AuditEvent.objects.in_bulk(keys)
    assert [bytes(leaf.hash) for leaf in leaves] == [leaf_hash(canonical(events[key])) for key in keys]


def test_the_checkpoint_signs_the_root_over_all_leaves():
    note(count=3)
    seal_now()
    note(count=4)
    seal_now()
    said = read_statement(opened(Checkpoint.objects.latest("pk").note))
    hashed = [bytes(one) for one in Leaf.objects.order_by("seq").values_list("hash", flat=True)]
    assert (said.origin, said.size, said.root) == (Tree.objects.get().origin, 7, root_of(hashed))
    assert Checkpoint.objects.count() == 2


def test_nothing_new_makes_no_checkpoint():
    note()
    assert (seal_now(), seal_now()) == (1, 0)
    assert Checkpoint.objects.count() == 1


def test_each_practice_has_its_own_tree_and_what_belongs_to_none_another():
    note("lakeside", count=2)
    note("harbor")
    note("")
    seal_now()
    sizes = {tree.origin.split("/")[2]: tree.size for tree in Tree.objects.all()}
    assert sizes == {"lakeside": 2, "harbor": 1, "-": 1}


def test_more_than_one_batch_is_sealed_without_a_gap():
    note(count=7)
    note("harbor", count=6)
    while waiting().exists():
        assert seal(limit=3) <= 3
        assert waiting().count() + Leaf.objects.count() == 13
    assert sorted(Leaf.objects.filter(tree__practice="lakeside").values_list("seq", flat=True)) == list(range(7))
    assert waiting().count() == 0


def test_a_month_that_is_over_ends_its_tree_and_the_next_names_its_end(monkeypatch):
    note(count=2)
    seal_now()
    first = Tree.objects.get()
    later = timezone.now() + timedelta(days=32)
    monkeypatch.setattr(timezone, "now", lambda: later)
    note(count=3)
    seal_now()
    second = Tree.objects.exclude(pk=first.pk).get()
    assert (second.month, second.size) == (f"{later:%Y%m}", 3)
    said = read_statement(opened(Checkpoint.objects.latest("pk").note))
    end = Checkpoint.objects.filter(tree=first).latest("pk")
    assert said.previous == f"{first.origin} 2 {end.root}"


def test_a_clock_set_back_does_not_reopen_a_month(monkeypatch):
    note()
    seal_now()
    monkeypatch.setattr(timezone, "now", lambda: datetime(2020, 1, 1, tzinfo=timezone.get_current_timezone()))
    note()
    seal_now()
    assert Tree.objects.get().size == 2


def test_a_sealer_that_dies_in_its_pass_leaves_no_trace_and_its_successor_no_gap(monkeypatch):
    """P08: a pass is one transaction."""
    note(count=4)

    def die(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(sealing, "check", die)
        seal_now()
    assert (Leaf.objects.count(), Checkpoint.objects.count(), Tree.objects.count()) == (0, 0, 0)
    assert seal_now() == 4


def test_rows_renumbered_or_restored_elsewhere_are_looked_at_again():
    """A cursor from another life of the database (VACUUM, a dump into a new cluster) must not hide an event."""
    note(count=3)
    seal_now()
    SealerState.objects.update(horizon=2**50)
    note(count=2)
    wait_until(lambda: seal_all() == 2, 60)  # with such a horizon nothing seems to wait, which `seal_now` would believe
    assert SealerState.objects.get().horizon < 2**50


@pytest.mark.usefixtures("postgres_only")
def test_a_pass_finds_what_is_due_by_the_order_of_transactions_alone():
    """However long the log is: a pass that read all of it fell behind the product (docs/performance.md)."""
    note(count=3)
    with CaptureQueriesContext(connection) as asked:
        seal_now()
    looks = [one["sql"] for one in asked if '"audit_auditevent"."xid" AS "xid"' in one["sql"]]
    assert len(looks) >= 2
    with transaction.atomic(), connection.cursor() as cursor:
        without_statistics(cursor, "audit_auditevent", "audit_leaf")
        cursor.execute(sealing.HORIZON)  # which tells the planner to look for few
        for look in looks:
            cursor.execute(f"EXPLAIN {look}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "using audit_xid_order on audit_auditevent" in plan, plan
            assert "using audit_leaf_pkey on audit_leaf" in plan, plan
            assert "Sort" not in plan, plan
        transaction.set_rollback(True)


@pytest.mark.usefixtures("postgres_only")
def test_the_rest_of_a_pass_is_planned_as_ever():
    note(count=3)
    with transaction.atomic(), connection.cursor() as cursor:
        settings = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s) ORDER BY name"
        cursor.execute(settings, [list(WHOLE_TABLES)])
        before = cursor.fetchall()
        assert len(before) == len(WHOLE_TABLES)
        _unsealed(SealerState(), 1)
        cursor.execute(settings, [list(WHOLE_TABLES)])
        assert cursor.fetchall() == before


@pytest.mark.usefixtures("postgres_only")
def test_an_event_that_commits_late_is_sealed_late_and_not_missed():
    """A cursor over ids would pass over it: its id is older than what is sealed already."""
    recorded, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with acting(Actor("system", "slow")), transaction.atomic():
            record("system.start", practice="lakeside", reason="late")
            recorded.set()
            go_on.wait(20)
        connections.close_all()

    thread = threading.Thread(target=slow)
    thread.start()
    assert recorded.wait(20)
    note(count=3)
    assert seal_all() == 0, "nothing is due while an older transaction is open"
    go_on.set()
    thread.join()
    assert seal_now() == 4
    assert waiting().count() == 0


@pytest.mark.usefixtures("postgres_only")
def test_a_transaction_open_in_another_database_of_the_server_holds_nothing_back():
    """Transactions are numbered for the whole server, and what is open elsewhere may stay so for hours."""
    with psycopg.connect(os.environ["DATABASE_URL"]) as elsewhere:
        assert elsewhere.info.dbname != connection.settings_dict["NAME"]
        (number,) = elsewhere.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
        note(count=3)
        assert seal_all() == 3
        assert SealerState.objects.get().horizon > number
        note(count=2)
        assert seal_all() == 2, "and the horizon does not go back for it"


@pytest.mark.usefixtures("postgres_only")
def test_what_ended_elsewhere_between_two_looks_does_not_make_a_pass_read_the_whole_log():
    """A horizon that goes back is one of another server, for which everything is looked at."""
    note(count=3)
    seal_all()
    with CaptureQueriesContext(connection) as asked, transaction.atomic():
        _unsealed(SealerState(horizon=2**50), 1)
    assert len([one for one in asked if "pg_snapshot_xip" in one["sql"]]) == sealing.LOOKS
    with CaptureQueriesContext(connection) as asked, transaction.atomic():
        _unsealed(SealerState.objects.get(), 1)
    assert len([one for one in asked if "pg_snapshot_xip" in one["sql"]]) == 1


@pytest.mark.usefixtures("postgres_only")
def test_writers_and_two_sealers_at_once_lose_and_double_nothing():
    stop = threading.Event()

    def write() -> None:
        with acting(Actor("system", "writer")):
            for _ in range(40):
                note(count=2)
        connections.close_all()

    def keep_sealing() -> None:
        while not stop.is_set():
            seal(limit=7)
        connections.close_all()

    writers = [threading.Thread(target=write) for _ in range(4)]
    sealers = [threading.Thread(target=keep_sealing) for _ in range(2)]
    for thread in writers + sealers:
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in sealers:
        thread.join()
    seal_now()
    assert list(Leaf.objects.order_by("seq").values_list("seq", flat=True)) == list(range(320))
    hashed = [bytes(one) for one in Leaf.objects.order_by("seq").values_list("hash", flat=True)]
    assert Checkpoint.objects.latest("size").root == root_of(hashed).hex()


@pytest.mark.usefixtures("postgres_only")
def test_recording_never_waits_for_the_sealer():
    with transaction.atomic():
        while not sealing.alone():
            pass
        sealing.check(sealing.tree_for("lakeside", timezone.now()), timezone.now())
        done = threading.Event()

        def write() -> None:
            with acting(Actor("system", "writer")):
                note()
            done.set()
            connections.close_all()

        threading.Thread(target=write).start()
        assert done.wait(10), "the sealer's transaction is open, and an event is recorded all the same"


def test_the_head_map_counts_each_patients_events():
    ann, bob = "a" * 32, "b" * 32
    note(subject=bob, count=2)
    note(subject=ann)
    note(count=4)
    seal_now()
    note(subject=ann)
    seal_now()
    tree = Tree.objects.get()
    assert head_entries(tree) == [(ann, 2), (bob, 2)]
    assert head_entries(tree, size=7) == [(ann, 1), (bob, 2)]


def test_the_believed_time_runs_no_faster_than_the_sealers_own_clock():
    """L10: a clock set ten years forward moves retention by a day, not by ten years."""
    note()
    seal_now()
    begun = Checkpoint.objects.latest("pk").elapsed
    ticking = Ticking()
    jumped = timezone.now() + timedelta(days=3650)
    assert ticking.elapsed(jumped) - begun == timedelta(days=1)
    again = ticking.elapsed(jumped) - begun
    assert again < timedelta(seconds=20), "without a new checkpoint not even the day is kept"


def test_the_believed_time_never_runs_back():
    note()
    seal_now()
    begun = Checkpoint.objects.latest("pk").elapsed
    assert Ticking().elapsed(begun - timedelta(days=400)) == begun


def test_sealing_reads_nothing_where_nothing_waits(django_assert_max_num_queries):
    note()
    seal_now()
    with django_assert_max_num_queries(8):
        seal_now()
    assert connection.in_atomic_block is False
