"""Reads for the page "Ways into the chart": each way with its connections here, and what proves it, with dates."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from delivery.models import Delivery
from delivery.states import State
from delivery.ways.capabilities import Standing, newest
from delivery.ways.catalogue import WAYS, Way, best_grade, grade_words, way_of
from delivery.ways.changes import NO, UNKNOWN, YES
from delivery.ways.models import Attestation
from mapping.models import MappingVersion
from portal.models import Connection, Location, Part

TONES = {YES: ("ok", "Yes"), NO: ("off", "No"), UNKNOWN: ("wait", "Not known")}


@dataclass(frozen=True)
class Proof:
    """What proves a way here: the grade, since when, or that it is only assumed."""

    tone: str
    word: str
    says: str
    at: datetime | None = None
    sample: int | None = None  # the delivery compared by a person


@dataclass(frozen=True)
class Use:
    """A connection of a way: for which parts, in which place, and what is proved of it here."""

    connection: Connection
    places: tuple[str, ...]  # "Note sections: first"
    reads: bool
    proof: Proof | None  # None where no part goes by it


@dataclass(frozen=True)
class WayHere:
    """One way with its connections in use at the location."""

    way: Way
    uses: tuple[Use, ...]


@dataclass(frozen=True)
class Finding:
    """One line of the newest probe."""

    standing: Standing
    tone: str
    word: str


def ways_here(location: Location) -> list[WayHere]:
    """Every way in the catalogue's order, used or not."""
    routes = list(location.routes.select_related("connection").order_by("part", "position"))
    found: dict[int, Connection] = {route.connection_id: route.connection for route in routes}
    reader = location.reading_connection
    if reader:
        found.setdefault(reader.pk, reader)
    uses = []
    for connection in sorted(found.values(), key=lambda one: one.name):
        places = tuple(
            f"{Part(route.part).label}: {'first' if route.position == 1 else f'stand-by {route.position - 1}'}"
            for route in routes
            if route.connection_id == connection.pk
        )
        proof = proof_of(location, connection) if places else None
        uses.append(Use(connection, places, reader is not None and reader.pk == connection.pk, proof))
    return [WayHere(way, tuple(use for use in uses if way_of(use.connection) is way)) for way in WAYS]


def proof_of(location: Location, connection: Connection) -> Proof:
    """The newest proof of this way here: read back, or signed for, or assumed only."""
    sent = Delivery.objects.filter(location=location, connection=connection)
    newest = F("verified_at").desc(nulls_last=True)  # PostgreSQL would put a row without its time first, SQLite last
    read = sent.filter(state=State.VERIFIED).order_by(newest, "-pk").first()
    possible = best_grade(connection, location.reading_connection)
    if read is not None:
        return Proof("ok", "Proved", f"{grade_words(read.proof)}.", read.verified_at)
    signed = Attestation.objects.filter(location=location, connection=connection).order_by("-at", "-pk").first()
    if signed is not None:
        return attested(signed)
    if possible == "none":
        says = "The location's reading connection cannot read this way back; a person can compare a sample and sign."
        return Proof("warn", "Accepted only", says)
    return Proof("wait", "Assumed", f"Possible here: {grade_words(possible)}. No note was read back so far.")


def attested(signed: Attestation) -> Proof:
    """A person's signature, and whether the mapping it was given for is still in force."""
    version = signed.mapping_version
    says = f"{grade_words('attested')}: {signed.by}, with delivery {signed.delivery_id}. Not read back."
    published = MappingVersion.objects.filter(state="published")
    if version is not None and not published.filter(pk=version.pk).exists():
        says = f"{says} Another mapping is in force since."
        return Proof("warn", "Attested, outdated", says, signed.at, signed.delivery_id)
    return Proof("warn", "Attested", says, signed.at, signed.delivery_id)


def findings(location: Location) -> tuple[datetime | None, str, list[tuple[str, list[Finding]]]]:
    """When the newest probe was made and by whom, and its lines by connection; what vanished is alarming."""
    made, rows = newest(location)
    grouped: dict[str, list[Finding]] = {}
    for row in rows:
        tone, word = ("act", "Vanished") if row.vanished else TONES[row.capability.outcome]
        grouped.setdefault(row.capability.name, []).append(Finding(row, tone, word))
    return (made.at if made else None), (made.by if made else ""), list(grouped.items())
