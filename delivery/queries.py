"""Reads for the delivery list: one page by keyset, its counts, and a version by which a screen knows it is current."""

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, reduce
from operator import or_
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, Count, F, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from delivery.filters import GROUPS, LATENCIES, RETRYING, Filters
from delivery.models import Attempt, Delivery
from delivery.monitor.given import of_person
from delivery.pilot.narrowing import of_cohort
from delivery.states import NEEDS_ATTENTION, STRIKABLE, State
from mapping.models import Template
from portal.models import Connection, Location, Part

PAGE = 50
MANY = 1000  # counts stop here: "1,000+" is as good an answer, and stays cheap over a million rows
FEW, FOR_SO_LONG = 1000, 60  # deliveries of some templates; seconds that their being few is believed
DOTS = 5
EPOCH = datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))
# Charted notes that the scribe has withdrawn need a person too, whatever their state says.
TO_STRIKE = Q(withdrawn_at__isnull=False, state__in=STRIKABLE)
# So does an accepted one that could not be read back for so long, though its location has a reader.
UNREAD_AFTER = timedelta(minutes=15)
RETRIED = Q(state=State.READY, ever_failed=True)  # tried in vain, and tried again by itself
# In the index's own words, without a parameter: only so SQLite knows that the index of reasons will do.
WITH_REASON = RawSQL("delivery_delivery.reason_code > ''", (), output_field=BooleanField())
SLOW = RawSQL("delivery_delivery.took_seconds >= 60", (), output_field=BooleanField())
AFFECTED = RawSQL("delivery_delivery.affected > ''", (), output_field=BooleanField())
NO_NOTE = RawSQL("NOT (delivery_delivery.part = 'note')", (), output_field=BooleanField())


@dataclass(frozen=True)
class Scope:
    """The locations one person looks at: those in view at which a role lets them see deliveries."""

    locations: tuple[Location, ...]

    @property
    def zone(self) -> ZoneInfo:
        """The zone of days: the locations' own; of several, the first one's."""
        return zone_of(self.locations[0]) if self.locations else ZoneInfo("UTC")


@dataclass(frozen=True)
class Cursor:
    """A place in the list, between rows: after (older than) or before (newer than) one delivery."""

    at: datetime
    id: int
    older: bool = True

    def __str__(self) -> str:
        return f"{(self.at - EPOCH) // timedelta(microseconds=1)}-{self.id}"


@dataclass(frozen=True)
class Page:
    """At most PAGE deliveries, newest first, and where to go on."""

    deliveries: tuple[Delivery, ...]
    older: Cursor | None
    newer: Cursor | None


def zone_of(location: Location) -> ZoneInfo:
    return ZoneInfo(location.time_zone)


def read_cursor(text: str, older: bool) -> Cursor | None:
    """A cursor from an address; None for what is none."""
    micros, _, pk = text.partition("-")
    if not (micros.isdecimal() and pk.isdecimal() and len(micros) < 18 and len(pk) < 19):
        return None
    return Cursor(EPOCH + timedelta(microseconds=int(micros)), int(pk), older)


def within(scope: Scope, filters: Filters) -> Scope:
    """The scope's locations that the filters name; a code that is none of them finds nothing."""
    named = tuple(location for location in scope.locations if location.code in filters.at)
    return Scope(named) if filters.at else scope


def matching(scope: Scope, filters: Filters, now: datetime | None = None) -> QuerySet[Delivery]:
    """The deliveries of the scope that pass the filters, unordered."""
    scope = within(scope, filters)
    found = Delivery.objects.filter(location__in=scope.locations)
    if filters.found:
        return found.none()
    now = now or timezone.now()
    if filters.state:
        found = found.filter(_wanted(filters, now))
    return _by_course(_by_visit(_by_time(found, scope, filters, now), scope, filters), scope, filters)


def _wanted(filters: Filters, now: datetime) -> Q:
    wanted = Q(state__in=filters.states()) if filters.states() else Q()
    if "attention" in filters.state:
        wanted |= beyond_states(now)
    return wanted | RETRIED if RETRYING in filters.state else wanted


def beyond_states(now: datetime) -> Q:
    """What needs a person though its state does not say so."""
    return TO_STRIKE | unread(now)


def needing(now: datetime) -> tuple[Q, ...]:
    """All that needs a person, in parts that do not overlap and have an index each."""
    return Q(state__in=NEEDS_ATTENTION), TO_STRIKE, unread(now)


def unread(now: datetime) -> Q:
    """Accepted, to be read back, and not read for too long; without those that are to be struck."""
    late = now - UNREAD_AFTER
    return Q(state=State.ACCEPTED, read_at__isnull=False, accepted_at__lt=late, withdrawn_at__isnull=True)


def _by_time(found: QuerySet[Delivery], scope: Scope, filters: Filters, now: datetime) -> QuerySet[Delivery]:
    start, end = filters.span(scope.zone, now)
    if start:
        found = found.filter(created_at__gte=start)
    return found.filter(created_at__lt=end) if end else found


def _by_visit(found: QuerySet[Delivery], scope: Scope, filters: Filters) -> QuerySet[Delivery]:
    columns = {
        "pk__in": filters.id,
        "part__in": filters.part,
        "provider_id__in": filters.provider,
        "note_version__patient_bidx": filters.patient,
        "note_version__encounter_bidx": filters.encounter,
        "note_id": filters.note,
        "control_id": filters.control,
    }
    found = found.filter(**{name: value for name, value in columns.items() if value})
    if filters.reason:
        found = found.filter(WITH_REASON, reason_code__in=filters.reason)
    if filters.part and Part.NOTE not in filters.part:
        found = found.filter(NO_NOTE)
    if filters.method:
        found = found.filter(connection__in=_connections(scope, filters.method))
    if filters.tries:  # said twice: who was tried twice had failed, and of these there is an index
        found = found.filter(ever_failed=True, attempts__gte=int(filters.tries))
    return found.filter(ever_failed=True) if filters.failed else found


def _by_course(found: QuerySet[Delivery], scope: Scope, filters: Filters) -> QuerySet[Delivery]:
    """By what it was made with, and by what became of it."""
    if filters.template or filters.specialty:
        found = found.filter(_made_with(_templates(scope, filters)))
    if filters.mapping:
        found = found.filter(mapping_version__in=[int(one) for one in filters.mapping])
    if filters.section:
        wrong = [Q(affected__contains=f",{code},") for code in filters.section]
        found = found.filter(AFFECTED, reduce(or_, wrong))
    if filters.cohort:
        found = found.filter(of_cohort(scope.locations, filters.cohort))
    if filters.whose:
        found = found.filter(WITH_REASON, of_person(scope.locations, int(filters.whose)))
    if filters.took:
        found = found.filter(SLOW, took_seconds__gt=LATENCIES[filters.took][1])
    return found.filter(replay_of__isnull=filters.replayed == "no") if filters.replayed else found


def _made_with(templates: list[int]) -> Q:
    """Few rows by their numbers: SQLite would go through the whole list to find the newest of them."""
    if not _are_few(tuple(templates), int(time.time()) // FOR_SO_LONG):
        return Q(template__in=templates)
    return Q(pk__in=Delivery.objects.filter(template__in=templates).order_by().values("pk"))


@lru_cache(maxsize=100)
def _are_few(templates: tuple[int, ...], _when: int) -> bool:
    """Kept for a while: an open page asks every two seconds, and only which way is faster depends on it."""
    return Delivery.objects.filter(template__in=templates).order_by().values("pk")[: FEW + 1].count() <= FEW


def _templates(scope: Scope, filters: Filters) -> list[int]:
    """By number, as the connections below."""
    found = Template.objects.filter(location__in=scope.locations)
    if filters.template:
        found = found.filter(code__in=filters.template)
    if filters.specialty:
        found = found.filter(specialty__in=filters.specialty)
    return list(found.order_by("pk").values_list("pk", flat=True))


def _connections(scope: Scope, kinds: Iterable[str]) -> list[int]:
    """By number: the planner knows how many deliveries went by each, and nothing of how many by a kind."""
    practices = {location.practice_id for location in scope.locations}
    found = Connection.objects.filter(practice__in=practices, kind__in=list(kinds))
    return list(found.order_by("pk").values_list("pk", flat=True))


def whole(found: QuerySet[Delivery], scope: Scope) -> QuerySet[Delivery]:
    """The same, with the practices named as well: of several locations, only their index has the list's order."""
    practices = {location.practice_id for location in scope.locations}
    return found.filter(practice__in=practices) if len(scope.locations) > 1 else found


def page(found: QuerySet[Delivery], cursor: Cursor | None, size: int = PAGE) -> Page:
    """One page by keyset: no row is skipped or shown twice, whatever arrives meanwhile."""
    backwards = cursor is not None and not cursor.older
    wanted = _beyond(found, cursor)
    # Their numbers first: with what a row shows joined to all that match, SQLite reads those before it sorts them.
    rows = list(for_rows(wanted.values_list("pk", flat=True)[: size + 1]).order_by(*wanted.query.order_by))
    more, rows = len(rows) > size, rows[:size]
    if backwards:
        rows.reverse()
    has_newer = more if backwards else cursor is not None
    has_older = True if backwards else more
    return Page(
        tuple(rows),
        older=Cursor(rows[-1].created_at, rows[-1].pk) if rows and has_older else None,
        newer=Cursor(rows[0].created_at, rows[0].pk, older=False) if rows and has_newer else None,
    )


def _beyond(found: QuerySet[Delivery], cursor: Cursor | None) -> QuerySet[Delivery]:
    if cursor is None:
        return found.order_by("-created_at", "-pk")
    if cursor.older:
        beyond = Q(created_at__lt=cursor.at) | Q(created_at=cursor.at, pk__lt=cursor.id)
        # Said twice: the first condition is the one an index can begin with.
        return found.filter(beyond, created_at__lte=cursor.at).order_by("-created_at", "-pk")
    beyond = Q(created_at__gt=cursor.at) | Q(created_at=cursor.at, pk__gt=cursor.id)
    return found.filter(beyond, created_at__gte=cursor.at).order_by("created_at", "pk")


def for_rows(numbers: Iterable[int]) -> QuerySet[Delivery]:
    """The deliveries of these numbers with what a row shows, and without the sealed note."""
    found = Delivery.objects.filter(pk__in=list(numbers))
    return found.select_related("note_version__template", "location", "connection").defer("note_version__sealed_body")


def counts(found: QuerySet[Delivery], few: bool = False) -> dict[str, int]:
    """How many per state and group, in one statement: each up to MANY, or, of a list of few rows, all in one pass."""
    return look(found, found.none(), None, few)[0]


def look(
    found: QuerySet[Delivery], shown: QuerySet[Delivery], cursor: Cursor | None, few: bool
) -> tuple[dict[str, int], str]:
    """The numbers of `found`, and a mark that changes with every row of one page of `shown`: all that a screen needs
    to know that it is current. One statement; of a list of few rows two.
    """
    try:
        mark = _mark(_beyond(shown, cursor)[: PAGE + 1])
    except EmptyResultSet:
        mark = ("''", [])
    try:
        numbers, beyond, retried, marked = (*_in_one_pass(found), _alone(mark)) if few else _numbers(found, mark)
    except EmptyResultSet:
        numbers, beyond, retried, marked = dict.fromkeys(State, 0), 0, 0, _alone(mark)
    return _grouped(numbers, beyond) | {RETRYING: retried}, marked


Scalar = tuple[str, Sequence[Any]]  # a statement that gives one value, and its parameters


def _mark(rows: QuerySet[Delivery]) -> Scalar:
    """What may change of each row, in one text."""
    names = ("pk", "state", "reason_code", "withdrawn_at", "attempts", "updated_at")
    statement, values = rows.values_list(*names).query.sql_with_params()
    text = " || '|' || ".join(f"COALESCE(CAST({name} AS TEXT), '')" for name in names)
    joined = "string_agg" if connection.vendor == "postgresql" else "group_concat"
    return f"(SELECT {joined}({text}, ',') FROM ({statement}) AS page)", values  # noqa: S608 (the ORM wrote it)


def _alone(scalar: Scalar) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {scalar[0]}", scalar[1])
        return str(cursor.fetchone()[0])


def _grouped(numbers: dict[State, int], beyond: int) -> dict[str, int]:
    groups = {name: sum(numbers[state] for state in states) for name, states in GROUPS.items()}
    groups["attention"] += beyond
    return {**{state.value: number for state, number in numbers.items()}, **groups, "all": sum(numbers.values())}


def _numbers(found: QuerySet[Delivery], more: Scalar) -> tuple[dict[State, int], int, int, str]:
    """How many in each state, need a person for another reason, are tried again; and `more` beside them."""
    statements: list[str] = []
    parameters: list[Any] = []
    # Named by number: SQLite would go through all that could be struck, by whatever else it is narrowed.
    to_be_struck = Q(pk__in=Delivery.objects.filter(TO_STRIKE).values("pk"))
    for narrowed in (*(Q(state=state) for state in State), to_be_struck, unread(timezone.now()), RETRIED):
        sliced = found.filter(narrowed).order_by().values("pk")[:MANY]
        statement, values = sliced.query.sql_with_params()
        statements.append(f"(SELECT COUNT(*) FROM ({statement}) AS sliced)")  # noqa: S608 (the ORM wrote it)
        parameters.extend(values)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join([*statements, more[0]])}", [*parameters, *more[1]])
        *by_state, to_strike, not_read, retried, marked = cursor.fetchone()
    return dict(zip(State, by_state, strict=True)), to_strike + not_read, retried, str(marked)


def _in_one_pass(found: QuerySet[Delivery]) -> tuple[dict[State, int], int, int]:
    needing = Count("pk", filter=beyond_states(timezone.now()))
    again = Count("pk", filter=RETRIED)
    rows = found.order_by().values_list("state").annotate(Count("pk"), needing=needing, again=again)
    numbers, beyond, retried = dict.fromkeys(State, 0), 0, 0
    for state, number, needed, tried in rows:
        numbers[State(state)], beyond, retried = number, beyond + needed, retried + tried
    return numbers, beyond, retried


def last_attempts(ids: Iterable[int]) -> dict[int, list[Attempt]]:
    """The last five attempts of each delivery, oldest first."""
    rows = Attempt.objects.filter(delivery__in=list(ids), number__gt=F("delivery__attempts") - DOTS)
    found: dict[int, list[Attempt]] = {}
    for attempt in rows.defer("sealed_answer").order_by("delivery_id", "number"):
        found.setdefault(attempt.delivery_id, []).append(attempt)
    return found


def version(mark: str, numbers: dict[str, int], *more: object) -> str:
    """Equal exactly while the screen need not change: the mark of its rows, the counts, and `more`."""
    return hashlib.sha256(repr((mark, numbers, more)).encode()).hexdigest()[:24]
