"""The settings of each way events come in, checked once, then frozen; ValueError in plain words for wrong ones."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from delivery.channels.setting_values import text, whole
from delivery.events.kinds import MAY_START

SIGNED = ("body", "timestamp.body", "id.timestamp.body")
PATIENT_FIELDS = ("PID-2", "PID-3", "PID-4")
HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")
PATH = re.compile(r"[A-Za-z0-9_]{1,40}(\.[A-Za-z0-9_]{1,40}){0,4}")
PRACTITIONER = re.compile(r"[A-Za-z0-9._-]{1,64}")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Starting:
    """Which kinds of events start capture, and how long after they happened they still may."""

    starts_on: tuple[str, ...] = MAY_START
    within_minutes: int = 720

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> "Starting":
        given = settings.get("starts_on", list(MAY_START))
        if not isinstance(given, list) or set(given) - set(MAY_START):
            raise ValueError("What starts capture must be some of the known events.")
        return cls(tuple(given), _between(settings, "within_minutes", 720, 1, 2880))


@dataclass(frozen=True)
class WebhookSettings:
    """Names of headers, what is signed, and where in the body each value stands: all of it assumed of eCW."""

    signature_header: str = "X-Signature"
    timestamp_header: str = "X-Timestamp"
    id_header: str = "X-Event-Id"
    signed: str = "body"
    kind_path: str = "type"
    time_path: str = "occurred_at"
    encounter_path: str = "encounter.id"
    patient_path: str = "patient.id"
    provider_path: str = "provider.id"

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> "WebhookSettings":
        values = {name: text(settings, name).strip() or default for name, default in _defaults(cls).items()}
        for name, value in values.items():
            rule = HEADER if name.endswith("_header") else PATH
            if name != "signed" and not rule.fullmatch(value):
                raise ValueError(f"{name.replace('_', ' ').capitalize()} holds characters that no such name has.")
        if values["signed"] not in SIGNED:
            raise ValueError(f"What is signed must be one of {', '.join(SIGNED)}.")
        return cls(**values)


@dataclass(frozen=True)
class PollSettings:
    """Whose encounters are asked for, and how often."""

    practitioners: tuple[str, ...]
    every_minutes: int = 2
    locations: tuple[str, ...] = ()  # FHIR ids at eCW; empty: wherever a practitioner works

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> "PollSettings":
        named = tuple(text(settings, "practitioners").split())
        if not named:
            raise ValueError("Name at least one practitioner by the FHIR id.")
        if any(not PRACTITIONER.fullmatch(each) for each in named):
            raise ValueError("A practitioner's FHIR id has letters, digits, dots, hyphens and underscores only.")
        places = tuple(text(settings, "locations").split())
        if any(not PRACTITIONER.fullmatch(each) for each in places):
            raise ValueError("A location's FHIR id has letters, digits, dots, hyphens and underscores only.")
        return cls(named, _between(settings, "every_minutes", 2, 1, 15), places)


@dataclass(frozen=True)
class FeedSettings:
    """The port that eCW's ADT and SIU messages come to, and from which networks they may come."""

    port: int
    peers: tuple[Network, ...]
    patient_field: str = "PID-2"

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> "FeedSettings":
        try:
            peers = tuple(ipaddress.ip_network(each) for each in text(settings, "peers").split())
        except ValueError:
            raise ValueError("Peers are networks such as 10.20.0.0/16, separated by spaces.") from None
        if not peers:
            raise ValueError("Name at least one network that the feed may come from.")
        patient = text(settings, "patient_field") or "PID-2"
        if patient not in PATIENT_FIELDS:
            raise ValueError(f"The patient's id stands in one of {', '.join(PATIENT_FIELDS)}.")
        return cls(_between(settings, "port", 0, 1024, 65535), peers, patient)

    def lets_in(self, address: str) -> bool:
        """Whether a caller of this address may speak."""
        caller = ipaddress.ip_address(address.partition("%")[0])
        return any(caller in network for network in self.peers)


def _between(settings: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = whole(settings, name, default)
    if not least <= value <= most:
        raise ValueError(f"{name.replace('_', ' ').capitalize()} must be from {least} to {most}.")
    return value


def _defaults(of: type) -> dict[str, str]:
    return {name: getattr(of, name) for name in of.__dataclass_fields__}  # type: ignore[attr-defined]


READ: dict[str, Any] = {"webhook": WebhookSettings.read, "poll": PollSettings.read, "mllp": FeedSettings.read}
