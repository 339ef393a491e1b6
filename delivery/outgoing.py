"""From a due delivery to bytes ready to leave: gates, mapping, rendering, lint; or the problem that holds it.

Nothing here touches the network or changes a row. Bytes that were rendered once are opened and sent again as they are.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.db import DatabaseError, InterfaceError

from delivery import contested, unsayable
from delivery.asked import Asked, kept
from delivery.channels.base import (
    CannotExpress,
    Channel,
    DocumentsChannel,
    EntriesChannel,
    OutgoingDocuments,
    OutgoingEntries,
    OutgoingNote,
    Rendered,
    Visit,
)
from delivery.entries import CODED
from delivery.entry_checks import entry_problems, ready_entries
from delivery.handed import InHand
from delivery.models import Delivery, Wire
from delivery.overtaken import amends_charted, overtaken
from delivery.pilot.cohort import OUTSIDE, of_the_suite
from delivery.plans import open_plan
from delivery.posted import PostedNote, read
from delivery.states import State
from delivery.ways.changes import WAY
from delivery.ways.unsafe import Unsafe
from mapping.apply import apply
from mapping.drift import drift_problems
from mapping.note import Applied, FieldValue, MappingSpec, Problem
from mapping.queries import published_spec
from portal import crypto
from portal.keyring import KeysUnavailable
from portal.models import Location, Part

log = logging.getLogger(__name__)

POISON_AFTER = 3
MADE_BEFORE = "This message was made for the template before: cancel it and file it again, and it is made anew."


@dataclass(frozen=True)
class Prepared:
    """A delivery whose bytes may leave. `new_wire` is the frozen row to insert, or None on a retransmission."""

    delivery: Delivery
    rendered: Rendered
    sha256: str
    new_wire: Wire | None
    mapping_version_id: int | None

    @property
    def number(self) -> int:
        """The number of the attempt about to be made."""
        return self.delivery.attempts + 1


@dataclass(frozen=True)
class Stopped:
    """A delivery that must not leave now: where it goes instead, and why. READY: it stays, and is tried again later."""

    delivery: Delivery
    state: State
    reason_code: str
    problems: tuple[Problem, ...] = ()


def open_body(delivery: Delivery) -> PostedNote:
    version = delivery.note_version
    return read(crypto.unseal(version.sealed_body, table="noteversion", column="body", row=version.pk))


def planned(delivery: Delivery) -> list[FieldValue]:
    """What should stand in the chart: the frozen plan, or, where a restore lost it, the note mapped as it is today."""
    if delivery.in_hand is not None:
        return list(delivery.in_hand.values)
    wire = getattr(delivery, "wire", None)
    if wire is not None:
        return open_plan(delivery.pk, wire.sealed_plan)
    template = delivery.note_version.template
    spec = published_spec(template) if template else None
    if spec is None:
        return []
    return list(apply(spec, open_body(delivery).sections, delivery.location.unmapped_policy).values)


def prepare(deliveries: Sequence[Any], channel: Channel) -> tuple[list[Prepared], list[Stopped]]:
    """Sort due deliveries, whole (delivery/due.py), into those that may leave and those that may not."""
    ready: list[Prepared] = []
    stopped: list[Stopped] = []
    others = contested.others_in_chart(deliveries)
    for delivery in deliveries:
        instead = overtaken(delivery)
        outcome = (
            Stopped(delivery, *instead)
            if instead
            else _prepare_alone(delivery, channel, kept.under(delivery.revision), others.get(delivery.pk, ()))
        )
        if isinstance(outcome, Prepared):
            ready.append(outcome)
        else:
            stopped.append(outcome)
    return ready, stopped


def _prepare_alone(
    delivery: Delivery, channel: Channel, asked: Asked, others: Sequence[Delivery]
) -> Prepared | Stopped:
    """One that cannot be prepared is put off, and parked the third time; it must not stop those beside it."""
    try:
        return _prepare(delivery, channel, asked, others)
    except (DatabaseError, InterfaceError, KeysUnavailable):
        raise  # nobody's fault here: the whole step is done again
    except Exception as error:
        log.error("a delivery could not be prepared: %s", type(error), exc_info=True)
        return Stopped(delivery, State.READY, "preparation_failed")


def _prepare(delivery: Delivery, channel: Channel, asked: Asked, others: Sequence[Delivery]) -> Prepared | Stopped:
    if delivery.crashes >= POISON_AFTER:
        return Stopped(delivery, State.PARKED, "poison")
    gate = closed_gate(delivery, asked)
    if gate:
        return Stopped(delivery, State.HELD, gate)
    template = delivery.note_version.template
    if delivery.part == Part.NOTE and template is not None and asked.stopped(template):
        return Stopped(delivery, State.HELD, "template_misroutes")
    unsafe = unsafe_for(delivery, asked)
    if unsafe.way:
        return Stopped(delivery, State.HELD, WAY)
    wire = getattr(delivery, "wire", None)
    if wire is not None:
        problems = (
            broken_since(delivery, wire, asked)
            or unsafe.problems(open_plan(delivery.pk, wire.sealed_plan) if unsafe.fields else ())
            or taken_since(delivery, wire, others)
        )
        if problems:
            return Stopped(delivery, State.HELD, problems[0].code, problems)
        body = crypto.unseal(wire.sealed_bytes, table="wire", column="bytes", row=delivery.pk)
        return Prepared(delivery, Rendered(body, wire.content_type), wire.sha256, None, delivery.mapping_version_id)
    return _render(delivery, channel, asked, others)


def unsafe_for(delivery: Delivery, asked: Asked) -> Unsafe:
    """What eCW does otherwise than before, where this goes. It was probed with sections: no other part is meant."""
    if delivery.part != Part.NOTE or delivery.connection is None:
        return Unsafe()
    return asked.unsafe(delivery.location, delivery.connection)


def broken_since(delivery: Delivery, wire: Wire, asked: Asked) -> tuple[Problem, ...]:
    """Why frozen bytes may not leave again: since they were made, the template broke a field that they fill.

    Publishing the mapping anew does not mend them: they are cancelled and filed again, which renders them anew.
    """
    found = asked.drifted(delivery.mapping_version_id) if delivery.mapping_version_id else ()
    if not found:
        return ()
    texts = {value.field_id: value.text for value in open_plan(delivery.pk, wire.sealed_plan)}
    return tuple(replace(one, message=f"{one.message} {MADE_BEFORE}") for one in drift_problems(found, texts))


def taken_since(delivery: Delivery, wire: Wire, others: Sequence[Delivery]) -> tuple[Problem, ...]:
    """Why frozen bytes may not leave (again): another note of the visit has filled their fields in the meantime."""
    return contested.problems(delivery, open_plan(delivery.pk, wire.sealed_plan), others) if others else ()


def closed_gate(delivery: Delivery, asked: Asked) -> str:
    """The reason code of the gate that is shut between this delivery and its connection, or ""."""
    location, connection = delivery.location, delivery.connection
    if connection is None:
        return "no_route"
    if connection.environment != location.environment:
        return "environment_mismatch"
    if not connection.enabled:
        return "connection_disabled"
    if location.locked_reason:
        return "location_locked"
    outside = asked.outside_pilot(delivery.location_id, delivery.provider_id)
    if outside and not of_the_suite(delivery.note.scribe, location):
        return OUTSIDE
    return "agreement_missing" if asked.missing(location, delivery.note.scribe) else ""


def _render(delivery: Delivery, channel: Channel, asked: Asked, others: Sequence[Delivery]) -> Prepared | Stopped:
    stop = partial(Stopped, delivery, State.HELD)
    if delivery.part == Part.ATTACHMENTS:
        return _render_documents(delivery, channel)
    if delivery.part != Part.NOTE:
        return _render_entries(delivery, channel)
    template = delivery.note_version.template
    spec = asked.spec(template) if template else None
    if spec is None:
        return stop("no_mapping" if template else "no_template")
    posted = open_body(delivery)
    applied = apply(spec, posted.sections, delivery.location.unmapped_policy)
    if applied.problems:
        return stop(applied.problems[0].code, applied.problems)
    problems = unsafe_for(delivery, asked).problems(applied.values)
    problems = problems or contested.problems(delivery, applied.values, others)
    if problems:
        return stop(problems[0].code, problems)
    try:
        rendered = channel.render(outgoing_note(delivery, posted, spec, applied))
    except CannotExpress as error:
        return stop(error.reason_code, unsayable.problems(error, applied.values))
    delivery.in_hand = InHand(posted.visit, tuple(applied.values))
    return _frozen(delivery, rendered, applied.values, spec)


def _render_entries(delivery: Delivery, channel: Channel) -> Prepared | Stopped:
    """A part of coded entries. What eCW took of an earlier version it would have twice: that waits for a person."""
    stop = partial(Stopped, delivery, State.HELD)
    if delivery.part not in CODED or not isinstance(channel, EntriesChannel):
        return stop("part_not_supported")
    posted = open_body(delivery)
    problems = entry_problems(delivery.part, posted, delivery.practice_id, delivery.created_at.date())
    if problems:
        return stop(problems[0].code, problems)
    if amends_charted(delivery):
        return stop("entries_sent_before")
    outgoing = OutgoingEntries(
        control_id=delivery.control_id,
        note_id=str(delivery.note_id),
        visit=visit_at(delivery.location, posted),
        part=delivery.part,
        entries=ready_entries(delivery.part, posted.entries, delivery.practice_id),
        created_at=delivery.created_at,
    )
    try:
        return _frozen(delivery, channel.render_entries(outgoing), (), None)
    except CannotExpress as error:
        return stop(error.reason_code, unsayable.problems(error, ()))


def _render_documents(delivery: Delivery, channel: Channel) -> Prepared | Stopped:
    """The documents of a note. Those of an earlier version would stand beside them: that waits for a person."""
    stop = partial(Stopped, delivery, State.HELD)
    if not isinstance(channel, DocumentsChannel):
        return stop("part_not_supported")
    if amends_charted(delivery):
        return stop("documents_sent_before")
    posted = open_body(delivery)
    outgoing = OutgoingDocuments(
        control_id=delivery.control_id,
        note_id=str(delivery.note_id),
        visit=visit_at(delivery.location, posted),
        documents=posted.documents,
        created_at=delivery.created_at,
    )
    try:
        return _frozen(delivery, channel.render_documents(outgoing), (), None)
    except CannotExpress as error:
        return stop(error.reason_code, unsayable.problems(error, ()))


def visit_of(delivery: Delivery) -> Visit:
    """The visit that a delivery is for, as `visit_at`."""
    posted = delivery.in_hand or open_body(delivery)
    return replace(posted.visit, facility=delivery.location.facility)


def visit_at(location: Location, posted: PostedNote) -> Visit:
    """The visit with the location's own name at eCW, where it has one: several locations may share a connection."""
    return replace(posted.visit, facility=location.facility)


def outgoing_note(delivery: Delivery, posted: PostedNote, spec: MappingSpec, applied: Applied) -> OutgoingNote:
    return OutgoingNote(
        control_id=delivery.control_id,
        note_id=str(delivery.note_id),
        version=posted.version,
        visit=visit_at(delivery.location, posted),
        template_code=spec.template_code,
        template_name=spec.template_name,
        values=applied.values,
        correction=delivery.correction or amends_charted(delivery),
        created_at=delivery.created_at,
    )


def _frozen(delivery: Delivery, rendered: Rendered, values: Sequence[FieldValue], spec: MappingSpec | None) -> Prepared:
    sha256 = hashlib.sha256(rendered.body).hexdigest()
    # vars: dataclasses.asdict copies every text, which takes longer than the message itself.
    rows = [{**vars(value), "contributions": [vars(part) for part in value.contributions]} for value in values]
    plan = json.dumps(rows, ensure_ascii=False).encode()
    wire = Wire(
        delivery_id=delivery.pk,
        sealed_bytes=crypto.seal(rendered.body, table="wire", column="bytes", row=delivery.pk),
        sealed_plan=crypto.seal(plan, table="wire", column="plan", row=delivery.pk),
        sha256=sha256,
        content_type=rendered.content_type,
        rendered_at=delivery.created_at,
    )
    return Prepared(delivery, rendered, sha256, wire, spec.mapping_version_id if spec else None)
