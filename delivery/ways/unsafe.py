"""Which notes wait while eCW does otherwise than before: those by a changed way, or that fill a changed field."""

from collections.abc import Iterable
from dataclasses import dataclass

from delivery.certification.standing import where
from delivery.ways.changes import FIELD, WAY
from delivery.ways.models import Deviation
from mapping.note import FieldValue, Problem
from portal.models import Connection, Environment, Location


@dataclass(frozen=True)
class Unsafe:
    """What of one connection at one location may not be sent."""

    way: bool = False
    fields: frozenset[str] = frozenset()

    def problems(self, values: Iterable[FieldValue]) -> tuple[Problem, ...]:
        """One for each changed field that a note fills."""
        return tuple(
            Problem(FIELD, f"eCW does otherwise with {value.label} than before.", field_id=value.field_id)
            for value in values
            if value.field_id in self.fields and value.text
        )


def unsafe_by(location: Location, connection: Connection) -> Unsafe:
    """By what stands at the location itself, and, for production, at the sandbox location it rests on.

    There a row speaks of another connection: it counts for those of the same kind.
    """
    way, fields = False, set()
    for deviation in _standing(location):
        own = deviation.location_id == location.pk
        for row in deviation.rows:
            if row["connection"] != connection.pk if own else row["kind"] != connection.kind:
                continue
            way = way or row["effect"] == WAY
            fields |= set(row["fields"] if row["effect"] == FIELD else ())
    return Unsafe(way, frozenset(fields))


def _standing(location: Location) -> list[Deviation]:
    standing = Deviation.objects.filter(location__practice=location.practice_id, closed_at=None)
    rows = list(standing.select_related("location"))
    if location.environment != Environment.PRODUCTION:
        return [row for row in rows if row.location_id == location.pk]
    at = where(location) if rows else ""
    return [row for row in rows if row.location.code == at or row.location_id == location.pk]
