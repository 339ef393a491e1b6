"""The only writer of a delivery's state: compare-and-set, a Move row, an audit event, in one transaction.

`transition()` changes those of the given deliveries that are still in the state the caller saw, under the lane epoch
the caller holds, and returns them; whoever else was faster keeps their change.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.utils import timezone

from audit.record import Actor, Entry, current
from delivery import sql
from delivery.affected import by_problems
from delivery.models import Delivery, Move
from delivery.states import State, allowed, fails
from delivery.webhooks import outbox


class IllegalMove(Exception):
    """The table of moves does not have this one: a programming mistake, or a row somebody else changed."""


@dataclass(frozen=True)
class Ticket:
    """What the audit log needs to know of a delivery, so that it is read once a batch and not once a move."""

    id: int
    practice: str
    location: str
    patient_bidx: str
    encounter_bidx: str
    note_version: str
    correlation_id: str
    part: str
    actor: Actor | None = None  # where one transaction carries the deeds of several; else whoever acts

    @property
    def recorded(self) -> dict[str, Any]:
        """The columns by which every event of a delivery names it; see audit.record.Entry."""
        return {
            "practice": self.practice,
            "location": self.location,
            "subject_bidx": self.patient_bidx,
            "encounter_bidx": self.encounter_bidx,
            "object_type": "delivery",
            "object_id": str(self.id),
            "correlation_id": self.correlation_id,
        }


# What each move is called in the audit log; the detail says why.
EVENTS: dict[tuple[State, State], str] = {
    (State.HELD, State.READY): "delivery.released",
    (State.READY, State.SENDING): "delivery.intent",
    (State.READY, State.HELD): "delivery.held",
    (State.READY, State.UNKNOWN): "delivery.unknown",
    (State.SENDING, State.READY): "delivery.not_sent",
    (State.SENDING, State.ACCEPTED): "delivery.accepted",
    (State.SENDING, State.REJECTED): "delivery.rejected",
    (State.SENDING, State.UNKNOWN): "delivery.unknown",
    (State.UNKNOWN, State.ACCEPTED): "delivery.reconciled",
    (State.UNKNOWN, State.READY): "delivery.reconciled",
    (State.ACCEPTED, State.VERIFIED): "delivery.verified",
    (State.ACCEPTED, State.MISFILED): "delivery.misfiled",
    (State.MISFILED, State.VERIFIED): "delivery.verified",
    (State.VERIFIED, State.MISFILED): "delivery.misfiled",
    (State.PARKED, State.READY): "delivery.decided",
    (State.PARKED, State.ACCEPTED): "delivery.decided",
}
BY_TARGET = {
    State.PARKED: "delivery.parked",
    State.SUPERSEDED: "delivery.superseded",
    State.CANCELLED: "delivery.cancelled",
}


def event_of(old: State, new: State) -> str:
    return EVENTS.get((old, new)) or BY_TARGET[new]


def tickets(ids: Iterable[int]) -> list[Ticket]:
    """Read what the audit log needs of these deliveries."""
    rows = Delivery.objects.filter(pk__in=list(ids)).values_list(
        "pk",
        "practice__code",
        "location__code",
        "note_version__patient_bidx",
        "encounter_bidx",
        "note_version_id",
        "note_version__correlation_id",
        "part",
    )
    return [Ticket(*row[:5], str(row[5]), *row[6:]) for row in rows]


def ticket_of(delivery: Delivery) -> Ticket:
    """The same from a row whose note_version, location and practice have been loaded with it."""
    return Ticket(
        id=delivery.pk,
        practice=delivery.location.practice.code,
        location=delivery.location.code,
        patient_bidx=delivery.note_version.patient_bidx,
        encounter_bidx=delivery.encounter_bidx,
        note_version=str(delivery.note_version_id),
        correlation_id=delivery.note_version.correlation_id,
        part=delivery.part,
    )


@dataclass(frozen=True)
class Change:
    """Move those of `subjects` that are in `old` (and claimed under `epoch`, if given) to `new`.

    `columns` are further columns of Delivery to set, the same for all; `each` those that differ, by id, the same names
    for everyone; `details` adds to each one's audit detail; `reason` is a person's; `recipients` names, by id, who is
    about to receive patient data.
    """

    subjects: Sequence[Ticket]
    old: State
    new: State
    reason_code: str = ""
    epoch: int | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    each: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    details: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    reason: str = ""
    recipients: Mapping[int, str] = field(default_factory=dict)


def transition(subjects: Sequence[Ticket], old: State, new: State, **rest: Any) -> list[Ticket]:
    """One Change; `rest` are its further fields. Must run inside a transaction; returns the ones that moved."""
    return change_all([Change(subjects, old, new, **rest)])[0]


def change_all(changes: Sequence[Change]) -> list[list[Ticket]]:
    """Several changes in the caller's transaction, their Moves and audit events together; for each, who moved."""
    for change in changes:
        if not allowed(change.old, change.new):
            raise IllegalMove(f"{change.old} to {change.new}")
    now = timezone.now()
    moved: list[list[Ticket]] = []
    for change in changes:
        ids = _compare_and_set(change, now) if change.subjects else set()
        moved.append([ticket for ticket in change.subjects if ticket.id in ids])
    done = list(zip(changes, moved, strict=True))
    sql.insert(
        [
            _move(ticket, change.old, change.new, change.reason_code, change.epoch or 0, now)
            for change, tickets in done
            for ticket in tickets
        ],
        [_entry_of(change, ticket) for change, tickets in done for ticket in tickets],
    )
    for change, tickets in done:
        outbox.moved({ticket.id: change.reason_code for ticket in tickets}, change.new)
    return moved


def hold_otherwise(subjects: Sequence[Ticket], old_code: str, new_code: str) -> list[Ticket]:
    """What is HELD for one reason waits for another from now on: written as a move, from HELD to HELD.

    In the caller's transaction; returns those that were held for `old_code` still.
    """
    now = timezone.now()
    rows = Delivery.objects.select_for_update().filter(state=State.HELD, reason_code=old_code)
    ids = set(rows.filter(pk__in=[ticket.id for ticket in subjects]).values_list("pk", flat=True))
    Delivery.objects.filter(pk__in=ids).update(reason_code=new_code, updated_at=now, **by_problems([]))
    moved = [ticket for ticket in subjects if ticket.id in ids]
    sql.insert(
        [_move(ticket, State.HELD, State.HELD, new_code, 0, now) for ticket in moved],
        [_entry("delivery.held", ticket, new_code, {}) for ticket in moved],
    )
    outbox.moved(dict.fromkeys(ids, new_code), State.HELD)
    return moved


def _compare_and_set(change: Change, now: datetime) -> set[int]:
    shared = {"state": change.new.value, "reason_code": change.reason_code, "updated_at": now, **change.columns}
    if fails(change.old, change.new):
        shared["ever_failed"] = True
    guard = {"state": change.old.value} | ({} if change.epoch is None else {"epoch": change.epoch})
    own = list(next(iter(change.each.values()), {}))
    rows = [[ticket.id, *(change.each[ticket.id][name] for name in own)] for ticket in change.subjects]
    return {key for (key,) in sql.update_each(Delivery, ["id"], own, rows, shared=shared, guard=guard)}


def _entry_of(change: Change, ticket: Ticket) -> Entry:
    entry = _entry(event_of(change.old, change.new), ticket, change.reason_code, change.details.get(ticket.id, {}))
    return replace(entry, reason=change.reason, recipient=change.recipients.get(ticket.id, ""))


def _move(ticket: Ticket, old: State | str, new: State, reason_code: str, epoch: int, now: datetime) -> Move:
    actor = ticket.actor or current().actor
    return Move(
        delivery_id=ticket.id,
        from_state=str(old),
        to_state=new.value,
        at=now,
        epoch=epoch,
        reason_code=reason_code,
        actor=actor.name or f"{actor.type} {actor.id}",
    )


def _entry(event: str, ticket: Ticket, reason_code: str, detail: Mapping[str, Any]) -> Entry:
    words: dict[str, Any] = {"delivery_id": ticket.id, "part": ticket.part, **detail}
    if reason_code:
        words["reason_code"] = reason_code
    return Entry(
        event,
        **ticket.recorded,
        purpose_of_use="TREAT",
        data_category=("transcribed_note",),
        detail=words,
        actor=ticket.actor,
    )


def begin(
    subjects: Sequence[tuple[Ticket, State, str]], first: Sequence[Entry] = (), others: Sequence[Model] = ()
) -> None:
    """Write the first Move and audit event of deliveries just inserted: (ticket, first state, reason code).

    `first` are the audit events of what brought them about, `others` rows to be inserted in the same statement.
    """
    now = timezone.now()
    begun = [_entry(f"delivery.{state.value}", ticket, reason_code, {}) for ticket, state, reason_code in subjects]
    moves = [_move(ticket, "", state, reason_code, 0, now) for ticket, state, reason_code in subjects]
    sql.insert(moves, [*first, *begun], others=[others])
    outbox.moved({ticket.id: reason_code for ticket, state, reason_code in subjects if state == State.HELD}, State.HELD)
