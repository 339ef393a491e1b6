"""A delivery names the one in whose place it goes; a rejected one may be superseded so (delivery/fallback.py).

The trigger of 0004 is made anew with that move. A later migration that remakes delivery_delivery on SQLite runs
`create` of this one again.
"""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

first = import_module("delivery.migrations.0004_refuse_illegal_moves")
MOVES = [*first.MOVES, ("rejected", "superseded")]
ALLOWED = ", ".join(f"'{old}>{new}'" for old, new in MOVES)


def create(apps, schema_editor):
    statements = first.SQLITE if schema_editor.connection.vendor == "sqlite" else first.POSTGRESQL
    schema_editor.execute(statements.replace(first.ALLOWED, ALLOWED), params=None)


def remake(apps, schema_editor):
    first.drop(apps, schema_editor)
    create(apps, schema_editor)


def put_back(apps, schema_editor):
    first.drop(apps, schema_editor)
    first.create(apps, schema_editor)


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0010_connection_test"),
        ("mapping", "0005_practice_defaults"),
        ("portal", "0009_fallback"),
    ]
    operations = [
        migrations.AddField(
            model_name="delivery",
            name="replaces",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="replaced_by",
                to="delivery.delivery",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                condition=models.Q(("replaces__isnull", False)), fields=("replaces",), name="delivery_replaced_once"
            ),
        ),
        migrations.RunPython(remake, put_back),
    ]
