"""Reads for the page of a location's pilot: its steps, numbers, providers, what waits, and who did what when."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.utils import timezone

from delivery.models import Delivery
from delivery.pilot.cohort import HOLDS, NAMED, OF_THE_SUITE, PAUSED, TOO_OLD, cohort_at, everybody, share_of
from delivery.pilot.numbers import HOLDS as GATE_HOLDS
from delivery.pilot.numbers import SHORT, UNKNOWN, Gate, Taken, gates, take
from delivery.pilot.tables import Pilot, PilotMove, Window
from delivery.places import AWAITS_REVIEW
from delivery.queries import Scope
from delivery.states import State
from delivery.tabs import providers
from mapping.models import MappingVersion
from portal.models import Location, Part

PILLS = {GATE_HOLDS: ("ok", "Holds"), SHORT: ("act", "Short"), UNKNOWN: ("wait", "Not enough data")}
HISTORY = 50


@dataclass(frozen=True)
class StepShown:
    """One step of the pilot: where it stands to the present one, and who took it when."""

    text: str
    state: str  # past, now, next, later
    move: PilotMove | None


@dataclass(frozen=True)
class Number:
    """One gate with the pill that says it."""

    gate: Gate
    tone: str
    word: str


@dataclass(frozen=True)
class Provider:
    """One provider of whom notes came: in or not, from which share on, how many notes wait for them to join."""

    id: str
    name: str
    inside: bool
    named: bool
    share: int
    waiting: int


def words_of(pilot: Pilot, step: int) -> str:
    """What a step lets through."""
    last = everybody(pilot.percents)
    if step == PAUSED:
        return "Paused: nobody’s notes go"
    if step == NAMED:
        return f"The named ones: {', '.join(pilot.providers)}"
    if step < last:
        return f"{pilot.percents[step - NAMED - 1]} % of the providers, and the named ones"
    return "Every provider" if step == last else "Ended: practice-wide"


def steps_of(pilot: Pilot, history: list[PilotMove]) -> list[StepShown]:
    """Each step in order; the pause only while it lasts."""
    first = PAUSED if pilot.step == PAUSED else NAMED
    shown = []
    for step in range(first, everybody(pilot.percents) + 2):
        state = "past" if step < pilot.step else "now" if step == pilot.step else "later"
        state = "next" if step == pilot.step + 1 else state
        came = next((move for move in history if move.to_step == step != move.from_step), None)
        shown.append(StepShown(words_of(pilot, step), state, came if step <= pilot.step else None))
    return shown


def numbers_of(pilot: Pilot, taken: Taken) -> list[Number]:
    return [Number(gate, *PILLS[gate.state]) for gate in gates(pilot, taken)]


def window_words(pilot: Pilot) -> str:
    if pilot.window == Window.NOTES:
        return f"the last {pilot.window_size} notes"
    return "the last day" if pilot.window_size == 1 else f"the last {pilot.window_size} days"


def mappings_of(taken: Taken) -> list[tuple[str, int]]:
    """By which mapping how many of the counted notes went."""
    rows = MappingVersion.objects.filter(pk__in=[pk for pk, _ in taken.mappings if pk]).select_related("template")
    names = {row.pk: f"{row.template.code}, mapping {row.number}" for row in rows}
    found: Counter[str] = Counter()
    for pk, number in taken.mappings:
        found[names.get(pk or 0, "no mapping")] += number
    return found.most_common()


def waiting_at(location: Location) -> dict[str, int]:
    """Notes that wait, by the reason of it."""
    held = Delivery.objects.filter(location=location, state=State.HELD, part=Part.NOTE)
    rows = held.filter(reason_code__in=[*HOLDS, TOO_OLD, AWAITS_REVIEW]).order_by().values_list("reason_code")
    return dict(rows.annotate(Count("pk")))


def providers_of(pilot: Pilot, known: list[tuple[str, str]]) -> list[Provider]:
    """Those who are in first, then by the share that takes them in."""
    cohort = cohort_at(pilot)
    held = Delivery.objects.filter(location=pilot.location_id, state=State.HELD, reason_code__in=HOLDS, part=Part.NOTE)
    waiting = dict(held.order_by().values_list("provider_id").annotate(Count("pk")))
    names = {**dict.fromkeys([*pilot.providers, *waiting], ""), **dict(known)}
    found = [
        Provider(
            pk or "—",
            name,
            cohort is None or cohort.has(pk),
            pk in pilot.providers,
            share_of(pilot.location_id, pk) + 1,
            waiting.get(pk, 0),
        )
        for pk, name in names.items()
    ]
    return sorted(found, key=lambda one: (not one.inside, not one.named, one.share, one.name))


def known_at(location: Location) -> list[tuple[str, str]]:
    """(id, name) of the providers of the newest notes."""
    return providers(Scope((location,)), without=OF_THE_SUITE)


def context_of(pilot: Pilot, now: datetime | None = None) -> dict[str, Any]:
    """What the page shows of a pilot that has begun once."""
    history = list(pilot.moves.order_by("-pk")[:HISTORY])
    taken = take(pilot, now or timezone.now())
    last = everybody(pilot.percents)
    numbers = numbers_of(pilot, taken)
    held = waiting_at(pilot.location)
    return {
        "steps": steps_of(pilot, history),
        "taken": taken,
        "window": window_words(pilot),
        "numbers": numbers,
        "short": [one.gate for one in numbers if not one.gate.holds],
        "mappings": mappings_of(taken),
        "outside": sum(held.get(code, 0) for code in HOLDS),
        "too_old": held.get(TOO_OLD, 0),
        "to_review": held.get(AWAITS_REVIEW, 0),
        "providers": providers_of(pilot, known_at(pilot.location)),
        "history": [(move, words_of(pilot, move.from_step), words_of(pilot, move.to_step)) for move in history],
        "ended": pilot.step > last,
        "paused": pilot.step == PAUSED,
        "everybody": pilot.step == last,
        "following": words_of(pilot, pilot.step + 1) if pilot.step <= last else "",
        "before": words_of(pilot, pilot.step - 1) if PAUSED < pilot.step <= last else "",
    }
