"""The settings of an HL7 connection, checked once and then frozen."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from delivery.channels.setting_values import seconds, text, whole, yes_or_no

VERSIONS = ("2.3", "2.3.1", "2.4", "2.5", "2.5.1")
ACK_MODES = ("original", "enhanced")
DOCUMENT_FORMS = ("mime", "table", "short")  # of OBX-5's type and subtype: application^pdf, AP^PDF, ^PDF
# MSH-11: what a message of this environment may call itself, the default first (HL7 table 0103).
PROCESSING_IDS = {"sandbox": ("T", "D"), "production": ("P",)}

# Delimiters and control characters: a header field that needs escaping is refused, since receivers route on it raw.
_NOT_IN_HEADER = re.compile(r"[|^~\\&\x00-\x1f\x7f\ud800-\udfff]")
_HEADER = {
    "sending_application": "MSH-3",
    "sending_facility": "MSH-4",
    "receiving_application": "MSH-5",
    "receiving_facility": "MSH-6",
}


@dataclass(frozen=True)
class Hl7Settings:
    """How one HL7 connection is reached and what its headers say. Times are seconds.

    `ack_seconds` covers the writing of a message and the wait for its answer together. `vpn` states that a VPN or a
    point-to-point link carries a production connection that does not speak TLS. `relaxed_x509` accepts certificates
    that break RFC 5280 in form (a missing key identifier); chain, dates and host are verified all the same.
    """

    host: str
    port: int
    environment: str
    receiving_facility: str
    receiving_application: str = "ECW"
    sending_application: str = "SCRIBEPORT"
    sending_facility: str = ""
    version: str = "2.5.1"
    processing_id: str = "T"
    ack_mode: str = "original"
    ack_seconds: float = 30.0
    connect_seconds: float = 10.0
    idle_seconds: float = 120.0
    sockets: int = 1
    document_code: str = "DOCUMENT"  # OBR-4 of documents
    document_field: str = "DOCUMENT"  # their OBX-3
    document_form: str = "mime"
    tls: bool = False
    vpn: bool = False
    server_name: str = ""
    ca_pem: str = ""
    relaxed_x509: bool = False
    client_cert_pem: str = field(default="", repr=False)
    client_key_pem: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        _check_address(self)
        _check_header(self)
        _check_security(self)

    @classmethod
    def read(cls, settings: Mapping[str, Any], secrets: Mapping[str, str], environment: str) -> "Hl7Settings":
        """From a Connection's settings and opened secrets; ValueError says in plain words what is wrong."""
        allowed = PROCESSING_IDS.get(environment)
        if allowed is None:
            raise ValueError(f"Environment must be one of {', '.join(PROCESSING_IDS)}.")
        return cls(
            host=text(settings, "host").strip(),
            port=whole(settings, "port", 0),
            environment=environment,
            receiving_facility=text(settings, "receiving_facility"),
            receiving_application=text(settings, "receiving_application", "ECW"),
            sending_application=text(settings, "sending_application", "SCRIBEPORT"),
            sending_facility=text(settings, "sending_facility"),
            version=text(settings, "version") or "2.5.1",
            processing_id=text(settings, "processing_id") or allowed[0],
            ack_mode=text(settings, "ack_mode") or "original",
            ack_seconds=seconds(settings, "ack_seconds", 30.0, most=60.0),
            connect_seconds=seconds(settings, "connect_seconds", 10.0, most=60.0),
            idle_seconds=seconds(settings, "idle_seconds", 120.0, most=3600.0),
            sockets=whole(settings, "sockets", 1),
            document_code=text(settings, "document_code").strip() or "DOCUMENT",
            document_field=text(settings, "document_field").strip() or "DOCUMENT",
            document_form=text(settings, "document_form") or "mime",
            tls=yes_or_no(settings, "tls"),
            vpn=yes_or_no(settings, "vpn"),
            server_name=text(settings, "server_name").strip(),
            ca_pem=text(settings, "ca_pem"),
            relaxed_x509=yes_or_no(settings, "relaxed_x509"),
            client_cert_pem=text(secrets, "client_cert_pem"),
            client_key_pem=text(secrets, "client_key_pem"),
        )


def _check_address(settings: Hl7Settings) -> None:
    if not settings.host:
        raise ValueError("Host is missing.")
    if any(character.isspace() or character in "/@" for character in settings.host):
        raise ValueError("Host must be a name or an address alone, without a path or spaces.")
    if not 1 <= settings.port <= 65535:
        raise ValueError("Port must be a number from 1 to 65535.")
    if not 1 <= settings.sockets <= 16:
        raise ValueError("Sockets must be a number from 1 to 16.")


def _check_header(settings: Hl7Settings) -> None:
    for name, place in _HEADER.items():
        value = getattr(settings, name)
        words = name.replace("_", " ").capitalize()
        if _NOT_IN_HEADER.search(value):
            raise ValueError(f"{words} ({place}) must not contain | ^ ~ \\ & or control characters.")
        if len(value) > 180:
            raise ValueError(f"{words} ({place}) must not be longer than 180 characters.")
    if not settings.receiving_facility:
        raise ValueError("Receiving facility (MSH-6) is missing: it names the location at eCW.")
    if settings.version not in VERSIONS:
        raise ValueError(f"HL7 version must be one of {', '.join(VERSIONS)}.")
    if settings.ack_mode not in ACK_MODES:
        raise ValueError(f"Acknowledgement mode must be one of {', '.join(ACK_MODES)}.")
    if settings.document_form not in DOCUMENT_FORMS:
        raise ValueError(f"The spelling of documents must be one of {', '.join(DOCUMENT_FORMS)}.")
    if any(_NOT_IN_HEADER.search(name) for name in (settings.document_code, settings.document_field)):
        raise ValueError("The codes of documents must not contain | ^ ~ \\ & or control characters.")
    allowed = PROCESSING_IDS.get(settings.environment, ())
    if settings.processing_id not in allowed:
        raise ValueError(f"Processing id (MSH-11) of this environment must be {' or '.join(allowed)}.")


def _check_security(settings: Hl7Settings) -> None:
    if settings.environment == "production" and not (settings.tls or settings.vpn):
        raise ValueError("Turn TLS on, or state that a VPN or point-to-point link carries this production connection.")
    if bool(settings.client_cert_pem) != bool(settings.client_key_pem):
        raise ValueError("A client certificate needs its key, and a client key its certificate.")
