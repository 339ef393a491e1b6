"""Reads FHIR Encounters into events: status, references, times. Pure; what cannot be read is left out and counted.

Source: FHIR R4, Encounter (https://hl7.org/fhir/R4/encounter.html); that eCW sets these statuses as visits go on is
assumed.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from delivery.events.kinds import CANCELLED, CHECKED_IN, CLOSED, OPENED, Happening
from delivery.events.told import Unreadable, credible, identifier

KINDS = {
    "arrived": CHECKED_IN,
    "triaged": CHECKED_IN,
    "in-progress": OPENED,
    "onleave": OPENED,
    "finished": CLOSED,
    "cancelled": CANCELLED,
}
Resource = dict[str, Any]


def happenings(found: Iterable[Resource], now: datetime) -> tuple[list[Happening], int]:
    """The events that these encounters tell of, and how many of them could not be read."""
    told, unread = [], 0
    for encounter in found:
        kind = KINDS.get(str(encounter.get("status", "")))
        if kind is None:
            continue  # planned, entered in error: nothing has happened
        own = known(encounter.get("id"))
        if not own:
            unread += 1
            continue
        told.append(
            Happening(
                kind=kind,
                encounter_id=own,
                patient_id=referred(encounter.get("subject"), "Patient"),
                provider_id=provider(encounter),
                at=time_of(encounter, kind, now),
                message=f"{own}:{kind}",
            )
        )
    return told, unread


def taking_place_at(found: Iterable[Resource], locations: Sequence[str]) -> list[Resource]:
    """Those of one of these locations; all, where none is named. One that names no place of its own is not taken: a
    practitioner of two locations would begin the same visit at both."""
    return [each for each in found if not locations or set(locations) & set(places(each))]


def places(encounter: Resource) -> list[str]:
    """The ids of an Encounter's locations (Encounter.location.location), those only planned not among them."""
    rows = encounter.get("location")
    return [
        referred(row.get("location"), "Location")
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and row.get("status") != "planned"
    ]


def referred(reference: Any, kind: str) -> str:
    """The id a reference ends with, "" where it is no reference to this kind."""
    said = reference.get("reference") if isinstance(reference, dict) else None
    parts = said.rsplit("/", 2) if isinstance(said, str) else []
    return known(parts[-1]) if len(parts) >= 2 and parts[-2] == kind else ""


def known(value: Any) -> str:
    """An id as text; "" where it is none that can be stored: one such resource must not end the look at all others."""
    try:
        return identifier(value, "id") if isinstance(value, str) else ""
    except Unreadable:
        return ""


def provider(encounter: Resource) -> str:
    rows = encounter.get("participant")
    for row in rows if isinstance(rows, list) else []:
        found = referred(row.get("individual"), "Practitioner") if isinstance(row, dict) else ""
        if found:
            return found
    return ""


def time_of(encounter: Resource, kind: str, now: datetime) -> datetime:
    """When it happened: a visit begins and ends with its period; of an arrival only its last change is known."""
    period, meta = encounter.get("period"), encounter.get("meta")
    place = {OPENED: "start", CLOSED: "end"}.get(kind)
    said = period.get(place) if place and isinstance(period, dict) else None
    said = said or (meta.get("lastUpdated") if isinstance(meta, dict) else None)
    try:
        read = datetime.fromisoformat(str(said))
    except ValueError:
        return now
    return credible(read, UTC, now) or now
