"""Keys are exchanged under load and over kills: every value opens before, during and after, and a dump shows nothing."""

import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections, models
from django.utils import timezone

from audit.models import AuditEvent
from audit.record import Actor, acting
from delivery.models import Attempt, Delivery, NoteVersion, Reading, Wire
from portal import crypto, keyring, keys, rotation
from portal.data_keys import DataKey
from portal.keyring import KeysUnavailable, MasterKeys, key_id, ring
from portal.models import Connection, Environment, OAuthGrant
from portal.rotation import StillUsed
from tests.delivery.rows import make_delivery
from tests.needs import missing

pytestmark = pytest.mark.django_db(transaction=True)
CANARIES = ("ZZQ-7701", "Quackenbush", "Zephyrine", "Xylophonic", "tok-Brontosaur")
PATIENT = {"id": "ZZQ-7701", "family": "Quackenbush", "given": "Zephyrine", "birth_date": "1957-02-13", "sex": "F"}


@pytest.fixture(autouse=True)
def own_keys(settings):
    """What a test does to the keys ends with it."""
    settings.MASTER_KEY = secrets.token_hex(32)
    keyring.forget()
    yield
    keyring.forget()


@pytest.fixture
def values(cast) -> Delivery:
    """Rows with a sealed value in each sealed column."""
    sections = [("plan", "PLAN", "Xylophonic rales.", "NF-06", "Treatment Plan")]
    delivery = make_delivery(cast, state="verified", patient=PATIENT, sections=sections)
    tokens = crypto.seal(b'{"access_token": "tok-Brontosaur"}', table="grant", column="tokens", row=cast.reader.pk)
    OAuthGrant.objects.create(connection=cast.reader, sealed_tokens=tokens)
    cast.hl7.set_secrets({"token": "tok-Brontosaur"})
    models.QuerySet(Connection).filter(pk=cast.hl7.pk).update(sealed_secrets=cast.hl7.sealed_secrets)
    return delivery


def opens(delivery: Delivery) -> dict:
    """Every value of the delivery, opened as the product opens them."""
    version = NoteVersion.objects.get(pk=delivery.note_version_id)
    return {
        "body": crypto.unseal(version.sealed_body, table="noteversion", column="body", row=version.pk),
        "secrets": Connection.objects.get(name="eCW sandbox HL7").secrets(),
    }


def all_values() -> list[bytes]:
    found = []
    for column in rotation.sealed_columns():
        plain: models.QuerySet = models.QuerySet(column.model)
        found += [bytes(one) for one in plain.values_list(column.field, flat=True) if one]
    return found


def test_without_a_row_keys_are_those_derived_from_the_master_key(values):
    """What was sealed before there was a table of keys opens as ever."""
    assert DataKey.objects.count() == 0
    assert "ZZQ-7701" in opens(values)["body"].decode()
    assert key_id(ring("seal").current) == all_values()[0][1:9]


def test_a_new_master_key_rewraps_and_touches_no_value(values, settings):
    """L13: the old master key opens nothing afterwards; nothing was unreadable meanwhile."""
    before, old = all_values(), settings.MASTER_KEY
    rotation.keep()
    settings.OLD_MASTER_KEYS = [old]
    settings.MASTER_KEY = secrets.token_hex(32)
    keyring.forget()
    opened = opens(values)
    assert rotation.rewrap() == 3
    assert rotation.rewrap() == 0
    settings.OLD_MASTER_KEYS = []
    keyring.forget()
    assert opens(values) == opened
    assert all_values() == before
    settings.MASTER_KEY, settings.OLD_MASTER_KEYS = old, []
    keyring.forget()
    with pytest.raises(KeysUnavailable, match="which is not given here"):
        opens(values)


def test_the_blind_index_and_scribes_keys_outlive_a_new_master_key(cast, settings):
    """L16: search by patient works during and after; so do the scribes' keys."""
    _, bearer = keys.create(cast.scribe, Environment.SANDBOX)
    index = crypto.blind_index("patient", "ZZQ-7701")
    rotation.keep()
    settings.OLD_MASTER_KEYS, settings.MASTER_KEY = [settings.MASTER_KEY], secrets.token_hex(32)
    keyring.forget()
    during = crypto.blind_index("patient", "ZZQ-7701")
    rotation.rewrap()
    assert crypto.blind_index("patient", "ZZQ-7701") == during == index
    assert keys.authenticate(bearer) is not None


def test_a_new_master_key_given_before_there_is_any_row_is_no_trap(values, settings):
    """The operator changes the key first and runs the command later: everything opens all the time."""
    opened = opens(values)
    settings.OLD_MASTER_KEYS, settings.MASTER_KEY = [settings.MASTER_KEY], secrets.token_hex(32)
    keyring.forget()
    assert opens(values) == opened
    assert rotation.rewrap() == 0, "the rows are made now, wrapped by the new key"
    settings.OLD_MASTER_KEYS = []
    keyring.forget()
    assert opens(values) == opened


def test_a_new_data_key_seals_every_value_anew(values):
    opened, old = opens(values), key_id(ring("seal").current)
    rotation.keep()
    fresh = rotation.begin()
    assert opens(values) == opened, "old values open while none is done"
    told = rotation.reseal(batch=2)
    assert told["unreadable"] == 0
    assert told["resealed"] == len(all_values()) > 4
    assert {value[1:9].hex() for value in all_values()} == {fresh}
    assert fresh != old.hex()
    assert opens(values) == opened


def test_every_sealed_column_is_known_and_each_of_its_values_can_be_sealed_anew(values):
    names = {f"{column.model._meta.model_name}.{column.field}" for column in rotation.sealed_columns()}
    assert {
        "noteversion.sealed_body",
        "wire.sealed_bytes",
        "wire.sealed_plan",
        "attempt.sealed_answer",
        "reading.sealed_sections",
        "connection.sealed_secrets",
        "oauthgrant.sealed_tokens",
    } <= names
    for model, field in ((Wire, "sealed_bytes"), (Attempt, "sealed_answer"), (Reading, "sealed_sections")):
        assert model.objects.exclude(**{f"{field}__isnull": True}).exists(), "or the next tests would prove nothing"


def test_L13_a_rotation_that_was_killed_is_taken_up_where_it_was(values, monkeypatch):
    """L13, killed half way: each value is whole under the one key or the other."""
    opened = opens(values)
    rotation.begin()
    seal, done = crypto.seal, []

    def dying(*args, **kwargs):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(1)
        return seal(*args, **kwargs)

    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(crypto, "seal", dying)
        rotation.reseal()
    assert len({value[1:9] for value in all_values()}) == 2
    assert opens(values) == opened
    keys_then = DataKey.objects.count()
    rotation.begin()
    assert DataKey.objects.count() == keys_then, "no second new key before the first is through"
    rotation.reseal()
    assert len({value[1:9] for value in all_values()}) == 1
    assert opens(values) == opened


def test_a_value_the_product_changes_meanwhile_is_left_as_the_product_wrote_it(values, monkeypatch):
    rotation.begin()
    anew = rotation._anew

    def overtaken(column, row):
        sealed = anew(column, row)
        if column.field == "sealed_secrets" and row.name == "eCW sandbox HL7":
            row_now = Connection.objects.get(pk=row.pk)
            row_now.set_secrets({"token": "newer"})
            models.QuerySet(Connection).filter(pk=row.pk).update(sealed_secrets=row_now.sealed_secrets)
        return sealed

    monkeypatch.setattr(rotation, "_anew", overtaken)
    rotation.reseal()
    assert opens(values)["secrets"] == {"token": "newer"}


def test_L13_readers_in_other_threads_never_meet_an_unreadable_value(values):
    """Under load: readers with memories of their own keys while everything is sealed anew, three times."""
    opened, stop, wrong = opens(values), threading.Event(), []

    def read() -> None:
        with acting(Actor("system", "reader")):
            while not stop.is_set():
                try:
                    assert opens(values) == opened
                except Exception as error:
                    wrong.append(error)
                    break
        connections.close_all()

    readers = [threading.Thread(target=read) for _ in range(3)]
    for thread in readers:
        thread.start()
    for _ in range(3):
        rotation.begin()
        rotation.reseal()
        DataKey.objects.filter(retired_at__isnull=False).update(retired_at=timezone.now() - timedelta(hours=1))
        rotation.destroy_old()
    stop.set()
    for thread in readers:
        thread.join()
    assert wrong == []


def test_a_process_that_remembers_the_old_keys_opens_what_another_sealed_with_the_new(values):
    opens(values)
    remembered = dict(keyring._rings)
    rotation.begin()
    rotation.reseal()
    keyring._rings.clear()
    keyring._rings.update(remembered)
    assert "ZZQ-7701" in opens(values)["body"].decode()


def test_L13_a_key_that_is_needed_is_not_destroyed(values):
    rotation.begin()
    with pytest.raises(StillUsed, match="retired less than 15 minutes ago"):
        rotation.destroy_old()
    DataKey.objects.filter(retired_at__isnull=False).update(retired_at=timezone.now() - timedelta(minutes=16))
    with pytest.raises(StillUsed, match="values are sealed with"):
        rotation.destroy_old()
    rotation.reseal()
    assert rotation.destroy_old() == 1
    gone = DataKey.objects.get(destroyed_at__isnull=False)
    assert gone.wrapped is None
    assert {e.event for e in AuditEvent.objects.filter(event__startswith="encryption.")} == {
        "encryption.rotate",
        "encryption.destroy",
    }


def test_a_value_nobody_can_open_is_counted_and_left(values):
    Wire.objects.update(sealed_plan=b"1" + b"x" * 60)
    rotation.begin()
    told = rotation.reseal()
    assert told["unreadable"] == 1
    assert bytes(Wire.objects.get().sealed_plan) == b"1" + b"x" * 60


def test_L15_ciphertext_moved_to_another_row_or_column_does_not_open(values):
    """L15."""
    version = NoteVersion.objects.get(pk=values.note_version_id)
    for place in ({"table": "wire", "column": "body"}, {"table": "noteversion", "column": "plan"}):
        with pytest.raises(crypto.CannotOpen):
            crypto.unseal(version.sealed_body, row=version.pk, **place)
    with pytest.raises(crypto.CannotOpen):
        crypto.unseal(version.sealed_body, table="noteversion", column="body", row="another")


class Away(MasterKeys):
    """A key service that can go away."""

    here = True

    def unwrap(self, wrapped, master):
        if not Away.here:
            raise KeysUnavailable("the key service does not answer")
        return super().unwrap(wrapped, master)


def test_L14_a_key_service_that_is_away_is_done_without_for_a_quarter_of_an_hour(values, settings, monkeypatch):
    """L14: then an error, never plain text."""
    rotation.keep()
    settings.KEY_STORE = f"{__name__}.Away"
    keyring.forget()
    opens(values)
    monkeypatch.setattr(Away, "here", False)
    clock = keyring.time.monotonic
    monkeypatch.setattr(keyring.time, "monotonic", lambda: clock() + 600)
    assert opens(values)
    monkeypatch.setattr(keyring.time, "monotonic", lambda: clock() + 901)
    with pytest.raises(KeysUnavailable):
        opens(values)
    with pytest.raises(KeysUnavailable):
        crypto.seal(b"plain", table="t", column="c", row=1)


def test_a_wrapped_key_that_was_altered_is_refused(values):
    rotation.keep()
    DataKey.objects.filter(purpose="seal").update(wrapped=os.urandom(40))
    keyring.forget()
    with pytest.raises(KeysUnavailable, match="altered"):
        opens(values)


def test_the_command_does_all_of_it_and_counts(values, capsys, settings):
    call_command("rotate_keys", "--data", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["resealed"], told["unreadable"]) == (len(all_values()), 0)
    assert [key["values"] for key in told["keys"] if key["purpose"] == "seal"] == [0, len(all_values())]
    with pytest.raises(CommandError, match="15 minutes"):
        call_command("rotate_keys", "--destroy-old")
    settings.OLD_MASTER_KEYS, settings.MASTER_KEY = [settings.MASTER_KEY], secrets.token_hex(32)
    keyring.forget()
    call_command("rotate_keys", "--master", "--json")
    assert json.loads(capsys.readouterr().out)["rewrapped"] == 4
    settings.OLD_MASTER_KEYS, settings.MASTER_KEY = [], secrets.token_hex(32)
    keyring.forget()
    with pytest.raises(CommandError, match="which is not given here"):
        call_command("rotate_keys", "--data")


def dump(folder) -> bytes:
    """The whole database as its own tool writes it out, and SQLite's file with its WAL besides."""
    if connection.vendor == "sqlite":
        source = sqlite3.connect(connection.settings_dict["NAME"])
        try:
            text = "\n".join(source.iterdump()).encode()
        finally:
            source.close()
        file = str(connection.settings_dict["NAME"])
        return text + b"".join(open(file + end, "rb").read() for end in ("", "-wal") if os.path.exists(file + end))
    tool = shutil.which("pg_dump") or missing("pg_dump is not on the path")
    where = connection.get_connection_params()
    parts = {"host": where.get("host", "127.0.0.1"), "port": str(where.get("port", 5432)), "user": where["user"]}
    arguments = [f"--{name}={value}" for name, value in {"host": parts["host"], "port": parts["port"]}.items()]
    done = subprocess.run(
        [tool, *arguments, f"--username={parts['user']}", where["dbname"]],
        capture_output=True, check=True, env={**os.environ, "PGPASSWORD": str(where.get("password", ""))},
    )  # fmt: skip
    return done.stdout


def test_S28_nothing_a_person_could_read_is_in_a_dump_before_or_after_a_rotation(values, tmp_path):
    """S28 and line 8: names, ids, note text and secrets, in clear, hex or base64."""
    for _ in range(2):
        written = dump(tmp_path)
        assert b"portal_location" in written, "or the dump is no dump"
        for canary in CANARIES:
            forms = (canary.encode(), canary.encode().hex().encode(), canary.encode().hex().upper().encode())
            assert [form for form in forms if form in written] == []
        rotation.begin()
        rotation.reseal()
