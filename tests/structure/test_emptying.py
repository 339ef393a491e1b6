"""The database is empty after a test that committed, and its triggers are all there again."""

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection, transaction

from portal.models import Practice
from tests.emptying import empty_database

SEAL = {
    "sqlite": [
        "CREATE TRIGGER sealed BEFORE DELETE ON portal_practice BEGIN SELECT RAISE(ABORT, 'insert-only'); END",
    ],
    "postgresql": [
        "CREATE FUNCTION sealed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'insert-only'; END $$",
        "CREATE TRIGGER sealed BEFORE DELETE ON portal_practice FOR EACH STATEMENT EXECUTE FUNCTION sealed()",
        "CREATE TRIGGER sealed_whole BEFORE TRUNCATE ON portal_practice EXECUTE FUNCTION sealed()",
        "ALTER TABLE portal_practice ENABLE ALWAYS TRIGGER sealed",
    ],
}
BREAK = {
    "sqlite": ["DROP TRIGGER sealed"],
    "postgresql": [
        "DROP TRIGGER sealed_whole ON portal_practice",
        "DROP TRIGGER sealed ON portal_practice",
        "DROP FUNCTION sealed",
    ],
}


def run(statements: dict[str, list[str]]) -> None:
    with connection.cursor() as cursor:
        for statement in statements[connection.vendor]:
            cursor.execute(statement)


def triggers() -> list:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
            if connection.vendor == "sqlite"
            else "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgname"
        )
        return cursor.fetchall()


@pytest.fixture
def sealed_practices(transactional_db):
    run(SEAL)
    yield
    run(BREAK)


def test_insert_only_tables_are_emptied_and_stay_insert_only(sealed_practices):
    Practice.objects.create(code="p", name="P")
    with pytest.raises(DatabaseError), transaction.atomic():
        Practice.objects.all().delete()
    before = triggers()
    empty_database()
    assert not Practice.objects.exists()
    assert triggers() == before != []
    Practice.objects.create(code="p", name="P")
    with pytest.raises(DatabaseError), transaction.atomic():
        Practice.objects.all().delete()


def test_what_migrations_wrote_stays(transactional_db):
    empty_database()
    assert ContentType.objects.exists()
