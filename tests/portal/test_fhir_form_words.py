"""Each mistake in the form of a FHIR connection, in the words a person reads beside the field."""

import pytest

from portal.forms.fhir import CLIENT_AUTHS, FORMS, GRANTS, PROFILES, SECTION_NAMES, FhirForm
from portal.models import Connection
from tests.portal.pem import Papers
from tests.portal.test_fhir_form import fhir

pytestmark = pytest.mark.alike  # forms judge before they save

REQUIRED = "This field is required."


@pytest.fixture(scope="module")
def papers() -> Papers:
    return Papers()


def said(form, field: str) -> list[str]:
    form.is_valid()
    return list(form.errors.get(field, []))


def new(cast, **changes) -> FhirForm:
    return FhirForm(cast.practice, None, fhir(**changes))


class TestAGoodForm:
    def test_has_no_complaint(self, cast):
        assert new(cast).is_valid()

    def test_gives_the_settings_its_channel_reads(self, cast):
        form = new(cast)
        assert form.is_valid()
        assert form.settings() == {
            "check_encounter": False,
            "audience": "",
            "authorize_url": "",
            "base_url": "http://127.0.0.1:8575/fhir/r4/LAKESI",
            "ca_pem": "",
            "call_seconds": 30,
            "calls_per_minute": 250,
            "client_auth": "private_key_jwt",
            "client_id": "scribeport",
            "diagnoses_as": "encounter-diagnosis",
            "document_form": "text",
            "drug_system": "",
            "grant": "client_credentials",
            "medication_type": "",
            "practice_code": "LAKESI",
            "profile": "clinical-notes",
            "relaxed_x509": False,
            "scope_style": "v1",
            "scopes": "",
            "section_name": "label",
            "test_encounter_id": "",
            "test_patient_id": "",
            "token_url": "",
        }

    def test_begins_with_what_ecw_is_known_to_want(self, cast):
        """ecw.md: private_key_jwt with RS384, 250 calls a minute, notes section by section."""
        form = FhirForm(cast.practice, None)
        assert form["client_auth"].value() == "private_key_jwt"
        assert form["calls_per_minute"].value() == 250
        assert form["profile"].value() == "clinical-notes"
        assert form["grant"].value() == "client_credentials"

    def test_says_of_each_assumption_that_it_is_one(self):
        assert FhirForm.assumed == {
            *("section_name", "calls_per_minute", "profile", "audience"),
            *("diagnoses_as", "drug_system", "medication_type"),
        }

    def test_shows_every_field_under_a_heading(self, cast):
        form = FhirForm(cast.practice, None)
        shown = {field.name for _, _, fields in form.parts() for field in fields}
        assert shown == set(form.fields)


class TestWhereItAnswers:
    def test_must_be_named(self, cast):
        assert said(new(cast, base_url=""), "base_url") == [REQUIRED]

    def test_must_be_a_web_address(self, cast):
        words = ["The address must begin with https:// and name a host."]
        assert said(new(cast, base_url="ftp://127.0.0.1/fhir"), "base_url") == words

    def test_must_not_be_where_no_receiver_is(self, cast):
        words = ["This host leads to an address that no receiver can have."]
        assert said(new(cast, base_url="http://169.254.169.254/fhir"), "base_url") == words

    def test_must_be_a_host_that_is_known(self, cast):
        words = ["The name server of this installation does not know this host."]
        assert said(new(cast, base_url="https://no-such-host.invalid/fhir"), "base_url") == words

    def test_must_be_encrypted_in_production(self, cast):
        words = ["Production is reached by https:// only."]
        assert said(new(cast, environment="production"), "base_url") == words

    def test_must_end_before_a_query(self, cast):
        words = ["The address must end before any ? or #."]
        assert said(new(cast, base_url="http://127.0.0.1/fhir?x=1"), "base_url") == words

    def test_loses_the_slash_at_its_end(self, cast):
        form = new(cast, base_url="http://127.0.0.1:8575/fhir/r4/LAKESI///")
        assert form.is_valid()
        assert form.cleaned_data["base_url"] == "http://127.0.0.1:8575/fhir/r4/LAKESI"

    @pytest.mark.parametrize("code", ["L", "x" * 21, "LAKE SI", "LAKE-SI", "LÄKESI"])
    def test_has_a_practice_code_of_letters_and_digits(self, cast, code):
        assert said(new(cast, practice_code=code), "practice_code") == ["Enter a valid value."]

    @pytest.mark.parametrize("name", ["authorize_url", "token_url"])
    def test_may_name_endpoints_of_its_own_under_the_same_rules(self, cast, name):
        words = ["This host leads to an address that no receiver can have."]
        assert said(new(cast, **{name: "http://169.254.169.254/token"}), name) == words

    @pytest.mark.parametrize("name", ["authorize_url", "token_url"])
    def test_carries_no_password_in_an_endpoint(self, cast, name):
        words = ["The address must not carry a user name or password."]
        assert said(new(cast, **{name: "http://me:hush@127.0.0.1/token"}), name) == words


class TestItsPace:
    @pytest.mark.parametrize(
        "given, words",
        [
            ("0", "Ensure this value is greater than or equal to 1."),
            ("10001", "Ensure this value is less than or equal to 10000."),
            ("fast", "Enter a whole number."),
            ("", REQUIRED),
        ],
    )
    def test_is_so_many_calls_a_minute(self, cast, given, words):
        assert said(new(cast, calls_per_minute=given), "calls_per_minute") == [words]

    @pytest.mark.parametrize(
        "given, words",
        [
            ("0", "Ensure this value is greater than or equal to 1."),
            ("61", "Ensure this value is less than or equal to 60."),
            ("", REQUIRED),
        ],
    )
    def test_waits_so_many_seconds(self, cast, given, words):
        assert said(new(cast, call_seconds=given), "call_seconds") == [words]


class TestHowItSignsIn:
    def test_needs_a_client_id(self, cast):
        assert said(new(cast, client_id=""), "client_id") == [REQUIRED]

    def test_has_a_client_id_that_can_stand_in_a_header(self, cast):
        words = ["A token has no spaces, line ends or special characters."]
        assert said(new(cast, client_id="two words"), "client_id") == words
        assert said(new(cast, client_id="naïve"), "client_id") == words

    def test_as_a_service_needs_a_proof(self, cast):
        words = ["A backend service needs a key or a secret."]
        assert said(new(cast, client_auth="none"), "client_auth") == words

    def test_as_a_person_may_be_a_public_client(self, cast):
        assert new(cast, client_auth="none", grant="authorization_code").is_valid()

    @pytest.mark.parametrize("way", ["client_secret_basic", "client_secret_post"])
    def test_by_a_secret_needs_the_secret(self, cast, way):
        assert said(new(cast, client_auth=way), "client_secret") == ["This way needs the client secret."]

    @pytest.mark.parametrize("way", ["client_secret_basic", "client_secret_post"])
    def test_by_a_secret_is_complete_with_it(self, cast, way):
        form = new(cast, client_auth=way, client_secret="hush")
        assert form.is_valid()
        assert form.secrets() == {"client_secret": "hush"}

    def test_by_a_key_makes_one(self, cast):
        form = new(cast)
        assert form.is_valid()
        assert form.secrets()["signing_key_pem"].startswith("-----BEGIN PRIVATE KEY-----\n")

    def test_never_repeats_a_secret_that_was_typed(self, cast):
        form = new(cast, client_auth="client_secret_post", client_secret="top secret")
        assert said(form, "client_secret") != []
        assert "top secret" not in str(form) + str(form.errors)

    def test_asks_for_a_new_key_only_where_there_was_one(self, cast):
        assert "renew_key" not in new(cast).fields

    @pytest.mark.parametrize(
        "field, given",
        [
            ("grant", "password"),
            ("client_auth", "client_secret_jwt"),
            ("scope_style", "v3"),
            ("profile", "magic"),
            ("section_name", "guess"),
            ("document_form", "docx"),
        ],
    )
    def test_knows_its_choices_and_no_other(self, cast, field, given):
        words = [f"Select a valid choice. {given} is not one of the available choices."]
        assert said(new(cast, **{field: given}), field) == words

    def test_offers_these(self):
        assert list(GRANTS) == ["client_credentials", "authorization_code"]
        assert list(CLIENT_AUTHS) == ["private_key_jwt", "client_secret_basic", "client_secret_post", "none"]
        assert list(PROFILES) == ["clinical-notes", "document"]
        assert list(FORMS) == ["text", "pdf", "ccda"]
        assert list(SECTION_NAMES) == ["label", "field_id"]


class TestItsCertificates:
    def test_of_an_authority_must_be_one(self, cast):
        words = ["This is not a certificate in PEM (-----BEGIN CERTIFICATE-----)."]
        assert said(new(cast, ca_pem="hello"), "ca_pem") == words

    def test_of_an_authority_must_not_have_ended(self, cast, papers):
        (words,) = said(new(cast, ca_pem=papers.expired), "ca_pem")
        assert words.startswith("This certificate expired on ")

    def test_of_its_own_come_with_the_key(self, cast, papers):
        words = ["Give the certificate and its key together."]
        assert said(new(cast, client_cert_pem=papers.certificate), "client_cert_pem") == words
        assert said(new(cast, client_key_pem=papers.key), "client_cert_pem") == words

    def test_of_its_own_fit_the_key(self, cast, papers):
        form = new(cast, client_cert_pem=papers.certificate, client_key_pem=papers.other_key)
        assert said(form, "client_cert_pem") == ["This key does not belong to the certificate above."]

    def test_of_its_own_have_no_passphrase(self, cast, papers):
        form = new(cast, client_cert_pem=papers.certificate, client_key_pem=papers.locked_key)
        words = ["This key is protected by a passphrase; give it without one: it is encrypted here."]
        assert said(form, "client_cert_pem") == words

    def test_that_fit_are_kept_among_the_secrets(self, cast, papers):
        form = new(cast, client_cert_pem=papers.certificate, client_key_pem=papers.key)
        assert form.is_valid()
        assert {"client_cert_pem", "client_key_pem"} <= set(form.secrets())
        assert not {"client_cert_pem", "client_key_pem"} & set(form.settings())


class TestItsName:
    def test_is_one_of_its_own(self, cast):
        words = ["Another connection already has this name."]
        assert said(new(cast, name=cast.hl7.name), "name") == words

    def test_may_be_another_practices(self, cast):
        Connection.objects.create(
            practice=cast.elsewhere.practice, name="Taken there", kind="fhir", environment="sandbox", settings={}
        )
        assert said(new(cast, name="Taken there"), "name") == []

    def test_may_stay_when_it_is_changed(self, cast):
        made = Connection.objects.create(
            practice=cast.practice, name="Mine", kind="fhir", environment="sandbox", settings={}
        )
        form = FhirForm(cast.practice, made, fhir(name="Mine", environment=None))
        assert said(form, "name") == []

    def test_has_at_most_a_hundred_characters(self, cast):
        words = ["Ensure this value has at most 100 characters (it has 101)."]
        assert said(new(cast, name="x" * 101), "name") == words
