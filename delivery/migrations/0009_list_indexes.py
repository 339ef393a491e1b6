"""The lists' indexes: one per order they are read in, none twice.

The foreign keys' own indexes are dropped by name and not by AlterField, which on SQLite remakes the table and with it
loses its trigger (migration 0004).
"""

import django.db.models.deletion
from django.db import migrations, models

DOUBLED = ("practice_id", "location_id")


def drop_doubled(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        found = schema_editor.connection.introspection.get_constraints(cursor, "delivery_delivery")
    for name, one in found.items():
        if one["index"] and not one["unique"] and len(one["columns"]) == 1 and one["columns"][0] in DOUBLED:
            if not name.startswith("delivery_withdrawn"):
                schema_editor.execute(f'DROP INDEX "{name}"')


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0008_withdrawn_and_empty"),
        ("portal", "0005_facility"),
    ]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="delivery",
                    name=name,
                    field=models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name=related, to=to
                    ),
                )
                for name, related, to in [
                    ("location", "deliveries", "portal.location"),
                    ("practice", "+", "portal.practice"),
                ]
            ],
            # Reversed, the lists keep to the indexes that are left.
            database_operations=[migrations.RunPython(drop_doubled, migrations.RunPython.noop)],
        ),
        # With the state in it, or SQLite counts by the index of states and reads every verified row.
        migrations.RemoveIndex(model_name="delivery", name="delivery_withdrawn"),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("withdrawn_at__isnull", False)),
                fields=["location", "state", "withdrawn_at"],
                name="delivery_withdrawn",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("read_at__isnull", False)),
                fields=["location", "state", "accepted_at"],
                name="delivery_unread",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["location", "-created_at", "-id"], name="delivery_by_location"),
        ),
        migrations.AddIndex(
            model_name="noteversion",
            index=models.Index(fields=["provider_id"], name="noteversion_provider"),
        ),
    ]
