"""How the sealer finds what is due: a tree in place of a BRIN index, of which PostgreSQL reads what is new in vain.

A BRIN index knows new pages only once autovacuum has summarized them; until then, and for good where autovacuum is off,
every pass of the sealer read the whole log. An ordered index costs the inserting transaction as little, as it grows at
its end only (docs/performance.md).
"""

from django.db import migrations

IN_ORDER = "CREATE INDEX audit_xid_order ON audit_auditevent (xid, id)"


def order_transactions(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(IN_ORDER)
        schema_editor.execute("DROP INDEX IF EXISTS audit_xid")


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_insert_only")]
    operations = [migrations.RunPython(order_transactions, migrations.RunPython.noop)]
