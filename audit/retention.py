"""How long the log is kept: the practice's rule, its legal holds, and which months may go.

The time that counts is what the newest anchored checkpoint calls `elapsed` (sealing.Ticking), or the clock where that
is earlier: setting a clock forward makes nothing older. The database enforces the floor by itself (insert_only.py).
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from audit.canonical import encode_json, utc
from audit.event import AuditEvent
from audit.record import record
from audit.retained import DEFAULT_YEARS, HoldKind, HoldLift, LegalHold, PurgeCertificate, PurgeRequest, RetentionPolicy
from audit.sealed import Checkpoint, Tree


def believed() -> datetime | None:
    """The time that retention believes in; None before the first anchoring."""
    newest = Checkpoint.objects.filter(receipts__isnull=False).order_by("-pk").values_list("elapsed", flat=True).first()
    return min(newest, timezone.now()) if newest else None


def years_of(practice: str) -> int:
    newest = RetentionPolicy.objects.filter(practice=practice).order_by("-pk").first()
    return newest.years if newest else DEFAULT_YEARS


def set_years(practice: str, years: int, by: str) -> None:
    """A new rule for the practice; the database refuses fewer than six years."""
    with transaction.atomic():
        before = years_of(practice)
        RetentionPolicy.objects.create(practice=practice, years=years, at=timezone.now(), by=by)
        record("audit.retention.set", practice=practice, detail={"years": years, "before": before})


def years_before(when: datetime, years: int) -> datetime:
    """The same moment so many calendar years earlier; of 29 February the 28th."""
    try:
        return when.replace(year=when.year - years)
    except ValueError:
        return when.replace(year=when.year - years, day=28)


def end_of(tree: Tree) -> datetime:
    """The first moment after the tree's month."""
    year, month = int(tree.month[:4]), int(tree.month[4:])
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)


def due(practice: str) -> list[Tree]:
    """The months whose events may go under the practice's rule and have not gone yet, oldest first."""
    now = believed()
    if now is None:
        return []
    before = years_before(now, years_of(practice))
    trees = Tree.objects.filter(practice=practice, certificate=None, size__gt=0).order_by("month", "part")
    return [tree for tree in trees if end_of(tree) <= before]


# --- legal holds ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Held:
    """What is to be held; see LegalHold."""

    kind: str
    value: str = ""
    since: datetime | None = None
    until: datetime | None = None


def hold(practice: str, what: Held, reason: str, by: str) -> LegalHold:
    with transaction.atomic():
        made = LegalHold.objects.create(practice=practice, **vars(what), reason=reason, at=timezone.now(), by=by)
        _record("audit.hold.set", made, reason)
    return made


def lift(one: LegalHold, reason: str, by: str) -> HoldLift:
    """End a hold. IntegrityError where somebody else has ended it."""
    with transaction.atomic():
        made = HoldLift.objects.create(hold=one, reason=reason, at=timezone.now(), by=by)
        _record("audit.hold.lift", one, reason)
    return made


def _record(event: str, one: LegalHold, reason: str) -> None:
    of_patient = one.value if one.kind == HoldKind.PATIENT else ""
    record(
        event,
        practice=one.practice,
        subject_bidx=of_patient,
        object_type="legal_hold",
        object_id=str(one.pk),
        reason=reason,
        detail={"kind": one.kind},
    )


def holds_of(practice: str) -> QuerySet[LegalHold]:
    """The holds in force."""
    return LegalHold.objects.filter(practice=practice, lift=None).order_by("pk")


def holds_hash(practice: str) -> str:
    """SHA-256 of the holds in force, as each checkpoint states it; "" where there is none."""
    rows = [
        [one.pk, one.kind, one.value, utc(one.since) if one.since else "", utc(one.until) if one.until else ""]
        for one in holds_of(practice)
    ]
    return hashlib.sha256(encode_json(rows).encode()).hexdigest() if rows else ""


def held(practice: str) -> Q:
    """The events that a hold keeps, for a filter; the trigger in the database says the same."""
    kept = Q(pk__in=[])
    for one in holds_of(practice):
        kept |= {
            HoldKind.PATIENT: Q(subject_bidx=one.value),
            HoldKind.PERSON: Q(actor_type="user", actor_id=one.value),
            HoldKind.LOCATION: Q(location=one.value),
            HoldKind.PERIOD: Q(at__gte=one.since, at__lt=one.until),
        }[HoldKind(one.kind)]
    return kept


# --- what a page shows -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    """That retention is running: rule, oldest event, believed time, months that may go, requests, last purge, holds."""

    years: int
    oldest: datetime | None
    believed: datetime | None
    due: tuple[Tree, ...]
    requests: tuple[PurgeRequest, ...]
    purged: tuple[PurgeCertificate, ...]
    holds: tuple[LegalHold, ...]


def standing_of(practice: str) -> Kept:
    waiting = PurgeRequest.objects.filter(tree__practice=practice, withdrawn_at=None, certificate=None)
    purged = PurgeCertificate.objects.filter(tree__practice=practice).select_related("tree", "request")
    asked = tuple(waiting.select_related("tree").order_by("pk"))
    taken = {one.tree_id for one in asked}
    return Kept(
        years=years_of(practice),
        oldest=AuditEvent.objects.filter(practice=practice).order_by("at").values_list("at", flat=True).first(),
        believed=believed(),
        due=tuple(tree for tree in due(practice) if tree.pk not in taken),
        requests=asked,
        purged=tuple(purged.order_by("-pk")),
        holds=tuple(holds_of(practice)),
    )
