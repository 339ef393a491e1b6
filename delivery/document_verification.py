"""Looks for attached documents by the FHIR connection that sent them: by identity, and byte for byte.

What went by HL7 no reader sees: its doubt is delivery/document_doubts.py's. A document that is found settles a doubt;
one that is not leaves it to a person, for nobody has proved that documents show as soon as they are filed.
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
from delivery.channels.base import DocumentsReader, Unavailable
from delivery.channels.compare import ReadBack
from delivery.channels.in_field import VERIFIED
from delivery.channels.registry import SHOWS_DOCUMENTS
from delivery.entry_verification import rows_of
from delivery.models import Delivery
from delivery.opening import open_reader
from delivery.outgoing import open_body, visit_at
from delivery.readings import Found, Look, took, write_readings
from delivery.states import State
from delivery.transition import Ticket, ticket_of, transition
from portal import crypto
from portal.keyring import KeysUnavailable
from portal.models import Part

log = logging.getLogger(__name__)
LOOKS = (2, 10, 30, 60, 300)  # seconds between looks; after the last one what is missing is missing
DOUBT_LOOKS = 3


def can_be_read(delivery: Delivery) -> bool:
    """Whether these are documents that the connection that sent them shows again."""
    connection = delivery.connection
    return delivery.part == Part.ATTACHMENTS and connection is not None and connection.kind in SHOWS_DOCUMENTS


def look_at_documents(due: Sequence[Delivery]) -> None:
    """One look for each; what was seen is written down and moves it."""
    for delivery in due:
        look, seen = _look(delivery)
        with transaction.atomic():
            rows = Delivery.objects.select_for_update().filter(
                pk=delivery.pk, state=delivery.state, attempts=delivery.attempts
            )
            if rows.first() is not None:
                conclude(look, seen)


def _look(delivery: Delivery) -> tuple[Look, ReadBack | None]:
    """What stands there, or why that cannot be said; outside any transaction."""
    asked_at, connection, wire = timezone.now(), delivery.connection, getattr(delivery, "wire", None)
    if connection is None or wire is None:
        return Look(delivery, None, "no_reader", asked_at), None
    if not rate.granted(connection):
        return Look(delivery, None, "rate_limited", asked_at), None
    try:
        reader = open_reader(connection)
    except (ValueError, Unavailable) as error:
        return Look(delivery, None, getattr(error, "reason_code", "reader_misconfigured"), asked_at), None
    try:
        if not isinstance(reader, DocumentsReader):
            return Look(delivery, None, "no_reader", asked_at), None
        body = crypto.unseal(wire.sealed_bytes, table="wire", column="bytes", row=delivery.pk)
        seen = reader.compare_documents(visit_at(delivery.location, open_body(delivery)), delivery.control_id, body)
        return Look(delivery, None, "", asked_at), seen
    except Unavailable as error:
        return Look(delivery, None, error.reason_code, asked_at), None
    except (DatabaseError, InterfaceError, KeysUnavailable):
        raise
    except Exception as error:  # one that cannot be looked for must not stop the others
        log.error("documents could not be looked for: %s", type(error), exc_info=True)
        return Look(delivery, None, "reading_failed", asked_at), None
    finally:
        reader.close()


def conclude(look: Look, seen: ReadBack | None) -> None:
    """Write the look down and move the delivery by what was seen, in the caller's transaction."""
    delivery, ticket = look.delivery, ticket_of(look.delivery)
    write_readings([Found(look, ticket, seen)])
    old = State(delivery.state)
    if old is State.UNKNOWN:
        _settle(delivery, ticket, seen)
    elif seen is not None and all(row.outcome == VERIFIED for row in seen.sections):
        now = timezone.now()
        proof = {"verified_at": now, "took_seconds": took(delivery, now), "proof": "document", "read_at": None}
        columns = by_outcomes(rows_of(seen)) | proof
        if old is not State.VERIFIED:
            transition([ticket], old, State.VERIFIED, columns=columns, details={ticket.id: {"grade": "document"}})
    elif seen is not None and old is State.ACCEPTED and _settled(look):
        columns = by_outcomes(rows_of(seen)) | {"proof": "document", "read_at": None}
        transition([ticket], State.ACCEPTED, State.MISFILED, reason_code="documents_differ", columns=columns)
    else:
        _look_again(delivery, by_outcomes(rows_of(seen)) if seen else {})


def _settled(look: Look) -> bool:
    """A server still at work looks like one that lost something: the last look decides."""
    since = look.delivery.accepted_at or look.delivery.updated_at
    late = look.asked_at >= since + timedelta(seconds=settings.SETTLE_SECONDS)
    return late and look.delivery.readings_made + 1 >= len(LOOKS)


def _settle(delivery: Delivery, ticket: Ticket, seen: ReadBack | None) -> None:
    now = timezone.now()
    if seen is not None and seen.found:
        columns = {"accepted_at": now, "read_at": now, "readings_made": 0}
        transition([ticket], State.UNKNOWN, State.ACCEPTED, reason_code="reader_found_it", columns=columns)
    elif delivery.readings_made + 1 >= DOUBT_LOOKS:
        transition([ticket], State.UNKNOWN, State.PARKED, reason_code="documents_in_doubt", columns={"read_at": None})
    else:
        Delivery.objects.filter(pk=delivery.pk, state=State.UNKNOWN).update(
            readings_made=delivery.readings_made + 1,
            read_at=now + timedelta(seconds=settings.DOUBT_SETTLE_SECONDS),
        )


def _look_again(delivery: Delivery, columns: dict[str, Any]) -> None:
    """Later and later while eCW says nothing; a misfiled one is looked for again when a person asks."""
    wait = timedelta(seconds=LOOKS[min(delivery.readings_made, len(LOOKS) - 1)])
    when = None if delivery.state == State.MISFILED else timezone.now() + wait
    Delivery.objects.filter(pk=delivery.pk, state=delivery.state).update(
        read_at=when, readings_made=delivery.readings_made + 1, **columns
    )
