"""Reads for the page on which two probes of a location stand beside each other, and what became of each deviation."""

from dataclasses import dataclass
from typing import Any

from delivery.certification.standing import where
from delivery.models import Delivery
from delivery.states import State
from delivery.ways.changes import HELD_FOR, Row, resting_on, rows_of
from delivery.ways.models import CapabilityProbe, Deviation
from portal.models import Environment, Location

RUNS = 30


@dataclass(frozen=True)
class Run:
    """One probe, and in how many rows it deviates from the one before."""

    probe: CapabilityProbe
    changed: int
    chosen: bool


def probed_at(location: Location) -> Location:
    """Where the runs are made that speak for a location: itself, or the sandbox location it rests on."""
    if location.environment != Environment.PRODUCTION:
        return location
    code = where(location)
    own = CapabilityProbe.objects.filter(location=location).exists()
    other = Location.objects.filter(practice=location.practice_id, code=code).first()
    return location if own or other is None else other


def context_of(location: Location, run: str = "") -> dict[str, Any]:
    """The deviation that stands, else the run chosen (or the newest) beside the one before it."""
    at = probed_at(location)
    probes = list(CapabilityProbe.objects.filter(location=at).order_by("-pk")[: RUNS + 1])
    standing = Deviation.objects.filter(location=at, closed_at=None).select_related("base", "probe").first()
    chosen = next((one for one in probes if str(one.pk) == run), None)
    base, now = (standing.base, standing.probe) if standing and chosen is None else _beside(probes, chosen)
    return {
        "at": at,
        "standing": standing,
        "base": base,
        "now": now,
        "chosen": chosen,
        "rows": _with_kept(rows_of(base, now), standing if chosen is None else None) if base and now else [],
        "runs": _runs(probes, now),
        "waiting": waiting_at(at) if standing else 0,
        "earlier": Deviation.objects.filter(location=at, closed_at__isnull=False).order_by("-pk")[:RUNS],
    }


def _beside(
    probes: list[CapabilityProbe], chosen: CapabilityProbe | None
) -> tuple[CapabilityProbe | None, CapabilityProbe | None]:
    now = chosen or (probes[0] if probes else None)
    before = next((one for one in probes if now and one.pk < now.pk), None)
    return before, now


def _with_kept(rows: list[Row], standing: Deviation | None) -> list[Row]:
    """Changed rows first; what deviates still though it could not be asked this time, as it was found."""
    if standing is None:
        return sorted(rows, key=lambda row: not row.changed)
    kept = {(row["connection"], row["key"]): Row(**{**row, "fields": tuple(row["fields"])}) for row in standing.rows}
    shown = [kept.get((row.connection, row.key), row) for row in rows]
    return sorted(shown, key=lambda row: not row.changed)


def _runs(probes: list[CapabilityProbe], shown: CapabilityProbe | None) -> list[Run]:
    pairs = list(zip(probes, [*probes[1:], None], strict=False))[:RUNS]
    return [
        Run(one, sum(row.changed for row in rows_of(before, one)) if before else 0, one == shown)
        for one, before in pairs
    ]


def waiting_at(location: Location) -> int:
    """How many deliveries wait for it, there and where it is rested on."""
    held = Delivery.objects.filter(location__in=resting_on(location), state=State.HELD, reason_code__in=HELD_FOR)
    return held.count()
