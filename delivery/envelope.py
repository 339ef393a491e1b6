"""What stands around a message on its way: where it goes, headers without a secret, MSH by the names of its fields."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from delivery.channels import fhir_settings, openapi_settings
from delivery.channels.setting_values import text
from delivery.message_tree import tree
from portal.models import Connection

Lines = list[tuple[str, str]]
Settings = Mapping[str, Any]
SECRET = "withheld"  # noqa: S105 (what stands in place of one)

# HL7 v2.5.1, 2.15.9 (CH02): the fields of MSH that are ever filled.
MSH = {
    "MSH-1": "Field separator",
    "MSH-2": "Encoding characters",
    "MSH-3": "Sending application",
    "MSH-4": "Sending facility",
    "MSH-5": "Receiving application",
    "MSH-6": "Receiving facility",
    "MSH-7": "Date and time of the message",
    "MSH-8": "Security",
    "MSH-9": "Message type",
    "MSH-10": "Control id",
    "MSH-11": "Processing id",
    "MSH-12": "Version",
    "MSH-13": "Sequence number",
    "MSH-14": "Continuation pointer",
    "MSH-15": "Accept acknowledgement",
    "MSH-16": "Application acknowledgement",
    "MSH-17": "Country",
    "MSH-18": "Character set",
    "MSH-19": "Language",
    "MSH-20": "Alternate character set",
    "MSH-21": "Message profile",
}


@dataclass(frozen=True)
class HeaderField:
    """One field of MSH: its address, what the standard calls it, and what stands in it."""

    address: str
    name: str
    value: str


def msh(content_type: str, lines: Sequence[str]) -> list[HeaderField]:
    """The filled fields of the header, in order; none for what is no HL7 v2. Nothing of a patient is in it."""
    found: dict[str, list[str]] = {}
    for address, value in tree(content_type, [line for line in lines if line.startswith("MSH")][:1]):
        found.setdefault(address.partition(".")[0], []).append(value)
    return [HeaderField(address, MSH.get(address, ""), " ".join(values)) for address, values in found.items()]


def request_of(connection: Connection | None, content_type: str) -> Lines:
    """Where the connection sends a message and with which headers, as it is set now; [] where it cannot be said."""
    told = TOLD.get(connection.kind) if connection else None
    try:
        return told(connection.settings, content_type) if connection and told else []
    except ValueError:  # settings of a kind that no message leaves with
        return []


def _mllp(settings: Settings, content_type: str) -> Lines:
    tls = "TLS" if settings.get("tls") else "none; a VPN carries it" if settings.get("vpn") else "none"
    place = f"{text(settings, 'host')}:{settings.get('port', '')}"
    return [("MLLP to", place), ("Encryption", tls), ("Frame", "0x0B, the message, 0x1C 0x0D")]


def _fhir(settings: Settings, content_type: str) -> Lines:
    expects = settings.get("expect_continue", True) is not False
    headers = fhir_settings.post_headers(SECRET, expects)
    return _post(text(settings, "base_url").rstrip("/"), headers, content_type)


def _openapi(settings: Settings, content_type: str) -> Lines:
    own = openapi_settings.OpenApiSettings(
        text(settings, "base_url").rstrip("/"), text(settings, "practice_code"), text(settings, "facility"), SECRET
    )
    return _post(own.notes_url, own.post_headers(), content_type)


def _post(address: str, headers: Mapping[str, str], content_type: str) -> Lines:
    kind = {"Content-Type": content_type} if content_type else {}
    return [("POST", address), *{**headers, **kind}.items()]


def _folder(settings: Settings, content_type: str) -> Lines:
    return [("File in", text(settings, "folder")), ("Named", f"{text(settings, 'prefix')}<control id>.xml")]


def _sftp(settings: Settings, content_type: str) -> Lines:
    place = f"{text(settings, 'host')}:{settings.get('port', 22)}"
    return [("SFTP to", place), ("Directory", text(settings, "directory")), ("Password or key", SECRET)]


TOLD: dict[str, Callable[[Settings, str], Lines]] = {
    "hl7": _mllp,
    "fhir": _fhir,
    "openapi": _openapi,
    "ccda-folder": _folder,
    "ccda-sftp": _sftp,
}
