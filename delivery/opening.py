"""From a connection's row to its channel or reader: with its secrets, its tokens and its share of the calls."""

from typing import Any

from django.conf import settings

from delivery import rate
from delivery.channels.base import Channel, ChartReader
from delivery.channels.network import Guard
from delivery.channels.registry import channel_for, reader_for
from delivery.oauth.renewal import TokenSource
from portal.models import Connection
from portal.targets import check_target


class Credentials(TokenSource):
    """base.Credentials of a connection, with its share of the calls; for the thread that opened it."""

    def spend(self) -> bool:
        """One call more of this minute's; False when there is none left."""
        return bool(rate.granted(self.connection))


def settings_of(connection: Connection) -> dict[str, Any]:
    """The connection's settings over the installation's own."""
    return {"ack_seconds": settings.ACK_SECONDS} | connection.settings | {"allowed_folders": settings.ALLOWED_FOLDERS}


def open_channel(connection: Connection, guard: Guard = lambda: True) -> Channel:
    """A closed channel of the connection. ValueError for settings that cannot be used."""
    return channel_for(
        connection.kind,
        settings_of(connection),
        connection.secrets(),
        connection.environment,
        resolve=check_target,
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
        resolve=check_target,
        credentials=Credentials(connection),
    )
