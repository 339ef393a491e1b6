"""The settings of a FHIR connection: where it answers, how it signs in, what it writes (docs/channels/fhir.md)."""

from typing import Any

from django import forms

from portal.forms.openapi import plain_token
from portal.forms.tls import CLIENT, TLS_FIELDS, TlsForm
from portal.forms.widgets import SecretInput
from portal.models import Connection, ConnectionKind, Practice
from portal.signing import new_key
from portal.targets import check_url

GRANTS = {
    "client_credentials": "Backend service: signs in by itself (client credentials)",
    "authorization_code": "A person connects it once (authorization code with PKCE)",
}
CLIENT_AUTHS = {
    "private_key_jwt": "A key of our own (private_key_jwt, RS384)",
    "client_secret_basic": "A client secret, in the header",
    "client_secret_post": "A client secret, in the body",
    "none": "Nothing: a public client",
}
PROFILES = {
    "clinical-notes": "Section by section into the Progress Note (Clinical Notes: text/hl7v2)",
    "document": "One document beside the Progress Note: sections cannot be routed to fields",
}
FORMS = {
    "text": "Plain text",
    "pdf": "PDF: looks the same everywhere, and cannot be read back by section",
    "ccda": "C-CDA R2.1 Progress Note: coded sections, and a person still has to take it over",
}
DIAGNOSES_AS = {
    "encounter-diagnosis": "Diagnoses of the encounter",
    "problem-list-item": "Entries of the problem list",
}
SECTION_NAMES = {"label": "The field's label, as in the template", "field_id": "The field's identifier"}


def _choice(label: str, choices: dict[str, str], help_text: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=list(choices.items()), widget=forms.RadioSelect, help_text=help_text)


def _address(label: str, help_text: str) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=500, help_text=help_text)


class FhirForm(TlsForm):
    """Notes are written and charts read through it."""

    kind = ConnectionKind.FHIR
    assumed = frozenset(
        {"section_name", "calls_per_minute", "profile", "audience", "diagnoses_as", "drug_system", "medication_type"}
    )
    wide = frozenset(
        {
            "name",
            "base_url",
            "grant",
            "client_auth",
            "profile",
            "document_form",
            "section_name",
            "scopes",
            "ca_pem",
            "diagnoses_as",
        }
    )
    secret_fields = ("client_secret", *CLIENT)
    sections = (
        ("", "", ("name", "environment", "enabled")),
        ("Where it answers", "", ("base_url", "practice_code", "calls_per_minute", "call_seconds")),
        (
            "How it signs in",
            "OAuth 2.0; where the authorization server is, is discovered unless you say it.",
            (
                "grant",
                "client_id",
                "client_auth",
                "client_secret",
                "renew_key",
                "authorize_url",
                "token_url",
                "audience",
                "scope_style",
                "scopes",
            ),
        ),
        (
            "What it writes",
            "Section by section is what Scribeport is for; a document is what remains where eCW has not opened that.",
            ("profile", "section_name", "document_form"),
        ),
        (
            "Coded entries",
            "Where diagnoses, medications and the like go by this connection. eCW keeps most of them in its App Data "
            "until a person takes them over.",
            ("diagnoses_as", "drug_system", "medication_type"),
        ),
        (
            "Before a note is sent",
            "One call for each visit, out of the calls a minute. Needs the right to read Encounter.",
            ("check_encounter",),
        ),
        ("For probes", "Used instead of a patient's chart.", ("test_patient_id", "test_encounter_id")),
        ("Encryption", "TLS 1.2 or newer; the certificate and its name are always checked.", TLS_FIELDS),
    )

    base_url = forms.CharField(
        label="Base address", max_length=500, help_text="With the practice's code at its end: https://…/fhir/r4/ABCDEF"
    )
    practice_code = forms.RegexField(r"^[A-Za-z0-9]{2,20}$", help_text="The practice's code at eCW, often six letters.")
    calls_per_minute = forms.IntegerField(
        label="Calls a minute",
        min_value=1,
        max_value=10_000,
        initial=250,
        help_text="Per practice code, sign-ins included, shared by all workers.",
    )
    call_seconds = forms.IntegerField(
        label="Wait for an answer", min_value=1, max_value=60, initial=30, help_text="Seconds; then it is unknown."
    )
    check_encounter = forms.BooleanField(
        label="Look the encounter up, and hold a note of another patient",
        required=False,
        help_text="Also for notes that go by another connection, at locations that read through this one.",
    )
    grant = _choice("Sign-in", GRANTS)
    client_id = forms.CharField(max_length=300, validators=[plain_token], help_text="As eCW issued it.")
    client_auth = _choice("Proof of who we are", CLIENT_AUTHS)
    client_secret = forms.CharField(required=False, max_length=4000, widget=SecretInput, validators=[plain_token])
    renew_key = forms.BooleanField(
        label="Make a new signing key", required=False, help_text="The new public key must then be registered at eCW."
    )
    authorize_url = _address("Authorization endpoint", "Empty: as discovered.")
    token_url = _address("Token endpoint", "Empty: as discovered.")
    audience = _address("Audience of the assertion", "Empty: the token endpoint.")
    scope_style = forms.ChoiceField(
        label="Spelling of scopes", choices=[("v1", "v1: .read, .write"), ("v2", "v2: .rs, .cu")]
    )
    scopes = forms.CharField(
        required=False,
        max_length=2000,
        help_text="Empty: only what the routes of this connection need. Otherwise exactly these, with spaces between.",
    )
    profile = _choice("Profile", PROFILES)
    section_name = _choice("A section is called (OBR-4)", SECTION_NAMES)
    document_form = _choice("Form of a document", FORMS, "Used by the document profile only.")
    diagnoses_as = _choice("Diagnoses are sent as", DIAGNOSES_AS)
    drug_system = forms.CharField(
        label="System of eCW's drug ids", required=False, max_length=200, help_text="Empty: urn:ecw:drug."
    )
    medication_type = forms.CharField(
        label="Type of a medication", required=False, max_length=60, help_text="Empty: patientspecified. (eCW's 2026.)"
    )
    test_patient_id = forms.CharField(label="Test patient", required=False, max_length=64, help_text="FHIR id.")
    test_encounter_id = forms.CharField(label="Test encounter", required=False, max_length=64, help_text="FHIR id.")

    def __init__(self, practice: Practice, connection: Connection | None, data: Any = None) -> None:
        super().__init__(practice, connection, data)
        usual = {
            "grant": "client_credentials",
            "client_auth": "private_key_jwt",
            "profile": "clinical-notes",
            "section_name": "label",
            "document_form": "text",
            "diagnoses_as": "encounter-diagnosis",
            "scope_style": "v1",
        }
        self.initial = {**usual, **self.initial}
        if connection is None:
            del self.fields["renew_key"]

    def clean_base_url(self) -> str:
        address: str = self.cleaned_data["base_url"].strip().rstrip("/")
        return address

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in ("base_url", "authorize_url", "token_url"):
            if cleaned.get(name):
                self._check_address(name, cleaned[name])
        method, by_itself = cleaned.get("client_auth"), cleaned.get("grant") == "client_credentials"
        if method == "none" and by_itself:
            self.add_error("client_auth", "A backend service needs a key or a secret.")
        if method in ("client_secret_basic", "client_secret_post") and not self._has("client_secret"):
            self.add_error("client_secret", "This way needs the client secret.")
        return cleaned

    def _check_address(self, name: str, address: str) -> None:
        self.check_reachable(name, lambda: check_url(address, tls_required=self.production))

    def _has(self, name: str) -> bool:
        return bool(self.cleaned_data.get(name) or (self.connection and name in self.connection.secrets()))

    def secrets(self) -> dict[str, str | None]:
        given = super().secrets()
        keyed = self.cleaned_data["client_auth"] == "private_key_jwt"
        if keyed and (self.cleaned_data.get("renew_key") or not self._has("signing_key_pem")):
            given["signing_key_pem"] = new_key()
        return given

    def settings(self) -> dict[str, Any]:
        return {name: value for name, value in super().settings().items() if name != "renew_key"}
