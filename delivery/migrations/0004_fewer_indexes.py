"""Indexes that another one begins with, or whose rows a partial one finds: each costs every new row of a flood, and
before there are statistics a kept plan may take one of them and read everything that one scribe or lane ever had.
"""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

from audit.insert_only import InsertOnly


moves = import_module("delivery.migrations.0002_refuse_illegal_moves")


def create_again(apps, schema_editor):
    """SQLite remakes the table, which drops its trigger."""
    if schema_editor.connection.vendor == "sqlite":
        moves.create(apps, schema_editor)


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0003_mute_and_said"),
        ("mapping", "0001_initial"),
        ("portal", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="attempt",
            name="delivery",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="attempt_rows",
                to="delivery.delivery",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="control_id",
            field=models.CharField(max_length=20),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="lane",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="delivery.lane",
            ),
        ),
        migrations.AlterField(
            model_name="idempotencykey",
            name="scribe",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="portal.scribe"
            ),
        ),
        migrations.AlterField(
            model_name="move",
            name="delivery",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="moves",
                to="delivery.delivery",
            ),
        ),
        migrations.AlterField(
            model_name="note",
            name="scribe",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="notes", to="portal.scribe"
            ),
        ),
        migrations.AlterField(
            model_name="noteversion",
            name="note",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="versions", to="delivery.note"
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["control_id"], name="delivery_control_id"),
        ),
        migrations.RunPython(create_again, migrations.RunPython.noop),
        InsertOnly("delivery_move"),
    ]
