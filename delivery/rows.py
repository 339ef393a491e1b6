"""One row of the delivery list, ready to be shown: words, masked patient, times in the location's zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any

from django.utils import timezone
from django.utils.html import format_html_join

from delivery.failures import failure
from delivery.models import Attempt, Delivery
from delivery.patients import masks
from delivery.queries import Scope, last_attempts
from delivery.states import WORDS, State, Words
from delivery.words import SETTLED, STATE_ICONS, OutcomeWords, ago, attempt_words, outcome_words


@dataclass(frozen=True)
class Row:
    """One delivery as the list shows it. `zone` is the location's, in which `received` is to be shown."""

    delivery: Delivery
    words: Words
    icon: str
    received: datetime
    zone: str
    patient: str
    reason: str
    sections: tuple[tuple[str, OutcomeWords], ...]  # title, outcome
    dots: tuple[tuple[Attempt, OutcomeWords], ...]
    age: str
    settled: bool

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


def days(deliveries: Sequence[Delivery], scope: Scope) -> list[Day]:
    """Rows grouped by day, in the order given."""
    made = rows(deliveries)
    by_day = groupby(made, key=lambda row: row.delivery.created_at.astimezone(scope.zone).date())
    return [Day(day, tuple(members)) for day, members in by_day]


def rows(deliveries: Sequence[Delivery]) -> list[Row]:
    """What each delivery's row says; two queries for all of them, at most."""
    patients = masks(delivery.note_version_id for delivery in deliveries)
    attempts = last_attempts(delivery.pk for delivery in deliveries)
    now = timezone.now()
    return [
        row(delivery, patients[delivery.note_version_id], attempts.get(delivery.pk, []), now) for delivery in deliveries
    ]


def row(delivery: Delivery, patient: str, attempts: Sequence[Attempt], now: datetime) -> Row:
    state = State(delivery.state)
    settled = state in SETTLED
    until = (delivery.verified_at or delivery.updated_at) if settled else now
    return Row(
        delivery=delivery,
        words=WORDS[state],
        icon=STATE_ICONS[state],
        received=delivery.created_at,
        zone=delivery.location.time_zone,
        patient=patient,
        reason=failure(delivery.why).title if delivery.why else "",
        sections=cells(delivery.section_outcomes),
        dots=tuple((attempt, attempt_words(attempt.outcome)) for attempt in attempts),
        age=ago(until - delivery.created_at),
        settled=settled,
    )


def cells(outcomes: Sequence[dict[str, Any]]) -> tuple[tuple[str, OutcomeWords], ...]:
    """The section strip: one cell a section, in the note's order."""
    return tuple(
        (str(one.get("title") or one.get("code") or "Untitled"), outcome_words(str(one.get("outcome", ""))))
        for one in outcomes
    )
