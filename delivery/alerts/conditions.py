"""What is wrong at this moment: read from the tables that delivery keeps anyway. Nothing here writes or sends."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Max, Q

from delivery.alerts.kinds import (
    AGREEMENT,
    CHANGED,
    CONTENT,
    DRIFT,
    ENDING,
    FAILING,
    PILOT,
    REFUSED,
    SILENT,
    UNCERTAIN,
    WORKER,
)
from delivery.alerts.models import AlertSettings
from delivery.models import Breaker, ConnectionState, Delivery, Heartbeat
from delivery.pilot.cohort import STEPPED_BACK
from delivery.pilot.tables import Pilot
from delivery.states import State
from delivery.ways.models import Deviation
from delivery.words import WORKER as WORKER_NAME
from mapping.models import Template
from mapping.queries import drifted_in_force
from portal.agreements import RENEWAL_DAYS, today_at
from portal.models import Agreement, Location, OAuthGrant, Part, Practice
from portal.queries.expiries import expiries

DEAF = timedelta(minutes=2)  # so long without a sign of life, and a worker is away
FORGOTTEN = timedelta(days=3)  # a host that is away for longer has been taken out of service
WEEKS, OF_THEM, USUAL = 4, 3, 3  # usual: at least USUAL notes in these hours, in OF_THEM of the last WEEKS weeks
BREAKERS = {Breaker.OPEN: FAILING, Breaker.AUTH: REFUSED, Breaker.CONTENT: CONTENT}


@dataclass(frozen=True)
class Condition:
    """One thing that is wrong. `key` tells it from every other of the practice; `label` is for the screen only."""

    kind: str
    location: Location | None
    subject: str = ""
    label: str = ""
    reason_code: str = ""
    count: int = 0
    level: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        return self.kind, self.location.code if self.location else "", self.subject


def conditions(practice: Practice, limits: AlertSettings, now: datetime) -> list[Condition]:
    """All of a practice's, each once."""
    found: dict[tuple[str, str, str], Condition] = {}
    for location in Location.objects.filter(practice=practice, for_learning=False).select_related("practice"):
        for one in _of_location(location, limits, now):
            found.setdefault(one.key, one)
    for one in (*_agreements(practice), *_workers(now)):
        found.setdefault(one.key, one)
    return list(found.values())


def _of_location(location: Location, limits: AlertSettings, now: datetime) -> Iterator[Condition]:
    yield from _connections(location)
    yield from _refused(location)
    yield from _endings(location, limits, now)
    yield from _uncertain(location, limits, now)
    yield from _silence(location, limits, now)
    yield from _drift(location)
    yield from _pilot(location)
    yield from _changed(location)


def _connections(location: Location) -> Iterator[Condition]:
    """Connections that nothing is sent by, or read through, at this moment."""
    serving = Q(connection__routes__location=location) | Q(connection__read_for=location)
    stopped = ConnectionState.objects.filter(serving, connection__enabled=True, breaker__in=BREAKERS)
    for state in stopped.select_related("connection").distinct():
        kind = BREAKERS[Breaker(state.breaker)]
        code = state.rejection_code if kind == CONTENT else state.last_reason
        number = state.rejections if kind == CONTENT else state.failures
        subject = f"connection:{state.connection_id}"
        yield Condition(kind, location, subject, state.connection.name, code[:60], number)


def _refused(location: Location) -> Iterator[Condition]:
    """Sign-ins that no renewal will mend."""
    serving = Q(connection__routes__location=location) | Q(connection__read_for=location)
    rows = OAuthGrant.objects.filter(serving, connection__enabled=True, retry_at=None).exclude(trouble="")
    for grant in rows.select_related("connection").distinct():
        yield Condition(REFUSED, location, f"connection:{grant.connection_id}", grant.connection.name, grant.trouble)


def _endings(location: Location, limits: AlertSettings, now: datetime) -> Iterator[Condition]:
    for one in expiries([location]):
        if one.ends is not None and not one.refused and one.ends - now <= timedelta(days=limits.near_days):
            left = (one.ends - now).days
            yield Condition(ENDING, location, one.what[:120], one.what[:200], count=max(0, left), level=nearness(left))


def nearness(days: int) -> int:
    """How near an end is, in steps that are each told once: 1 within the time chosen, then a week, a day, over."""
    return 4 if days < 0 else 3 if days <= 1 else 2 if days <= 7 else 1


def _uncertain(location: Location, limits: AlertSettings, now: datetime) -> Iterator[Condition]:
    """Deliveries that nobody knows the outcome of, for longer than the limit."""
    late = now - timedelta(minutes=limits.uncertain_minutes)
    rows = Delivery.objects.filter(location=location, state__in=[State.UNKNOWN, State.PARKED], updated_at__lt=late)
    if number := rows.count():
        yield Condition(UNCERTAIN, location, count=number)


def _silence(location: Location, limits: AlertSettings, now: datetime) -> Iterator[Condition]:
    """No note for so long, in hours in which notes came in most of the last weeks: the same by the local clock."""
    if not limits.silence_minutes:
        return
    length = timedelta(minutes=limits.silence_minutes)
    local = now.astimezone(ZoneInfo(location.time_zone))
    if _came(location, local, length, 1):
        return
    usual = sum(_came(location, local - timedelta(weeks=back), length, USUAL) for back in range(1, WEEKS + 1))
    if usual >= OF_THEM:
        yield Condition(SILENT, location)


def _came(location: Location, until: datetime, length: timedelta, least: int) -> bool:
    end = until.astimezone(ZoneInfo("UTC"))
    rows = Delivery.objects.filter(location=location, part=Part.NOTE, created_at__gt=end - length, created_at__lte=end)
    return len(rows.order_by().values_list("pk")[:least]) == least


def _drift(location: Location) -> Iterator[Condition]:
    for template in Template.objects.filter(location=location).order_by("pk"):
        if drifted_in_force(template):
            yield Condition(DRIFT, location, f"template:{template.pk}", template.name[:200])


def _pilot(location: Location) -> Iterator[Condition]:
    """A pilot that stepped back by itself, until somebody has acted on it; `count` are the notes that wait for it."""
    for pilot in Pilot.objects.filter(location=location, stepped_back_at__isnull=False):
        held = Delivery.objects.filter(location=location, state=State.HELD, reason_code=STEPPED_BACK).count()
        yield Condition(PILOT, location, f"pilot:{pilot.pk}", reason_code=STEPPED_BACK, count=held, level=pilot.step)


def _changed(location: Location) -> Iterator[Condition]:
    """What the daily probe found otherwise than in the last good run; `count` are the rows."""
    for one in Deviation.objects.filter(location=location, closed_at=None):
        yield Condition(CHANGED, location, f"deviation:{one.pk}", count=len(one.rows))


def _agreements(practice: Practice) -> Iterator[Condition]:
    """Those that end within sixty days, thirty, seven; and those that ended lately, with none in their place."""
    places = list(Location.objects.filter(practice=practice, for_learning=False).order_by("code")[:1])
    if not places:
        return
    today = today_at(places[0])
    rows = list(Agreement.objects.filter(practice=practice, signed_on__lte=today))
    for one in rows:
        if one.expires_on is None or _followed(one, rows):
            continue
        left = (one.expires_on - today).days
        if -FORGOTTEN.days <= left <= max(RENEWAL_DAYS):
            level = 1 + sum(left <= days for days in (*RENEWAL_DAYS[1:], -1))
            subject = f"agreement:{one.pk}"
            yield Condition(AGREEMENT, None, subject, one.get_kind_display(), count=max(0, left), level=level)


def _followed(one: Agreement, rows: Iterable[Agreement]) -> bool:
    """Whether another of the same kind and party goes on after it."""
    return any(
        other.pk != one.pk
        and (other.kind, other.scribe_id) == (one.kind, one.scribe_id)
        and (other.expires_on is None or (one.expires_on is not None and other.expires_on > one.expires_on))
        for other in rows
    )


def _workers(now: datetime) -> Iterator[Condition]:
    """Hosts whose workers gave no sign of life lately; who looks is alive, so that of a single one nobody tells."""
    newest: dict[str, datetime] = {}
    for worker, beat in Heartbeat.objects.values_list("worker").annotate(beat=Max("beat_at")).order_by():
        found = WORKER_NAME.search(worker)
        host = found["host"] if found else worker
        newest[host] = max(beat, newest.get(host, beat))
    for host, beat in sorted(newest.items()):
        if DEAF < now - beat < FORGOTTEN:
            yield Condition(WORKER, None, f"worker:{host}"[:120], host[:200])
