"""The facts that a firewall team and eCW's forms ask for: addresses, ports, scopes, webhook addresses. No secret."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

from delivery.events.models import EventSource, Way
from delivery.events.settings import WebhookSettings
from delivery.oauth import scopes
from delivery.path.steps import meant_at
from delivery.webhooks.models import ScribeEndpoint
from portal.models import Connection, ConnectionKind, Location


@dataclass(frozen=True)
class Line:
    """One line for the firewall: who connects to whom, on which port, how it is protected, and what for."""

    source: str
    target: str
    port: int | str
    protection: str
    purpose: str


OURS = "this installation"
Absolute = Callable[[str], str]


def outgoing(location: Location) -> list[Line]:
    """What this installation opens: to eCW, and to the scribes it tells things."""
    lines = [line for connection in meant_at(location) for line in of_connection(connection)]
    told = ScribeEndpoint.objects.filter(
        scribe__practice=location.practice_id, environment=location.environment, enabled=True
    ).select_related("scribe")
    return lines + [of_url(each.url, f"webhooks to {each.scribe.name}") for each in told]


def of_connection(connection: Connection) -> list[Line]:
    own = connection.settings
    if connection.kind == ConnectionKind.HL7_MLLP:
        how = (
            "TLS 1.2 or newer"
            if own.get("tls")
            else "VPN or point-to-point line"
            if own.get("vpn")
            else "none (sandbox)"
        )
        return [Line(OURS, str(own.get("host", "")), own.get("port", ""), how, f"HL7 v2 over MLLP: {connection.name}")]
    names = ("base_url", "authorize_url", "token_url")
    addresses = [str(own[name]) for name in names if own.get(name)]
    return [of_url(address, f"{connection.get_kind_display()}: {connection.name}") for address in addresses]


def of_url(address: str, purpose: str) -> Line:
    parts = urlsplit(address)
    secure = parts.scheme == "https"
    how = "TLS 1.2 or newer" if secure else "none (sandbox)"
    return Line(OURS, parts.hostname or "", parts.port or (443 if secure else 80), how, purpose)


def incoming(location: Location, absolute: Absolute) -> list[Line]:
    """What this installation is called by: eCW's events, and the scribes."""
    here = urlsplit(absolute("/"))
    host, port = here.hostname or "", here.port or (443 if here.scheme == "https" else 80)
    how = "TLS 1.2 or newer" if here.scheme == "https" else "none"
    lines = [Line("the scribe", host, port, how, "notes (POST /api/v1/notes)")]
    for source in EventSource.objects.filter(location=location, enabled=True).order_by("way"):
        if source.way == Way.WEBHOOK:
            lines.append(Line("eCW", host, port, how, "events of visits (webhook)"))
        elif source.way == Way.MLLP:
            listening = settings.LISTEN_ADDRESS or host
            tls = "TLS 1.2 or newer" if settings.LISTEN_CERT else "VPN or point-to-point line"
            peers = str(source.settings.get("peers", ""))
            lines.append(Line(f"eCW ({peers})", listening, source.settings.get("port", ""), tls, "ADT and SIU feed"))
    return lines


def forms(location: Location, absolute: Absolute) -> list[tuple[str, list[tuple[str, str]]]]:
    """What eCW's forms ask for, by connection and by source of events: pairs of a name and a value to copy."""
    found = [
        (connection.name, of_fhir(connection, absolute))
        for connection in meant_at(location)
        if connection.kind == ConnectionKind.FHIR
    ]
    for source in EventSource.objects.filter(location=location, way=Way.WEBHOOK, enabled=True):
        own = WebhookSettings.read(source.settings)
        rows = [
            ("Webhook address", absolute(reverse("api:event", args=[source.public_id]))),
            ("Signature", f"HMAC-SHA256, Base64, over {own.signed}, in {own.signature_header}"),
            ("Time", own.timestamp_header),
            ("Id of an event", own.id_header),
            ("Secret", "made on the page of events, shown once"),
        ]
        found.append(("Events of visits", rows))
    return found


def of_fhir(connection: Connection, absolute: Absolute) -> list[tuple[str, str]]:
    own = connection.settings
    rows = [
        ("Client id", str(own.get("client_id", ""))),
        ("Practice code", str(own.get("practice_code", ""))),
        ("Base address", str(own.get("base_url", ""))),
        ("Scopes", " ".join(scopes.needed(connection)) or "none yet: no location uses it"),
    ]
    if own.get("grant") == "authorization_code":
        rows.append(("Redirect address", absolute(reverse("delivery:authorized"))))
    if own.get("client_auth", "private_key_jwt") == "private_key_jwt":
        rows.append(("Key set (JWKS)", absolute(reverse("delivery:jwks", args=[connection.pk]))))
    return rows
