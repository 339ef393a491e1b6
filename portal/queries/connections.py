"""What the pages of connections show; of secrets only that and when they were set."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from portal import certificates
from portal.access import serves
from portal.models import Connection, ConnectionKind, Location

SECRET_LABELS = {
    "token": "Access token",
    "client_secret": "Client secret",
    "signing_key_pem": "Signing key",
    "client_cert_pem": "Client certificate",
    "client_key_pem": "Client key",
    "password": "Password",
    "private_key": "Private key",
}


@dataclass(frozen=True)
class ConnectionRow:
    """One line of the list: where it leads, whom it serves, whether it is encrypted."""

    connection: Connection
    target: str
    encrypted: bool
    locations: tuple[str, ...]


def target_of(connection: Connection) -> str:
    """Host and port, or the base address, as typed."""
    own: dict[str, Any] = connection.settings
    if connection.kind == ConnectionKind.HL7_MLLP:
        return f"{own.get('host', '')}:{own.get('port', '')}"
    if connection.kind == ConnectionKind.CCDA_SFTP:
        return f"{own.get('user', '')}@{own.get('host', '')}:{own.get('port', '')}"
    if connection.kind == ConnectionKind.CCDA_FOLDER:
        return str(own.get("folder", ""))
    return str(own.get("base_url", ""))


def is_encrypted(connection: Connection) -> bool:
    """Whether TLS or SSH guards it (a VPN is another matter and is named apart)."""
    own: dict[str, Any] = connection.settings
    if connection.kind == ConnectionKind.CCDA_SFTP:
        return True
    return bool(own.get("tls")) or str(own.get("base_url", "")).startswith("https:")


def connection_rows(found: QuerySet[Connection]) -> list[ConnectionRow]:
    """The list, in order of name; three queries whatever its length."""
    rows = []
    for connection in found.prefetch_related("routes__location", "read_for"):
        names = {route.location.name for route in connection.routes.all()}
        names |= {location.name for location in connection.read_for.all()}
        rows.append(ConnectionRow(connection, target_of(connection), is_encrypted(connection), tuple(sorted(names))))
    return rows


@dataclass(frozen=True)
class ConnectionFacts:
    """What the page of one connection says; `secrets` are labels with the day each was set, never a value."""

    target: str
    encrypted: bool
    settings: tuple[tuple[str, Any], ...]
    secrets: tuple[tuple[str, datetime | None], ...]
    ca_ends: datetime | None
    client_ends: datetime | None
    sends_for: tuple[Location, ...]
    reads_for: tuple[Location, ...]


def connection_facts(connection: Connection) -> ConnectionFacts:
    """Everything about one connection that may be shown."""
    opened = connection.secrets()
    set_at = connection.secrets_set_at
    shown = tuple(
        (label, datetime.fromisoformat(set_at[name]) if name in set_at else None)
        for name, label in SECRET_LABELS.items()
        if name in opened
    )
    served = serves(connection)
    return ConnectionFacts(
        target=target_of(connection),
        encrypted=is_encrypted(connection),
        settings=tuple(sorted(connection.settings.items())),
        secrets=shown,
        ca_ends=certificates.ends(str(connection.settings.get("ca_pem", ""))),
        client_ends=certificates.ends(opened.get("client_cert_pem", "")),
        sends_for=tuple(served.filter(routes__connection=connection).distinct()),
        reads_for=tuple(served.filter(reading_connection=connection)),
    )
