"""The settings of a FHIR connection, its way to tokens among them, checked once and then frozen."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from delivery.channels.hl7_settings import PROCESSING_IDS
from delivery.channels.setting_values import seconds, text, yes_or_no

GRANTS = ("client_credentials", "authorization_code")
CLIENT_AUTHS = ("private_key_jwt", "client_secret_basic", "client_secret_post", "none")
PROFILES = ("clinical-notes", "document")
FORMS = ("text", "pdf", "ccda")
SECTION_NAMES = ("label", "field_id")
SCOPE_STYLES = ("v1", "v2")
DIAGNOSES_AS = ("encounter-diagnosis", "problem-list-item")
DRUG_SYSTEM, MEDICATION_TYPE = "urn:ecw:drug", "patientspecified"
_VISIBLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class FhirSettings:
    """How one FHIR connection is reached, how it gets its tokens, and what it writes. Times are seconds.

    `base_url` ends with the practice's code. `authorize_url` and `token_url` empty: as discovered. `audience` empty:
    the token endpoint. `scopes` empty: what the connection's routes need. `section_name` says what of a template's
    field names a section in OBR-4.
    """

    base_url: str
    environment: str
    client_id: str
    practice_code: str = ""
    grant: str = "client_credentials"
    client_auth: str = "private_key_jwt"
    authorize_url: str = ""
    token_url: str = ""
    audience: str = ""
    scopes: tuple[str, ...] = ()
    scope_style: str = "v1"
    profile: str = "clinical-notes"
    document_form: str = "text"
    section_name: str = "label"
    diagnoses_as: str = "encounter-diagnosis"
    drug_system: str = DRUG_SYSTEM
    medication_type: str = MEDICATION_TYPE
    call_seconds: float = 30.0
    expect_continue: bool = True
    ca_pem: str = ""
    relaxed_x509: bool = False
    client_secret: str = field(default="", repr=False)
    signing_key_pem: str = field(default="", repr=False)
    client_cert_pem: str = field(default="", repr=False)
    client_key_pem: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        _check_choices(self)
        _check_client(self)

    @classmethod
    def read(cls, settings: Mapping[str, Any], secrets: Mapping[str, str], environment: str) -> "FhirSettings":
        """From a Connection's settings and opened secrets; ValueError says in plain words what is wrong."""
        if environment not in PROCESSING_IDS:
            raise ValueError(f"Environment must be one of {', '.join(PROCESSING_IDS)}.")
        addresses = {name: text(settings, name).strip() for name in ("authorize_url", "token_url")}
        return cls(
            base_url=web_address(text(settings, "base_url").strip(), environment, "The base address").rstrip("/"),
            environment=environment,
            client_id=text(settings, "client_id").strip(),
            practice_code=text(settings, "practice_code").strip(),
            grant=text(settings, "grant") or "client_credentials",
            client_auth=text(settings, "client_auth") or "private_key_jwt",
            authorize_url=_optional(addresses["authorize_url"], environment, "The authorization endpoint"),
            token_url=_optional(addresses["token_url"], environment, "The token endpoint"),
            audience=text(settings, "audience").strip(),
            scopes=tuple(text(settings, "scopes").split()),
            scope_style=text(settings, "scope_style") or "v1",
            profile=text(settings, "profile") or "clinical-notes",
            document_form=text(settings, "document_form") or "text",
            section_name=text(settings, "section_name") or "label",
            diagnoses_as=text(settings, "diagnoses_as") or "encounter-diagnosis",
            drug_system=text(settings, "drug_system").strip() or DRUG_SYSTEM,
            medication_type=text(settings, "medication_type").strip() or MEDICATION_TYPE,
            call_seconds=seconds(settings, "call_seconds", 30.0, most=60.0),
            expect_continue=yes_or_no({"expect_continue": True, **settings}, "expect_continue"),
            ca_pem=text(settings, "ca_pem"),
            relaxed_x509=yes_or_no(settings, "relaxed_x509"),
            client_secret=text(secrets, "client_secret"),
            signing_key_pem=text(secrets, "signing_key_pem"),
            client_cert_pem=text(secrets, "client_cert_pem"),
            client_key_pem=text(secrets, "client_key_pem"),
        )


def post_headers(token: str, expect_continue: bool) -> dict[str, str]:
    """What a transaction is posted with, beside its content type."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
    return headers | ({"Expect": "100-continue"} if expect_continue else {})


def web_address(url: str, environment: str, what: str) -> str:
    """The address as it was given; ValueError unless it is one that tokens and notes may be sent to."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError(f"{what} is not an address of a web service.") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or re.search(r"[\s\\\x00-\x1f\x7f]", url):
        raise ValueError(f"{what} must begin with https:// and name a host.")
    if parts.scheme == "http" and environment == "production":
        raise ValueError(f"{what} must begin with https:// in production.")
    if parts.username is not None or "?" in url or "#" in url:
        raise ValueError(f"{what} must not carry a user name, ? or #.")
    return url


def _optional(url: str, environment: str, what: str) -> str:
    return web_address(url, environment, what) if url else ""


def _check_choices(settings: FhirSettings) -> None:
    for name, allowed in (
        ("grant", GRANTS),
        ("client_auth", CLIENT_AUTHS),
        ("profile", PROFILES),
        ("document_form", FORMS),
        ("section_name", SECTION_NAMES),
        ("scope_style", SCOPE_STYLES),
        ("diagnoses_as", DIAGNOSES_AS),
    ):
        if getattr(settings, name) not in allowed:
            raise ValueError(f"{name.replace('_', ' ').capitalize()} must be one of {', '.join(allowed)}.")


def _check_client(settings: FhirSettings) -> None:
    if not _VISIBLE.fullmatch(settings.client_id):
        raise ValueError("The client id is missing, or holds characters that none has.")
    if settings.client_auth == "none" and settings.grant == "client_credentials":
        raise ValueError("A public client cannot use client credentials: choose authorization code, or a secret.")
    if settings.client_auth.startswith("client_secret") and not settings.client_secret:
        raise ValueError("The client secret is missing.")
    if settings.client_auth == "private_key_jwt" and not settings.signing_key_pem:
        raise ValueError("The signing key is missing.")
    if bool(settings.client_cert_pem) != bool(settings.client_key_pem):
        raise ValueError("A client certificate needs its key, and a client key its certificate.")
