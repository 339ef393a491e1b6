"""Connections: what their forms refuse, what a change leaves behind, and that no secret comes back."""

import pytest
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from audit.models import AuditEvent
from delivery.channels.hl7_settings import Hl7Settings
from delivery.channels.openapi_settings import OpenApiSettings
from portal import connections
from portal.connections import Draft
from portal.forms.hl7 import Hl7Form
from portal.forms.openapi import OpenApiForm
from portal.models import Connection
from tests.portal.pem import Papers

TOKEN = "tok-7f3a-never-to-be-shown"


@pytest.fixture(scope="module")
def papers():
    return Papers()


def hl7(**changes):
    data = {
        "name": "North HL7",
        "environment": "sandbox",
        "enabled": "on",
        "host": "127.0.0.1",
        "port": "6661",
        "sockets": "2",
        "ack_seconds": "30",
        "tls": "on",
        "sending_application": "SCRIBEPORT",
        "receiving_application": "ECW",
        "receiving_facility": "NORTH",
        "version": "2.5.1",
        "ack_mode": "original",
        **changes,
    }
    return {name: value for name, value in data.items() if value is not None}


def openapi(**changes):
    data = {
        "name": "North charts",
        "environment": "sandbox",
        "enabled": "on",
        "base_url": "http://127.0.0.1:8081",
        "practice_code": "LAKESI",
        "facility": "NORTH",
        "token": TOKEN,
        "read_seconds": "15",
        **changes,
    }
    return {name: value for name, value in data.items() if value is not None}


def test_a_good_hl7_connection_is_created_with_settings_its_channel_reads(cast, client):
    client.force_login(cast.dana)
    response = client.post(reverse("portal:connection-new", args=["hl7"]), hl7())
    made = Connection.objects.get(name="North HL7")
    assert response.url == reverse("portal:connection", args=[made.pk])
    assert (made.practice, made.environment, made.revision) == (cast.practice, "sandbox", 1)
    assert made.settings == {
        "ack_mode": "original",
        "ack_seconds": 30,
        "ca_pem": "",
        "document_code": "",
        "document_field": "",
        "document_form": "",
        "host": "127.0.0.1",
        "port": 6661,
        "processing_id": "T",
        "receiving_application": "ECW",
        "receiving_facility": "NORTH",
        "relaxed_x509": False,
        "sending_application": "SCRIBEPORT",
        "sending_facility": "",
        "server_name": "",
        "sockets": 2,
        "test_encounter_id": "",
        "test_patient_id": "",
        "tls": True,
        "version": "2.5.1",
        "vpn": False,
    }


def test_tls_is_on_unless_somebody_turns_it_off(cast):
    assert Hl7Form(cast.practice, None)["tls"].value() is True
    assert Hl7Form(cast.practice, cast.hl7)["tls"].value() is False


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"name": ""}, "name"),
        ({"name": "eCW sandbox HL7"}, "name"),
        ({"environment": "staging"}, "environment"),
        ({"host": ""}, "host"),
        ({"host": "169.254.169.254"}, "host"),
        ({"host": "user@127.0.0.1"}, "host"),
        ({"host": "2130706433"}, "host"),
        ({"host": "::ffff:127.0.0.1"}, "host"),
        ({"host": "203.0.113.7"}, "host"),
        ({"host": "no-such-host.invalid"}, "host"),
        ({"port": "6379"}, "host"),
        ({"port": "5432"}, "host"),
        ({"port": "0"}, "port"),
        ({"port": "65536"}, "port"),
        ({"port": "x"}, "port"),
        ({"sockets": "0"}, "sockets"),
        ({"sockets": "17"}, "sockets"),
        ({"ack_seconds": "4"}, "ack_seconds"),
        ({"ack_seconds": "61"}, "ack_seconds"),
        ({"receiving_facility": ""}, "receiving_facility"),
        ({"receiving_facility": "NO|RTH"}, "receiving_facility"),
        ({"sending_application": "A^B"}, "sending_application"),
        ({"sending_facility": "A\\B"}, "sending_facility"),
        ({"receiving_application": "x" * 181}, "receiving_application"),
        ({"version": "2.6"}, "version"),
        ({"ack_mode": "none"}, "ack_mode"),
        ({"environment": "production", "tls": None}, "tls"),
        ({"ca_pem": "hello"}, "ca_pem"),
        ({"client_cert_pem": "hello"}, "client_cert_pem"),
    ],
)
def test_an_hl7_connection_that_cannot_work_is_refused_beside_the_field(cast, changes, field):
    form = Hl7Form(cast.practice, None, hl7(**changes))
    assert not form.is_valid()
    assert form.errors[field]


@given(text=st.text(max_size=30))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_what_passes_into_a_header_needs_no_escaping(cast, text):
    form = Hl7Form(cast.practice, None, hl7(sending_facility=text))
    if form.is_valid():
        assert not set(form.cleaned_data["sending_facility"]) & set("|^~\\&\r\n\x00\x0b\x1c")


def test_a_vpn_may_stand_for_tls_in_production_when_it_is_stated(cast):
    form = Hl7Form(cast.practice, None, hl7(environment="production", tls=None, vpn="on"))
    assert form.is_valid(), form.errors
    assert form.settings()["processing_id"] == "P"


@pytest.mark.parametrize(
    "key, says",
    [
        ("other_key", "does not belong"),
        ("locked_key", "passphrase"),
        ("certificate", "not a private key"),
        (None, "together"),
    ],
)
def test_a_client_certificate_needs_its_own_key(cast, papers, key, says):
    data = hl7(client_cert_pem=papers.certificate, client_key_pem=getattr(papers, key) if key else None)
    form = Hl7Form(cast.practice, None, data)
    assert not form.is_valid()
    assert says in form.errors["client_cert_pem"][0]


def test_expired_certificates_are_refused_with_their_date(cast, papers):
    assert "expired on" in Hl7Form(cast.practice, None, hl7(ca_pem=papers.expired)).errors["ca_pem"][0]
    data = hl7(client_cert_pem=papers.expired, client_key_pem=papers.key)
    assert "expired on" in Hl7Form(cast.practice, None, data).errors["client_cert_pem"][0]


def test_a_client_certificate_is_sealed_replaced_and_removed(cast, client, papers):
    client.force_login(cast.dana)
    data = hl7(ca_pem=papers.ca, client_cert_pem=papers.certificate, client_key_pem=papers.key)
    client.post(reverse("portal:connection-new", args=["hl7"]), data)
    made = Connection.objects.get(name="North HL7")
    assert made.secrets()["client_key_pem"].strip() == papers.key.strip()
    assert papers.key.encode() not in bytes(made.sealed_secrets)
    edit = reverse("portal:connection-edit", args=[made.pk])
    client.post(edit, hl7(revision=str(made.revision)))
    made.refresh_from_db()
    assert made.secrets(), "an empty field keeps what is there"
    client.post(edit, hl7(revision=str(made.revision), remove_client="on"))
    made.refresh_from_db()
    assert made.secrets() == made.secrets_set_at == {}


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"base_url": ""}, "base_url"),
        ({"base_url": "ftp://127.0.0.1"}, "base_url"),
        ({"base_url": "http://user:x@127.0.0.1"}, "base_url"),
        ({"base_url": "http://169.254.169.254/latest"}, "base_url"),
        ({"base_url": "http://127.0.0.1:5432"}, "base_url"),
        ({"environment": "production"}, "base_url"),
        ({"practice_code": "LAKE/../"}, "practice_code"),
        ({"facility": ""}, "facility"),
        ({"read_seconds": "0"}, "read_seconds"),
        ({"read_seconds": "61"}, "read_seconds"),
        ({"calls_per_minute": "0"}, "calls_per_minute"),
        ({"client_cert_pem": "x"}, "client_cert_pem"),
        ({"token": None}, "token"),
        ({"token": "two words"}, "token"),
        ({"token": "line\r\nX-Evil: 1"}, "token"),
        ({"token": "pässword"}, "token"),
    ],
)
def test_an_open_api_connection_that_cannot_work_is_refused_beside_the_field(cast, changes, field):
    form = OpenApiForm(cast.practice, None, openapi(**changes))
    assert not form.is_valid()
    assert form.errors[field]


def test_S21_no_page_shows_a_secret_not_even_after_a_mistake(cast, client, papers):
    client.force_login(cast.dana)
    new = reverse("portal:connection-new", args=["openapi"])
    pages = [client.post(new, openapi(facility=""))]
    client.post(new, openapi())
    made = Connection.objects.get(name="North charts")
    edit = reverse("portal:connection-edit", args=[made.pk])
    pages += [client.get(reverse("portal:connections")), client.get(reverse("portal:connection", args=[made.pk]))]
    pages += [client.get(edit), client.post(edit, openapi(revision="1", facility="", token=TOKEN))]
    bad = hl7(port="x", client_cert_pem=papers.certificate, client_key_pem=papers.key)
    pages.append(client.post(reverse("portal:connection-new", args=["hl7"]), bad))
    for page in pages:
        assert page.status_code == 200
        assert TOKEN not in page.content.decode()
        assert "PRIVATE KEY-----\n" not in page.content.decode()
    assert "set on" in pages[2].content.decode()
    assert "never shown again" in pages[3].content.decode()


def test_S21_no_secret_stands_in_the_audit_log(cast, client):
    client.force_login(cast.dana)
    client.post(reverse("portal:connection-new", args=["openapi"]), openapi())
    assert TOKEN not in str(AuditEvent.objects.values())
    event = AuditEvent.objects.get(event="connection.secret.set")
    assert event.detail["fields"] == ["token"]


def test_a_change_raises_the_revision_and_names_what_changed(cast, client):
    client.force_login(cast.dana)
    connection = connections.create(cast.practice, "openapi", "sandbox", Draft("X", {"base_url": "http://127.0.0.1:1"}))
    data = openapi(name="X", revision="1", base_url="http://127.0.0.1:2", practice_code="AB", facility="F")
    assert client.post(reverse("portal:connection-edit", args=[connection.pk]), data).status_code == 302
    connection.refresh_from_db()
    assert connection.revision == 2
    event = AuditEvent.objects.get(event="connection.change")
    assert event.detail == {
        "connection": connection.pk,
        "fields": ["base_url", "facility", "practice_code", "read_seconds"],
    }
    assert event.actor_id == str(cast.dana.pk)


def test_saving_without_a_difference_changes_and_records_nothing(cast, client):
    client.force_login(cast.dana)
    connection = connections.create(
        cast.practice, "openapi", "sandbox", Draft("X", OpenApiForm(cast.practice, None, openapi()).data)
    )
    draft = Draft("X", dict(connection.settings))
    assert connections.change(connection, draft, 1).revision == 1
    assert not AuditEvent.objects.filter(event="connection.change").exists()


def test_a_new_secret_alone_raises_the_revision(cast):
    changed = connections.change(cast.reader, Draft(cast.reader.name, {}, {"token": "fresh"}), cast.reader.revision)
    assert changed.revision == cast.reader.revision + 1
    assert changed.secrets() == {"token": "fresh"}
    assert changed.secrets_set_at.keys() == {"token"}


def test_settings_a_form_does_not_know_survive_it(cast):
    cast.hl7.settings["idle_seconds"] = 60
    cast.hl7.save()
    changed = connections.change(cast.hl7, Draft(cast.hl7.name, {"port": 7}), 1)
    assert (changed.settings["idle_seconds"], changed.settings["port"]) == (60, 7)


def test_of_two_people_with_the_same_page_open_the_second_is_told(cast, client):
    connections.change(cast.reader, Draft("Renamed", {}), 1)
    client.force_login(cast.dana)
    response = client.post(reverse("portal:connection-edit", args=[cast.reader.pk]), openapi(revision="1"))
    assert "Somebody else changed" in response.content.decode()
    cast.reader.refresh_from_db()
    assert cast.reader.name == "Renamed"


def test_the_environment_of_a_connection_cannot_be_changed(cast, client):
    client.force_login(cast.dana)
    data = openapi(revision="1", environment="production", base_url="http://127.0.0.1:8081")
    assert client.post(reverse("portal:connection-edit", args=[cast.reader.pk]), data).status_code == 302
    cast.reader.refresh_from_db()
    assert cast.reader.environment == "sandbox"


@pytest.mark.parametrize("ticked, kept", [("on", True), (None, False)])
def test_whether_a_visits_template_is_left_to_the_texts_is_as_ticked(cast, ticked, kept):
    form = OpenApiForm(cast.practice, None, openapi(texts_choose_template=ticked))
    assert form.is_valid(), form.errors
    assert form.settings()["texts_choose_template"] is kept
    assert OpenApiSettings.read(form.settings(), {"token": TOKEN}, "sandbox").texts_choose_template is kept


def test_a_connection_saved_before_there_was_the_choice_has_templates_filled(cast):
    assert "texts_choose_template" not in cast.reader.settings
    assert not OpenApiForm(cast.practice, cast.reader)["texts_choose_template"].value()
    assert not OpenApiSettings.read(cast.reader.settings, {"token": TOKEN}, "sandbox").texts_choose_template


def test_leaving_the_template_to_the_texts_is_a_recorded_change_that_workers_see(cast):
    changed = connections.change(cast.reader, Draft(cast.reader.name, {"texts_choose_template": True}), 1)
    assert changed.revision == 2
    assert AuditEvent.objects.get(event="connection.change").detail["fields"] == ["texts_choose_template"]


def test_filling_templates_is_labelled_as_assumed(cast, client):
    client.force_login(cast.dana)
    page = client.get(reverse("portal:connection-new", args=["openapi"])).content.decode()
    assert "texts_choose_template" in OpenApiForm.assumed
    assert page.count("As assumed, not yet proven") == len(OpenApiForm.assumed)
    assert "Do not fill the visit&#x27;s template first" in page


def test_what_is_assumed_of_ecw_is_labelled_so(cast, client):
    client.force_login(cast.dana)
    page = client.get(reverse("portal:connection-new", args=["hl7"])).content.decode()
    assert page.count("As assumed, not yet proven") == len(Hl7Form.assumed)


@pytest.mark.parametrize(
    "who, listing, detail, edit, new",
    [
        ("dana", 200, 200, 200, 200),
        ("omar", 200, 200, 403, 403),
        ("ava", 200, 200, 403, 403),
        ("mel", 403, 403, 403, 403),
        ("sam", 200, 404, 404, 200),
    ],
)
def test_who_may_see_and_change_connections(cast, client, who, listing, detail, edit, new):
    client.force_login(getattr(cast, who))
    pk = cast.hl7.pk
    assert client.get(reverse("portal:connections")).status_code == listing
    assert client.get(reverse("portal:connection", args=[pk])).status_code == detail
    assert client.get(reverse("portal:connection-edit", args=[pk])).status_code == edit
    expected = 302 if edit == 200 else edit
    assert client.post(reverse("portal:connection-edit", args=[pk]), hl7(revision="1")).status_code == expected
    assert client.get(reverse("portal:connection-new", args=["hl7"])).status_code == new


def test_a_stranger_sees_none_of_our_connections_in_the_list(cast, client):
    client.force_login(cast.sam)
    assert "eCW sandbox" not in client.get(reverse("portal:connections")).content.decode()


def test_the_list_costs_the_same_however_long_it_is(cast, client, django_assert_max_num_queries):
    client.force_login(cast.dana)
    for number in range(12):
        connections.create(cast.practice, "openapi", "sandbox", Draft(f"C{number}", {}))
    client.get(reverse("portal:connections"))
    with django_assert_max_num_queries(16):
        client.get(reverse("portal:connections"))


def test_a_kind_that_does_not_exist_is_not_found(cast, client):
    client.force_login(cast.dana)
    assert client.get(reverse("portal:connection-new", args=["fax"])).status_code == 404


@pytest.mark.parametrize("environment", ["sandbox", "production"])
def test_what_the_forms_save_their_channels_read(cast, papers, environment):
    pair = {"client_cert_pem": papers.certificate, "client_key_pem": papers.key}
    sender = Hl7Form(cast.practice, None, hl7(environment=environment, ca_pem=papers.ca, **pair))
    reader = OpenApiForm(
        cast.practice, None, openapi(environment=environment, base_url="https://127.0.0.1:8081/", **pair)
    )
    assert sender.is_valid(), sender.errors
    assert reader.is_valid(), reader.errors
    sends = Hl7Settings.read(sender.settings(), sender.secrets(), environment)
    reads = OpenApiSettings.read(reader.settings(), reader.secrets(), environment)
    assert (sends.port, sends.processing_id) == (6661, {"sandbox": "T", "production": "P"}[environment])
    assert (reads.base_url, reads.token, reads.read_seconds) == ("https://127.0.0.1:8081", TOKEN, 15.0)
    assert sends.client_key_pem.strip() == reads.client_key_pem.strip() == papers.key.strip()
