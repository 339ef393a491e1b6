"""The database refuses a move that delivery/states.py does not allow, whoever tries it, and a change of what was said.

On SQLite a later migration that remakes one of these tables drops its triggers: such a migration must run `create`, or
the operation InsertOnly, again (tests/delivery/test_transition.py and tests/audit/test_triggers.py notice).
"""

from django.db import migrations

from audit.insert_only import InsertOnly

INSERT_ONLY = (
    "delivery_attestation",
    "delivery_capabilityprobe",
    "delivery_certificationresult",
    "delivery_move",
    "delivery_pilotmove",
)
MOVES = (
    ("accepted", "misfiled"),
    ("accepted", "verified"),
    ("held", "cancelled"),
    ("held", "ready"),
    ("held", "superseded"),
    ("misfiled", "verified"),
    ("parked", "accepted"),
    ("parked", "cancelled"),
    ("parked", "ready"),
    ("ready", "cancelled"),
    ("ready", "held"),
    ("ready", "parked"),
    ("ready", "sending"),
    ("ready", "superseded"),
    ("ready", "unknown"),
    ("rejected", "superseded"),
    ("sending", "accepted"),
    ("sending", "ready"),
    ("sending", "rejected"),
    ("sending", "unknown"),
    ("unknown", "accepted"),
    ("unknown", "parked"),
    ("unknown", "ready"),
    ("verified", "misfiled"),
)
ALLOWED = ", ".join(f"'{old}>{new}'" for old, new in MOVES)

SQLITE = f"""
CREATE TRIGGER delivery_refuse_illegal_move BEFORE UPDATE OF state ON delivery_delivery FOR EACH ROW
WHEN OLD.state <> NEW.state AND (OLD.state || '>' || NEW.state) NOT IN ({ALLOWED})
BEGIN SELECT RAISE(ABORT, 'delivery: this move of state is not allowed'); END
"""
POSTGRESQL = f"""
CREATE FUNCTION delivery_refuse_illegal_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'delivery: the move from % to % is not allowed', OLD.state, NEW.state USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER delivery_refuse_illegal_move BEFORE UPDATE OF state ON delivery_delivery FOR EACH ROW
WHEN (OLD.state <> NEW.state AND (OLD.state || '>' || NEW.state) NOT IN ({ALLOWED}))
EXECUTE FUNCTION delivery_refuse_illegal_move();
ALTER TABLE delivery_delivery ENABLE ALWAYS TRIGGER delivery_refuse_illegal_move;
"""


def create(apps, schema_editor):
    # No parameters: the per cent signs are the message's own.
    schema_editor.execute(SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL, params=None)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER delivery_refuse_illegal_move")
    else:
        schema_editor.execute("DROP TRIGGER delivery_refuse_illegal_move ON delivery_delivery")
        schema_editor.execute("DROP FUNCTION delivery_refuse_illegal_move()")


class Migration(migrations.Migration):
    dependencies = [("delivery", "0001_initial")]
    operations = [migrations.RunPython(create, drop), *(InsertOnly(table) for table in INSERT_ONLY)]
