"""Reads for one delivery's page: everything but its content."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from audit.models import AuditEvent
from delivery import fallback, queries
from delivery.channels.registry import NAMES_TEMPLATE
from delivery.failures import Button, Failure, failure
from delivery.failures.document import PRESS
from delivery.filters import Filters
from delivery.models import Attempt, Delivery, Population, Reading
from delivery.patients import masks
from delivery.queries import Cursor, Scope, zone_of
from delivery.rows import cells
from delivery.sentence import faults, sentence
from delivery.states import State, Words
from delivery.timeline import Event, still_waiting, timeline
from delivery.words import GRADES, STATE_ICONS, OutcomeWords, attempt_words, state_words
from portal.models import Part

DEEDS = 100  # of people, shown in the timeline; the audit log has them all


@dataclass(frozen=True)
class Try:
    """One line of the attempts table."""

    attempt: Attempt
    words: OutcomeWords
    reason: str
    seconds: float | None


@dataclass(frozen=True)
class Detail:
    """One delivery, without a word of its content. Times are shown in `zone`, the location's."""

    delivery: Delivery
    words: Words
    icon: str
    zone: str
    received: datetime
    sentence: str
    waiting: str
    patient: str
    proof: str
    why: Failure | None
    evidence: tuple[str, ...]
    link: tuple[str, str] | None  # words and address of the page where the cause lies
    sections: tuple[tuple[str, OutcomeWords], ...]
    empty: tuple[str, ...]  # titles of the sections without text
    tries: tuple[Try, ...]
    events: tuple[Event, ...]
    instead: Delivery | None  # the delivery by another way that took its place
    kin: tuple[tuple[Delivery, Words], ...]  # the note's other deliveries: versions, parts, replays


def detail_of(delivery: Delivery) -> Detail:
    """Eight queries (nine where its way fills templates), however long the delivery's story is."""
    moves = list(delivery.moves.order_by("id"))
    attempts = list(delivery.attempt_rows.select_related("connection").defer("sealed_answer").order_by("number"))
    readings = list(delivery.readings.select_related("connection").defer("sealed_sections").order_by("at", "pk"))
    state = State(delivery.state)
    why = failure(delivery.why) if delivery.why else None
    entered = moves[-1].at if moves else None
    others = kin(delivery)
    return Detail(
        delivery=delivery,
        words=state_words(delivery),
        icon=STATE_ICONS[state],
        zone=delivery.location.time_zone,
        received=delivery.created_at.astimezone(zone_of(delivery.location)),
        sentence=sentence(delivery, entered),
        waiting=still_waiting(delivery, timezone.now()),
        patient=masks([delivery.note_version_id])[delivery.note_version_id],
        proof=GRADES.get(delivery.proof, ""),
        why=why,
        evidence=tuple(evidence(delivery, attempts, readings)),
        link=link_to(delivery, why.button) if why else None,
        sections=cells(delivery.section_outcomes),
        empty=empty_titles(delivery),
        tries=tuple(_try(attempt) for attempt in reversed(attempts)),
        events=tuple(timeline(delivery, moves, attempts, readings, deeds(delivery), populations(delivery))),
        instead=next((other for other in others if other.replaces_id == delivery.pk), None),
        kin=tuple((other, state_words(other)) for other in others),
    )


def populations(delivery: Delivery) -> list[Population]:
    """The visit's template as this delivery had it filled; no query where its way fills none."""
    if delivery.connection is None or delivery.connection.kind not in NAMES_TEMPLATE:
        return []
    return list(delivery.populations.select_related("connection").order_by("pk"))


def empty_titles(delivery: Delivery) -> tuple[str, ...]:
    rows = (delivery.note_version.empty_sections or []) if delivery.part == Part.NOTE else []
    return tuple(str(row["title"] or row["code"] or "Untitled section") for row in rows)


def deeds(delivery: Delivery) -> list[AuditEvent]:
    """What people did with this delivery, other than moving it (moves have rows of their own)."""
    rows = AuditEvent.objects.filter(object_type="delivery", object_id=str(delivery.pk), actor_type="user")
    return list(rows.exclude(event__startswith="delivery.").order_by("-at")[:DEEDS])


def kin(delivery: Delivery) -> list[Delivery]:
    others = Delivery.objects.filter(note_id=delivery.note_id).exclude(pk=delivery.pk)
    return list(
        others.select_related("note_version", "connection").defer("note_version__sealed_body").order_by("-pk")[:20]
    )


def evidence(delivery: Delivery, attempts: Sequence[Attempt], readings: Sequence[Reading]) -> list[str]:
    """What the reason rests on, in sentences without content."""
    said = [str(problem.get("message", "")) for problem in delivery.problems]
    if delivery.state == State.REJECTED and delivery.location.fallback:
        why = fallback.why_not(delivery, delivery.reason_code)
        said.append(f"It does not go by the next way: {fallback.WHY_NOT[why or 'no_way']}.")
    if wrong := faults(delivery):
        said.append(f"In the chart: {wrong}.")
    if attempts:
        last = attempts[-1]
        code = f", the receiver's code was {last.code}" if last.code else ""
        tried = "once" if len(attempts) == 1 else f"{len(attempts)} times"
        said.append(f"Tried {tried}; the last try: {attempt_words(last.outcome).label.lower()}{code}.")
    if readings and not wrong:
        looks = "once" if len(readings) == 1 else f"{len(readings)} times"
        said.append(f"The chart was asked {looks}; the last answer: {readings[-1].answer.replace('_', ' ')}.")
    return [one for one in said if one]


def link_to(delivery: Delivery, button: Button) -> tuple[str, str] | None:
    """The page where the cause lies, if the site has it; None for what is an action on the delivery itself."""
    template = delivery.note_version.template_id
    places: dict[Button, tuple[str, object]] = {
        Button.CONNECTION: ("portal:connection", delivery.connection_id),
        Button.MAPPING: ("mapping:mapping", template),
        Button.TEMPLATE: ("mapping:template", template),
        Button.LOCATION: ("portal:location", delivery.location.code),
        Button.AGREEMENT: ("portal:agreements", ""),
        Button.DIAGNOSES: ("codes:diagnoses", ""),
        Button.DRUGS: ("workbench:waiting", ""),
        Button.MISROUTED: ("delivery:misrouted", template),
        Button.APP_DATA: ("delivery:app-data", ""),
        Button.CHANGES: ("delivery:changes", delivery.location.code),
        Button.PILOT: ("delivery:pilot", delivery.location.code),
    }
    if button not in places:
        return None
    name, key = places[button]
    try:
        return PRESS[button], reverse(name, args=[key] if key else [])
    except NoReverseMatch:
        return None


def neighbours(delivery: Delivery, scope: Scope, chosen: Filters) -> tuple[int | None, int | None]:
    """The delivery before (newer) and after (older) this one in the list it was opened from."""
    found = queries.whole(queries.matching(scope, chosen), scope)
    newer = queries.page(found, Cursor(delivery.created_at, delivery.pk, older=False), 1).deliveries
    older = queries.page(found, Cursor(delivery.created_at, delivery.pk), 1).deliveries
    return (newer[0].pk if newer else None, older[0].pk if older else None)


def _try(attempt: Attempt) -> Try:
    ended = attempt.finished_at
    return Try(
        attempt,
        attempt_words(attempt.outcome),
        failure(attempt.reason_code).title if attempt.reason_code else "",
        (ended - attempt.intent_at).total_seconds() if ended else None,
    )
