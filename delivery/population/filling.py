"""Has the visit's template filled before a note's texts leave: looked for first, never repeated blindly.

A call that got no answer leaves the whole delivery UNKNOWN. It comes back here only once the chart has said that the
texts are not there; then the visit's template is read, and filled again only where it does not stand. What stands
for the visit was written down, and is believed: where it changes, eCW refuses the texts, and the read-back shows it.
"""

import logging
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from audit.record import record
from delivery import lanes, rate
from delivery.channels.base import Channel, NoAnswer, Populator, Refused, Unavailable, WantedTemplate
from delivery.outgoing import Prepared
from delivery.population.models import FILLED, FOUND, STANDS, Population
from delivery.transition import ticket_of
from portal.models import Connection, Part

log = logging.getLogger(__name__)
CALLS = 2  # reading which template stands, and filling it


@dataclass(frozen=True)
class Filling:
    """One delivery's template on its way."""

    prepared: Prepared
    connection: Connection
    wanted: WantedTemplate

    def begin(self, outcome: str = "") -> Population:
        """The row of one call, committed with its audit event: an intent, or what stood there already."""
        now, delivery = timezone.now(), self.prepared.delivery
        with transaction.atomic():
            Population.objects.filter(delivery=delivery, outcome="").update(outcome="no_answer", finished_at=now)
            row = Population.objects.create(
                delivery=delivery,
                attempt=self.prepared.number,
                connection=self.connection,
                encounter_bidx=delivery.encounter_bidx,
                template_code=self.wanted.template,
                worker=lanes.owner(),
                intent_at=now,
                finished_at=now if outcome else None,
                outcome=outcome,
            )
            self.tell("delivery.template_done" if outcome else "delivery.template_intent", row)
        return row

    def end(self, row: Population, outcome: str, code: str, reason_code: str = "") -> None:
        """Write down what came of it. Where that cannot be, the row stays open, and the chart is read next time."""
        row.outcome, row.code, row.reason_code, row.finished_at = outcome, code[:20], reason_code, timezone.now()
        try:
            with transaction.atomic():
                row.save(update_fields=["outcome", "code", "reason_code", "finished_at"])
                self.tell("delivery.template_done", row)
        except (OperationalError, InterfaceError) as error:
            log.warning("what became of a template could not be written down: %s", type(error))

    def tell(self, event: str, row: Population) -> None:
        ticket = ticket_of(self.prepared.delivery)
        record(
            event,
            **ticket.recorded,
            purpose_of_use="TREAT",
            detail={
                "delivery_id": ticket.id,
                "attempt": row.attempt,
                "connection": row.connection_id,
                "template": row.template_code,
                **({"answer": row.outcome} if row.outcome else {}),
                **({"code": row.code} if row.code else {}),
                **({"reason_code": row.reason_code} if row.reason_code else {}),
            },
        )


def fill(channel: Channel, prepared: Prepared) -> None:
    """The visit's note is made of its template, or this raises Refused, Unavailable or NoAnswer: no text may leave."""
    delivery = prepared.delivery
    if not isinstance(channel, Populator) or delivery.part != Part.NOTE or delivery.connection is None:
        return
    wanted = channel.wanted_template(prepared.rendered)
    if wanted is None:
        return
    filling = Filling(prepared, delivery.connection, wanted)
    try:
        if stands(filling):
            return
        if rate.granted(filling.connection, CALLS) < CALLS:
            raise Unavailable("rate_limited")
        if standing(channel, wanted):
            filling.begin(FOUND)
            return
        row = filling.begin()
    except (OperationalError, InterfaceError) as error:
        log.warning("the intent to fill a template could not be written down: %s", type(error))
        raise Unavailable("openapi_template_unwritten") from None
    call(channel, filling, row)


def stands(filling: Filling) -> bool:
    """Whether it has been seen to stand for this visit of this patient, by an earlier note or try."""
    delivery = filling.prepared.delivery
    rows = Population.objects.filter(
        connection=filling.connection,
        encounter_bidx=delivery.encounter_bidx,
        template_code=filling.wanted.template,
        delivery__location=delivery.location_id,
        delivery__note_version__patient_bidx=delivery.note_version.patient_bidx,
    )
    return rows.filter(outcome__in=STANDS).exists()


def standing(channel: Populator, wanted: WantedTemplate) -> bool:
    """Whether eCW says that it stands. Raises Refused where another one does: two templates make no note."""
    there = channel.standing_template(wanted)
    if there not in ("", wanted.template):
        raise Refused("openapi_template_other", "template")
    return there == wanted.template


def call(channel: Populator, filling: Filling, row: Population) -> None:
    """The call itself, between the intent and what is written down of it."""
    try:
        receipt = channel.populate(filling.wanted)
    except Refused as error:
        filling.end(row, "refused", error.code, error.reason_code)
        raise
    except Unavailable as error:
        filling.end(row, "unavailable", error.code, error.reason_code)
        raise
    except NoAnswer as error:
        filling.end(row, "no_answer", error.code, error.reason_code)
        raise
    filling.end(row, FILLED, receipt.code)
