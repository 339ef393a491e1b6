"""Issues that begin with something else than a delivery that failed: they stand until that is over."""

from collections.abc import Collection
from datetime import datetime

from delivery.monitor.tables import Issue, IssueState
from delivery.ways.models import Deviation
from portal.models import Location

# The reasons of an issue that a deviation of eCW's opens (delivery/ways/changes.py).
OF_CHANGES = ("ecw_changed", "ecw_changed_field", "ecw_changed_way")


def open_issue(location: Location, method: str, reason_code: str, now: datetime) -> Issue:
    """The issue, new or come again, in the caller's transaction."""
    row, made = Issue.objects.select_for_update().get_or_create(
        location=location, method=method, reason_code=reason_code, defaults={"first_seen": now, "last_seen": now}
    )
    row.seen, row.last_seen = row.seen + 1, now
    if not made and row.state == IssueState.RESOLVED:
        row.state, row.muted_until = IssueState.REGRESSED, None
    row.save()
    return row


def going_on() -> Collection[int]:
    """The locations at which such an issue is not over, however quiet it is."""
    return set(Deviation.objects.filter(closed_at=None).values_list("location_id", flat=True))
