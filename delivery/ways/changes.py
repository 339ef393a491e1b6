"""What eCW does otherwise than in the last good probe: found, held against it row by row, and over again.

A run is held against the last good one. The first that deviates opens a Deviation, which keeps that one as its base;
later runs are held against the same base, until one is as good, or a person accepts the new behaviour as the base.
Nothing here asks eCW anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.record import record
from delivery.actions import release
from delivery.certification.standing import where
from delivery.models import Delivery
from delivery.monitor.opened import open_issue
from delivery.states import State
from delivery.ways.models import CapabilityProbe, Deviation
from portal.models import Connection, Environment, Location, User

YES, NO, UNKNOWN = "yes", "no", "unknown"
FIELD, WAY = "ecw_changed_field", "ecw_changed_way"
HELD_FOR = frozenset({FIELD, WAY})
TOLD = "ecw_changed"  # of an issue of which nothing has to be held
TIMES = frozenset({"answer_time", "appear_time"})
SLOWER, AND_MORE = 3.0, 2.0  # three times as slow and two seconds more
RECOVERED = "The next good run"
Finding = Mapping[str, Any]
Key = tuple[int, str]


@dataclass(frozen=True)
class Row:
    """One thing that was asked in both runs. `effect` is what it makes unsafe: a way, `fields`, or nothing ("")."""

    connection: int
    name: str
    kind: str  # of the connection
    key: str
    label: str
    was: str
    now: str
    changed: bool
    effect: str = ""
    fields: tuple[str, ...] = ()

    @property
    def holds(self) -> str:
        """In words."""
        if self.effect == WAY:
            return f"Notes by {self.name} wait"
        return f"Notes that fill {', '.join(self.fields)} by {self.name} wait" if self.effect else "Nothing waits"


def rows_of(base: CapabilityProbe, run: CapabilityProbe) -> list[Row]:
    """Every row of the newer run beside the older one's, in the newer's order."""
    before = {_key(each): each for each in base.findings}
    kinds = dict(Connection.objects.filter(pk__in=[key for key, _ in before]).values_list("pk", "kind"))
    return [
        _row(before[_key(each)], each, kinds.get(each["connection"], ""))
        for each in run.findings
        if _key(each) in before
    ]


def _key(finding: Finding) -> Key:
    return finding["connection"], finding["key"]


def _row(old: Finding, new: Finding, kind: str) -> Row:
    changed = deviates(old, new)
    effect, fields = effect_of(new) if changed else ("", ())
    return Row(
        new["connection"], new["name"], kind, new["key"], new["label"], _said(old), _said(new), changed, effect, fields
    )


def _said(finding: Finding) -> str:
    word = {YES: "yes", NO: "no"}.get(finding["outcome"], "not known")
    fact = finding.get("fact", "")
    if finding["key"] in TIMES and fact:
        return f"{float(fact):.2f} s"
    return f"{word}, {fact}" if fact else word


def deviates(old: Finding, new: Finding) -> bool:
    """Whether what was there is not there, or is otherwise. What merely could not be asked is no deviation."""
    if UNKNOWN in (old["outcome"], new["outcome"]):
        return False
    was, now = old.get("fact", ""), new.get("fact", "")
    if new["key"] in TIMES:
        return bool(was and now) and float(now) > max(SLOWER * float(was), float(was) + AND_MORE)
    if old["outcome"] != new["outcome"]:
        return bool(old["outcome"] == YES)
    return bool(new["key"] == "write" and was and now and was != now)


def effect_of(finding: Finding) -> tuple[str, tuple[str, ...]]:
    """What a deviation makes unsafe. Reading, other scopes and slowness make no note go wrong: they are told."""
    key = str(finding["key"])
    if key == "write" or (key.startswith("scope:") and key.endswith(".write")):
        return WAY, ()
    if key.startswith("section:"):
        return FIELD, (key.removeprefix("section:"),)
    if key == "order":
        return FIELD, tuple(str(finding.get("fact", "")).split())
    return "", ()


def judge(run: CapabilityProbe) -> Deviation | None:
    """In the transaction that keeps a run: hold it against the last good one; the deviation that stands now."""
    going = Deviation.objects.select_for_update(of=("self",)).filter(location=run.location_id, closed_at=None).first()
    base = going.base if going else _before(run)
    if base is None:
        return None
    found = [row for row in rows_of(base, run) if row.changed]
    if going is None:
        return _open(base, run, found) if found else None
    rows = [*map(asdict, found), *_not_asked(going, run)]
    if not rows:
        _close(going, RECOVERED, "", accepted=False)
        return None
    going.probe, going.rows = run, rows
    going.save(update_fields=["probe", "rows"])
    return going


def _before(run: CapabilityProbe) -> CapabilityProbe | None:
    """With no deviation standing every earlier run was good, or has been accepted."""
    return CapabilityProbe.objects.filter(location=run.location_id, pk__lt=run.pk).order_by("-pk").first()


def _not_asked(going: Deviation, run: CapabilityProbe) -> list[dict[str, Any]]:
    """What deviated and could not be asked this time has not recovered."""
    unknown = {_key(each) for each in run.findings if each["outcome"] == UNKNOWN}
    return [row for row in going.rows if _key(row) in unknown]


def _open(base: CapabilityProbe, run: CapabilityProbe, found: Sequence[Row]) -> Deviation:
    made = Deviation.objects.create(
        location=run.location, base=base, probe=run, rows=[asdict(row) for row in found], opened_at=timezone.now()
    )
    effects = {row.effect for row in found}
    code = next((code for code in (WAY, FIELD) if code in effects), TOLD)
    open_issue(made.location, found[0].kind, code, made.opened_at)
    _record("ecw.deviate", made)
    return made


def accept(deviation: Deviation, by: User, reason: str) -> bool:
    """A person takes the new behaviour for the base: what waited goes.

    False where it is over already, or a later run than the one that was looked at has been held against the base: it
    may have found more.
    """
    with transaction.atomic():
        standing = Deviation.objects.select_for_update(of=("self",)).filter(pk=deviation.pk, closed_at=None)
        row = standing.filter(probe=deviation.probe_id).first()
        if row is None:
            return False
        _close(row, by.get_username(), reason, accepted=True)
    return True


def _close(row: Deviation, by: str, reason: str, *, accepted: bool) -> None:
    row.closed_at, row.closed_by, row.reason, row.accepted = timezone.now(), by, reason, accepted
    row.save(update_fields=["closed_at", "closed_by", "reason", "accepted"])
    _record("ecw.accept" if accepted else "ecw.recover", row, reason, released=let_go(row.location))


def let_go(location: Location) -> int:
    """Release what waited at a location and those that rest on it; what another deviation stops is held again."""
    held = Delivery.objects.filter(location__in=resting_on(location), state=State.HELD, reason_code__in=HELD_FOR)
    ids = list(held.order_by("pk").values_list("pk", flat=True))
    return len(release(ids, "eCW does as before, or as was accepted."))


def resting_on(location: Location) -> list[Location]:
    """The probed location, and the production locations whose certification is run there."""
    others = Location.objects.filter(practice=location.practice_id, environment=Environment.PRODUCTION)
    mine = [other for other in others.order_by("code") if where(other) == location.code]
    return [location, *(other for other in mine if other.pk != location.pk)]


def _record(event: str, row: Deviation, reason: str = "", **more: int) -> None:
    record(
        event,
        practice=row.location.practice.code,
        location=row.location.code,
        object_type="deviation",
        object_id=str(row.pk),
        reason=reason,
        detail={
            "base": row.base_id,
            "probe": row.probe_id,
            "rows": [str(each["key"])[:60] for each in row.rows][:12],
            **more,
        },
    )
