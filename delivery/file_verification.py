"""Settles the doubt about a document for a partner: its name is looked for, and what stands there is compared.

Found with the same bytes it was left. Found under its temporary name alone it was not, and goes again. Found nowhere,
the partner may have taken it: a person asks. The look counts only once whoever was asked last has had time to do it.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from delivery.channels.base import Finder, Unavailable
from delivery.channels.drop import NOT_THERE, THERE
from delivery.channels.registry import LEAVES_FILES
from delivery.models import Delivery
from delivery.opening import open_channel
from delivery.states import State
from delivery.transition import ticket_of, transition
from portal import crypto
from portal.keyring import KeysUnavailable
from portal.models import Connection

log = logging.getLogger(__name__)

# Seconds between looks while the folder or server does not answer, and how many before a person is asked.
LOOKS = (5, 30, 120, 600, 1800)
FAILED = ""  # the look failed: nothing is known


def is_left(delivery: Delivery) -> bool:
    """Whether a delivery went as a file."""
    return delivery.connection is not None and delivery.connection.kind in LEAVES_FILES


def look_at_files(due: Sequence[Delivery]) -> None:
    """Look for each of these, by the connection that left it, and move those of which something is known."""
    by_connection: dict[int, list[Delivery]] = {}
    for delivery in due:
        by_connection.setdefault(delivery.connection_id or 0, []).append(delivery)
    for members in by_connection.values():
        finder = _finder(members[0].connection)
        try:
            for delivery in members:
                asked_at, found = timezone.now(), _look(finder, delivery)
                with transaction.atomic():
                    conclude(delivery, found, settled=asked_at >= _settled_at(delivery))
        finally:
            if finder is not None:
                finder.close()


def _finder(connection: Connection | None) -> Finder | None:
    try:
        channel = open_channel(connection) if connection else None
    except ValueError:
        return None
    return channel if isinstance(channel, Finder) else None


def _look(finder: Finder | None, delivery: Delivery) -> str:
    wire = getattr(delivery, "wire", None)
    if finder is None or wire is None:
        return FAILED
    try:
        body = crypto.unseal(wire.sealed_bytes, table="wire", column="bytes", row=delivery.pk)
        return finder.find(body, delivery.control_id)
    except Unavailable:
        return FAILED
    except (DatabaseError, InterfaceError, KeysUnavailable):
        raise
    except Exception as error:  # one that cannot be looked for must not stop the others
        log.error("a document could not be looked for: %s", type(error), exc_info=True)
        return FAILED


def _settled_at(delivery: Delivery) -> datetime:
    return delivery.updated_at + timedelta(seconds=settings.DOUBT_SETTLE_SECONDS)


def conclude(delivery: Delivery, found: str, *, settled: bool) -> None:
    """Move a doubt by what was found, in the caller's transaction; one that has moved meanwhile stays where it is."""
    rows = Delivery.objects.select_for_update().filter(pk=delivery.pk, state=State.UNKNOWN, attempts=delivery.attempts)
    if rows.first() is None:
        return
    now, ticket = timezone.now(), ticket_of(delivery)
    if found == THERE:
        columns = {"accepted_at": now, "read_at": None, "proof": "none"}
        transition([ticket], State.UNKNOWN, State.ACCEPTED, reason_code="", columns=columns)
    elif found == FAILED:
        _look_later(delivery)
    elif not settled:
        Delivery.objects.filter(pk=delivery.pk).update(read_at=_settled_at(delivery))
    elif found == NOT_THERE:
        columns = {"not_before": now, "read_at": None}
        transition([ticket], State.UNKNOWN, State.READY, reason_code="file_not_finished", columns=columns)
    else:
        transition([ticket], State.UNKNOWN, State.PARKED, reason_code="file_gone", columns={"read_at": None})


def _look_later(delivery: Delivery) -> None:
    made = delivery.readings_made + 1
    if made > len(LOOKS):
        ticket = ticket_of(delivery)
        transition([ticket], State.UNKNOWN, State.PARKED, reason_code="file_looked_for", columns={"read_at": None})
        return
    when = timezone.now() + timedelta(seconds=LOOKS[made - 1])
    Delivery.objects.filter(pk=delivery.pk).update(read_at=when, readings_made=made, reason_code="file_looked_for")
