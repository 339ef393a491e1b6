"""What one look at the chart found, and how it is written down: a Reading, its texts sealed, and an audit event."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.utils import timezone

from audit.record import Entry
from delivery import sql
from delivery.channels.base import Chart
from delivery.channels.compare import ReadBack
from delivery.entries import CODED
from delivery.models import Delivery, Reading
from delivery.transition import Ticket
from portal import crypto
from portal.models import Part


@dataclass(frozen=True)
class Look:
    """One look for one delivery: the chart as it was at `asked_at`, or the reason why it could not be read."""

    delivery: Delivery
    chart: Chart | None
    reason_code: str = ""
    asked_at: datetime = field(default_factory=timezone.now)


@dataclass(frozen=True)
class Found:
    """A look with what it shows of its delivery; nothing where the chart could not be read."""

    look: Look
    ticket: Ticket
    seen: ReadBack | None


def write_readings(found: Sequence[Found]) -> None:
    """One row and one audit event for each look, in one statement for all of them."""
    rows = Reading.objects.filter(delivery__in=[one.ticket.id for one in found]).values_list("delivery")
    before = dict(rows.annotate(Count("pk")).order_by())
    sql.insert(
        [reading(one, before.get(one.ticket.id, 0) + 1) for one in found],
        [chart_read(one.ticket, one.look.delivery, answer_of(one.seen)) for one in found],
    )


def answer_of(seen: ReadBack | None) -> str:
    return "cannot_say" if seen is None else "there" if seen.found else "not_there"


def read_by(delivery: Delivery) -> int:
    """Notes are read back by the location's reading connection, entries and documents by the one that sent them."""
    own = delivery.connection_id or 0
    by_sender = delivery.part in CODED or delivery.part == Part.ATTACHMENTS
    return own if by_sender else delivery.location.reading_connection_id or own


def reading(one: Found, number: int) -> Reading:
    delivery, seen = one.look.delivery, one.seen
    return Reading(
        delivery_id=delivery.pk,
        connection_id=read_by(delivery),
        at=timezone.now(),
        answer=answer_of(seen),
        grade=seen.grade if seen is not None and seen.found else "",
        reason_code=one.look.reason_code,
        sealed_sections=seal_sections(delivery.pk, number, seen.sections) if seen else None,
    )


def seal_sections(delivery_id: int, number: int, sections: Iterable[Any]) -> bytes:
    plain = json.dumps([vars(section) for section in sections], ensure_ascii=False).encode()
    return crypto.seal(plain, table="reading", column="sections", row=f"{delivery_id}:{number}")


def chart_read(ticket: Ticket, delivery: Delivery, answer: str) -> Entry:
    connection = delivery.location.reading_connection_id or delivery.connection_id
    return Entry(
        "chart.read",
        **ticket.recorded,
        purpose_of_use="TREAT",
        data_category=("transcribed_note",),
        detail={"delivery_id": ticket.id, "answer": answer, "connection": connection},
    )


def took(delivery: Delivery, verified_at: datetime) -> int:
    """Whole seconds from receipt to the proof: what the list calls latency."""
    return max(0, int((verified_at - delivery.created_at).total_seconds()))


def outcome_rows(seen: ReadBack) -> list[dict[str, Any]]:
    """What the section strip shows: outcomes by place, no text."""
    return [
        {
            "index": section.index,
            "code": section.code,
            "title": section.title,
            "field_id": section.field_id,
            "outcome": section.outcome,
            "found_in": section.found_in,
        }
        for section in seen.sections
    ]
