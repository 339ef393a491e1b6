"""`manage.py restore_audit_triggers`: put missing insert-only triggers back, and record that they were missing."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection, transaction

from audit.checks import insert_only_tables
from audit.insert_only import faults, statements
from audit.record import record


class Command(BaseCommand):
    help = "Put back the triggers that let audit rows be inserted and read only; what was missing is recorded."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            for table in insert_only_tables(connection):
                self.restore(table)

    def restore(self, table: str) -> None:
        wrong = faults(connection, table)
        if not wrong:
            return
        with connection.cursor() as cursor:
            for statement in statements(connection.vendor, table):
                cursor.execute(statement)
        record("audit.triggers_restored", detail={"table": table, "faults": wrong})
        self.stdout.write(f"{table}: restored ({', '.join(wrong)})")
