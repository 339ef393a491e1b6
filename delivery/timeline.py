"""A delivery's course as one list, newest first: moves, attempts, looks into the chart, deeds of people, waits."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.actions import ACTIONS
from audit.models import AuditEvent
from delivery.failures import failure
from delivery.models import Attempt, Delivery, Move, Population, Reading
from delivery.states import WORDS, State
from delivery.words import ANSWERS, GRADES, IN_APP_DATA, STATE_ICONS, TEMPLATE_OUTCOMES, ago, attempt_words, who

WORTH_NAMING = timedelta(seconds=10)
# What a delivery waits for in each state: said of the time between two events, and of now.
WAITS: dict[State, tuple[str, str]] = {
    State.HELD: ("held for a person", "Held for a person,"),
    State.READY: ("waited to be sent", "Waiting to be sent,"),
    State.SENDING: ("waited for the receiver's answer", "Waiting for the receiver's answer,"),
    State.ACCEPTED: ("waited to be read back", "Waiting to be read back,"),
    State.UNKNOWN: ("outcome unknown", "Outcome unknown,"),
    State.PARKED: ("waited for a decision", "Waiting for a decision,"),
    State.MISFILED: ("waited for a repair in the chart", "Waiting for a repair in the chart,"),
}


@dataclass(frozen=True)
class Event:
    """One thing that happened. `wait` names the pause before it, where there was one worth naming."""

    at: datetime
    title: str
    tone: str
    icon: str
    text: str = ""
    who: str = ""
    state: State | None = None  # the state entered, for moves
    wait: str = ""


def timeline(
    delivery: Delivery,
    moves: Sequence[Move],
    attempts: Sequence[Attempt],
    readings: Sequence[Reading],
    deeds: Sequence[AuditEvent],
    populations: Sequence[Population] = (),
) -> list[Event]:
    """Newest first. Of events at one instant, the causes stand below their consequences."""
    events = [
        *(_attempt_begun(attempt) for attempt in attempts),
        *(_attempt_ended(attempt) for attempt in attempts if attempt.finished_at and attempt.outcome),
        *(_population(population) for population in populations),
        *(_reading(reading) for reading in readings),
        *(_move(move) for move in moves),
        *(_deed(deed) for deed in deeds),
    ]
    return list(_with_waits(sorted(events, key=lambda event: event.at)))[::-1]


def still_waiting(delivery: Delivery, now: datetime) -> str:
    """What the delivery waits for at this moment and since when; "" once nothing more is to come."""
    waits_for = WAITS.get(State(delivery.state))
    if not waits_for:
        return ""
    said = f"{waits_for[1]} {ago(now - delivery.updated_at)} so far."
    if delivery.state == State.READY and delivery.not_before > now:
        said += f" The next try comes in {ago(delivery.not_before - now)}."
    elif delivery.read_at and delivery.read_at > now:
        said += f" The next look into the chart comes in {ago(delivery.read_at - now)}."
    return said


def _with_waits(events: Iterable[Event]) -> Iterator[Event]:
    state: State | None = None
    last: datetime | None = None
    for event in events:
        gap = event.at - last if last else timedelta(0)
        if state in WAITS and gap >= WORTH_NAMING:
            yield Event(**{**event.__dict__, "wait": f"{ago(gap)}: {WAITS[state][0]}"})
        else:
            yield event
        state, last = event.state or state, event.at


def _move(move: Move) -> Event:
    state = State(move.to_state)
    waits = move.reason_code == "waits_in_app_data"
    words = IN_APP_DATA if waits else WORDS[state]
    why = failure(move.reason_code).title + "." if move.reason_code and not waits else ""
    first = "" if move.from_state else "Received. "
    return Event(move.at, words.label, words.tone, STATE_ICONS[state], first + why, who(move.actor), state)


def _attempt_begun(attempt: Attempt) -> Event:
    return Event(
        attempt.intent_at,
        f"Attempt {attempt.number} begins",
        "wait",
        "paper-airplane",
        f"By {attempt.connection.name}; the intent was written down before the first byte.",
        who(attempt.worker),
    )


def _attempt_ended(attempt: Attempt) -> Event:
    words = attempt_words(attempt.outcome)
    took = ago(attempt.finished_at - attempt.intent_at) if attempt.finished_at else ""
    why = f" {failure(attempt.reason_code).title}." if attempt.reason_code else ""
    code = f" The receiver's code: {attempt.code}." if attempt.code else ""
    title = f"Attempt {attempt.number}: {words.label.lower()}"
    return Event(
        attempt.finished_at or attempt.intent_at,
        title,
        words.tone,
        words.icon,
        f"After {took}.{code}{why}",
        who(attempt.worker),
    )


def _population(population: Population) -> Event:
    """One line for a template: its intent is the attempt's, a moment before."""
    words = TEMPLATE_OUTCOMES.get(population.outcome, TEMPLATE_OUTCOMES[""])
    code = f" The receiver's code: {population.code}." if population.code else ""
    why = f" {failure(population.reason_code).title}." if population.reason_code else ""
    return Event(
        population.finished_at or population.intent_at,
        f"Template {population.template_code}: {words.label.lower()}",
        words.tone,
        words.icon,
        f"Through {population.connection.name}, before the texts. {words.meaning}{code}{why}",
        who(population.worker),
    )


def _reading(reading: Reading) -> Event:
    words = ANSWERS.get(reading.answer, ANSWERS["cannot_say"])
    grade = f" Proof: {GRADES[reading.grade]}." if reading.grade in GRADES else ""
    why = f" {failure(reading.reason_code).title}." if reading.reason_code else ""
    text = f"Asked through {reading.connection.name}.{grade}{why}"
    return Event(reading.at, words.label, words.tone, words.icon, text)


def _deed(deed: AuditEvent) -> Event:
    action = ACTIONS.get(deed.event)
    sentence = action.sentence if action else deed.event
    return Event(deed.at, sentence[0].upper() + sentence[1:], "off", "user", deed.reason, deed.actor_name)
