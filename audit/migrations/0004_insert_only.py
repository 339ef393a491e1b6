"""The triggers that let rows be inserted and read only. A later migration that alters these tables must repeat
the operation: SQLite drops triggers when Django remakes a table (tests/audit/test_triggers.py would fail)."""

from django.db import migrations

from audit.insert_only import InsertOnly


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0003_loosened_references'),
    ]

    operations = [
        InsertOnly('audit_auditevent'),
        InsertOnly('audit_configurationentry'),
    ]
