"""Every change of a configuration row leaves an entry, and the entry's hash in the log; bulk writes too."""

import json
from datetime import date

import pytest
from auditlog.registry import auditlog
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import models, transaction

from audit.configuration import Configuration, ConfigurationQuerySet, SilentWrite, register, registered
from audit.context import Actor, RecordError, acting
from audit.models import AuditEvent, ConfigurationEntry
from audit.verification import entry_is_right, mac_is_right
from portal.models import Agreement, ApiKey, Connection, Location, Membership, Practice, Route, User


def changes_of(row: models.Model) -> list[AuditEvent]:
    found = AuditEvent.objects.filter(event="config.change", object_type=row._meta.model_name, object_id=str(row.pk))
    return list(found.order_by("id"))


def last_entry(row: models.Model) -> ConfigurationEntry:
    return ConfigurationEntry.objects.get(pk=changes_of(row)[-1].detail["entry"])


def test_a_change_leaves_old_and_new_value_who_and_where(cast):
    with acting(Actor("user", str(cast.dana.pk), "dana"), "trace-9"):
        cast.north.name = "North Shore Clinic"
        cast.north.save()
    event = changes_of(cast.north)[-1]
    entry = last_entry(cast.north)
    assert entry.changes == {"name": ["North Clinic", "North Shore Clinic"]}
    assert (entry.actor_id, entry.cid) == (cast.dana.pk, "trace-9")
    assert (event.practice, event.location) == ("lakeside", "NORTH")
    assert (event.actor_id, event.correlation_id) == (str(cast.dana.pk), "trace-9")
    assert event.detail["deed"] == "update"
    assert event.detail["model"] == "portal.location"
    assert event.detail["fields"] == ["name"]
    assert entry_is_right(entry)
    assert mac_is_right(event)


def test_creating_and_deleting_leave_entries_too(cast):
    route = Route.objects.create(location=cast.north, part="diagnoses", connection=cast.hl7)
    key = route.pk
    route.delete()
    route.pk = key
    assert [event.detail["deed"] for event in changes_of(route)] == ["create", "delete"]


def test_saving_what_did_not_change_leaves_nothing(cast):
    before = len(changes_of(cast.north))
    cast.north.save()
    assert len(changes_of(cast.north)) == before


def test_a_worker_leaves_no_person_in_the_entry(cast):
    with acting(Actor("worker", "w1")):
        cast.north.locked_reason = "drift"
        cast.north.save()
    assert last_entry(cast.north).actor_id is None
    assert changes_of(cast.north)[-1].actor_type == "worker"


def test_an_update_is_recorded_row_by_row(cast):
    changed = Location.objects.filter(practice=cast.practice).update(locked_reason="agreement ended")
    assert changed == 2
    for location in (cast.north, cast.south):
        assert last_entry(location).changes == {"locked_reason": ["", "agreement ended"]}
    assert all("locked_reason" not in event.detail["fields"] for event in changes_of(cast.elsewhere)[1:])


def test_an_update_through_a_relation_is_recorded(cast):
    cast.hl7.routes.filter(location=cast.south).update(position=2)
    route = Route.objects.get(location=cast.south)
    assert last_entry(route).changes == {"position": [1, 2]}


def test_an_update_with_an_expression_records_what_came_out(cast):
    Connection.objects.filter(pk=cast.hl7.pk).update(revision=models.F("revision") + 4)
    assert last_entry(cast.hl7).changes == {"revision": [1, 5]}


def test_an_update_that_moves_rows_out_of_its_own_filter_is_recorded(cast):
    Location.objects.filter(name="North Clinic").update(name="Renamed")
    assert last_entry(cast.north).changes == {"name": ["North Clinic", "Renamed"]}


def test_a_bulk_update_is_recorded_row_by_row(cast):
    cast.north.name, cast.south.name = "N", "S"
    Location.objects.bulk_update([cast.north, cast.south], ["name"])
    assert last_entry(cast.north).changes["name"] == ["North Clinic", "N"]
    assert last_entry(cast.south).changes["name"] == ["South Clinic", "S"]


def test_a_bulk_create_is_recorded_row_by_row(cast):
    routes = Route.objects.bulk_create(
        Route(location=cast.north, part=part, connection=cast.hl7) for part in ("diagnoses", "allergies")
    )
    assert [last_entry(route).changes["part"] for route in routes] == [[None, "diagnoses"], [None, "allergies"]]


def test_a_deleted_queryset_is_recorded_row_by_row(cast):
    routes = list(Route.objects.all())
    Route.objects.all().delete()
    assert all(changes_of(route)[-1].detail["deed"] == "delete" for route in routes)


def test_what_cascades_from_a_deletion_is_recorded(cast):
    membership = cast.mel.memberships.get()
    cast.mel.delete()
    assert changes_of(membership)[-1].detail["deed"] == "delete"


def test_writing_over_what_is_there_is_refused(cast):
    rows = [Practice(code="lakeside", name="Another")]
    for how in (
        {"ignore_conflicts": True},
        {"update_conflicts": True, "unique_fields": ["code"], "update_fields": ["name"]},
    ):
        with pytest.raises(SilentWrite):
            Practice.objects.bulk_create(rows, **how)
    with pytest.raises(SilentWrite):
        Practice.objects.all()._raw_delete("default")


def test_the_locations_of_a_key_are_recorded(cast):
    key = ApiKey.objects.create(scribe=cast.scribe, prefix="sp_1", mac="c" * 64, environment="sandbox")
    key.locations.add(cast.north)
    assert last_entry(key).changes["locations"]["objects"] == ["NORTH"]
    key.locations.set([cast.south])
    key.locations.clear()
    assert [event.detail["fields"] for event in changes_of(key)[1:]] == [["locations"]] * 4
    assert all(entry_is_right(entry) for entry in ConfigurationEntry.objects.all())


def test_S21_secrets_stand_in_no_entry(cast):
    cast.reader.set_secrets({"token": "a-brand-new-token"})
    cast.reader.save()
    ApiKey.objects.create(scribe=cast.scribe, prefix="sp_1", mac="c" * 64, environment="sandbox")
    cast.dana.set_password("another-correct-horse")
    cast.dana.save()
    everything = json.dumps(list(ConfigurationEntry.objects.values_list("changes", "object_repr")), default=str)
    for secret in ("new-token", "c" * 64, "md5$", "pbkdf2", "sealed_secrets", "password", "last_login"):
        assert secret not in everything
    assert "sandbox" in everything


SECRET_WORDS = ("secret", "password", "mac", "token", "sealed", "hash")


@pytest.mark.parametrize("model", registered(), ids=lambda model: model.__name__)
def test_S21_no_registered_model_shows_a_secret_or_masks_one(model):
    shown = auditlog.get_model_fields(model)
    assert shown["mask_fields"] == []
    assert shown["include_fields"]
    for name in shown["include_fields"]:
        assert not isinstance(model._meta.get_field(name), models.BinaryField)
        assert not any(word in name.split("_") for word in SECRET_WORDS), name


@pytest.mark.parametrize("model", registered(), ids=lambda model: model.__name__)
def test_every_way_to_the_rows_of_a_registered_model_records(model):
    assert issubclass(model, Configuration)
    assert isinstance(model._default_manager.all(), ConfigurationQuerySet)


def test_the_library_knows_no_model_that_we_did_not_register():
    assert set(auditlog.get_models()) == set(registered())


def test_only_configuration_can_be_registered_and_only_fields_that_are_there():
    with pytest.raises(TypeError, match="AuditEvent must inherit"):
        register(AuditEvent, where=lambda row: ("", ""))
    with pytest.raises(ValueError, match="no field"):
        register(Practice, where=lambda row: ("", ""), exclude={"sealed"})


def test_saving_outside_a_transaction_still_keeps_row_and_entry_together(transactional_db, monkeypatch):
    practice = Practice.objects.create(code="p", name="P")
    assert len(changes_of(practice)) == 1

    def fail(*args, **kwargs):
        raise RecordError("no room")

    monkeypatch.setattr("audit.models.record", fail)
    with pytest.raises(RecordError):
        Practice.objects.create(code="q", name="Q")
    practice.name = "Changed"
    with pytest.raises(RecordError):
        practice.save()
    with pytest.raises(RecordError):
        Practice.objects.update(name="Changed")
    with pytest.raises(RecordError):
        Practice.objects.bulk_create([Practice(code="r", name="R")])
    with pytest.raises(RecordError):
        practice.delete()
    assert list(Practice.objects.values_list("code", "name")) == [("p", "P")]
    assert ConfigurationEntry.objects.count() == 1


def test_a_rolled_back_change_leaves_no_entry(transactional_db):
    practice = Practice.objects.create(code="p", name="P")
    with transaction.atomic():
        practice.name = "Changed"
        practice.save()
        transaction.set_rollback(True)
    assert len(changes_of(practice)) == 1


def test_every_kind_of_value_has_the_same_hash_when_read_again(cast):
    Agreement.objects.create(
        practice=cast.practice, kind="baa_ecw", party="eClinicalWorks, “LLC”", signed_on=date(2026, 1, 2)
    )
    entries = list(ConfigurationEntry.objects.all())
    assert len(entries) > 20
    assert all(entry_is_right(entry) for entry in entries)


@pytest.mark.parametrize(
    "column, forged",
    [
        ("changes", {"name": ["North Clinic", "Elsewhere"]}),
        ("object_pk", "1234"),
        ("actor_id", 99),
        ("action", 2),
        ("object_repr", "SOUTH"),
        ("cid", "another"),
    ],
)
def test_an_altered_entry_is_noticed(cast, column, forged):
    cast.north.name = "N"
    cast.north.save()
    entry = last_entry(cast.north)
    assert entry_is_right(entry)
    setattr(entry, column, forged)
    assert not entry_is_right(entry)


def test_an_entry_that_no_event_speaks_of_is_noticed(entry):
    assert not entry_is_right(entry)


def test_a_persons_entries_survive_the_person(cast):
    with acting(Actor("user", str(cast.mel.pk), "mel")):
        cast.north.name = "N"
        cast.north.save()
    key = cast.mel.pk
    cast.mel.delete()
    entry = last_entry(cast.north)
    assert entry.actor_id == key
    assert entry_is_right(entry)


def test_a_person_is_where_their_membership_is(cast):
    cast.omar.is_active = False
    cast.omar.save()
    event = changes_of(cast.omar)[-1]
    assert (event.practice, event.location) == ("lakeside", "")
    membership = Membership.objects.get(user=cast.omar)
    assert (changes_of(membership)[0].practice, changes_of(membership)[0].location) == ("lakeside", "NORTH")


def test_people_can_still_be_made_by_djangos_own_command(transactional_db):
    call_command("createsuperuser", username="root", email="root@example.org", interactive=False)
    assert [event.detail["deed"] for event in changes_of(get_user_model().objects.get())] == ["create"]


@pytest.mark.parametrize("arguments", [[], ["--yes"], ["--yes", "--truncate"], ["-b", "2020-01-01", "-y"]])
def test_the_librarys_command_to_delete_everything_refuses(entry, arguments):
    with pytest.raises(CommandError, match="nothing deletes them"):
        call_command("auditlogflush", *arguments)
    assert ConfigurationEntry.objects.filter(pk=entry.pk).exists()


def test_a_user_record_keeps_djangos_manager_methods(db):
    user = User.objects.create_user("n.ew", password="correct-horse-battery")
    assert user.check_password("correct-horse-battery")
    assert User.objects.get_by_natural_key("n.ew") == user
