"""The steps of a pilot: who joins, who leaves, decided under a lock on its row, and what that does with their notes.

Nobody else writes a Pilot. Each function is one transaction: the step, its move with the numbers it was decided by,
the audit event, and the notes of those who joined or left.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.record import current, record
from delivery.actions import release
from delivery.models import Delivery
from delivery.pilot.cohort import (
    HOLDS,
    NAMED,
    OF_THE_SUITE,
    OUTSIDE,
    PAUSED,
    STEPPED_BACK,
    TOO_OLD,
    Cohort,
    cohort_at,
    everybody,
)
from delivery.pilot.numbers import Gate, measure
from delivery.pilot.tables import Pilot, PilotMove, Window
from delivery.places import AWAITS_REVIEW
from delivery.states import State
from delivery.transition import hold_otherwise, tickets, transition
from portal.models import Location, Part

BATCH = 200
MOST_NAMED = 3
NO_ROUTE = "no_route"
JOINED = "Its provider joined the pilot."
SETTINGS = (
    "review", "fresh_days", "window", "window_size", "least_notes", "least_verified", "most_misfiled", "most_edits",
    "most_p50_seconds", "most_p95_seconds", "least_feedback", "least_good",
)  # fmt: skip


class CannotStep(Exception):
    """Why the pilot stays where it is, in words for the screen."""


class NumbersShort(CannotStep):
    """A promotion was refused: `short` are the gates that do not hold."""

    def __init__(self, short: Sequence[Gate]) -> None:
        super().__init__("Not all numbers hold: " + "; ".join(gate.sentence for gate in short) + ".")
        self.short = tuple(short)


@dataclass(frozen=True)
class Plan:
    """What a director sets: who begins, the shares that follow, and the settings of the same names (SETTINGS)."""

    providers: tuple[str, ...]
    percents: tuple[int, ...]
    settings: dict[str, object]

    def check(self) -> None:
        """Raises CannotStep, naming what is wrong."""
        if not 1 <= len(self.providers) <= MOST_NAMED or len(set(self.providers)) != len(self.providers):
            raise CannotStep(f"Name one to {MOST_NAMED} providers who begin, each once.")
        if list(self.percents) != sorted(set(self.percents)) or not all(0 < each < 100 for each in self.percents):
            raise CannotStep("The shares rise from step to step and lie between 1 and 99 %.")


def begin(location: Location, plan: Plan) -> Pilot:
    """The named providers' notes go from now on; everybody else's wait. A pilot that was there begins again.

    Raises CannotStep where one is under way.
    """
    plan.check()
    with transaction.atomic():
        Location.objects.select_for_update(no_key=True).get(pk=location.pk)
        pilot = Pilot.objects.filter(location=location).first()
        if pilot is not None and cohort_at(pilot) is not None:
            raise CannotStep("A pilot is under way here already.")
        pilot = pilot or Pilot(location=location, since=timezone.now())
        before = pilot.step
        _take_over(pilot, plan)
        _move(pilot, before, NAMED, "pilot.begin", "", ())
    return pilot


def _take_over(row: Pilot, plan: Plan) -> None:
    row.providers, row.percents = list(plan.providers), list(plan.percents)
    for name in SETTINGS:
        setattr(row, name, plan.settings.get(name, getattr(row, name)))
    if row.window == Window.NOTES and row.window_size < row.least_notes:
        raise CannotStep("A window of fewer notes than there must be at least would never say anything.")


def change(pilot: Pilot, plan: Plan) -> Pilot:
    """Other settings, or other named ones; the shares only before the first of them has come. Resets no window."""
    plan.check()
    with transaction.atomic():
        row = _locked(pilot)
        if row.step > NAMED and list(plan.percents) != row.percents:
            raise CannotStep("The shares stay as they are once the first has come: step back to change them.")
        _take_over(row, plan)
        row.save()
        settle(row)
    return row


def promote(pilot: Pilot, seen_step: int, reason: str = "") -> Pilot:
    """One step wider, decided on the numbers as they are under the lock; the last one ends the pilot.

    Raises NumbersShort where any does not hold, CannotStep where the step is not the one that was looked at. From
    PAUSED the named ones go again, for a reason; no numbers can hold for what nothing is sent of.
    """
    with transaction.atomic():
        row = _locked(pilot)
        if row.step != seen_step or row.step > everybody(row.percents):
            raise CannotStep("The pilot has moved on meanwhile. Nothing was changed.")
        if row.step == PAUSED and len(reason) < 5:
            raise CannotStep("Say in a few words what was put right before the pilot goes on.")
        gates: list[Gate] = [] if row.step == PAUSED else measure(row, timezone.now())
        short = [gate for gate in gates if not gate.holds]
        if short:
            raise NumbersShort(short)
        _move(row, row.step, row.step + 1, "pilot.promote", reason, gates)
    return row


def narrow(pilot: Pilot, seen_step: int, reason: str) -> Pilot:
    """A director takes one step back, for a reason; the notes of those who leave wait."""
    with transaction.atomic():
        row = _locked(pilot)
        if row.step != seen_step or row.step == PAUSED or row.step > everybody(row.percents):
            raise CannotStep("The pilot has moved on meanwhile. Nothing was changed.")
        if len(reason) < 5:
            raise CannotStep("A step back needs a reason of at least five characters.")
        _move(row, row.step, row.step - 1, "pilot.narrow", reason, measure(row, timezone.now()))
    return row


def step_back(pilot: Pilot, now: datetime) -> Pilot | None:
    """One step narrower by itself, where a number is broken under the lock; None where none is."""
    with transaction.atomic():
        row = _locked(pilot)
        if row.step == PAUSED or row.step > everybody(row.percents):
            return None
        gates = measure(row, now)
        broken = [gate for gate in gates if gate.breaks]
        if not broken:
            return None
        row.stepped_back_at = now
        reason = ("; ".join(gate.sentence for gate in broken))[:200]
        _move(row, row.step, row.step - 1, "pilot.step_back", reason, gates, automatic=True)
    return row


def begin_window(pilot: Pilot, seen_step: int, reason: str) -> Pilot:
    """Count from now on: what was measured before (under a mapping before, say) stays in the history, and says why.

    Raises CannotStep where the step is not the one that was looked at: a step back would be put aside unseen.
    """
    if len(reason) < 5:
        raise CannotStep("Beginning the window anew needs a reason of at least five characters.")
    with transaction.atomic():
        row = _locked(pilot)
        if row.step != seen_step or row.step > everybody(row.percents):
            raise CannotStep("The pilot has moved on meanwhile. Nothing was changed.")
        _move(row, row.step, row.step, "pilot.window", reason, measure(row, timezone.now()))
    return row


def _locked(pilot: Pilot) -> Pilot:
    rows = Pilot.objects.select_for_update(of=("self",)).select_related("location__practice")
    return rows.get(pk=pilot.pk)


def _move(
    row: Pilot, before: int, after: int, event: str, reason: str, gates: Iterable[Gate], *, automatic: bool = False
) -> None:
    """Write the step and everything that goes with it; a new window begins."""
    row.step, row.since = after, timezone.now()
    if not automatic:
        row.stepped_back_at = None
    row.save()
    held, released = settle(row, STEPPED_BACK if after < before else OUTSIDE)
    actor = current().actor
    numbers = [gate.kept for gate in gates]
    PilotMove.objects.create(
        pilot=row,
        from_step=before,
        to_step=after,
        at=row.since,
        by=actor.name or actor.id,
        automatic=automatic,
        reason=reason[:200],
        numbers=numbers,
        held=held,
        released=released,
    )
    record(
        event,
        practice=row.location.practice.code,
        location=row.location.code,
        object_type="pilot",
        object_id=str(row.pk),
        reason=reason,
        detail={
            "from": before,
            "to": after,
            "held": held,
            "released": released,
            "numbers": [f"{one['key']}={one['value']}" for one in numbers],
        },
    )


def settle(pilot: Pilot, reason_code: str = OUTSIDE) -> tuple[int, int]:
    """Hold what waits to be sent of those outside, let go what waits for those inside; how many of each.

    In the caller's transaction. May be run at any time: it finds what was taken in while a step was written.
    """
    cohort = cohort_at(pilot)
    at = Delivery.objects.filter(location=pilot.location_id)
    held = _hold(at, cohort, reason_code) if cohort else 0
    return held, _let_go(at, cohort, pilot)


def _hold(at: QuerySet[Delivery], cohort: Cohort, code: str) -> int:
    waiting = at.filter(state=State.READY).exclude(OF_THE_SUITE)
    ids = [pk for pk, provider in waiting.order_by("pk").values_list("pk", "provider_id") if not cohort.has(provider)]
    return sum(len(transition(tickets(each), State.READY, State.HELD, reason_code=code)) for each in batches(ids))


def _let_go(at: QuerySet[Delivery], cohort: Cohort | None, pilot: Pilot) -> int:
    """Oldest first, so that an encounter's notes go in the order they came; what is too old waits for a person."""
    waiting = at.filter(state=State.HELD, reason_code__in=HOLDS).order_by("pk")
    rows = waiting.values_list("pk", "provider_id", "reason_code", "part", "note_version__received_at")
    fresh_since = timezone.now() - timedelta(days=pilot.fresh_days)
    going: list[int] = []
    otherwise: dict[tuple[str, str], list[int]] = {}
    for pk, provider, code, part, received in rows:
        if cohort is not None and not cohort.has(provider):
            continue
        if received < fresh_since:
            otherwise.setdefault((code, TOO_OLD), []).append(pk)
        elif part == Part.NOTE and ((cohort and cohort.review) or pilot.location.review_first):
            otherwise.setdefault((code, AWAITS_REVIEW), []).append(pk)
        else:
            going.append(pk)
    for (code, instead), ids in otherwise.items():
        for batch in batches(ids):
            hold_otherwise(tickets(batch), code, instead)
    for each in batches(going):
        gone = {ticket.id for ticket in release(each, JOINED, by=HOLDS)}
        for code in HOLDS:  # what has no way to go waits for one from now on, not for its provider
            hold_otherwise(tickets([pk for pk in each if pk not in gone]), code, NO_ROUTE)
    return len(going) + sum(map(len, otherwise.values()))


def batches(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
