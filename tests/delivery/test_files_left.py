"""Notes that go to a partner as C-CDA files: what is proved of them, and how a doubt about one is settled."""

import errno
import os
from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from delivery import breaker, connection_steps, file_verification
from delivery.channels import ccda_folder
from delivery.channels.drop import CANNOT_SAY, NOT_THERE, THERE
from delivery.channels.registry import LEAVES_FILES
from delivery.connection_steps import DOES_NOT_APPLY, FAILED, PASSED, STEPS
from delivery.failures import CATALOGUE
from delivery.models import Attempt, Breaker, Delivery, Reading
from delivery.probe import CannotProbe, probe
from delivery.states import State
from delivery.verification import read_due
from delivery.ways.capabilities import of_connection
from delivery.ways.catalogue import best_grade, way_of
from portal.forms.folder import FolderForm
from portal.forms.sftp import SftpForm
from portal.models import Connection, ConnectionKind, Route
from tests.channels.sshd import Sshd, keypair
from tests.delivery.fhir import words
from tests.delivery.test_sending import post, run_lanes, state

HOST_KEY = "SHA256:" + "A" * 43


@pytest.fixture
def folder(tmp_path, settings):
    settings.ALLOWED_FOLDERS = [str(tmp_path)]
    made = tmp_path / "inbox"
    made.mkdir()
    return made


@pytest.fixture
def drop(cast, folder):
    """NORTH's notes go into a folder."""
    made = Connection.objects.create(
        practice=cast.practice, name="Partner's folder", kind="ccda-folder", environment="sandbox",
        settings={"folder": str(folder), "taken_away": True},
    )  # fmt: skip
    Route.objects.filter(location=cast.north).update(connection=made)
    return made


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def in_doubt(scribe, drop, monkeypatch):
    """A note whose last step was done, and whose answer a share lost; the doubt is an hour old."""

    def linked_and_lost(*names, **how):
        link(*names, **how)
        raise OSError(errno.EIO, "the share went away")

    link = os.link
    with monkeypatch.context() as share:
        share.setattr(ccda_folder.os, "link", linked_and_lost)
        row = Delivery.objects.get(pk=post(scribe))
        run_lanes()
    row.refresh_from_db()
    assert (row.state, row.reason_code) == (State.UNKNOWN, "file_cut")
    Delivery.objects.update(read_at=timezone.now(), updated_at=timezone.now() - timedelta(hours=1))
    row.refresh_from_db()
    return row


def look(row: Delivery) -> tuple[str, str]:
    read_due()
    row.refresh_from_db()
    return row.state, row.reason_code


@pytest.mark.django_db(transaction=True)
class TestANote:
    def test_is_left_as_a_file_named_after_its_control_id_and_accepted_without_proof(self, scribe, drop, folder):
        delivery = post(scribe)
        assert run_lanes() == 1
        row = Delivery.objects.get(pk=delivery)
        assert (row.state, row.proof, row.read_at) == (State.ACCEPTED, "none", None)
        assert names(folder) == [f"{row.control_id}.xml"]
        assert Attempt.objects.get().code == "left"

    def test_is_never_looked_for_in_a_chart_though_the_location_reads_one(self, scribe, drop):
        delivery = post(scribe)
        run_lanes()
        Delivery.objects.update(read_at=timezone.now())
        read_due()
        assert state(delivery) == State.ACCEPTED
        assert not Reading.objects.exists()

    def test_waits_while_the_folder_may_not_be_used_and_the_breaker_says_why(self, scribe, drop, settings):
        settings.ALLOWED_FOLDERS = []
        delivery = post(scribe)
        run_lanes()
        assert state(delivery) == State.READY
        found = breaker.state_of(drop.pk)
        assert (found.breaker, found.last_reason) == (Breaker.AUTH, "connection_misconfigured")

    def test_waits_while_the_folder_is_missing_and_goes_when_it_is_there(self, scribe, drop, folder):
        folder.rmdir()
        delivery = post(scribe)
        run_lanes()
        assert (state(delivery), breaker.state_of(drop.pk).last_reason) == (State.READY, "folder_missing")
        folder.mkdir()
        breaker.close(drop)
        Delivery.objects.update(not_before=timezone.now())
        run_lanes()
        assert state(delivery) == State.ACCEPTED


@pytest.mark.django_db(transaction=True)
class TestADoubt:
    def test_is_accepted_where_the_file_stands_with_its_bytes(self, in_doubt, folder):
        assert look(in_doubt) == (State.ACCEPTED, "")
        assert (in_doubt.proof, in_doubt.read_at) == ("none", None)
        assert f"{in_doubt.control_id}.xml" in names(folder)

    def test_goes_again_where_only_the_temporary_file_stands(self, in_doubt, folder):
        (folder / f"{in_doubt.control_id}.xml").unlink()
        assert names(folder) == [f".{in_doubt.control_id}.xml.part"]
        assert look(in_doubt) == (State.READY, "file_not_finished")
        run_lanes()
        assert state(in_doubt.pk) == State.ACCEPTED
        assert names(folder) == [f"{in_doubt.control_id}.xml"]

    def test_waits_for_a_person_where_the_partner_may_have_taken_it(self, in_doubt, folder):
        for path in folder.iterdir():
            path.unlink()
        assert look(in_doubt) == (State.PARKED, "file_gone")

    def test_waits_for_a_person_where_something_else_has_its_name(self, in_doubt, folder):
        (folder / f"{in_doubt.control_id}.xml").write_text("changed")
        assert look(in_doubt) == (State.PARKED, "file_gone")

    def test_is_not_settled_before_the_other_side_has_had_its_time(self, in_doubt, folder):
        (folder / f"{in_doubt.control_id}.xml").unlink()
        Delivery.objects.update(updated_at=timezone.now())
        assert look(in_doubt)[0] == State.UNKNOWN
        assert in_doubt.read_at > timezone.now()

    def test_is_looked_for_again_later_while_the_folder_is_away_and_parked_in_the_end(self, in_doubt, folder):
        folder.rename(folder.with_name("away"))
        for number in range(1, len(file_verification.LOOKS) + 1):
            Delivery.objects.update(read_at=timezone.now())
            assert look(in_doubt) == (State.UNKNOWN, "file_looked_for")
            assert in_doubt.readings_made == number
        Delivery.objects.update(read_at=timezone.now())
        assert look(in_doubt) == (State.PARKED, "file_looked_for")

    def test_that_was_tried_again_meanwhile_is_left_where_it_is(self, in_doubt):
        Delivery.objects.update(attempts=7)
        for found in (THERE, NOT_THERE, CANNOT_SAY):
            with transaction.atomic():
                file_verification.conclude(in_doubt, found, settled=True)
        assert state(in_doubt.pk) == State.UNKNOWN


@pytest.mark.django_db(transaction=True)
@pytest.mark.process
def test_a_note_goes_to_a_real_sftp_server_and_its_connection_passes_every_step(scribe, cast, tmp_path):
    server = Sshd(tmp_path).start()
    try:
        made = Connection.objects.create(
            practice=cast.practice, name="Partner", kind="ccda-sftp", environment="sandbox", settings=server.settings()
        )
        made.set_secrets(server.secrets())
        made.save()
        Route.objects.filter(location=cast.north).update(connection=made)
        delivery = post(scribe)
        run_lanes()
        assert state(delivery) == State.ACCEPTED
        assert len(names(server.directory)) == 1
        steps = connection_steps.examine(made)
        assert {step.key: step.outcome for step in steps} == dict.fromkeys(STEPS, PASSED)
        stops(made, "tls", "sftp_host_key", host_key=HOST_KEY)
        stops(made, "content", "folder_missing", directory="/no/such/place", host_key=server.pinned())
        made.set_secrets({"private_key": keypair(tmp_path / "stranger").read_text()})
        stops(made, "sign_in", "sftp_denied", directory="")
    finally:
        server.stop()
    stops(made, "network", "connection_refused")


def stops(connection, key, reason, **changes):
    connection.settings |= changes
    connection.save()
    steps = connection_steps.examine(connection)
    assert [(step.key, step.reason_code) for step in steps if step.outcome == FAILED] == [(key, reason)]
    assert reason in CATALOGUE


@pytest.mark.django_db
class TestWhatAPersonSees:
    def test_a_folder_passes_the_test_and_nothing_is_left_in_it(self, drop, folder):
        found = {step.key: step.outcome for step in connection_steps.examine(drop)}
        assert found["name"] == found["scope"] == PASSED
        assert found["network"] == found["tls"] == found["content"] == DOES_NOT_APPLY
        assert names(folder) == []

    def test_a_folder_that_is_not_there_or_not_allowed_stops_the_test(self, drop, folder, settings):
        folder.rmdir()
        stops(drop, "name", "folder_missing")
        settings.ALLOWED_FOLDERS = []
        stops(drop, "settings", "connection_misconfigured")

    def test_the_capabilities_say_what_a_file_can_prove(self, cast, drop, folder):
        rows = {row.key: (row.outcome, row.says) for row in of_connection(drop, cast.north)}
        assert rows["write"] == ("yes", "A synthetic document was left.")
        assert rows["repeat"] == ("yes", "Recognised by its name.")
        assert rows["read_back"] == ("no", "Only whether it was left.")
        assert len(names(folder)) == 1

    def test_in_production_nothing_is_left_for_a_probe_without_a_test_patient(self, cast, drop, folder):
        Connection.objects.filter(pk=drop.pk).update(environment="production")
        drop.refresh_from_db()
        rows = {row.key: row for row in of_connection(drop, cast.north)}
        assert rows["write"].outcome == "unknown"  # not asked, which is no refusal
        assert "test patient" in rows["write"].says
        assert names(folder) == []

    def test_the_receivers_profile_needs_no_probe(self, cast, drop):
        with pytest.raises(CannotProbe, match="known by its name"):
            probe(drop, cast.north)

    def test_both_kinds_go_the_c_cda_way_and_no_reader_proves_them(self):
        for kind in LEAVES_FILES:
            made = Connection(kind=kind)
            assert way_of(made).key == "ccda"
            assert best_grade(made, Connection(kind="openapi")) == best_grade(made, Connection(kind="fhir")) == "none"
        assert set(ConnectionKind.values) >= LEAVES_FILES

    def test_the_page_shows_the_path_and_of_secrets_only_that_they_are_set(self, client, cast):
        client.force_login(cast.dana)
        answer = client.post(reverse("portal:connection-new", args=["ccda-sftp"]), sftp(), follow=True)
        said = words(answer.content.decode())
        assert "scribeport@127.0.0.1:2222" in said
        assert "Password" in said
        assert "s3cret" not in answer.content.decode()
        made = Connection.objects.get(name="Partner")
        assert made.secrets() == {"password": "s3cret-word"}
        assert "password" not in made.settings

    def test_the_director_of_another_practice_does_not_see_it(self, client, cast, drop):
        client.force_login(cast.sam)
        assert client.get(reverse("portal:connection", args=[drop.pk])).status_code == 404
        assert client.post(reverse("portal:connection-edit", args=[drop.pk]), {"name": "x"}).status_code == 404


def sftp(**changes):
    data = {
        "name": "Partner", "environment": "sandbox", "enabled": "on", "host": "127.0.0.1", "port": "2222",
        "host_key": HOST_KEY, "user": "scribeport", "password": "s3cret-word", "directory": "in", "taken_away": "on",
    }  # fmt: skip
    return {name: value for name, value in (data | changes).items() if value is not None}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changes, field",
    [
        ({"host": "203.0.113.7"}, "host"),
        ({"host": "169.254.169.254"}, "host"),
        ({"port": "5432"}, "host"),
        ({"port": "0"}, "port"),
        ({"host_key": ""}, "host_key"),
        ({"host_key": "MD5:aa:bb"}, "host_key"),
        ({"host_key": "ssh-rsa AAAA!"}, "host_key"),
        ({"user": "a b"}, "user"),
        ({"user": ""}, "user"),
        ({"directory": "../up"}, "directory"),
        ({"directory": "a\\b"}, "directory"),
        ({"file_prefix": "../x"}, "file_prefix"),
        ({"file_prefix": "-x"}, "file_prefix"),
        ({"password": None}, "password"),
        ({"private_key": "hello"}, "private_key"),
    ],
)
def test_an_sftp_connection_that_cannot_work_is_refused_beside_the_field(cast, changes, field):
    form = SftpForm(cast.practice, None, sftp(**changes))
    assert not form.is_valid()
    assert form.errors[field]


@pytest.mark.django_db
def test_a_private_key_alone_is_enough_and_a_password_may_stay_as_it_is(cast, tmp_path):
    key = keypair(tmp_path / "key").read_text()
    assert SftpForm(cast.practice, None, sftp(password=None, private_key=key)).is_valid()
    kept = Connection.objects.create(practice=cast.practice, name="Old", kind="ccda-sftp", environment="sandbox")
    kept.set_secrets({"password": "s3cret"})
    kept.save()
    form = SftpForm(cast.practice, kept, sftp(password=None))
    assert form.is_valid(), form.errors
    assert form.secrets() == {}


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["", "inbox", "/etc", "/tmp/../etc", "/var\x00"])
def test_a_folder_that_may_not_be_used_is_refused_beside_the_field(cast, typed, settings, tmp_path):
    settings.ALLOWED_FOLDERS = [str(tmp_path)]
    data = {"name": "F", "environment": "sandbox", "folder": typed}
    form = FolderForm(cast.practice, None, data)
    assert not form.is_valid()
    assert form.errors["folder"]


@pytest.mark.django_db
def test_a_folder_below_an_allowed_one_is_taken(cast, folder):
    form = FolderForm(cast.practice, None, {"name": "F", "environment": "sandbox", "folder": str(folder)})
    assert form.is_valid(), form.errors
    assert form.settings() == {"folder": str(folder), "file_prefix": "", "taken_away": False}
