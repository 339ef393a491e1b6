"""The issues rail: what is wrong, where, since when, whose it is; and what a person may do with one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse

from audit.record import record
from delivery.failures import Failure, failure
from delivery.filters import Filters
from delivery.models import Delivery
from delivery.monitor.tables import Issue, IssueState
from delivery.queries import Scope, matching
from delivery.words import ago
from portal.access import locations_of
from portal.models import ConnectionKind, User
from portal.navigation import SEES_NOTES

MOST = 12  # in the rail; the list of all has no end
FIRST = (IssueState.REGRESSED, IssueState.NEW, IssueState.ACKNOWLEDGED, IssueState.RESOLVED)
TONES = {
    IssueState.NEW: "act",
    IssueState.REGRESSED: "act",
    IssueState.ACKNOWLEDGED: "wait",
    IssueState.RESOLVED: "off",
}
ICONS = {
    IssueState.NEW: "exclamation-triangle",
    IssueState.REGRESSED: "arrow-path",
    IssueState.ACKNOWLEDGED: "hand-raised",
    IssueState.RESOLVED: "check",
}
MUTES = {
    "1h": ("an hour", timedelta(hours=1)),
    "8h": ("8 hours", timedelta(hours=8)),
    "1d": ("a day", timedelta(days=1)),
    "7d": ("7 days", timedelta(days=7)),
}
MORE = {f"{number}more": number for number in (10, 50, 100, 500)}  # until so many more have failed
SPARK_WIDTH, SPARK_HEIGHT = 96, 20


@dataclass(frozen=True)
class Shown:
    """One issue in the rail."""

    issue: Issue
    why: Failure
    where: str
    label: str
    tone: str
    icon: str
    first: str
    last: str
    muted: bool
    more: int  # muted until so many more have failed; 0: by time, or not
    spark: tuple[tuple[float, float, float], ...]  # x, y, height of each hour's bar
    query: str  # the list's filter that shows what is affected


@dataclass(frozen=True)
class Rail:
    """The open ones first; `more` and `muted` say how many stand elsewhere."""

    shown: tuple[Shown, ...]
    more: int
    muted: int


def rail(scope: Scope, now: datetime, every: bool = False, of: User | None = None) -> Rail:
    """The issues of the locations in view: regressed and new ones first, then by how many deliveries stand in them.

    `of`: only those given to this person.
    """
    rows = [row for row in of_scope(scope) if of is None or row.assignee_id == of.pk]
    unsolved = [row for row in rows if row.state != IssueState.RESOLVED]
    muted = [row for row in unsolved if is_muted(row, now)]
    wanted = rows if every else [row for row in unsolved if not is_muted(row, now)]
    wanted.sort(key=lambda row: (FIRST.index(IssueState(row.state)), -row.affected, -row.last_seen.timestamp()))
    kept = wanted if every else wanted[:MOST]
    return Rail(tuple(show(row, now) for row in kept), len(wanted) - len(kept), len(muted))


def of_scope(scope: Scope) -> QuerySet[Issue]:
    return Issue.objects.filter(location__in=scope.locations).select_related("location", "assignee")


def is_muted(issue: Issue, now: datetime) -> bool:
    by_time = issue.muted_until is not None and issue.muted_until > now
    return by_time or (issue.muted_seen is not None and issue.seen < issue.muted_seen)


def show(issue: Issue, now: datetime) -> Shown:
    state, why = IssueState(issue.state), failure(issue.reason_code)
    method = dict(ConnectionKind.choices).get(issue.method, "")
    return Shown(
        issue=issue,
        why=why,
        where=f"{issue.location.code}{f', {method}' if method else ''}",
        label=state.label,
        tone=TONES[state],
        icon=ICONS[state],
        first=ago(now - issue.first_seen),
        last=ago(now - issue.last_seen),
        muted=is_muted(issue, now),
        more=max(0, (issue.muted_seen or 0) - issue.seen),
        spark=tuple(sparkline(issue.hours, now)),
        query=query_of(issue),
    )


def narrowed(issue: Issue) -> Filters:
    method = (issue.method,) if issue.method else ()
    return Filters(state=("attention", "waiting"), reason=(issue.reason_code,), method=method)


def query_of(issue: Issue) -> str:
    return f"location={quote(issue.location.code)}&{narrowed(issue).query()}"


def affected(issue: Issue) -> QuerySet[Delivery]:
    """The deliveries that stand in an issue now, as the list shows them."""
    return matching(Scope((issue.location,)), narrowed(issue))


def sparkline(hours: dict[str, int], now: datetime) -> list[tuple[float, float, float]]:
    """A bar for each of the last 24 hours in which something came, as high as its share of the worst hour."""
    oldest = int(now.timestamp()) // 3600 - 23
    most = max([number for hour, number in hours.items() if int(hour) >= oldest], default=0)
    step = SPARK_WIDTH / 24
    found = []
    for place in range(24):
        if number := hours.get(str(oldest + place), 0):
            height = max(2.0, round(SPARK_HEIGHT * number / most, 1))
            found.append((round(place * step, 1), SPARK_HEIGHT - height, height))
    return found


@dataclass(frozen=True)
class Asked:
    """What a person wants done with an issue: by whom, with which further word (whose it shall be, for how long)."""

    by: User
    word: str
    now: datetime


def acknowledge(issue: Issue, asked: Asked) -> bool:
    if issue.state not in (IssueState.NEW, IssueState.REGRESSED):
        return False
    issue.state = IssueState.ACKNOWLEDGED
    return True


def resolve(issue: Issue, asked: Asked) -> bool:
    """Said by a person: what stands in it stays as it is, and the next failure brings it back."""
    if issue.state == IssueState.RESOLVED:
        return False
    issue.state, issue.resolved_at = IssueState.RESOLVED, asked.now
    return True


def assign(issue: Issue, asked: Asked) -> bool:
    """To one who may see it there; nobody for an empty word."""
    found = next((one for one in people_for(issue) if str(one.pk) == asked.word), None)
    if asked.word and found is None:
        return False
    issue.assignee = found
    return True


def mute(issue: Issue, asked: Asked) -> bool:
    """For a time, or until so many more have failed; an empty word ends it."""
    if asked.word and asked.word not in MUTES and asked.word not in MORE:
        return False
    issue.muted_until = asked.now + MUTES[asked.word][1] if asked.word in MUTES else None
    issue.muted_seen = issue.seen + MORE[asked.word] if asked.word in MORE else None
    return True


def people_at(scope: Scope) -> Sequence[User]:
    """Those whom an issue of some of these locations can be given to."""
    here = Q(memberships__location__in=scope.locations) | Q(memberships__location=None)
    practices = {location.practice_id for location in scope.locations}
    found = User.objects.filter(here, memberships__practice__in=practices, memberships__role__in=SEES_NOTES)
    return list(found.filter(is_active=True).distinct().order_by("username"))


def people_for(issue: Issue) -> Sequence[User]:
    """Those whose role shows them the deliveries of the issue's location."""
    return people_at(Scope((issue.location,)))


DEEDS: dict[str, tuple[str, Callable[[Issue, Asked], bool]]] = {
    "acknowledge": ("Acknowledged.", acknowledge),
    "resolve": ("Resolved. The next failure of this kind brings it back.", resolve),
    "assign": ("Noted whose it is.", assign),
    "mute": ("Noted for how long it is quiet.", mute),
}

# With many at once, and what is said of those with which it was done.
MANY = {"assign": "Given", "acknowledge": "Acknowledged"}
MOST_CHOSEN = 500


def carry_out(issue: Issue, verb: str, asked: Asked) -> bool:
    """Do one thing with an issue and record it; false where it was not possible."""
    with transaction.atomic():
        row = Issue.objects.select_for_update(of=("self",)).select_related("location__practice").get(pk=issue.pk)
        if not DEEDS[verb][1](row, asked):
            return False
        row.save(update_fields=["state", "resolved_at", "assignee", "muted_until", "muted_seen"])
        record(
            "issue.change",
            practice=row.location.practice.code,
            location=row.location.code,
            object_type="issue",
            object_id=str(row.pk),
            detail={"deed": verb, "reason_code": row.reason_code, "word": asked.word},
        )
    return True


def issue_for(user: User, pk: int) -> Issue | None:
    """The issue, where the person may see its location's deliveries."""
    rows = Issue.objects.select_related("location__practice", "assignee")
    return rows.filter(pk=pk, location__in=locations_of(user)).first()


def bulk_address(issue: Issue, verb: str) -> str:
    """Where everything that stands in the issue can be dealt with at once."""
    return f"{reverse('delivery:bulk', args=[verb])}?{query_of(issue)}"
