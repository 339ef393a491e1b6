"""The settings of a FHIR connection: what each is when nothing is said, and every refusal in its own words."""

import pytest

from delivery.channels.fhir_settings import FhirSettings, web_address

BASE = "https://fhir4.example.org/fhir/r4/LAKESI"
LEAST = {"base_url": BASE, "client_id": "scribeport"}
KEY = {"signing_key_pem": "-----BEGIN PRIVATE KEY-----"}


def read(environment: str = "sandbox", secrets: dict | None = None, **changes) -> FhirSettings:
    return FhirSettings.read({**LEAST, **changes}, KEY if secrets is None else secrets, environment)


def refused(environment: str = "sandbox", secrets: dict | None = None, **changes) -> str:
    with pytest.raises(ValueError) as caught:
        read(environment, secrets, **changes)
    return str(caught.value)


class TestWhereNothingIsSaid:
    def test_a_backend_service_signs_its_own_assertions(self):
        assert (read().grant, read().client_auth) == ("client_credentials", "private_key_jwt")

    def test_the_endpoints_are_discovered(self):
        assert (read().authorize_url, read().token_url) == ("", "")

    def test_the_audience_is_left_to_the_token_endpoint(self):
        assert read().audience == ""

    def test_the_scopes_are_those_the_routes_need_in_the_first_spelling(self):
        assert (read().scopes, read().scope_style) == ((), "v1")

    def test_notes_are_written_as_clinical_notes_named_by_label(self):
        assert (read().profile, read().section_name) == ("clinical-notes", "label")

    def test_a_document_is_plain_text(self):
        assert read().document_form == "text"

    def test_a_call_takes_half_a_minute_at_most(self):
        assert read().call_seconds == 30.0

    def test_a_server_is_asked_before_a_note_is_sent(self):
        assert read().expect_continue is True

    def test_certificates_are_judged_strictly_by_the_systems_authorities(self):
        assert (read().relaxed_x509, read().ca_pem) == (False, "")


class TestWhatIsSaid:
    def test_the_base_address_loses_its_last_slash(self):
        assert read(base_url=BASE + "/").base_url == BASE

    def test_spaces_around_an_address_are_no_part_of_it(self):
        assert read(base_url=f"  {BASE} ").base_url == BASE

    def test_scopes_are_divided_at_spaces(self):
        chosen = read(scopes="system/DocumentReference.write  system/Binary.read")
        assert chosen.scopes == ("system/DocumentReference.write", "system/Binary.read")

    def test_an_empty_choice_is_the_usual_one(self):
        assert read(grant="", client_auth="", profile="", section_name="", scope_style="").grant == "client_credentials"

    def test_a_server_that_knows_no_expect_can_be_spared_it(self):
        assert read(expect_continue=False).expect_continue is False

    def test_a_public_client_may_act_for_a_person(self):
        chosen = read(grant="authorization_code", client_auth="none", secrets={})
        assert (chosen.grant, chosen.client_auth) == ("authorization_code", "none")

    def test_secrets_do_not_show_when_settings_are_printed(self):
        hidden = {
            "client_secret": "topsecret",
            "signing_key_pem": "thekey",
            "client_cert_pem": "thecert",
            "client_key_pem": "itskey",
        }
        printed = repr(read(secrets=hidden))
        assert [word for word in hidden.values() if word in printed] == []


class TestAnAddress:
    @pytest.mark.parametrize(
        "url",
        [
            "https://fhir4.example.org/fhir/r4/LAKESI",
            "https://fhir4.example.org:8443/fhir",
            "https://192.0.2.7/fhir",
            "https://[2001:db8::7]/fhir",
            "HTTPS://FHIR4.EXAMPLE.ORG/x",
        ],
    )
    def test_of_https_is_taken_as_given(self, url):
        assert web_address(url, "production", "The base address") == url

    def test_in_clear_text_is_for_sandboxes_only(self):
        assert web_address("http://127.0.0.1:8080/fhir", "sandbox", "The base address")
        with pytest.raises(ValueError, match=r"^The base address must begin with https:// in production\.$"):
            web_address("http://127.0.0.1:8080/fhir", "production", "The base address")

    @pytest.mark.parametrize(
        "url", ["", "fhir4.example.org", "ftp://x/y", "//x/y", "https://", "https:///fhir", "file:///etc"]
    )
    def test_without_scheme_or_host_is_refused(self, url):
        with pytest.raises(ValueError, match=r"^The base address must begin with https:// and name a host\.$"):
            web_address(url, "sandbox", "The base address")

    @pytest.mark.parametrize("url", ["https://a b/", "https://a\\b/", "https://a/\n", "https://a/ b", "https://a\t/"])
    def test_with_blanks_or_backslashes_is_refused(self, url):
        with pytest.raises(ValueError, match=r"^The base address must begin with https:// and name a host\.$"):
            web_address(url, "sandbox", "The base address")

    @pytest.mark.parametrize("url", ["https://a:port/", "https://a:99999/", "https://[::1/"])
    def test_that_cannot_be_taken_apart_is_refused(self, url):
        with pytest.raises(ValueError, match=r"^The base address is not an address of a web service\.$"):
            web_address(url, "sandbox", "The base address")

    @pytest.mark.parametrize(
        "url", ["https://me@a/", "https://me:secret@a/", "https://a/?x=1", "https://a/#x", "https://a/?"]
    )
    def test_with_a_user_or_a_query_is_refused(self, url):
        with pytest.raises(ValueError, match=r"^The base address must not carry a user name, \? or #\.$"):
            web_address(url, "sandbox", "The base address")


class TestARefusal:
    def test_of_a_missing_base_address(self):
        assert refused(base_url="") == "The base address must begin with https:// and name a host."

    def test_of_a_token_endpoint_names_it(self):
        assert refused(token_url="nonsense") == "The token endpoint must begin with https:// and name a host."

    def test_of_an_authorization_endpoint_names_it(self):
        said = refused(authorize_url="https://x/?a=1")
        assert said == "The authorization endpoint must not carry a user name, ? or #."

    def test_of_a_clear_token_endpoint_in_production(self):
        said = refused("production", token_url="http://x/token")
        assert said == "The token endpoint must begin with https:// in production."

    def test_of_an_unknown_environment(self):
        assert refused("staging") == "Environment must be one of sandbox, production."

    def test_of_an_unknown_grant(self):
        assert refused(grant="password") == "Grant must be one of client_credentials, authorization_code."

    def test_of_an_unknown_client_authentication(self):
        assert refused(client_auth="client_secret_jwt") == (
            "Client auth must be one of private_key_jwt, client_secret_basic, client_secret_post, none."
        )

    def test_of_an_unknown_profile(self):
        assert refused(profile="notes") == "Profile must be one of clinical-notes, document."

    def test_of_an_unknown_form_of_document(self):
        assert refused(document_form="docx") == "Document form must be one of text, pdf, ccda."

    def test_of_an_unknown_naming_of_sections(self):
        assert refused(section_name="heading") == "Section name must be one of label, field_id."

    def test_of_an_unknown_spelling_of_scopes(self):
        assert refused(scope_style="v3") == "Scope style must be one of v1, v2."

    @pytest.mark.parametrize("client_id", ["", " ", "a b", "naïve", "a\nb"])
    def test_of_a_client_id_that_none_is(self, client_id):
        assert refused(client_id=client_id) == "The client id is missing, or holds characters that none has."

    def test_of_a_public_backend_service(self):
        assert refused(client_auth="none") == (
            "A public client cannot use client credentials: choose authorization code, or a secret."
        )

    @pytest.mark.parametrize("way", ["client_secret_basic", "client_secret_post"])
    def test_of_a_missing_client_secret(self, way):
        assert refused(client_auth=way) == "The client secret is missing."

    def test_of_a_missing_signing_key(self):
        assert refused(secrets={}) == "The signing key is missing."

    @pytest.mark.parametrize("half", ["client_cert_pem", "client_key_pem"])
    def test_of_half_a_client_certificate(self, half):
        assert refused(secrets={**KEY, half: "pem"}) == (
            "A client certificate needs its key, and a client key its certificate."
        )

    @pytest.mark.parametrize("wrong", [0, -1, 61, "long"])
    def test_of_a_time_that_no_call_may_take(self, wrong):
        assert refused(call_seconds=wrong).startswith("call_seconds must be ")

    def test_of_an_expectation_that_is_neither_yes_nor_no(self):
        assert refused(expect_continue="yes") == "expect_continue must be true or false."
