"""Each form's every error, in the words a person reads: what is wrong, beside the field, never a code."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from mapping.import_forms import ChosenForm, DefaultsForm, UploadForm
from portal.forms.audit import AuditSearchForm
from portal.forms.hl7 import Hl7Form
from portal.forms.locations import US_ZONES, LocationForm, NewLocationForm, ReasonForm, RoutesForm, zones
from portal.forms.openapi import OpenApiForm
from portal.forms.people import EVERYWHERE, InviteForm, RoleForm
from portal.forms.scribes import LARGEST_DOCUMENT, AgreementForm, KeyForm, ScribeForm, in_a_year
from portal.forms.signin import ReplacePasswordForm, SignInForm
from portal.models import Connection
from tests.portal.test_connections import hl7, openapi

pytestmark = pytest.mark.alike  # forms judge before they save

REQUIRED = "This field is required."


def said(form: Any, field: str) -> str:
    """The words beside one field; "" where nothing is wrong with it."""
    form.is_valid()
    return " ".join(form.errors.get(field, []))


# --- locations ------------------------------------------------------------------------------------------------------

EAST = {"name": "East", "code": "EAST", "environment": "sandbox", "time_zone": "America/Chicago"}


@pytest.mark.parametrize(
    "changes, field, words",
    [
        ({"name": ""}, "name", REQUIRED),
        ({"name": "x" * 201}, "name", "at most 200 characters"),
        ({"code": ""}, "code", REQUIRED),
        ({"code": "x" * 41}, "code", "at most 40 characters"),
        ({"code": "a b"}, "code", "Letters, digits, - and _ only: it stands in addresses and messages."),
        ({"code": "É"}, "code", "Letters, digits, - and _ only"),
        ({"code": "N|1"}, "code", "Letters, digits, - and _ only"),
        ({"code": "All"}, "code", "This word has a meaning of its own here; choose another."),
        ({"code": "new"}, "code", "This word has a meaning of its own here"),
        ({"code": "North"}, "code", "Another location already has this code."),
        ({"environment": "test"}, "environment", "Select a valid choice"),
        ({"environment": ""}, "environment", REQUIRED),
        ({"time_zone": "EST"}, "time_zone", "Select a valid choice"),
        ({"time_zone": "../etc/localtime"}, "time_zone", "Select a valid choice"),
    ],
)
def test_a_new_location(cast, changes, field, words):
    assert words in said(NewLocationForm(cast.practice, EAST | changes), field)


def test_a_good_new_location_has_no_complaint(cast):
    assert NewLocationForm(cast.practice, EAST).is_valid()


def test_the_zones_of_the_united_states_come_first_and_none_is_listed_twice():
    (usual, first), (_, others) = zones()
    assert usual == "United States"
    assert [zone for zone, _ in first] == list(US_ZONES)
    assert not {zone for zone, _ in first} & {zone for zone, _ in others}
    assert len(others) > 300


@pytest.mark.parametrize(
    "changes, field, words",
    [
        ({"name": ""}, "name", REQUIRED),
        ({"unmapped_policy": "drop"}, "unmapped_policy", "Select a valid choice"),
        ({"unmapped_policy": ""}, "unmapped_policy", REQUIRED),
        ({"idle_minutes": ""}, "idle_minutes", REQUIRED),
        ({"idle_minutes": "1"}, "idle_minutes", "greater than or equal to 2"),
        ({"idle_minutes": "31"}, "idle_minutes", "less than or equal to 30"),
        ({"idle_minutes": "soon"}, "idle_minutes", "Enter a whole number."),
        ({"fallback_minutes": "4"}, "fallback_minutes", "greater than or equal to 5"),
        ({"fallback_minutes": "721"}, "fallback_minutes", "less than or equal to 720"),
        ({"reading_connection": "0"}, "reading_connection", "Select a valid choice"),
        ({"reading_connection": "x"}, "reading_connection", "Select a valid choice"),
    ],
)
def test_a_locations_settings(cast, changes, field, words):
    good = {"name": "North", "time_zone": "America/Chicago", "unmapped_policy": "hold", "idle_minutes": "15"}
    good["fallback_minutes"] = "30"
    assert words in said(LocationForm(cast.north, good | changes), field)


def test_a_connection_that_cannot_read_reads_for_no_location(cast):
    form = LocationForm(cast.north, {"reading_connection": cast.hl7.pk})
    assert "Select a valid choice" in said(form, "reading_connection")


def test_an_open_api_connection_may_carry_notes(cast):
    form = RoutesForm(cast.north, "note", {"note-route0": cast.reader.pk})
    assert form.is_valid(), form.errors


def test_the_same_connection_twice_is_named_as_the_fault(cast):
    form = RoutesForm(cast.north, "note", {"note-route0": cast.hl7.pk, "note-route1": cast.hl7.pk})
    assert said(form, "__all__") == "The same connection stands here twice."


def test_a_gap_before_the_stand_by_closes(cast):
    form = RoutesForm(cast.north, "note", {"note-route0": "", "note-route1": cast.hl7.pk})
    assert form.is_valid()
    assert form.chosen() == [cast.hl7]


def test_the_routes_form_shows_what_is_set_now(cast):
    assert RoutesForm(cast.north, "note")["route0"].value() == cast.hl7.pk
    assert RoutesForm(cast.north, "note")["route1"].value() is None


@pytest.mark.parametrize("reason, words", [("", REQUIRED), ("  ", REQUIRED), ("x" * 201, "at most 200 characters")])
def test_a_reason(reason, words):
    assert words in said(ReasonForm({"reason": reason}), "reason")


# --- people ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, field, words",
    [
        ({"username": ""}, "username", REQUIRED),
        ({"username": "a b"}, "username", "may contain only letters, numbers"),
        ({"username": "x" * 151}, "username", "at most 150 characters"),
        ({"username": "Dana"}, "username", "This user name is taken."),
        ({"email": "nina@"}, "email", "Enter a valid email address."),
        ({"first_name": "x" * 151}, "first_name", "at most 150 characters"),
        ({"role": ""}, "role", REQUIRED),
        ({"role": "root"}, "role", "Select a valid choice"),
        ({"location": "-1"}, "location", "Select a valid choice"),
    ],
)
def test_an_invitation(cast, changes, field, words):
    good = {"username": "nina", "email": "nina@example.org", "role": "operator", "location": ""}
    assert words in said(InviteForm(cast.practice, good | changes), field)


def test_no_location_means_all_of_them_in_words(cast):
    assert EVERYWHERE in str(RoleForm(cast.practice)["location"])


# --- scribes, keys, agreements ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, words",
    [("", REQUIRED), ("x" * 101, "at most 100 characters"), ("MURMUR scribe", "This scribe is listed already.")],
)
def test_a_scribe(cast, name, words):
    assert words in said(ScribeForm(cast.practice, {"name": name}), "name")


def test_another_practices_scribe_may_have_the_same_name(cast):
    assert ScribeForm(cast.elsewhere.practice, {"name": "Murmur Scribe"}).is_valid()


def key_form(cast, **changes) -> KeyForm:
    data = {"environment": "sandbox", "scopes": ["notes:write"], "expires_on": in_a_year().isoformat(), **changes}
    return KeyForm(cast.practice, data)


@pytest.mark.parametrize("days, good", [(-1, False), (0, True), (1, True), (731, True), (732, False)])
def test_a_key_lasts_from_today_to_two_years(cast, days, good):
    last = timezone.now().date() + timedelta(days=days)
    words = said(key_form(cast, expires_on=last.isoformat()), "expires_on")
    assert words == ("" if good else "A day from today to two years ahead.")


def test_a_keys_last_day_counts_to_its_end(cast):
    form = key_form(cast, expires_on=timezone.now().date().isoformat())
    assert form.is_valid()
    assert form.expires_at() > timezone.now()
    assert form.expires_at().hour == form.expires_at().minute == 0


@pytest.mark.parametrize(
    "changes, field, words",
    [
        ({"scopes": []}, "scopes", REQUIRED),
        ({"scopes": ["admin"]}, "scopes", "admin is not one of the available choices"),
        ({"environment": ""}, "environment", REQUIRED),
        ({"expires_on": "never"}, "expires_on", "Enter a valid date."),
        ({"locations": ["x"]}, "locations", "is not a valid value"),
    ],
)
def test_a_key(cast, changes, field, words):
    assert words in said(key_form(cast, **changes), field)


def test_a_key_for_production_names_no_sandbox_location(cast):
    form = key_form(cast, environment="production", locations=[cast.north.pk])
    assert said(form, "locations") == "A key works in one environment only: choose locations of that one."


def agreement(cast, files=None, **changes) -> AgreementForm:
    data = {"kind": "baa_scribe", "scribe": cast.scribe.pk, "party": "Murmur", "signed_on": "2026-01-01", **changes}
    return AgreementForm(cast.practice, data, files)


@pytest.mark.parametrize(
    "changes, field, words",
    [
        ({"kind": ""}, "kind", REQUIRED),
        ({"scribe": ""}, "scribe", "Name the scribe this agreement is with."),
        ({"party": ""}, "party", REQUIRED),
        ({"party": "x" * 201}, "party", "at most 200 characters"),
        ({"signed_on": ""}, "signed_on", REQUIRED),
        ({"signed_on": "2026-02-30"}, "signed_on", "Enter a valid date."),
        ({"expires_on": "2025-12-31"}, "expires_on", "It cannot end before it begins."),
        ({"expires_on": "x"}, "expires_on", "Enter a valid date."),
    ],
)
def test_an_agreement(cast, changes, field, words):
    assert words in said(agreement(cast, **changes), field)


def test_an_agreement_may_begin_and_end_on_one_day(cast):
    assert agreement(cast, expires_on="2026-01-01").is_valid()


def test_an_agreement_with_ecw_forgets_a_scribe_that_was_chosen_before(cast):
    form = agreement(cast, kind="baa_ecw")
    assert form.is_valid()
    assert form.cleaned_data["scribe"] is None


def test_a_document_over_25_mb_is_refused(cast):
    upload = SimpleUploadedFile("baa.pdf", b"x")
    upload.size = LARGEST_DOCUMENT + 1
    assert said(agreement(cast, {"document": upload}), "document") == "At most 25 MB."


def test_without_a_document_there_is_no_fingerprint(cast):
    form = agreement(cast)
    assert form.is_valid()
    assert form.terms().document_sha256 == ""
    assert form.terms().signed_on == date(2026, 1, 1)


# --- connections ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, field, words",
    [
        ({"host": "169.254.169.254"}, "host", "an address that no receiver can have"),
        ({"host": "8.8.8.8"}, "host", "outside the networks this installation may connect to"),
        ({"host": "http://127.0.0.1"}, "host", "a name or an address alone"),
        ({"host": "0x7f.1"}, "host", "Write the address in full"),
        ({"host": "no-such-host.invalid"}, "host", "does not know this host"),
        ({"port": "6379"}, "host", "Port 6379 belongs to Scribeport's own database or message broker."),
        ({"receiving_facility": "NO^RTH"}, "receiving_facility", "must not contain | ^ ~ \\ & or control characters"),
        ({"name": "eCW sandbox HL7"}, "name", "Another connection already has this name."),
        ({"environment": "production", "tls": None}, "tls", "Production needs TLS, or a VPN or point-to-point link"),
        ({"ack_seconds": "4"}, "ack_seconds", "greater than or equal to 5"),
        ({"sockets": "17"}, "sockets", "less than or equal to 16"),
        ({"client_cert_pem": "x"}, "client_cert_pem", "Give the certificate and its key together."),
    ],
)
def test_an_hl7_connection(cast, changes, field, words):
    assert words in said(Hl7Form(cast.practice, None, hl7(**changes)), field)


@pytest.mark.parametrize(
    "changes, field, words",
    [
        ({"base_url": "ftp://127.0.0.1"}, "base_url", "must begin with https://"),
        ({"base_url": "http://user:pw@127.0.0.1"}, "base_url", "must not carry a user name or password"),
        ({"base_url": "http://127.0.0.1/?a=1"}, "base_url", "must end before any ? or #"),
        ({"base_url": "http://127.0.0.1 /"}, "base_url", "not an address of a web service"),
        ({"environment": "production"}, "base_url", "Production is reached by https:// only."),
        ({"practice_code": "LAKE SIDE"}, "practice_code", "Enter a valid value."),
        ({"token": ""}, "token", "A token is needed to write notes and to read charts."),
        ({"token": "two words"}, "token", "A token has no spaces, line ends or special characters."),
        ({"token": "tök"}, "token", "A token has no spaces"),
        ({"calls_per_minute": "0"}, "calls_per_minute", "greater than or equal to 1"),
        ({"read_seconds": "61"}, "read_seconds", "less than or equal to 60"),
    ],
)
def test_an_open_api_connection(cast, changes, field, words):
    assert words in said(OpenApiForm(cast.practice, None, openapi(**changes)), field)


def test_a_stored_token_may_be_left_as_it_is(cast):
    form = OpenApiForm(cast.practice, cast.reader, openapi(name=cast.reader.name, token="", environment=None))
    assert said(form, "token") == ""
    assert form.secrets() == {}


def test_S21_what_is_wrong_with_a_secret_never_repeats_it(cast):
    form = OpenApiForm(cast.practice, None, openapi(token="my secret token"))
    form.is_valid()
    assert "my secret" not in str(form.errors)
    assert "my secret" not in str(form)


# --- signing in, searching, importing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, field, words",
    [
        ({"username": ""}, "username", REQUIRED),
        ({"password": ""}, "password", REQUIRED),
        ({"username": "x" * 151}, "username", "at most 150 characters"),
        ({"password": "x" * 513}, "password", "at most 512 characters"),
    ],
)
def test_signing_in(changes, field, words):
    assert words in said(SignInForm({"username": "dana", "password": "x", **changes}), field)


@pytest.mark.parametrize(
    "old, new, again, field, words",
    [
        ("wrong", "a-much-newer-phrase", "a-much-newer-phrase", "old_password", "incorrectly"),
        ("correct-horse-battery", "a-much-newer-phrase", "another-phrase", "new_password2", "match"),
        ("correct-horse-battery", "short", "short", "new_password2", "at least 12 characters"),
        ("correct-horse-battery", "123456789012345", "123456789012345", "new_password2", "numeric"),
        ("correct-horse-battery", "dana@example.org", "dana@example.org", "new_password2", "similar to the"),
    ],
)
def test_replacing_a_password(cast, old, new, again, field, words):
    form = ReplacePasswordForm(cast.dana, {"old_password": old, "new_password1": new, "new_password2": again})
    assert words in said(form, field)


@pytest.mark.parametrize(
    "asked, field",
    [
        ({"event": "note.eat"}, "event"),
        ({"outcome": "great"}, "outcome"),
        ({"since": "01.05.2026x"}, "since"),
        ({"until": "2026-13-01"}, "until"),
        ({"who": "12"}, "who"),
        ({"object_type": "a b"}, "object_type"),
        ({"object_id": "x" * 65}, "object_id"),
        ({"subject": "P-1001"}, "subject"),
        ({"subject": "A" * 32}, "subject"),
        ({"of": "installation"}, "of"),
    ],
    ids=str,
)
def test_a_search_of_the_log(asked, field):
    assert said(AuditSearchForm(asked, [("7", "Dana")]), field)


@pytest.mark.parametrize(
    "changes, field, words",
    [
        ({"code": ""}, "code", REQUIRED),
        ({"code": "-A"}, "code", "begin with a letter or digit"),
        ({"code": "A B"}, "code", "Use letters, digits, dots, dashes and underscores"),
        ({"code": "x" * 61}, "code", "Use letters, digits"),
        ({"code": "A\n"}, "code", ""),
        ({"name": ""}, "name", REQUIRED),
        ({"name": "x" * 201}, "name", "at most 200 characters"),
    ],
)
def test_a_template_to_import(changes, field, words):
    form = ChosenForm({"include": "on", "code": "VISIT", "name": "Visit", **changes})
    assert words in said(form, field)
    assert form.is_valid() is (words == "")


def test_choosing_no_file():
    assert said(UploadForm({}, {}), "file") == REQUIRED


def test_an_unknown_type_of_visit():
    assert "is not one of the available choices" in said(DefaultsForm({"visit_types": ["by_owl"]}), "visit_types")


def test_no_error_anywhere_speaks_in_codes(cast):
    """Every message is a sentence: it begins with a capital or a quotation and ends with a full stop."""
    empty = [
        NewLocationForm(cast.practice, {}),
        LocationForm(cast.north, {}),
        InviteForm(cast.practice, {}),
        ScribeForm(cast.practice, {}),
        KeyForm(cast.practice, {}),
        AgreementForm(cast.practice, {}),
        Hl7Form(cast.practice, None, {}),
        OpenApiForm(cast.practice, None, {}),
        SignInForm({}),
    ]
    for form in empty:
        assert form.errors, type(form).__name__
        for messages in form.errors.values():
            assert all(re.fullmatch(r"[A-Z“].*\.", message) for message in messages), (type(form).__name__, messages)


def test_an_error_is_tied_to_its_field_for_those_who_do_not_see_it(cast, client):
    client.force_login(cast.dana)
    page = client.post("/connections/new/hl7/", hl7(port="x")).content.decode()
    (field,) = re.findall(r"<input[^>]*name=\"port\"[^>]*>", page)
    assert 'aria-invalid="true"' in field
    described = re.search(r'aria-describedby="([^"]+)"', field)[1].split()
    assert any(f'id="{one}"' in page for one in described)
    assert Connection.objects.count() == 2
