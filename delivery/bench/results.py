"""What a run shows: rates, times and losses, from the load's own clock and the rows the run left behind."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from delivery.bench.load import Posted
from delivery.demo.world import Ports
from delivery.models import Delivery
from delivery.states import State

PAGE = 10_000


@dataclass(frozen=True)
class Journey:
    """One note's moments, in Unix seconds; 0.0 for what has not come."""

    sent: float
    answered: float
    control_id: str
    state: str
    accepted: float
    verified: float


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed (nearest rank); 0.0 of none."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def journeys(prefix: str, posted: Sequence[Posted]) -> list[Journey]:
    """Every note that was answered 201, with where it stands now."""
    taken = {f"{prefix}-{one.number:07d}": one for one in posted if one.status == 201}
    rows = Delivery.objects.filter(note__source_note_id__startswith=f"{prefix}-").values_list(
        "note__source_note_id", "control_id", "state", "accepted_at", "verified_at"
    )
    return [
        Journey(
            taken[name].sent,
            taken[name].answered,
            control_id,
            state,
            accepted_at.timestamp() if accepted_at else 0.0,
            verified_at.timestamp() if verified_at else 0.0,
        )
        for name, control_id, state, accepted_at, verified_at in rows
        if name in taken
    ]


def filings(ports: Ports) -> Counter[str]:
    """How often the simulated eCW filed each control id."""
    found: Counter[str] = Counter()
    after: int | None = 0
    while after is not None:
        page = httpx2.get(f"{ports.base}/sandbox/api/filings", params={"after": after, "limit": PAGE}).json()
        found.update(row["control_id"] for row in page["filings"])
        after = page["next"]
    return found


def backlog(ways: Sequence[Journey], moment: float) -> int:
    """Notes that had been answered and not yet accepted by the receiver at this moment."""
    return sum(way.answered <= moment and not 0.0 < way.accepted <= moment for way in ways)


def times(posted: Sequence[Posted], ways: Sequence[Journey]) -> dict[str, Any]:
    """Rates a second, times in milliseconds (to VERIFIED in seconds), the backlog in notes."""
    begun, ended = min(one.sent for one in posted), max(one.answered for one in posted)
    accepts = [(one.answered - one.sent) * 1000 for one in posted if one.status == 201]
    whole = [(way.accepted - way.sent) * 1000 for way in ways if way.accepted]
    proven = [way.verified - way.sent for way in ways if way.verified]
    half = backlog(ways, (begun + ended) / 2)
    return {
        "accepted_per_second": round(len(accepts) / (ended - begun), 1),
        "delivered_per_second": rate([way.accepted for way in ways], begun),
        "verified_per_second": rate([way.verified for way in ways], begun),
        "accept_p50_ms": round(percentile(accepts, 0.50), 1),
        "accept_p99_ms": round(percentile(accepts, 0.99), 1),
        "end_to_end_p50_ms": round(percentile(whole, 0.50), 1),
        "end_to_end_p99_ms": round(percentile(whole, 0.99), 1),
        "verified_p50_s": round(percentile(proven, 0.50), 3),
        "verified_p95_s": round(percentile(proven, 0.95), 3),
        "backlog_half_way": half,
        "backlog_at_end": backlog(ways, ended),
        "backlog_growth": backlog(ways, ended) - half,
    }


def rate(moments: Sequence[float], begun: float) -> float:
    """How many a second came, until the last of them."""
    come = [moment for moment in moments if moment]
    return round(len(come) / (max(come) - begun), 1) if come else 0.0


def losses(posted: Sequence[Posted], ways: Sequence[Journey], filed: Counter[str]) -> dict[str, Any]:
    """Lost: answered 201 and not filed, or without a row. Duplicated: filed more than once."""
    taken = sum(one.status == 201 for one in posted)
    states = Counter(way.state for way in ways)
    return {
        "refused": len(posted) - taken,
        "lost": taken - sum(filed[way.control_id] > 0 for way in ways),
        "duplicated": sum(filed[way.control_id] > 1 for way in ways),
        "states": dict(sorted(states.items())),
    }


def unsettled(prefix: str) -> int:
    """Deliveries of a run that are still on their way to VERIFIED."""
    rows = Delivery.objects.filter(note__source_note_id__startswith=f"{prefix}-")
    return rows.filter(state__in=[State.READY, State.SENDING, State.UNKNOWN, State.ACCEPTED]).count()
