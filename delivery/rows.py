"""One row of the delivery list, ready to be shown: words, masked patient, times as the person wants them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from django.utils import timezone
from django.utils.html import format_html_join

from delivery.deeds import AGAIN
from delivery.failures import failure
from delivery.models import Attempt, Delivery
from delivery.monitor.times import SITE, UTC, Clock, clock, zone_for
from delivery.patients import masks
from delivery.queries import Scope, last_attempts
from delivery.states import State, Words
from delivery.words import SETTLED, STATE_ICONS, OutcomeWords, ago, attempt_words, outcome_words, state_words


@dataclass(frozen=True)
class Row:
    """One delivery as the list shows it. `next` is what happens by itself and when, "" where nothing does."""

    delivery: Delivery
    words: Words
    icon: str
    received: Clock
    patient: str
    reason: str
    sections: tuple[tuple[str, OutcomeWords], ...]  # title, outcome
    dots: tuple[tuple[Attempt, OutcomeWords], ...]
    age: str
    settled: bool
    next: str
    again: str  # the deed that gets it on its way again, "" where none does

    @property
    def strip(self) -> str:
        """The cells of the section strip as safe HTML: five hundred of them on a page are too many for the template."""
        return format_html_join(
            "",
            '<span class="cell tone-{}" title="{}: {}"></span>',
            ((words.tone, title, words.label) for title, words in self.sections),
        )

    @property
    def sections_right(self) -> int:
        return sum(words.right for _, words in self.sections)


@dataclass(frozen=True)
class Day:
    """The rows received on one day of the shown locations."""

    date: date
    rows: tuple[Row, ...]


def days(deliveries: Sequence[Delivery], scope: Scope, way: str = SITE) -> list[Day]:
    """Rows grouped by day, in the order given."""
    made, zone = rows(deliveries, way), zone_for(way, scope)
    by_day = groupby(made, key=lambda row: row.delivery.created_at.astimezone(zone).date())
    return [Day(day, tuple(members)) for day, members in by_day]


def rows(deliveries: Sequence[Delivery], way: str = SITE) -> list[Row]:
    """What each delivery's row says; two queries for all of them, at most."""
    patients = masks(delivery.note_version_id for delivery in deliveries)
    attempts = last_attempts(delivery.pk for delivery in deliveries)
    now = timezone.now()
    return [
        row(delivery, patients[delivery.note_version_id], attempts.get(delivery.pk, []), now, way)
        for delivery in deliveries
    ]


def row(delivery: Delivery, patient: str, attempts: Sequence[Attempt], now: datetime, way: str = SITE) -> Row:
    state = State(delivery.state)
    settled = state in SETTLED
    until = (delivery.verified_at or delivery.updated_at) if settled else now
    return Row(
        delivery=delivery,
        words=state_words(delivery),
        icon=STATE_ICONS[state],
        received=clock(delivery.created_at, way, delivery.location.time_zone, now),
        patient=patient,
        reason=failure(delivery.why).title if delivery.why else "",
        sections=cells(delivery.section_outcomes),
        dots=tuple((attempt, attempt_words(attempt.outcome)) for attempt in attempts),
        age=ago(until - delivery.created_at),
        settled=settled,
        next=coming(delivery, state, now, way),
        again=AGAIN.get(state, ""),
    )


def coming(delivery: Delivery, state: State, now: datetime, way: str) -> str:
    """The next try or the next look into the chart, where one is to come by itself."""
    zone = delivery.location.time_zone
    shown = UTC if way == UTC else SITE  # a time gone by says nothing of one to come
    if state is State.READY and delivery.not_before > now:
        return f"next try {clock(delivery.not_before, shown, zone, now).words}"
    if state in (State.ACCEPTED, State.UNKNOWN) and delivery.read_at and delivery.read_at > now:
        return f"chart read {clock(delivery.read_at, shown, zone, now).words}"
    return ""


def cells(outcomes: Sequence[dict[str, Any]]) -> tuple[tuple[str, OutcomeWords], ...]:
    """The section strip: one cell a section, in the note's order."""
    return tuple(
        (str(one.get("title") or one.get("code") or "Untitled"), outcome_words(str(one.get("outcome", ""))))
        for one in outcomes
    )
