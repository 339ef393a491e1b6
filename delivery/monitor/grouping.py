"""Groups failures into issues: which moves are failures, what a new one makes of an issue, and when one has ended.

A failure is a move into a state that needs a person, or back to waiting after a try that did not get through. Written
by delivery/monitor/counting.py together with its mark, so that each move is counted once.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, QuerySet

from delivery.models import Delivery
from delivery.monitor.opened import OF_CHANGES, going_on
from delivery.monitor.tables import Issue, IssueState
from delivery.queries import WITH_REASON
from delivery.states import NEEDS_ATTENTION, State

QUIET = timedelta(minutes=10)  # with nothing affected for so long, an issue has ended by itself
HOURS_KEPT = 24
Key = tuple[int, str, str]  # location, method, reason code


@dataclass(frozen=True)
class Failed:
    """One delivery's coming to stand in an issue."""

    location: int
    method: str
    reason_code: str
    at: datetime

    @property
    def key(self) -> Key:
        return self.location, self.method, self.reason_code


def is_failure(from_state: str, to_state: str, reason_code: str) -> bool:
    if not reason_code:
        return False
    return to_state in NEEDS_ATTENTION or (from_state == State.SENDING and to_state == State.READY)


def failing() -> QuerySet[Delivery]:
    """The deliveries that stand in an issue now."""
    return Delivery.objects.filter(WITH_REASON, state__in=[*NEEDS_ATTENTION, State.READY])


def standing() -> Mapping[Key, int]:
    """How many deliveries stand in each issue."""
    grouped = failing().order_by().values_list("location", "connection__kind", "reason_code").annotate(Count("pk"))
    return {(location, kind or "", code): number for location, kind, code, number in grouped}


def write_issues(failures: Iterable[Failed], affected: Mapping[Key, int], now: datetime) -> None:
    """Bring every issue up to date, in the caller's transaction."""
    by_key: dict[Key, list[Failed]] = {}
    for one in failures:
        by_key.setdefault(one.key, []).append(one)
    rows = {(row.location_id, row.method, row.reason_code): row for row in Issue.objects.select_for_update()}
    for key, came in by_key.items():
        if key not in rows:
            rows[key] = Issue(location_id=key[0], method=key[1], reason_code=key[2], first_seen=came[0].at)
    going = going_on()
    for key, row in rows.items():
        if move_on(
            row, by_key.get(key, []), affected.get(key, 0), now, goes_on=key[0] in going and key[2] in OF_CHANGES
        ):
            row.save()


def move_on(issue: Issue, came: list[Failed], affected: int, now: datetime, *, goes_on: bool = False) -> bool:
    """What new failures and the present number make of an issue; whether anything of it changed.

    `goes_on`: what opened it is not over, though nothing stands in it.
    """
    changed = bool(came) or issue.affected != affected or issue.pk is None
    issue.affected = affected
    if came:
        issue.seen += len(came)
        issue.last_seen = max(one.at for one in came)
        issue.hours = hours_with(issue.hours, came, now)
        if issue.state == IssueState.RESOLVED and comes_back(issue, came):
            issue.state, issue.muted_until, issue.muted_seen = IssueState.REGRESSED, None, None
    elif has_ended(issue, now) and not goes_on:
        issue.state, issue.resolved_at, changed = IssueState.RESOLVED, None, True
    return changed


def comes_back(issue: Issue, came: Iterable[Failed]) -> bool:
    """Whether any failed after a person had resolved it: a counter that was down counts what came before as well."""
    return issue.resolved_at is None or any(one.at > issue.resolved_at for one in came)


def has_ended(issue: Issue, now: datetime) -> bool:
    open_still = issue.state != IssueState.RESOLVED
    return open_still and not issue.affected and issue.last_seen < now - QUIET


def hours_with(hours: Mapping[str, int], came: Iterable[Failed], now: datetime) -> dict[str, int]:
    """The last day's hours with new failures added; older ones fall out."""
    oldest = int(now.timestamp()) // 3600 - HOURS_KEPT + 1
    total = Counter({hour: number for hour, number in hours.items() if int(hour) >= oldest})
    total.update(hour for one in came if int(hour := str(int(one.at.timestamp()) // 3600)) >= oldest)
    return dict(total)
