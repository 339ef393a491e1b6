"""A part of the log as a file for audit/verify_log.py: of a time, complete; or any selection, each event by itself.

A time is complete because leaves stand without a gap, and the file goes from one signed checkpoint to another: what was
recorded since the first was made cannot lie before it, and what was recorded until an hour before the last (no
transaction lasts longer) cannot lie behind it. So a file holds more than was asked for, and says from when until when.
"""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q, QuerySet

from audit.event import AuditEvent
from audit.log_file import (
    PROVES,
    Line,
    closing,
    gone,
    later,
    newest,
    opening,
    proved,
    said,
    trees_of,
    whole_tree,
)
from audit.sealed import Checkpoint
from audit.whole import LONGEST_TRANSACTION


def time_log(practice: str, since: datetime | None, until: datetime | None) -> Iterator[Line]:
    """Every event recorded from `since` until `until` (None: from the first, to the last), with more on both sides."""
    begins, ends = bounds(practice, since, until)
    yield opening(practice, part="time", proves=PROVES["time"])
    count, sizes = 0, dict[int, int]()
    for tree in trees_of(practice):
        place = (tree.month, tree.part)
        sizes[tree.pk] = tree.size
        if (begins and place < _place(begins)) or (ends and place > _place(ends)):
            continue
        first = begins if begins and begins.tree_id == tree.pk else None
        last = ends if ends and ends.tree_id == tree.pk else newest(tree)
        sizes[tree.pk] = last.size if last else 0
        for line in gone(tree) or whole_tree(tree, first, last):
            count += line.event
            yield line
    yield from closing(count, [] if ends else later(practice, sizes, Q(), Q()))


def bounds(
    practice: str, since: datetime | None, until: datetime | None
) -> tuple[Checkpoint | None, Checkpoint | None]:
    """The last checkpoint before a time and the first one after it; None where there is none."""
    made = Checkpoint.objects.filter(tree__practice=practice).select_related("tree")
    begins = made.filter(at__lte=since).order_by("-at", "-size", "-pk").first() if since else None
    ends = made.filter(at__gte=until + LONGEST_TRANSACTION).order_by("at", "size", "pk").first() if until else None
    return begins, begins if begins and ends and ends.at < begins.at else ends


def _place(checkpoint: Checkpoint) -> tuple[str, int]:
    return checkpoint.tree.month, checkpoint.tree.part


def selected_log(practice: str, events: QuerySet[AuditEvent], filters: list[str]) -> Iterator[Line]:
    """These events of a practice, each with its audit path; those that no checkpoint covers are listed at the end."""
    yield opening(practice, part="selection", filter=filters, proves=PROVES["selection"])
    chosen = events.order_by().values("pk")
    count, sizes = 0, dict[int, int]()
    for tree in trees_of(practice):
        checkpoint = newest(tree)
        if checkpoint is None:
            continue
        sizes[tree.pk] = checkpoint.size
        yield said("tree", tree.origin)
        yield said("checkpoint", checkpoint.note)
        leaves = list(tree.leaves.filter(pk__in=chosen, seq__lt=checkpoint.size).order_by("seq"))
        for line in proved(tree, checkpoint, leaves) if leaves else ():
            count += line.event
            yield line
    yield from closing(count, later(practice, sizes, Q(pk__in=chosen), Q(pk__in=chosen)))
