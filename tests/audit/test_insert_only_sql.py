"""The statements that make a table insert-only, written out for both databases, and the traps each closes."""

import pytest
from django.db import connection
from django.db.migrations.state import ProjectState

from audit.checks import insert_only_tables
from audit.event import AuditEvent
from audit.insert_only import (
    POSTGRESQL_EXPECTED,
    InsertOnly,
    InsertOnlyError,
    faults,
    sqlite_triggers,
    statements,
)
from audit.models import ConfigurationEntry
from audit.sealed import Checkpoint, Leaf

EVENTS = "audit_auditevent"


class TestOnSqlite:
    def test_an_update_is_refused_whatever_the_row(self):
        assert sqlite_triggers(EVENTS)["insert_only_audit_auditevent_update"] == (
            'CREATE TRIGGER "insert_only_audit_auditevent_update" BEFORE UPDATE ON "audit_auditevent" '
            "BEGIN SELECT RAISE(ABORT, 'audit_auditevent is insert-only'); END"
        )

    def test_a_deletion_is_refused_whatever_the_row(self):
        assert sqlite_triggers("audit_leaf")["insert_only_audit_leaf_delete"] == (
            'CREATE TRIGGER "insert_only_audit_leaf_delete" BEFORE DELETE ON "audit_leaf" '
            "BEGIN SELECT RAISE(ABORT, 'audit_leaf is insert-only'); END"
        )

    def test_of_events_a_deletion_is_refused_unless_its_month_was_purged(self):
        """Whatever the condition makes of a NULL, the row stays."""
        made = sqlite_triggers(EVENTS)["insert_only_audit_auditevent_delete"]
        assert " WHEN (EXISTS" in made
        assert ") IS NOT TRUE BEGIN SELECT RAISE(ABORT, 'audit_auditevent is insert-only'); END" in made

    def test_before_there_was_retention_nothing_left(self):
        """As an earlier migration still sets it up, when the tables that the condition asks are not there."""
        assert "audit_purgecertificate" not in "".join(statements("sqlite", EVENTS, purgeable=False))
        assert "audit_purgecertificate" not in "".join(statements("postgresql", EVENTS, purgeable=False))

    def test_an_insertion_over_a_row_that_is_there_is_refused(self):
        """INSERT OR REPLACE deletes without firing a delete trigger (reliability, 4.5)."""
        assert sqlite_triggers(EVENTS)["insert_only_audit_auditevent_insert"] == (
            'CREATE TRIGGER "insert_only_audit_auditevent_insert" BEFORE INSERT ON "audit_auditevent" '
            'WHEN EXISTS (SELECT 1 FROM "audit_auditevent" WHERE id = NEW.id) '
            'OR EXISTS (SELECT 1 FROM "audit_auditevent" WHERE rowid = NEW.rowid) '
            "BEGIN SELECT RAISE(ABORT, 'audit_auditevent is insert-only'); END"
        )

    def test_a_leafs_other_key_is_guarded_as_well(self):
        """REPLACE can also name the row by the unique pair of tree and place."""
        made = sqlite_triggers("audit_leaf")["insert_only_audit_leaf_insert"]
        assert 'EXISTS (SELECT 1 FROM "audit_leaf" WHERE tree_id = NEW.tree_id AND seq = NEW.seq)' in made

    def test_every_unique_key_of_every_protected_table_is_guarded(self):
        for model in (AuditEvent, ConfigurationEntry, Leaf, Checkpoint):
            made = sqlite_triggers(model._meta.db_table)[f"insert_only_{model._meta.db_table}_insert"]
            for constraint in model._meta.constraints:
                columns = [model._meta.get_field(name).column for name in getattr(constraint, "fields", ())]
                assert " AND ".join(f"{column} = NEW.{column}" for column in columns) in made

    def test_they_may_be_run_again(self):
        made = statements("sqlite", EVENTS)
        assert made[:3] == [
            'DROP TRIGGER IF EXISTS "insert_only_audit_auditevent_update"',
            'DROP TRIGGER IF EXISTS "insert_only_audit_auditevent_delete"',
            'DROP TRIGGER IF EXISTS "insert_only_audit_auditevent_insert"',
        ]
        assert len(made) == 6


class TestOnPostgresql:
    def test_rows_are_guarded_by_a_trigger_for_each(self):
        assert (
            'CREATE OR REPLACE TRIGGER insert_only_row BEFORE UPDATE OR DELETE ON "audit_auditevent" '
            "FOR EACH ROW EXECUTE FUNCTION insert_only_unless_purged()"
        ) in statements("postgresql", EVENTS)

    def test_truncating_is_guarded_by_a_trigger_for_the_statement(self):
        """A row trigger lets TRUNCATE through (reliability, 4.5)."""
        assert (
            'CREATE OR REPLACE TRIGGER insert_only_table BEFORE TRUNCATE ON "audit_auditevent" '
            "FOR EACH STATEMENT EXECUTE FUNCTION insert_only_unless_purged()"
        ) in statements("postgresql", EVENTS)

    def test_pretending_to_be_a_replica_skips_neither(self):
        made = statements("postgresql", EVENTS)
        assert 'ALTER TABLE "audit_auditevent" ENABLE ALWAYS TRIGGER insert_only_row' in made
        assert 'ALTER TABLE "audit_auditevent" ENABLE ALWAYS TRIGGER insert_only_table' in made

    def test_the_refusal_names_the_table_and_no_row(self):
        function = statements("postgresql", "audit_leaf")[0]
        assert "RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'" in function
        assert "OLD" not in function

    def test_what_is_expected_is_always_before_and_for_all_three_deeds(self):
        """pg_trigger.tgtype: row 1, before 2, delete 8, update 16, truncate 32."""
        assert {
            ("insert_only_row", "A", 1 + 2 + 8 + 16),
            ("insert_only_table", "A", 2 + 32),
        } == POSTGRESQL_EXPECTED


class TestTheOperation:
    def test_has_no_way_back(self):
        assert InsertOnly(EVENTS).reversible is False

    def test_changes_no_model(self):
        state = ProjectState()
        InsertOnly(EVENTS).state_forwards("audit", state)
        assert state == ProjectState()

    def test_says_what_it_does(self):
        assert InsertOnly(EVENTS).describe() == "Rows of audit_auditevent can be inserted and read only"


class TestTheModels:
    @pytest.mark.parametrize("model", [AuditEvent, ConfigurationEntry, Leaf, Checkpoint])
    def test_refuse_before_the_database_does(self, model):
        with pytest.raises(InsertOnlyError, match=f"rows of {model._meta.db_table} cannot be changed"):
            model.objects.all().update(id=None)
        with pytest.raises(InsertOnlyError, match=f"rows of {model._meta.db_table} cannot be deleted"):
            model.objects.all().delete()

    def test_refuse_to_save_what_was_read(self):
        event = AuditEvent(id=None)
        event._state.adding = False
        with pytest.raises(InsertOnlyError, match="rows of audit_auditevent cannot be changed"):
            event.save()

    def test_refuse_to_delete_one(self):
        with pytest.raises(InsertOnlyError, match="rows of audit_auditevent cannot be deleted"):
            AuditEvent().delete()


def test_all_tables_of_the_log_stand_under_the_protection(db):
    """Written out: a table that loses its protection must be taken off this list by somebody."""
    assert set(insert_only_tables(connection)) >= {
        "audit_auditevent",
        "audit_configurationentry",
        "audit_leaf",
        "audit_checkpoint",
        "audit_anchorreceipt",
        "audit_lostcheckpoint",
        "audit_verification",
        "delivery_move",
    }


def test_each_of_them_is_protected_in_this_very_database(db):
    assert {table: faults(connection, table) for table in insert_only_tables(connection)} == {
        table: [] for table in insert_only_tables(connection)
    }
