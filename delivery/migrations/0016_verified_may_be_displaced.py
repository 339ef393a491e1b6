"""VERIFIED has one move away: to MISFILED, where another note of the visit has displaced its text.

The trigger of 0011 is made anew with it. On SQLite a later migration that remakes delivery_delivery drops its triggers:
such a migration must create this one again (tests/delivery/test_transition.py notices).
"""

from importlib import import_module

from django.db import migrations

first = import_module("delivery.migrations.0004_refuse_illegal_moves")
before = import_module("delivery.migrations.0011_fallback")
MOVES = sorted([*before.MOVES, ("verified", "misfiled")])


def statement(vendor: str, moves: list[tuple[str, str]]) -> str:
    allowed = ", ".join(f"'{old}>{new}'" for old, new in moves)
    return (first.SQLITE if vendor == "sqlite" else first.POSTGRESQL).replace(first.ALLOWED, allowed)


def allow(apps, schema_editor):
    first.drop(apps, schema_editor)
    schema_editor.execute(statement(schema_editor.connection.vendor, MOVES), params=None)


def refuse(apps, schema_editor):
    first.drop(apps, schema_editor)
    before.create(apps, schema_editor)


class Migration(migrations.Migration):
    dependencies = [("delivery", "0015_events_and_webhooks")]
    operations = [migrations.RunPython(allow, refuse)]
