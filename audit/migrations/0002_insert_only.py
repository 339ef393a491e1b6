"""The triggers that let rows be inserted and read only, and how the sealer finds what is due.

A later migration that alters these tables must repeat the operation: SQLite drops triggers when Django remakes a table
(tests/audit/test_triggers.py would fail).
"""

from django.db import migrations

from audit.insert_only import InsertOnly

INSERT_ONLY = (
    "audit_anchorreceipt",
    "audit_checkpoint",
    "audit_configurationentry",
    "audit_holdlift",
    "audit_leaf",
    "audit_legalhold",
    "audit_lostcheckpoint",
    "audit_purgecertificate",
    "audit_retentionpolicy",
    "audit_verification",
)


def index_transactions(apps, schema_editor):
    """A BRIN index costs the inserting transaction next to nothing."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE INDEX audit_xid ON audit_auditevent USING brin (xid) WITH (pages_per_range = 16, autosummarize = on)"
        )


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [
        migrations.RunPython(index_transactions, migrations.RunPython.noop),
        *(InsertOnly(table) for table in INSERT_ONLY),
        InsertOnly("audit_auditevent", purgeable=True),
    ]
