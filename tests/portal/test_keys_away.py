"""While the keys of patient data cannot be had: 503 in plain words, on pages and at the API, and nothing half written."""

import json
import logging

import pytest
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import include, path, reverse

from audit.models import AuditEvent
from delivery.models import Delivery, IdempotencyKey, Note, NoteVersion
from portal import crypto, keyring, keys, rotation
from portal.keyring import KeysUnavailable, MasterKeys
from portal.models import Connection, Environment, User
from tests.delivery.conftest import Scribe, a_note

pytestmark = pytest.mark.django_db


class Away(MasterKeys):
    """A key service that does not answer."""

    def unwrap(self, wrapped, master):
        raise KeysUnavailable("the key service at kms.internal.example does not answer")


@pytest.fixture
def scribe(cast):
    _, secret = keys.create(cast.scribe, Environment.SANDBOX)
    return Scribe(secret)


@pytest.fixture(autouse=True)
def no_ring_is_left():
    yield
    keyring.forget()


@pytest.fixture
def go_away(settings):
    """Call it, and from then on no key can be had."""

    def away() -> None:
        rotation.keep()
        settings.KEY_STORE = f"{__name__}.Away"
        keyring.forget()

    return away


def half(request):
    """A deed that has written something before it comes to the keys."""
    with transaction.atomic():
        User.objects.filter(pk=request.user.pk).update(first_name="Half done")
        crypto.seal(b"plain", table="t", column="c", row=1)
    return HttpResponse("whole")


@login_not_required
def opens(request):
    return HttpResponse(crypto.unseal(b"1" + b"k" * 8 + b"n" * 12 + b"c" * 20, table="t", column="c", row=1))


urlpatterns = [
    path("half", half),
    path("opens", opens),
    path("", include("portal.views.urls")),
    path("api/v1/", include("delivery.api_urls")),
]
handler403 = "portal.views.errors.refused"
handler500 = "portal.views.errors.broken"
ours = pytest.mark.urls("tests.portal.test_keys_away")


class TestAPage:
    @ours
    def test_L14_is_503_and_says_when_to_come_again(self, cast, go_away):
        go_away()
        answer = Client().get("/opens")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")

    @ours
    def test_says_what_is_the_matter_in_plain_words(self, cast, go_away):
        go_away()
        page = Client().get("/opens").content.decode()
        assert "<h1>Patient data cannot be opened just now</h1>" in page
        assert "Nothing was changed, and nothing is lost." in page

    @ours
    def test_names_neither_key_nor_service(self, cast, go_away, caplog):
        go_away()
        with caplog.at_level(logging.WARNING):
            page = Client().get("/opens").content.decode()
        assert "kms.internal.example" not in page + caplog.text
        assert "KeysUnavailable" not in page

    @ours
    def test_shows_the_number_under_which_it_stands_in_the_log(self, cast, go_away, caplog):
        go_away()
        with caplog.at_level(logging.WARNING, logger="portal.views.errors"):
            page = Client().get("/opens").content.decode()
        (line,) = [entry.getMessage() for entry in caplog.records if entry.name == "portal.views.errors"]
        assert line.startswith("the keys could not be had, number ")
        assert line.rpartition(" ")[2] in page

    @ours
    def test_may_not_be_kept_and_has_the_policy_of_every_page(self, cast, go_away):
        go_away()
        answer = Client().get("/opens")
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]

    @ours
    def test_has_written_nothing_of_a_deed_that_needed_a_key(self, client, cast, go_away):
        client.force_login(cast.dana)
        go_away()
        assert client.post("/half").status_code == 503
        assert User.objects.get(pk=cast.dana.pk).first_name != "Half done"

    @ours
    def test_is_there_again_once_the_keys_are(self, client, cast, go_away, settings):
        client.force_login(cast.dana)
        before = settings.KEY_STORE
        go_away()
        assert client.post("/half").status_code == 503
        settings.KEY_STORE = before
        assert client.post("/half").content == b"whole"
        assert User.objects.get(pk=cast.dana.pk).first_name == "Half done"

    @ours
    def test_another_failure_is_still_a_failure(self, cast):
        answer = Client(raise_request_exception=False).get("/opens")
        assert answer.status_code == 500

    def test_without_patient_data_opens_all_the_same(self, client, cast, go_away):
        client.force_login(cast.dana)
        go_away()
        assert client.get(reverse("portal:people")).status_code == 200

    def test_signing_in_needs_no_key_of_patient_data(self, cast, go_away):
        go_away()
        page = Client().get(reverse("portal:sign-in"))
        assert page.status_code == 200

    def test_that_stores_a_secret_stores_nothing(self, client, cast, go_away):
        connection = Connection.objects.get(pk=cast.reader.pk)
        before = bytes(connection.sealed_secrets or b"")
        go_away()
        with pytest.raises(KeysUnavailable), transaction.atomic():
            connection.set_secrets({"token": "new"})
            connection.save()
        assert bytes(Connection.objects.get(pk=cast.reader.pk).sealed_secrets or b"") == before


class TestTheApi:
    WORDS = "The keys that protect patient data cannot be had just now. Nothing was kept; send the same request again."

    def test_answers_503_as_soon_as_the_scribes_key_is_looked_up(self, scribe, go_away):
        go_away()
        answer = scribe.post(a_note())
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.json() == {"problems": [{"pointer": "", "message": self.WORDS}]}

    def test_answers_503_where_the_keys_go_away_after_the_scribe_was_let_in(self, scribe, go_away, monkeypatch):
        """The scribe's key is looked up by one data key, notes are sealed by another."""
        whole = keyring.ring

        def without_seal(purpose, fresh=False):
            if purpose == "seal":
                raise KeysUnavailable("the key service does not answer")
            return whole(purpose, fresh)

        monkeypatch.setattr(crypto, "ring", without_seal)
        answer = scribe.post(a_note())
        assert (answer.status_code, answer.json()["problems"][0]["message"]) == (503, self.WORDS)

    def test_keeps_nothing_of_the_note(self, scribe, go_away, monkeypatch):
        whole = keyring.ring

        def without_seal(purpose, fresh=False):
            if purpose == "seal":
                raise KeysUnavailable("the key service does not answer")
            return whole(purpose, fresh)

        monkeypatch.setattr(crypto, "ring", without_seal)
        scribe.post(a_note(), key="once")
        kept = [model.objects.count() for model in (Note, NoteVersion, Delivery, IdempotencyKey)]
        assert kept == [0, 0, 0, 0]
        assert not AuditEvent.objects.filter(event="note.ingest").exists()

    def test_takes_the_same_request_once_the_keys_are_back(self, scribe, go_away, settings):
        before = settings.KEY_STORE
        go_away()
        assert scribe.post(a_note(), key="once").status_code == 503
        settings.KEY_STORE = before
        keyring.forget()
        assert scribe.post(a_note(), key="once").status_code == 201
        assert Note.objects.count() == 1

    def test_says_so_to_who_reads_too(self, scribe, go_away):
        posted = scribe.post(a_note()).json()
        go_away()
        answer = scribe.get(f"notes/{posted['id']}")
        assert (answer.status_code, json.loads(answer.content)["problems"][0]["message"]) == (503, self.WORDS)

    def test_says_so_to_who_withdraws_and_withdraws_nothing(self, scribe, go_away):
        posted = scribe.post(a_note()).json()
        go_away()
        assert scribe.retract(posted["id"]).status_code == 503
        assert Delivery.objects.get().state == "ready"

    def test_names_neither_key_nor_service(self, scribe, go_away, caplog):
        go_away()
        answer = scribe.post(a_note())
        assert "kms" not in answer.content.decode() + caplog.text


def test_health_does_not_ask_for_keys(client, go_away, cast):
    go_away()
    assert client.get("/healthz").status_code == 200


def test_a_process_without_its_keys_is_not_ready_and_names_no_key_service(client, go_away):
    go_away()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["keys"] == "unavailable"
    assert "kms" not in response.content.decode()


def test_a_process_with_its_keys_says_so(client):
    assert client.get("/readyz").json()["keys"] == "ok"
