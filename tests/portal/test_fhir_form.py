"""The form of a FHIR connection: what it saves its channel reads, what cannot work is refused beside the field."""

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from delivery.channels import fhir_settings
from delivery.channels.fhir_settings import FhirSettings
from portal.forms import fhir as form_module
from portal.forms.fhir import FhirForm
from portal.models import Connection


def fhir(**changes):
    data = {
        "name": "North FHIR",
        "environment": "sandbox",
        "enabled": "on",
        "base_url": "http://127.0.0.1:8575/fhir/r4/LAKESI/",
        "practice_code": "LAKESI",
        "calls_per_minute": "250",
        "call_seconds": "30",
        "grant": "client_credentials",
        "client_id": "scribeport",
        "client_auth": "private_key_jwt",
        "scope_style": "v1",
        "profile": "clinical-notes",
        "section_name": "label",
        "document_form": "text",
        "diagnoses_as": "encounter-diagnosis",
        **changes,
    }
    return {name: value for name, value in data.items() if value is not None}


def test_a_good_connection_is_created_with_a_key_of_its_own(cast):
    client = Client()
    client.force_login(cast.dana)
    answer = client.post(reverse("portal:connection-new", args=["fhir"]), fhir())
    assert answer.status_code == 302, answer.content
    made = Connection.objects.get(name="North FHIR")
    own = FhirSettings.read(made.settings, made.secrets(), made.environment)
    assert own.base_url == "http://127.0.0.1:8575/fhir/r4/LAKESI"
    assert own.signing_key_pem.startswith("-----BEGIN PRIVATE KEY-----")
    assert "renew_key" not in made.settings
    page = client.get(reverse("portal:connection", args=[made.pk])).content.decode()
    assert "Signing key" in page
    assert "BEGIN" not in page


def test_a_key_is_kept_until_a_new_one_is_asked_for(cast):
    client = Client()
    client.force_login(cast.dana)
    client.post(reverse("portal:connection-new", args=["fhir"]), fhir())
    made = Connection.objects.get(name="North FHIR")
    first = made.secrets()["signing_key_pem"]
    edit = reverse("portal:connection-edit", args=[made.pk])
    client.post(edit, fhir(call_seconds="20", revision=made.revision, environment=None))
    made.refresh_from_db()
    assert made.settings["call_seconds"] == 20
    assert made.secrets()["signing_key_pem"] == first
    client.post(edit, fhir(call_seconds="20", renew_key="on", revision=made.revision, environment=None))
    made.refresh_from_db()
    assert made.secrets()["signing_key_pem"] != first


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"base_url": "ftp://127.0.0.1/x"}, "base_url"),
        ({"base_url": "http://169.254.169.254/x"}, "base_url"),
        ({"base_url": "http://127.0.0.1/x?token=1"}, "base_url"),
        ({"token_url": "http://user:secret@127.0.0.1/token"}, "token_url"),
        ({"authorize_url": "nonsense"}, "authorize_url"),
        ({"environment": "production"}, "base_url"),
        ({"client_id": "has a space"}, "client_id"),
        ({"client_id": None}, "client_id"),
        ({"client_auth": "none"}, "client_auth"),
        ({"client_auth": "client_secret_basic"}, "client_secret"),
        ({"client_auth": "magic"}, "client_auth"),
        ({"profile": "magic"}, "profile"),
        ({"call_seconds": "61"}, "call_seconds"),
        ({"practice_code": "LAKE SI"}, "practice_code"),
    ],
)
def test_what_cannot_work_is_refused_beside_the_field(cast, changes, field):
    form = FhirForm(cast.practice, None, fhir(**changes))
    assert not form.is_valid()
    assert field in form.errors


def test_form_and_channel_know_the_same_choices():
    for theirs, ours in (
        (fhir_settings.GRANTS, form_module.GRANTS),
        (fhir_settings.CLIENT_AUTHS, form_module.CLIENT_AUTHS),
        (fhir_settings.PROFILES, form_module.PROFILES),
        (fhir_settings.FORMS, form_module.FORMS),
        (fhir_settings.SECTION_NAMES, form_module.SECTION_NAMES),
    ):
        assert tuple(theirs) == tuple(ours)


LEAST = {"base_url": "http://127.0.0.1:1/x", "client_id": "c"}
KEY = {"signing_key_pem": "pem"}


@pytest.mark.parametrize(
    "settings, secrets, says",
    [
        ({}, KEY, "base address must begin"),
        ({**LEAST, "client_id": ""}, KEY, "client id is missing"),
        ({**LEAST}, {}, "signing key is missing"),
        ({**LEAST, "client_auth": "client_secret_post"}, KEY, "client secret is missing"),
        ({**LEAST, "client_auth": "none"}, {}, "public client cannot"),
        ({**LEAST, "grant": "password"}, KEY, "Grant must be one of"),
        ({**LEAST, "call_seconds": 0}, KEY, "call_seconds"),
        ({**LEAST, "expect_continue": "yes"}, KEY, "expect_continue"),
        ({**LEAST, "token_url": "javascript:alert(1)"}, KEY, "token endpoint must begin"),
        ({**LEAST}, {**KEY, "client_key_pem": "x"}, "needs its key"),
    ],
)
def test_settings_that_cannot_be_used_are_named(settings, secrets, says):
    with pytest.raises(ValueError, match=says):
        FhirSettings.read(settings, secrets, "sandbox")


def test_production_is_reached_by_https_alone():
    with pytest.raises(ValueError, match="https"):
        FhirSettings.read(LEAST, KEY, "production")
    with pytest.raises(ValueError, match="token endpoint"):
        FhirSettings.read({**LEAST, "base_url": "https://x.example", "token_url": "http://x"}, KEY, "production")
    assert FhirSettings.read({**LEAST, "base_url": "https://x.example"}, KEY, "production").environment == "production"


def test_S21_secrets_stand_in_no_repr():
    own = FhirSettings.read(LEAST, {**KEY, "client_secret": "hush"}, "sandbox")
    assert "pem" not in repr(own).replace("_pem", "")
    assert "hush" not in repr(own)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.dictionaries(st.sampled_from(["base_url", "client_id", "token_url", "scopes", "audience"]), st.text()))
def test_wild_settings_are_read_or_refused_in_words(settings):
    try:
        made = FhirSettings.read({**LEAST, **settings}, KEY, "sandbox")
    except ValueError as refused:
        said = str(refused)
    else:
        said = f"{made.base_url}."
    assert said.endswith(".")
