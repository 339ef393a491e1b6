"""What else the list is narrowed by stands on the delivery: its template, its latency, the sections that are wrong.

The columns are added by statement and not by AddField, which on SQLite remakes the table and with it loses its trigger
(migration 0004). Their indexes are the next migration's.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Subquery

COLUMNS = {
    "template_id": "bigint NULL REFERENCES mapping_template (id) DEFERRABLE INITIALLY DEFERRED",
    "took_seconds": "integer NULL CHECK (took_seconds >= 0)",
    "affected": "text NOT NULL DEFAULT ''",
}
TOOK = {
    "postgresql": "GREATEST(0, EXTRACT(EPOCH FROM verified_at - created_at))::integer",
    "sqlite": "MAX(0, CAST(strftime('%s', verified_at) AS INTEGER) - CAST(strftime('%s', created_at) AS INTEGER))",
}
WRONG = ("missing", "moved", "altered", "duplicated", "cut", "left_behind", "unsent")
PORTION = 2000


def add_columns(apps, schema_editor):
    for name, kind in COLUMNS.items():
        schema_editor.execute(f"ALTER TABLE delivery_delivery ADD COLUMN {name} {kind}")


def drop_columns(apps, schema_editor):
    for name in COLUMNS:
        schema_editor.execute(f"ALTER TABLE delivery_delivery DROP COLUMN {name}")


def fill(apps, schema_editor):
    Delivery = apps.get_model("delivery", "Delivery")
    version = apps.get_model("delivery", "NoteVersion").objects.filter(pk=OuterRef("note_version"))
    Delivery.objects.update(template=Subquery(version.values("template")))
    took = TOOK[schema_editor.connection.vendor]
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"UPDATE delivery_delivery SET took_seconds = {took} WHERE verified_at IS NOT NULL")
    troubled = Delivery.objects.filter(state__in=["held", "parked", "misfiled", "accepted"]).order_by("pk")
    changed = []
    for one in troubled.only("pk", "state", "problems", "section_outcomes").iterator(PORTION):
        one.affected = affected(one)
        if one.affected:
            changed.append(one)
    Delivery.objects.bulk_update(changed, ["affected"], batch_size=200)


def affected(one):
    if one.state in ("held", "parked"):
        codes = [row.get("section_code") or "uncoded" for row in one.problems if in_note(row)]
    else:
        codes = [row.get("code") or "uncoded" for row in one.section_outcomes if row.get("outcome") in WRONG]
    return f",{','.join(dict.fromkeys(codes))}," if codes else ""


def in_note(row):
    return row.get("section_code") or str(row.get("pointer", "")).startswith("/sections/")


def drop_index_of_mappings(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        found = schema_editor.connection.introspection.get_constraints(cursor, "delivery_delivery")
    for name, one in found.items():
        if one["index"] and not one["unique"] and one["columns"] == ["mapping_version_id"]:
            schema_editor.execute(f'DROP INDEX "{name}"')


def key(to):
    return models.ForeignKey(
        to=to, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", db_index=False
    )


class Migration(migrations.Migration):
    dependencies = [("delivery", "0032_populations")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(add_columns, drop_columns)],
            state_operations=[
                migrations.AddField("delivery", "template", key("mapping.template")),
                migrations.AddField("delivery", "took_seconds", models.PositiveIntegerField(blank=True, null=True)),
                migrations.AddField("delivery", "affected", models.TextField(blank=True)),
            ],
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop_index_of_mappings, migrations.RunPython.noop)],
            state_operations=[migrations.AlterField("delivery", "mapping_version", key("mapping.mappingversion"))],
        ),
        # Last: PostgreSQL changes no table of which a deferred key is yet to be checked.
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
