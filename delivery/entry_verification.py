"""Looks for coded entries in the chart: found by identity they are verified, else they go on waiting in eCW.

eCW keeps what it takes in its App Data until a person takes it over, and App Data cannot be read: *not there* proves
nothing. So no entry is ever called missing, and one whose sending got no answer is never sent again by itself.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from delivery import rate
from delivery.affected import by_outcomes
from delivery.channels.base import EntriesReader, Unavailable
from delivery.channels.compare import ReadBack
from delivery.channels.compare_entries import WAITING, compare
from delivery.channels.in_field import VERIFIED
from delivery.models import Delivery
from delivery.opening import open_reader
from delivery.outgoing import open_body, visit_at
from delivery.readings import Found, Look, took, write_readings
from delivery.states import State
from delivery.transition import Ticket, ticket_of, transition
from portal import crypto
from portal.keyring import KeysUnavailable
from portal.models import Connection

log = logging.getLogger(__name__)

# Seconds between looks for entries that a person in eCW has yet to take over, and for how long there are any.
LOOKS = (60, 300, 1800, 7200, 6 * 3600, 24 * 3600)
LOOKED_FOR = timedelta(days=30)
DOUBT_LOOKS = 3
CALLED = {
    "diagnoses": "Diagnosis",
    "medications": "Medication",
    "allergies": "Allergy",
    "immunizations": "Immunization",
    "observations": "Observation",
}
UNREADABLE = "entries_unreadable"  # of this kind: no look would show anything


def look_at_entries(due: Sequence[Delivery]) -> None:
    """Look for each of these, by the connection that sent it, and write down what was seen."""
    by_connection: dict[int, list[Delivery]] = {}
    for delivery in due:
        by_connection.setdefault(delivery.connection_id or 0, []).append(delivery)
    for members in by_connection.values():
        connection = members[0].connection
        reader = _reader(connection)
        try:
            for delivery in members:
                look = _look(reader, connection, delivery)
                with transaction.atomic():
                    if _still_stands(delivery):
                        conclude(*look)
        finally:
            if reader is not None:
                reader.close()


def _reader(connection: Connection | None) -> EntriesReader | None:
    try:
        reader = open_reader(connection) if connection else None
    except (ValueError, Unavailable):
        return None
    return reader if isinstance(reader, EntriesReader) else None


def _look(
    reader: EntriesReader | None, connection: Connection | None, delivery: Delivery
) -> tuple[Look, ReadBack | None]:
    """One look, outside any transaction: what stands there, or why that cannot be said."""
    asked_at = timezone.now()
    wire = getattr(delivery, "wire", None)
    if reader is None or connection is None or wire is None:
        return Look(delivery, None, "no_reader", asked_at), None
    if not rate.granted(connection):
        return Look(delivery, None, "rate_limited", asked_at), None
    try:
        chart = reader.entries(visit_at(delivery.location, open_body(delivery)), delivery.part)
        if chart is None:
            return Look(delivery, None, UNREADABLE, asked_at), None
        body = crypto.unseal(wire.sealed_bytes, table="wire", column="bytes", row=delivery.pk)
        return Look(delivery, None, "", asked_at), compare(body, delivery.control_id, chart, CALLED[delivery.part])
    except Unavailable as error:
        return Look(delivery, None, error.reason_code, asked_at), None
    except (DatabaseError, InterfaceError, KeysUnavailable):
        raise
    except Exception as error:  # one that cannot be looked for must not stop the others
        log.error("entries could not be looked for: %s", type(error), exc_info=True)
        return Look(delivery, None, "reading_failed", asked_at), None


def _still_stands(delivery: Delivery) -> bool:
    """Whether it has not moved since it was read; its row locked until the transaction ends."""
    rows = Delivery.objects.select_for_update().filter(pk=delivery.pk, state=delivery.state, attempts=delivery.attempts)
    return rows.first() is not None


def conclude(look: Look, seen: ReadBack | None) -> None:
    """Write the look down and move the delivery by what was seen, in the caller's transaction."""
    delivery, ticket = look.delivery, ticket_of(look.delivery)
    write_readings([Found(look, ticket, seen)])
    if State(delivery.state) is State.UNKNOWN:
        _settle(look, ticket, seen)
    elif seen is None:
        _look_again(delivery, {})
    elif all(row.outcome == VERIFIED for row in seen.sections):
        now = timezone.now()
        proof = {"verified_at": now, "took_seconds": took(delivery, now), "proof": "entry", "read_at": None}
        columns = by_outcomes(rows_of(seen)) | proof
        transition(
            [ticket], State(delivery.state), State.VERIFIED, columns=columns, details={ticket.id: {"grade": "entry"}}
        )
    elif any(row.outcome not in (VERIFIED, WAITING) for row in seen.sections) and delivery.state == State.ACCEPTED:
        columns = by_outcomes(rows_of(seen)) | {"proof": "entry", "read_at": None}
        transition([ticket], State.ACCEPTED, State.MISFILED, reason_code="entries_differ", columns=columns)
    else:
        _look_again(delivery, by_outcomes(rows_of(seen)))


def _settle(look: Look, ticket: Ticket, seen: ReadBack | None) -> None:
    """A doubt: seen in the chart it is settled; else a person looks into App Data."""
    delivery = look.delivery
    if seen is not None and seen.found:
        columns = {"accepted_at": timezone.now(), "read_at": timezone.now(), "readings_made": 0, "proof": "app_data"}
        transition([ticket], State.UNKNOWN, State.ACCEPTED, reason_code="reader_found_it", columns=columns)
    elif delivery.readings_made + 1 >= DOUBT_LOOKS or look.reason_code in (UNREADABLE, "no_reader"):
        transition([ticket], State.UNKNOWN, State.PARKED, reason_code="entries_in_doubt", columns={"read_at": None})
    else:
        Delivery.objects.filter(pk=delivery.pk, state=State.UNKNOWN).update(
            readings_made=delivery.readings_made + 1,
            read_at=timezone.now() + timedelta(seconds=settings.DOUBT_SETTLE_SECONDS),
        )


def _look_again(delivery: Delivery, columns: dict[str, Any]) -> None:
    """Ever more seldom, and not for ever; what is known stays on the screen."""
    now = timezone.now()
    wait = timedelta(seconds=LOOKS[min(delivery.readings_made, len(LOOKS) - 1)])
    since = delivery.accepted_at or delivery.updated_at
    last = now - since > LOOKED_FOR or _never_readable(delivery)
    Delivery.objects.filter(pk=delivery.pk, state=delivery.state).update(
        read_at=None if last else now + wait, readings_made=delivery.readings_made + 1, **columns
    )


def _never_readable(delivery: Delivery) -> bool:
    return delivery.part == "immunizations"  # eCW answers no search for them


def rows_of(seen: ReadBack) -> list[dict[str, Any]]:
    """What the strip shows: outcomes by place, no content."""
    return [
        {"index": row.index, "code": "", "title": row.title, "field_id": "", "outcome": row.outcome, "found_in": ""}
        for row in seen.sections
    ]
