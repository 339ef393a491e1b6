"""The closed visits of one day that have no verified note, one by one: visit, provider, time; the patient masked."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from delivery.completeness.counting import GRACE, closed_visits
from delivery.completeness.days import bounds
from delivery.events.models import Event
from delivery.models import Delivery, NoteVersion
from delivery.patients import SEALED_AWAY, Patient
from delivery.states import State
from delivery.why import GRAVITY
from delivery.words import state_words
from portal import crypto
from portal.models import Location

MOST = 500  # visits listed of one day; a location closes fewer
MISSING, EXPECTED, UNPROVEN = "missing", "expected", "unproven"
WORDS = {
    MISSING: ("No note", "act"),
    EXPECTED: ("No note yet", "wait"),
    UNPROVEN: ("Not verified", "warn"),
}


@dataclass(frozen=True)
class Told:
    """What the source told of a visit, in clear: the ids of visit, patient and provider. Shown masked."""

    encounter_id: str = ""
    patient_id: str = ""
    provider_id: str = ""


@dataclass(frozen=True)
class VisitRow:
    """One visit. `visit` and `patient` are as the viewer may see them; `delivery` is what became of its note."""

    event: Event
    closed_at: datetime
    kind: str
    visit: str
    patient: str
    provider: str
    word: str
    tone: str
    delivery: Delivery | None = None


def opened(event: Event) -> Told:
    """The ids of one event; raises CannotOpen."""
    said = json.loads(crypto.unseal(event.sealed_visit, table="event", column="visit", row=event.pk))
    return Told(*(str(said.get(name) or "") for name in ("encounter_id", "patient_id", "provider_id")))


def tail(name: str) -> str:
    """The end of an id, as the lists show patients' ids."""
    return Patient(name, "", "", "", "").mask().removeprefix("? ") if name else ""


def unfinished(location: Location, day: date, now: datetime, clear: bool) -> list[VisitRow]:
    """What is missing first, then what is not verified, each by the time it closed. `clear`: visits' ids in full."""
    zone = ZoneInfo(location.time_zone)
    visits = closed_visits(location, *bounds(day, day, zone)).defer(None).select_related("location")
    late = [one for one in visits.order_by("happened_at", "pk") if not proven(one)]
    told = {one.pk: _told(one) for one in late}
    names = _providers(location, {one.provider_id for one in told.values()})
    worst = _worst(location, [one.encounter_bidx for one in late if noted(one)])
    rows = []
    for one in late:
        provider = told[one.pk].provider_id
        delivery = worst.get(one.encounter_bidx)
        rows.append(_row(one, told[one.pk], names.get(provider, provider), delivery, now, clear))
    return sorted(rows, key=lambda row: (row.kind != MISSING, row.kind != EXPECTED, row.closed_at))


def noted(event: Event) -> bool:
    """Whether a note of it came; `event` as counting.closed_visits() reads it, as below."""
    return bool(vars(event)["noted"])


def proven(event: Event) -> bool:
    return noted(event) and bool(vars(event)["charted"]) and not vars(event)["open"]


def _told(event: Event) -> Told:
    try:
        return opened(event)
    except crypto.CannotOpen:
        return Told(SEALED_AWAY)


def _row(event: Event, told: Told, provider: str, worst: Delivery | None, now: datetime, clear: bool) -> VisitRow:
    kind = UNPROVEN if noted(event) else EXPECTED if event.happened_at > now - GRACE else MISSING
    word, tone = WORDS[kind]
    if worst is not None:
        word, tone = state_words(worst).label, state_words(worst).tone
    return VisitRow(
        event=event,
        closed_at=event.happened_at.astimezone(ZoneInfo(event.location.time_zone)),
        kind=kind,
        visit=told.encounter_id if clear else tail(told.encounter_id),
        patient=tail(told.patient_id),
        provider=provider,
        word=word,
        tone=tone,
        delivery=worst,
    )


def _providers(location: Location, ids: set[str]) -> dict[str, str]:
    """Names of providers as the scribe's notes have them."""
    rows = NoteVersion.objects.filter(provider_id__in=ids, note__location=location).exclude(provider_name="")
    return dict(rows.order_by().values_list("provider_id", "provider_name").distinct())


def _worst(location: Location, visits: Iterable[str]) -> dict[str, Delivery]:
    """Per visit the delivery that most needs an answer: of each note's part the newest."""
    rows = Delivery.objects.filter(note_version__encounter_bidx__in=list(visits), location=location).order_by("pk")
    newest = {(row.note_id, row.part): row for row in rows.defer("problems", "section_outcomes")}
    found: dict[str, Delivery] = {}
    for row in newest.values():
        before = found.get(row.encounter_bidx)
        if before is None or GRAVITY.index(State(row.state)) > GRAVITY.index(State(before.state)):
            found[row.encounter_bidx] = row
    return found


def visit_for(locations: QuerySet[Location], pk: UUID) -> Event | None:
    """One event of the locations named; None for any other."""
    rows = Event.objects.filter(pk=pk, location__in=locations).select_related("location__practice")
    return rows.first()
