"""The configuration's revision: it changes with every change, however made, and never comes twice."""

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from audit.configuration import registered
from portal import keys
from portal.models import ApiKey, Environment, Location
from portal.revision import Kept, Revision, revision, statements, watched_tables

pytestmark = pytest.mark.django_db


def test_saving_a_row_a_bulk_write_raw_sql_and_a_deletion_each_change_it(cast):
    seen = [revision()]
    cast.north.name = "Another"
    cast.north.save()
    seen.append(revision())
    Location.objects.update(facility="X")
    seen.append(revision())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE portal_location SET facility = 'Y'")
    seen.append(revision())
    cast.north.routes.all().delete()
    seen.append(revision())
    assert len(set(seen)) == 5
    assert "" not in seen


def test_a_keys_list_of_locations_counts_as_configuration(cast):
    key, _ = keys.create(cast.scribe, Environment.SANDBOX)
    before = revision()
    key.locations.add(cast.south)
    assert revision() != before


def test_every_recorded_model_is_watched(cast):
    assert {model._meta.db_table for model in registered()} <= set(watched_tables())
    assert ApiKey.locations.through._meta.db_table in watched_tables()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'portal_revise'")
            assert {name for (name,) in cursor.fetchall()} == set(watched_tables())
        else:
            cursor.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'portal_revise_%'")
            assert cursor.fetchone() == (3 * len(watched_tables()),)


def test_what_was_rolled_back_comes_never_again(cast):
    tokens = {revision()}
    for _ in range(3):
        with transaction.atomic():
            Location.objects.update(name="changed")
            tokens.add(revision())
            transaction.set_rollback(True)
    assert len(tokens) == 4
    assert revision() in tokens


def test_a_value_is_kept_until_the_configuration_changes_or_it_is_forgotten(cast):
    made = []
    kept = Kept(lambda: made.append(1) or len(made))
    assert kept.last() is None
    assert [kept.now(), kept.now(), kept.last()] == [1, 1, 1]
    Location.objects.update(name="changed")
    assert kept.last() == 1
    assert kept.now() == 2
    kept.forget()
    assert kept.last() is None
    assert kept.now() == 3


def test_without_a_revision_nothing_is_kept(cast):
    Revision.objects.all().delete()
    made = []
    kept = Kept(lambda: made.append(1) or len(made))
    assert [revision(), kept.now(), kept.now()] == ["", 1, 2]


def test_migrating_again_sets_up_what_is_missing(cast):
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("DROP TRIGGER portal_revise ON portal_location")
        else:
            for deed in ("INSERT", "UPDATE", "DELETE"):
                cursor.execute(f'DROP TRIGGER "portal_revise_portal_location_{deed}"')
    before = revision()
    Location.objects.filter(pk=cast.north.pk).update(facility="unseen")
    assert revision() == before
    call_command("migrate", "portal", verbosity=0)
    Location.objects.filter(pk=cast.north.pk).update(facility="seen")
    assert revision() != before


def test_the_statements_may_be_run_again():
    with connection.cursor() as cursor:
        for statement in statements(connection.vendor) * 2:
            cursor.execute(statement)
