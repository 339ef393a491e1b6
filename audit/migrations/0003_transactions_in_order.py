"""How the sealer finds what is due: a tree in place of a BRIN index, of which PostgreSQL reads what is new in vain.

A BRIN index knows new pages only once autovacuum has summarized them; until then, and for good where autovacuum is off,
every pass of the sealer read the whole log. An ordered index costs the inserting transaction as little, as it grows at
its end only (docs/performance.md).

Made beside the writers: on a long log it takes minutes, in which recording would wait, and with it all that is recorded.
So it is no transaction; what a broken one has left, an index that is not valid, is taken away before the next.
"""

from django.db import migrations

BESIDE = (
    "DROP INDEX CONCURRENTLY IF EXISTS audit_xid_order",
    "CREATE INDEX CONCURRENTLY audit_xid_order ON audit_auditevent (xid, id)",
    "DROP INDEX CONCURRENTLY IF EXISTS audit_xid",
)


def order_transactions(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for statement in BESIDE:
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("audit", "0002_insert_only")]
    operations = [migrations.RunPython(order_transactions, migrations.RunPython.noop)]
