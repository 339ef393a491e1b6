"""From a connection's row to its channel or reader: with its secrets, its tokens and its share of the calls."""

from typing import Any

from django.conf import settings

from delivery import rate
from delivery.channels.base import Channel, ChartReader
from delivery.channels.network import Guard, Resolve
from delivery.channels.registry import channel_for, reader_for
from delivery.oauth.renewal import TokenSource
from portal.models import Connection, Environment
from portal.targets import check_target


class Credentials(TokenSource):
    """base.Credentials of a connection, with its share of the calls; for the thread that opened it."""

    def spend(self) -> bool:
        """One call more of this minute's; False when there is none left."""
        return bool(rate.granted(self.connection))


def settings_of(connection: Connection) -> dict[str, Any]:
    """The connection's settings over the installation's own."""
    return {"ack_seconds": settings.ACK_SECONDS} | connection.settings | {"allowed_folders": settings.ALLOWED_FOLDERS}


def resolver(connection: Connection) -> Resolve:
    """Where the connection's names lead: checked addresses. In the sandbox a test may lead one by way of this machine.

    The name stays, and with it what TLS verifies: only the address that is dialled is the relay's
    (delivery/certification/between.py).
    """
    through = connection.settings.get("through")
    if not isinstance(through, dict) or connection.environment != Environment.SANDBOX:
        return check_target

    def by_relay(host: str, port: int) -> tuple[str, int]:
        if (host, port) == (through.get("host"), through.get("port")):
            return check_target("127.0.0.1", int(through.get("by") or 0))
        return check_target(host, port)

    return by_relay


def open_channel(connection: Connection, guard: Guard = lambda: True) -> Channel:
    """A closed channel of the connection. ValueError for settings that cannot be used."""
    return channel_for(
        connection.kind,
        settings_of(connection),
        connection.secrets(),
        connection.environment,
        resolve=resolver(connection),
        guard=guard,
        credentials=Credentials(connection),
    )


def open_reader(connection: Connection) -> ChartReader:
    """A reader of the connection. ValueError for settings that cannot be used."""
    return reader_for(
        connection.kind,
        connection.settings,
        connection.secrets(),
        connection.environment,
        resolve=resolver(connection),
        credentials=Credentials(connection),
    )
