"""Verification finds whatever was done to a sealed log by somebody who owns the database, and names where."""

import json
import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.utils import timezone

from audit.anchors import anchor_all
from audit.canonical import canonical, mac_of
from audit.event import AuditEvent
from audit.insert_only import statements
from audit.management.commands.seal_audit import Rounds
from audit.merkle import leaf_hash
from audit.models import ConfigurationEntry
from audit.record import record
from audit.sealed import Checkpoint, Leaf, SealerState, Tree, Verification
from audit.whole import nightly, verify
from portal.models import Location
from tests.audit.log import note, seal_now

pytestmark = pytest.mark.django_db(transaction=True)
GUARDED = ["audit_auditevent", "audit_configurationentry", "audit_leaf", "audit_checkpoint", "audit_anchorreceipt"]


@contextmanager
def as_owner():
    """What somebody can do who owns the database: take the triggers away, and put them back unnoticed."""
    with transaction.atomic(), connection.cursor() as cursor:
        for table in GUARDED:
            if connection.vendor == "sqlite":
                for deed in ("update", "delete", "insert"):
                    cursor.execute(f'DROP TRIGGER "insert_only_{table}_{deed}"')
            else:
                cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER ALL')
        yield cursor
        for table in GUARDED:
            for statement in statements(connection.vendor, table):
                cursor.execute(statement)


@pytest.fixture
def log():
    """Ten events under two checkpoints, the second anchored; their ids in order."""
    keys = note(count=4)
    seal_now()
    keys += note(count=6)
    seal_now()
    anchor_all()
    return keys


def rows(model):
    """The table's rows, past the model's own refusal."""
    return super(type(model.objects.all()), model.objects.all())


def change(key, **columns):
    """An attacker's UPDATE; with the row's check value made anew where `row_mac` is True."""
    with as_owner() as cursor:
        remac = columns.pop("row_mac", False)
        assignments = ", ".join(f"{name} = %s" for name in columns)
        stored = key if connection.vendor == "postgresql" else key.hex
        cursor.execute(f"UPDATE audit_auditevent SET {assignments} WHERE id = %s", [*columns.values(), stored])
        if remac:
            fresh = mac_of(canonical(AuditEvent.objects.get(pk=key)))
            cursor.execute("UPDATE audit_auditevent SET row_mac = %s WHERE id = %s", [fresh, stored])


def delete(table: str, key) -> None:
    with as_owner() as cursor:
        stored = key if connection.vendor == "postgresql" or not isinstance(key, uuid.UUID) else key.hex
        cursor.execute(f"DELETE FROM {table} WHERE id = %s", [stored])


def test_an_untouched_log_is_whole(log):
    report = verify()
    assert (report.leaves, report.unsealed, report.findings) == (10, 0, ())


def test_L01_an_edited_event_is_named(log):
    """L01."""
    change(log[3], reason="forged")
    (found,) = verify().findings
    assert (found.seq, found.event, found.what) == (3, str(log[3]), "the event was changed")


def test_L05_an_edited_event_with_a_check_value_to_match_is_named(log):
    """L05: whoever has the application's key as well does not have the sealer's."""
    change(log[5], actor_name="somebody else", row_mac=True)
    (found,) = verify().findings
    assert found.seq == 5


def test_L05_a_rewritten_leaf_is_named_though_it_fits_its_event(log):
    change(log[5], actor_name="somebody else", row_mac=True)
    forged = leaf_hash(canonical(AuditEvent.objects.get(pk=log[5])))
    with as_owner() as cursor:
        cursor.execute("UPDATE audit_leaf SET hash = %s WHERE seq = 5", [forged])
    (found,) = verify().findings
    assert (found.seq, found.what) == (5, "the leaf is not the sealer's")


def test_without_the_sealers_key_the_checkpoint_still_bounds_a_rewritten_leaf(log, settings):
    change(log[5], actor_name="somebody else", row_mac=True)
    forged = leaf_hash(canonical(AuditEvent.objects.get(pk=log[5])))
    with as_owner() as cursor:
        cursor.execute("UPDATE audit_leaf SET hash = %s WHERE seq = 5", [forged])
    from audit.checkpoints import public_keys

    settings.AUDIT_PUBLIC_KEYS = [public_keys()[0].hex()]
    settings.AUDIT_SIGNING_KEY = ""
    (found,) = verify().findings
    assert found.seq == 4, "the first leaf after the last checkpoint that fits"
    assert "leaf 9" in found.what


def test_L01_a_deleted_event_is_named(log):
    delete("audit_auditevent", log[6])
    (found,) = verify().findings
    assert (found.seq, found.what) == (6, "the event is gone")


def test_an_event_deleted_with_its_leaf_is_named_by_its_place(log):
    delete("audit_auditevent", log[6])
    delete("audit_leaf", log[6])
    (found,) = verify().findings
    assert (found.seq, found.what) == (6, "this leaf is gone, or the order was changed")


def test_L01_two_events_that_changed_places_are_named(log):
    with as_owner() as cursor:
        for seq, other in ((2, 100), (3, 2), (100, 3)):
            cursor.execute("UPDATE audit_leaf SET seq = %s WHERE seq = %s", [other, seq])
    (found,) = verify().findings
    assert (found.seq, found.what) == (2, "the leaf is not the sealer's")


def test_an_end_cut_off_is_named_by_what_the_checkpoints_know(log):
    for key in log[8:]:
        delete("audit_auditevent", key)
        delete("audit_leaf", key)
    (found,) = verify().findings
    assert found.seq == 8
    assert "10 leaves" in found.what


def test_L02_an_end_cut_off_with_its_checkpoints_is_named_by_the_anchor(log):
    """L02."""
    for key in log[4:]:
        delete("audit_auditevent", key)
        delete("audit_leaf", key)
    with as_owner() as cursor:
        cursor.execute("DELETE FROM audit_anchorreceipt")
        cursor.execute("DELETE FROM audit_checkpoint WHERE size > 4")
        cursor.execute("UPDATE audit_tree SET size = 4")
    (found,) = verify().findings
    assert found.seq == 4
    assert "an anchored checkpoint knows 10 leaves" in found.what


def test_L01_a_back_dated_event_is_named_though_it_is_sealed_in_order(log):
    """L01: whoever may insert can claim any time; the checkpoints before it tell when it came."""
    with transaction.atomic():
        key = record("system.start", practice="lakeside")
    change(key, at=timezone.now() - timedelta(days=2), row_mac=True)
    seal_now()
    (found,) = verify().findings
    assert (found.seq, found.what) == (10, "the event is back-dated")


def test_a_row_put_in_behind_the_sealers_back_is_named_within_the_day(log):
    fresh = note()[0]
    change(fresh, at=timezone.now() - timedelta(hours=3), row_mac=True)
    if connection.vendor == "postgresql":
        SealerState.objects.update(horizon=AuditEvent.objects.get(pk=fresh).xid + 1)
        with as_owner() as cursor:
            cursor.execute("UPDATE audit_auditevent SET xid = 3 WHERE id = %s", [fresh])
    (found,) = verify().findings
    assert found.event == str(fresh)


def test_a_forged_checkpoint_is_refused(log):
    with as_owner() as cursor:
        cursor.execute("UPDATE audit_checkpoint SET note = replace(note, 'time 2', 'time 1')")
    (found,) = verify().findings
    assert "no trusted key signed it" in found.what


def test_a_checkpoint_whose_columns_differ_from_its_note_is_refused(log):
    with as_owner() as cursor:
        cursor.execute("UPDATE audit_checkpoint SET size = 9 WHERE size = 10")
    (found,) = verify().findings
    assert "not what was signed" in found.what


def test_an_edited_configuration_entry_is_named_by_the_event_that_speaks_of_it(cast):
    """Line 2: configuration entries are under the same seal."""
    seal_now()
    assert verify().findings == ()
    entry = ConfigurationEntry.objects.latest("pk")
    with as_owner() as cursor:
        cursor.execute("UPDATE audit_configurationentry SET object_repr = 'forged' WHERE id = %s", [entry.pk])
    (found,) = verify().findings
    spoken = AuditEvent.objects.get(pk=found.event)
    assert (spoken.event, spoken.detail["entry"]) == ("config.change", entry.pk)


def test_a_deleted_configuration_entry_is_named(cast):
    Location.objects.filter(code="NORTH").update(name="Northern")
    seal_now()
    delete("audit_configurationentry", ConfigurationEntry.objects.latest("pk").pk)
    (found,) = verify().findings
    assert "configuration entry" in found.what


def test_a_whole_tree_that_is_gone_is_named(log):
    with as_owner() as cursor:
        for table in ("audit_anchorreceipt", "audit_checkpoint", "audit_leaf", "audit_tree", "audit_auditevent"):
            cursor.execute(f"DELETE FROM {table}")
    (found,) = verify().findings
    assert "does not have it" in found.what


def test_the_nightly_run_is_kept_and_is_itself_an_event(log):
    nightly()
    kept = Verification.objects.get()
    assert (kept.whole, kept.leaves, kept.finding) == (True, 10, "")
    assert AuditEvent.objects.get(event="audit.verify").outcome == "ok"
    change(log[0], reason="forged")
    nightly()
    kept = Verification.objects.latest("pk")
    assert (kept.whole, "leaf 0: the event was changed" in kept.finding) == (False, True)
    assert AuditEvent.objects.filter(event="audit.verify").latest("at").outcome == "error"


def test_every_night_reads_the_newest_two_months_and_one_of_the_others_in_turn(monkeypatch):
    for month in ("202601", "202602", "202603", "202604"):
        Tree.objects.create(practice="lakeside", month=month)
    seen: list = []
    monkeypatch.setattr("audit.whole.verify", lambda trees: seen.append([tree.month for tree in trees]) or verify([]))
    nightly(0)
    nightly(1)
    assert seen == [["202604", "202603", "202602"], ["202604", "202603", "202601"]]


def test_the_night_comes_once_a_day_whoever_is_first(log):
    today = timezone.now().date()
    for hour, runs in ((1, 0), (2, 1), (3, 1)):
        Rounds().verify_at_night(today, hour)
        assert Verification.objects.count() == runs
    Rounds().verify_at_night(today + timedelta(days=1), 23)
    assert Verification.objects.count() == 2


def test_the_command_seals_anchors_and_verifies_once(anchor_file, capsys):
    note(count=3)
    seal_now()
    call_command("seal_audit", "--once", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["leaves"], told["found"], told["anchors_failed"], told["older_than_anchor"]) == (3, [], [], 0)
    assert anchor_file.exists()


def test_L03_nothing_is_sealed_onto_a_database_that_is_older_than_its_anchor(log, capsys):
    with as_owner() as cursor:
        for table in ("audit_anchorreceipt", "audit_checkpoint", "audit_leaf", "audit_tree"):
            cursor.execute(f"DELETE FROM {table}")
    Rounds().round()
    assert (Leaf.objects.count(), Checkpoint.objects.count()) == (0, 0)
    call_command("seal_audit", "--once")
    assert json.loads(capsys.readouterr().out)["older_than_anchor"] == 1


def test_without_its_key_the_sealer_does_not_start(settings):
    settings.AUDIT_SIGNING_KEY = ""
    with pytest.raises(CommandError, match="SIGNING_KEY"):
        call_command("seal_audit", "--once")
