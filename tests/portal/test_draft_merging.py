"""A connection as it is changed: what is merged, what is sealed, what counts as a change, and what is written of it."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.models import AuditEvent, ConfigurationEntry
from portal import connections
from portal.connections import ChangedMeanwhile, Draft
from portal.models import Connection

TOKEN = "tok-3f9c-not-for-eyes"
values = st.sampled_from(["", None, False, 0, True, 1, "NORTH", "SOUTH", 6661])
some_settings = st.dictionaries(st.sampled_from(["host", "port", "tls", "vpn", "facility"]), values, max_size=5)
on_one_database = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)


def draft(**changes: Any) -> Draft:
    return Draft(**{"name": "eCW sandbox HL7", "settings": {}, **changes})


def changed(connection: Connection, wanted: Draft) -> Connection:
    return connections.change(connection, wanted, Connection.objects.get(pk=connection.pk).revision)


def events(name: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(event=name).order_by("id"))


def same(one: Any, other: Any) -> bool:
    """Absent, empty and off are the same to a channel."""
    return (one or None) == (other or None)


@on_one_database
@given(first=some_settings, second=some_settings)
def test_what_a_form_knows_wins_and_what_it_does_not_know_stays(cast, first, second):
    with transaction.atomic():
        changed(cast.hl7, draft(settings=first))
        after = changed(cast.hl7, draft(settings=second)).settings
        assert all(same(after.get(name), value) for name, value in second.items())
        kept = first.keys() - second.keys()
        assert all(same(after.get(name), first[name]) for name in kept)
        transaction.set_rollback(True)


@on_one_database
@given(own=some_settings)
def test_the_same_again_is_no_change(cast, own):
    with transaction.atomic():
        once = changed(cast.hl7, draft(settings=own))
        before = len(events("connection.change"))
        again = changed(once, draft(settings=own))
        assert again.revision == once.revision
        assert len(events("connection.change")) == before
        transaction.set_rollback(True)


@on_one_database
@given(own=some_settings)
def test_the_record_names_what_differs_and_no_value(cast, own):
    with transaction.atomic():
        before = dict(cast.hl7.settings)
        changed(cast.hl7, draft(settings=own))
        expected = sorted(name for name, value in own.items() if not same(before.get(name), value))
        recorded = events("connection.change")
        assert [event.detail["fields"] for event in recorded] == ([expected] if expected else [])
        transaction.set_rollback(True)


def test_a_new_name_and_being_switched_off_are_changes(cast):
    after = changed(cast.hl7, draft(name="Live HL7", enabled=False))
    assert (after.name, after.enabled, after.revision) == ("Live HL7", False, 2)
    assert events("connection.change")[0].detail["fields"] == ["enabled", "name"]


def test_of_two_who_changed_the_same_connection_the_second_is_told(cast):
    seen = cast.hl7.revision
    connections.change(cast.hl7, draft(name="First"), seen)
    with pytest.raises(ChangedMeanwhile):
        connections.change(cast.hl7, draft(name="Second"), seen)
    assert Connection.objects.get(pk=cast.hl7.pk).name == "First"


@pytest.mark.parametrize("revision", [0, -1, 99])
def test_a_revision_nobody_ever_saw_changes_nothing(cast, revision):
    with pytest.raises(ChangedMeanwhile):
        connections.change(cast.hl7, draft(name="Forged"), revision)


def test_two_connections_of_one_practice_have_different_names(cast):
    with pytest.raises(IntegrityError), transaction.atomic():
        changed(cast.hl7, draft(name=cast.reader.name))
    assert connections.create(cast.elsewhere.practice, "hl7", "sandbox", draft()).pk


# --- secrets ----------------------------------------------------------------------------------------------------------


def secrets_of(connection: Connection) -> dict[str, str]:
    return Connection.objects.get(pk=connection.pk).secrets()


def test_a_new_connection_holds_its_secrets_sealed(cast):
    made = connections.create(cast.practice, "openapi", "sandbox", draft(name="Charts", secrets={"token": TOKEN}))
    assert secrets_of(made) == {"token": TOKEN}
    assert TOKEN.encode() not in bytes(Connection.objects.get(pk=made.pk).sealed_secrets)
    assert made.secrets_set_at.keys() == {"token"}


def test_a_secret_that_is_not_given_stays(cast):
    changed(cast.reader, draft(name=cast.reader.name, secrets={"client_key_pem": "KEY"}))
    assert secrets_of(cast.reader) == {"token": "sandbox-token", "client_key_pem": "KEY"}


def test_a_secret_is_replaced_and_its_day_with_it(cast):
    Connection.objects.filter(pk=cast.reader.pk).update(secrets_set_at={"token": "2020-01-01T00:00:00+00:00"})
    after = changed(cast.reader, draft(name=cast.reader.name, secrets={"token": TOKEN}))
    assert secrets_of(cast.reader)["token"] == TOKEN
    assert after.secrets_set_at["token"] > "2026"


def test_a_secret_is_removed_with_its_day(cast):
    after = changed(cast.reader, draft(name=cast.reader.name, secrets={"token": None}))
    assert secrets_of(cast.reader) == {}
    assert after.secrets_set_at == {}


def test_a_secret_alone_raises_the_revision_so_that_workers_reconnect(cast):
    before = cast.reader.revision
    assert changed(cast.reader, draft(name=cast.reader.name, secrets={"token": TOKEN})).revision == before + 1


def test_S21_of_a_secret_its_name_is_recorded_and_nothing_else_anywhere(cast):
    changed(cast.reader, draft(name=cast.reader.name, secrets={"token": TOKEN}))
    (event,) = events("connection.secret.set")
    assert event.detail["fields"] == ["token"]
    written = str(AuditEvent.objects.values()) + str(ConfigurationEntry.objects.values())
    assert TOKEN not in written
    assert "sealed_secrets" not in str(ConfigurationEntry.objects.values_list("changes", flat=True))


def test_S21_a_draft_does_not_show_its_secrets_when_it_is_printed():
    """A traceback with local variables would."""
    assert TOKEN not in repr(draft(secrets={"token": TOKEN}))


def test_the_record_failing_takes_the_change_along(cast, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("no room")

    monkeypatch.setattr(connections, "record", fail)
    with pytest.raises(RuntimeError), transaction.atomic():
        changed(cast.hl7, draft(name="Unrecorded"))
    assert Connection.objects.get(pk=cast.hl7.pk).name == "eCW sandbox HL7"
