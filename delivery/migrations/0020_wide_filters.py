"""What the list is narrowed by over many rows stands on the delivery itself (its indexes: the next migration).

The columns are added by statement and not by AddField, which on SQLite remakes the table and with it loses its trigger
(migration 0004). Each brings a constant default: neither database writes a row for it.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Exists, OuterRef, Q, Subquery

TROUBLE = ("rejected", "unknown", "misfiled", "parked")
FAILED_OUTCOMES = ("refused", "unavailable", "no_answer")
COLUMNS = {"provider_id": "varchar(80) NOT NULL DEFAULT ''", "ever_failed": "bool NOT NULL DEFAULT false"}


def add_columns(apps, schema_editor):
    for name, kind in COLUMNS.items():
        schema_editor.execute(f"ALTER TABLE delivery_delivery ADD COLUMN {name} {kind}")


def drop_columns(apps, schema_editor):
    for name in COLUMNS:
        schema_editor.execute(f"ALTER TABLE delivery_delivery DROP COLUMN {name}")


def fill(apps, schema_editor):
    Delivery, Attempt = apps.get_model("delivery", "Delivery"), apps.get_model("delivery", "Attempt")
    version = apps.get_model("delivery", "NoteVersion").objects.filter(pk=OuterRef("note_version"))
    Delivery.objects.update(provider_id=Subquery(version.values("provider_id")))
    failures = Attempt.objects.filter(delivery=OuterRef("pk"), outcome__in=FAILED_OUTCOMES)
    Delivery.objects.filter(Q(state__in=TROUBLE) | Exists(failures)).update(ever_failed=True)


def drop_index_of_replays(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        found = schema_editor.connection.introspection.get_constraints(cursor, "delivery_delivery")
    for name, one in found.items():
        if one["index"] and not one["unique"] and one["columns"] == ["replay_of_id"]:
            schema_editor.execute(f'DROP INDEX "{name}"')


class Migration(migrations.Migration):
    dependencies = [("delivery", "0019_completeness")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(add_columns, drop_columns)],
            state_operations=[
                migrations.AddField("delivery", "provider_id", models.CharField(blank=True, max_length=80)),
                migrations.AddField("delivery", "ever_failed", models.BooleanField(default=False)),
            ],
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_index_of_replays, migrations.RunPython.noop)],
            state_operations=[
                migrations.AlterField(
                    "delivery",
                    "replay_of",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replays",
                        to="delivery.delivery",
                    ),
                )
            ],
        ),
    ]
