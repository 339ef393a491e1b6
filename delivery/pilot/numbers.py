"""A pilot's numbers over its window, and what each says: it holds, it is short, or there is not enough to say.

Counted are notes of the cohort that went, or should have, since the window began; by whichever mapping. A note that
waits for a clinician, was superseded or called off is not among them, nor is any of certification's own; one that no
chart shows a quarter of an hour after it might have gone is not verified, whatever it waits for.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil, floor
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from delivery.models import Delivery, Move, NoteVersion
from delivery.pilot.cohort import HOLDS as OUTSIDE
from delivery.pilot.cohort import OF_THE_SUITE, TOO_OLD
from delivery.pilot.tables import Feedback, Pilot, Window
from delivery.places import AWAITS_REVIEW
from delivery.states import State
from portal.models import Part

HOLDS, SHORT, UNKNOWN = "holds", "short", "unknown"
PROOF_DUE = timedelta(minutes=15)
MOST = 10_000  # notes of one window
REJECTED = "rejected_by_clinician"
NOT_YET = frozenset({State.READY, State.SENDING, State.ACCEPTED, State.UNKNOWN})
WAITING = OUTSIDE | {TOO_OLD, AWAITS_REVIEW, "held_by_person"}


@dataclass(frozen=True)
class Gate:
    """One number: its value now (None: nothing to say it of), its threshold, and whether a breach steps back."""

    key: str
    label: str
    value: float | None
    limit: int
    unit: str
    least: bool  # the threshold is the least that holds, else the most
    state: str
    guards: bool  # broken, it steps the cohort back; the others only keep it from growing

    @property
    def holds(self) -> bool:
        return self.state == HOLDS

    @property
    def breaks(self) -> bool:
        return self.guards and self.state == SHORT

    @property
    def shown(self) -> str:
        """The value with its unit, rounded to the side that does not flatter."""
        if self.value is None:
            return "nothing yet"
        tenths = (floor if self.least else ceil)(self.value * 10 - (0 if self.least else 1e-9)) / 10
        return f"{tenths:g}{self.unit}"

    @property
    def threshold(self) -> str:
        return f"at {'least' if self.least else 'most'} {self.limit}{self.unit}"

    @property
    def sentence(self) -> str:
        few = "not enough data, " if self.state == UNKNOWN else ""
        return f"{self.label.lower()}: {few}{self.shown}, {self.threshold}"

    @property
    def kept(self) -> dict[str, Any]:
        """As it is written into the history."""
        value = None if self.value is None else round(self.value, 2)
        return {"key": self.key, "label": self.label, "value": value, "limit": self.limit, "state": self.state}


@dataclass(frozen=True)
class Taken:
    """What was counted: `mappings` are how many of the notes went by which mapping version."""

    begins: datetime
    notes: int = 0
    verified: int = 0
    misfiled: int = 0
    edits: int = 0
    rejected: int = 0
    pending: int = 0  # too young to be judged
    answered: int = 0  # notes with feedback
    good: int = 0  # of `asked` answers
    asked: int = 0
    seconds: tuple[float, ...] = ()  # from when each might go until it was read back, in order
    mappings: tuple[tuple[int | None, int], ...] = ()


def measure(pilot: Pilot, now: datetime) -> list[Gate]:
    return gates(pilot, take(pilot, now))


def take(pilot: Pilot, now: datetime) -> Taken:
    """Count the window that ends now: the last days or the last notes, never before `since`."""
    begins = pilot.since
    if pilot.window == Window.DAYS:
        begins = max(begins, now - timedelta(days=pilot.window_size))
    rows = list(_rows(pilot, begins)[: pilot.window_size if pilot.window == Window.NOTES else MOST])
    dropped = [row for row in rows if row["state"] == State.CANCELLED]
    judged = [row for row in rows if row["state"] != State.CANCELLED and not _pending(row, now)]
    verified = [row for row in judged if _is_verified(row)]
    notes = {row["note_id"] for row in judged}
    said = [one for one in _feedback(pilot, begins) if one[0] in notes]
    edited = sum(note in notes for note in _edited(pilot, begins))
    times = [(row["verified_at"] - row["went"]).total_seconds() for row in verified if row["verified_at"]]
    return Taken(
        begins=begins,
        notes=len(judged),
        verified=len(verified),
        misfiled=sum(row["misfiled"] for row in judged) + _found_late(pilot, begins),
        edits=edited,
        rejected=len(dropped),
        pending=len(rows) - len(judged) - len(dropped),
        answered=len({note for note, *_ in said}),
        good=sum(sum(answers) for _, *answers in said),
        asked=3 * len(said),
        seconds=tuple(sorted(max(0.0, one) for one in times)),
        mappings=tuple(Counter(row["mapping_version"] for row in judged).most_common()),
    )


def _rows(pilot: Pilot, begins: datetime) -> QuerySet[Delivery, dict[str, Any]]:
    """The note parts that went since, newest first, and those called off by a clinician."""
    names = ("note_id", "state", "proof", "went", "verified_at", "misfiled", "mapping_version")
    return _parts(pilot, begins).filter(went__gte=begins).order_by("-went", "-pk").values(*names)


def _parts(pilot: Pilot, begins: datetime) -> QuerySet[Any]:
    """Note parts of the location that may count in a window, each with when it went and whether it was misfiled."""
    moves = Move.objects.filter(delivery=OuterRef("pk"))
    went = moves.filter(to_state=State.READY).order_by("id").values("at")[:1]
    # Kept for their provider they may have come earlier; older ones go by a person's release, and count for nothing.
    earliest = begins - timedelta(days=pilot.fresh_days + 1)
    rows = Delivery.objects.filter(location=pilot.location_id, part=Part.NOTE, created_at__gte=earliest, replay_of=None)
    rows = rows.exclude(OF_THE_SUITE).exclude(state=State.SUPERSEDED).exclude(state=State.HELD, reason_code__in=WAITING)
    rows = rows.exclude(state=State.CANCELLED, reason_code__gt=REJECTED)
    rows = rows.exclude(state=State.CANCELLED, reason_code__lt=REJECTED)
    return rows.annotate(
        went=Coalesce(Subquery(went), "created_at"), misfiled=Exists(moves.filter(to_state=State.MISFILED))
    )


def _found_late(pilot: Pilot, begins: datetime) -> int:
    """How many notes that went before the window were found in it not to be as sent: growth must not hide them."""
    found = Move.objects.filter(delivery=OuterRef("pk"), to_state=State.MISFILED, at__gte=begins)
    return _parts(pilot, begins).filter(Exists(found), went__lt=begins).count()


def _pending(row: dict[str, Any], now: datetime) -> bool:
    return row["state"] in NOT_YET and not _is_verified(row) and now - row["went"] < PROOF_DUE


def _is_verified(row: dict[str, Any]) -> bool:
    """Read back, or, where nothing can be read, compared by a person who signed for it."""
    return bool(row["state"] == State.VERIFIED or (row["state"] == State.ACCEPTED and row["proof"] == "attested"))


def _feedback(pilot: Pilot, begins: datetime) -> list[tuple[UUID, bool, bool, bool]]:
    rows = Feedback.objects.filter(note__location=pilot.location_id, at__gte=begins)
    return list(rows.values_list("note_id", "accuracy", "format", "template_fit"))


def _edited(pilot: Pilot, begins: datetime) -> list[UUID]:
    """The note of each version that a clinician made; edited before it went, it may be older than its window."""
    earliest = begins - timedelta(days=pilot.fresh_days + 1)
    rows = NoteVersion.objects.filter(
        note__location=pilot.location_id, edited_by__isnull=False, received_at__gte=earliest
    )
    return list(rows.values_list("note_id", flat=True))


def gates(pilot: Pilot, taken: Taken) -> list[Gate]:
    """Every number against its threshold. One misfiled note too many is short however few the notes are."""
    enough = taken.notes >= pilot.least_notes
    looked_at = taken.notes + taken.rejected
    per_100 = 100 * (taken.edits + taken.rejected) / looked_at if looked_at else None
    verified, answered = share(taken.verified, taken.notes), share(taken.answered, taken.notes)
    p50, p95 = percentile(taken.seconds, 50), percentile(taken.seconds, 95)

    def gate(key: str, label: str, value: float | None, unit: str, limit: int, least: bool, guards: bool) -> Gate:
        # Nothing is asked for where the least is nothing; else nothing measured says nothing.
        good = (least and limit == 0) if value is None else (value >= limit if least else value <= limit)
        known = enough and (good or value is not None)
        state = (HOLDS if good else SHORT) if known else UNKNOWN
        return Gate(key, label, value, limit, unit, least, state, guards)

    misfiled = gate("misfiled", "Not as sent", taken.misfiled, "", pilot.most_misfiled, False, True)
    if taken.misfiled > pilot.most_misfiled:
        misfiled = replace(misfiled, state=SHORT)
    return [
        gate("notes", "Notes in the window", taken.notes, "", pilot.least_notes, True, False),
        gate("verified", "Verified in the chart", verified, " %", pilot.least_verified, True, True),
        misfiled,
        gate("edits", "Edits and rejections for 100 notes", per_100, "", pilot.most_edits, False, True),
        gate("p50", "Time to chart, half within", p50, " s", pilot.most_p50_seconds, False, True),
        gate("p95", "Time to chart, 95 of 100 within", p95, " s", pilot.most_p95_seconds, False, True),
        gate("feedback", "Notes with feedback", answered, " %", pilot.least_feedback, True, False),
        gate("good", "Answers that say good", share(taken.good, taken.asked), " %", pilot.least_good, True, False),
    ]


def share(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """By nearest rank; None of nothing."""
    return ordered[max(0, ceil(percent * len(ordered) / 100) - 1)] if ordered else None
