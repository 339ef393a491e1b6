"""An update gives a long log its index of transactions while the product goes on recording."""

import threading
import time
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection, connections, transaction

from audit.record import Actor, acting
from tests.audit.log import note

pytestmark = pytest.mark.django_db(transaction=True)
MIGRATION = import_module("audit.migrations.0003_transactions_in_order").Migration
VALID = """SELECT pg_get_indexdef(indexrelid), indisvalid FROM pg_index
    WHERE indexrelid = to_regclass('audit_xid_order')"""
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def run(statement: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


def migrate() -> None:
    with connection.schema_editor(atomic=MIGRATION.atomic) as editor:
        MIGRATION.operations[0].code(apps, editor)


@pytest.fixture(autouse=True)
def put_back(postgres_only):
    yield
    if not run(VALID):
        run("CREATE INDEX audit_xid_order ON audit_auditevent (xid, id)")


def test_recording_goes_on_while_the_index_is_built():
    run("DROP INDEX audit_xid_order")

    def build() -> None:
        migrate()
        connections.close_all()

    builder = threading.Thread(target=build)
    written, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with acting(Actor("system", "tests")), transaction.atomic():
            note()
            written.set()
            go_on.wait(60)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert written.wait(20)
        builder.start()
        until = time.monotonic() + 20
        while not run(WAITS)[0][0]:  # until it stands behind what is open
            assert time.monotonic() < until
            time.sleep(0.01)
        with transaction.atomic():
            run("SET LOCAL lock_timeout = '3s'")
            note()
    finally:
        go_on.set()
        holder.join()
        if builder.ident:
            builder.join()
    assert [valid for _, valid in run(VALID)] == [True]


def test_what_a_broken_update_left_is_made_anew():
    run("DROP INDEX audit_xid_order")
    run("CREATE INDEX audit_xid_order ON audit_auditevent (at)")
    migrate()
    ((made, valid),) = run(VALID)
    assert valid
    assert made.endswith("(xid, id)")
