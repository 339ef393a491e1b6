"""Reads for the page "App Data": what eCW took and a person there has yet to take over. No patient is named."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from delivery.entry_verification import LOOKED_FOR
from delivery.models import Delivery
from delivery.states import State
from portal.models import Location, Part

SHOWN = 200
LONG = timedelta(days=3)  # after so long somebody should be asked whether it is looked at there


@dataclass(frozen=True)
class Waiting:
    """One part that waits: since when, and what is to be done."""

    delivery: Delivery
    part: str
    since: datetime
    long: bool
    todo: str


@dataclass(frozen=True)
class AtLocation:
    """What waits at one location, the oldest first; `oldest` is None where nothing does."""

    location: Location
    rows: tuple[Waiting, ...]
    total: int
    long: int

    @property
    def oldest(self) -> datetime | None:
        return self.rows[0].since if self.rows else None


def waiting_at(locations: Iterable[Location]) -> list[AtLocation]:
    """Every location in view; two queries each."""
    return [_at(location) for location in locations]


def _waiting(location: Location) -> QuerySet[Delivery]:
    return Delivery.objects.filter(location=location, state=State.ACCEPTED, proof="app_data")


def _at(location: Location) -> AtLocation:
    now = timezone.now()
    found = _waiting(location).select_related("connection", "note_version").defer("note_version__sealed_body")
    rows = [_row(delivery, now) for delivery in found.order_by("accepted_at", "pk")[:SHOWN]]
    total = len(rows) if len(rows) < SHOWN else _waiting(location).count()
    late = _waiting(location).filter(accepted_at__lt=now - LONG).count()
    return AtLocation(location, tuple(rows), total, late)


def _row(delivery: Delivery, now: datetime) -> Waiting:
    since = delivery.accepted_at or delivery.updated_at
    return Waiting(delivery, Part(delivery.part).label, since, now - since > LONG, todo(delivery, now - since))


def todo(delivery: Delivery, age: timedelta) -> str:
    """What somebody does about it, in one sentence."""
    if delivery.part == Part.IMMUNIZATIONS:
        return "Take them over in eCW's App Data; eCW answers no search for them, so they stay listed here."
    if age > LOOKED_FOR:
        return "It is not looked for any more: see in eCW whether it was taken over or left."
    if age > LONG:
        return "Ask at the clinic whether anybody looks into App Data."
    return "Take it over in eCW's App Data; it is found here by itself."
