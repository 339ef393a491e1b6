"""Fields that another note of the same visit has filled: a note that fills them too waits for a person.

Whether eCW adds a second text to a field or puts it in the first one's place is not documented; assumed is the worse.
A batch costs one indexed query; what follows is asked only where a visit has another note in its chart.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from uuid import UUID

from django.db import connection
from django.db.models import Q

from audit import prepared
from audit.prepared import literal
from delivery import sql
from delivery.models import Delivery, NoteVersion
from delivery.overtaken import certainly_unsent
from delivery.plans import open_plan
from delivery.states import STRUCK, State
from mapping.note import FieldValue, Problem
from portal.models import ConnectionKind, Part

FIELD_TAKEN = "field_taken"
# Kinds that file into a template's fields. A document stands beside another one.
BY_FIELD = (ConnectionKind.HL7_MLLP, ConnectionKind.OPENAPI)
# In the chart, on its way there, or perhaps there.
STANDS = (State.SENDING, State.ACCEPTED, State.VERIFIED, State.MISFILED, State.UNKNOWN, State.PARKED)

Place = tuple[int, str]  # location and encounter: two locations' charts may share the number of an encounter


def others_in_chart(deliveries: Sequence[Delivery]) -> dict[int, list[Delivery]]:
    """By id, for those of `deliveries` (one connection's) that share their visit's chart with another note: that
    note's deliveries, their wires with them."""
    by_field = [row for row in deliveries if row.connection is not None and row.connection.kind in BY_FIELD]
    found = _in_chart({row.encounter_bidx for row in by_field if row.encounter_bidx})
    others = {
        row.pk: [pk for pk, note, place in found if place == _place(row) and note != row.note_id] for row in by_field
    }
    wires = _with_wires(chain.from_iterable(others.values()))
    return {pk: known for pk, keys in others.items() if (known := [wires[key] for key in keys if key in wires])}


def _place(delivery: Delivery) -> Place:
    return delivery.location_id, delivery.encounter_bidx


def _in_chart(encounters: set[str]) -> list[tuple[int, UUID, Place]]:
    """Id, note and place of what stands in these encounters' charts, or may. By the versions' index of encounters."""
    if not encounters:
        return []
    on_server = connection.vendor == "postgresql"  # then one parameter holds them all, and the words stay the same
    words = _charted_on_server() if on_server else _charted_among(len(encounters))
    with prepared.cursor() as cursor:
        cursor.execute(words, [sorted(encounters)] if on_server else sorted(encounters))
        return [(pk, UUID(str(note)), (location, encounter)) for pk, note, location, encounter in cursor.fetchall()]


@cache
def _charted_on_server() -> str:
    """Encounter by encounter, whatever the planner knows: from the deliveries' side it would read them all."""
    found = f"{_charted('given.encounter')} OFFSET 0"
    return f"SELECT found.* FROM unnest(%s::text[]) AS given(encounter) CROSS JOIN LATERAL ({found}) AS found"  # noqa: S608


@cache
def _charted_among(size: int) -> str:
    return _charted(f"({', '.join(['%s'] * size)})", "IN")


def _charted(encounter: str, compared: str = "=") -> str:
    standing = ", ".join(literal(state.value) for state in STANDS)
    return (
        "SELECT d.id, d.note_id, d.location_id, v.encounter_bidx "  # noqa: S608
        f"FROM {sql.table(NoteVersion)} v JOIN {sql.table(Delivery)} d ON d.note_version_id = v.id "
        f"WHERE v.encounter_bidx {compared} {encounter} "
        f"AND d.part = {literal(Part.NOTE.value)} AND d.state IN ({standing})"
    )


def _with_wires(ids: Iterable[int]) -> dict[int, Delivery]:
    """Those that filled fields, or may have; not what a person has struck, nor what certainly never left."""
    keys = list(ids)
    if not keys:
        return {}
    rows = Delivery.objects.filter(pk__in=keys, wire__isnull=False, connection__kind__in=BY_FIELD)
    stands = rows.exclude(reason_code=STRUCK).exclude(Q(state=State.PARKED) & certainly_unsent())
    return {row.pk: row for row in stands.select_related("wire").order_by("pk")}


def problems(delivery: Delivery, values: Sequence[FieldValue], others: Sequence[Delivery]) -> tuple[Problem, ...]:
    """One for each field of `values` that an other note fills, unless a person has let it go since that was there."""
    released = released_at(delivery) if others else None
    taken: dict[str, int] = {}
    for other in others:
        if released is None or (other.accepted_at or other.updated_at) > released:
            taken |= {value.field_id: other.pk for value in open_plan(other.pk, other.wire.sealed_plan)}
    return tuple(_problem(value, taken[value.field_id]) for value in values if value.field_id in taken)


def released_at(delivery: Delivery) -> datetime | None:
    """When a person last let this delivery go that had been held for a field; None if it never was."""
    moves = list(delivery.moves.order_by("pk").values_list("from_state", "to_state", "reason_code", "at"))
    held = [place for place, move in enumerate(moves) if move[1] == State.HELD and move[2] == FIELD_TAKEN]
    went = [at for old, new, _, at in moves[held[-1] :] if old == State.HELD and new == State.READY] if held else []
    return went[0] if went else None


def _problem(value: FieldValue, other: int) -> Problem:
    first = next((part for part in value.contributions if part.index >= 0), None)
    return Problem(
        FIELD_TAKEN,
        f"Delivery {other}, another note of this visit, has filled the field {value.label} ({value.field_id}).",
        f"/sections/{first.index}" if first else f"/fields/{value.field_id}",
        section_code=first.code if first else "",
        field_id=value.field_id,
    )
