"""A log with a past: events recorded, sealed and anchored at times of long ago."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import transaction

from audit.anchors import anchor_all
from audit.record import Entry, record_many
from audit.sealed import Tree
from audit.sealing import Ticking
from tests.audit.log import seal_now

DANA, AVA = "7", "8"


@contextmanager
def at(when: datetime) -> Iterator[None]:
    """Everything that asks this process's clock is told this; time passes as it says (the database has its own)."""

    class Then(datetime):
        @classmethod
        def now(cls, tz=None):
            return when

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.utils.timezone.now", lambda: when)
        patch.setattr("audit.record.datetime", Then)
        patch.setattr(Ticking, "elapsed", lambda self, now: now)
        yield


def month(year: int, number: int, entries: list[Entry]) -> Tree:
    """These events, recorded on the 15th, sealed and anchored."""
    with at(datetime(year, number, 15, 12, tzinfo=UTC)):
        with transaction.atomic():
            record_many(entries)
        seal_now()
        anchor_all()
    return Tree.objects.get(practice="lakeside", month=f"{year}{number:02}")


def seen(subject: str = "", location: str = "NORTH", count: int = 1) -> list[Entry]:
    return [Entry("note.view", practice="lakeside", location=location, subject_bidx=subject) for _ in range(count)]


def today(entries: list[Entry] | None = None) -> Tree:
    """The present month, so that the anchored time is now."""
    now = datetime.now(UTC)
    with at(now):
        with transaction.atomic():
            record_many(entries or seen())
        seal_now()
        anchor_all()
    return Tree.objects.filter(practice="lakeside").latest("month")
