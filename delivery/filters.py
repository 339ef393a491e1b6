"""What the delivery list is narrowed to: read from the address, written back into it, shown as removable chips.

The shell's switch chooses one location or all for every page (portal/selection.py); `at` takes some of these.

Nothing a person typed stands in an address: searches become ids and blind indexes first (delivery/search.py).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict

from delivery.states import NEEDS_ATTENTION, State
from portal.models import ConnectionKind, Part

# Groups of states that have one word for people; each is a tab of the list.
GROUPS: dict[str, frozenset[State]] = {
    "attention": NEEDS_ATTENTION,
    "waiting": frozenset({State.READY, State.SENDING}),
}
RETRYING = "retrying"  # waiting, after a try that failed: beside the groups, as no state says so

RANGES: dict[str, tuple[str, timedelta]] = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
}
TRIES = ("2", "3", "5")
# From receipt to the proof in the chart: in words, and the seconds it took more than.
LATENCIES = {
    "1m": ("a minute", 60),
    "5m": ("5 minutes", 300),
    "15m": ("15 minutes", 900),
    "1h": ("an hour", 3600),
    "4h": ("4 hours", 14_400),
    "24h": ("a day", 86_400),
}
OPAQUE = re.compile(r"[0-9a-f]{32}")
CONTROL_ID = re.compile(r"[A-Z0-9]{1,20}")
SECTION = re.compile(r"[a-z][a-z0-9_]{0,59}")
REASON = re.compile(r"[a-z0-9_.]{1,60}")
MOST_CHOSEN = 60  # a page has fifty
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}([+-][0-9]{2}:[0-9]{2})?)?")


@dataclass(frozen=True)
class Filters:
    """One narrowing of the list. Within a field its values are alternatives; fields narrow one another."""

    state: tuple[str, ...] = ()  # states and names of GROUPS
    at: tuple[str, ...] = ()  # codes of some of the locations in view; none: all of them
    provider: tuple[str, ...] = ()  # the scribe's provider ids
    part: tuple[str, ...] = ()
    range: str = ""  # a key of RANGES
    # YYYY-MM-DD or YYYY-MM-DDTHH:MM, in the location's zone; used when no range is set. An hour that the clocks pass
    # twice is told apart by its offset: 2026-11-01T01:00-05:00.
    since: str = ""
    until: str = ""  # the last day or minute, included
    reason: tuple[str, ...] = ()  # codes of delivery/failures
    method: tuple[str, ...] = ()  # kinds of connections
    failed: str = ""  # "1": a try failed, whatever came of it later
    tries: str = ""  # at least so many attempts, the last of which may have got through
    specialty: tuple[str, ...] = ()  # of templates, as the location wrote them
    template: tuple[str, ...] = ()  # codes of templates; two locations may have one of the same code
    mapping: tuple[str, ...] = ()  # our numbers of mapping versions
    section: tuple[str, ...] = ()  # the scribe's codes of sections that are wrong (affected.py)
    took: str = ""  # a key of LATENCIES: verified, but only after longer than that
    cohort: str = ""  # "in": of providers who are in a pilot under way; "out": of those who are not in it yet
    replayed: str = ""  # "yes": sent again as a new delivery; "no": not
    whose: str = ""  # our number of a person: what stands in an issue that is given to them
    patient: str = ""  # blind index
    encounter: str = ""  # blind index
    id: tuple[str, ...] = ()  # deliveries, chosen one by one
    note: str = ""  # our note id, 32 hex digits
    control: str = ""  # MSH-10
    found: str = ""  # "none": a search that found nothing

    def states(self) -> frozenset[State]:
        """The states meant, groups resolved; empty: all."""
        meant = [GROUPS.get(name) or {State(name)} for name in self.state if name != RETRYING]
        return frozenset[State]().union(*meant)

    @property
    def few(self) -> bool:
        """Whether it is narrowed to something that has few rows: they are counted in one pass."""
        return bool(self.id or self.patient or self.encounter or self.note or self.control or self.found)

    @property
    def narrow(self) -> bool:
        """Whether something other than place, time, part and state narrows: figures of the whole would mislead."""
        wide = (self.provider, self.failed, self.tries, self.reason, self.method, self.specialty, self.template)
        course = (self.mapping, self.section, self.took, self.replayed, self.cohort, self.whose)
        return self.few or any(wide) or any(course)

    def query(self) -> str:
        """The address's query string, in a fixed order, without a leading question mark."""
        address = QueryDict(mutable=True)
        for name, value in self._items():
            address.appendlist(name, value)
        return address.urlencode()

    def without(self, name: str, value: str) -> "Filters":
        """The same without one value of one field."""
        now = getattr(self, name)
        rest: Any = tuple(one for one in now if one != value) if isinstance(now, tuple) else ""
        return replace(self, **{name: rest})

    def chosen(self) -> list[tuple[str, str]]:
        """Every (field, value) in force: one chip each."""
        return list(self._items())

    def _items(self) -> Iterable[tuple[str, str]]:
        for field in fields(self):
            value = getattr(self, field.name)
            for one in value if isinstance(value, tuple) else (value,):
                if one:
                    yield field.name, one

    def span(self, zone: ZoneInfo, now: datetime) -> tuple[datetime | None, datetime | None]:
        """The times meant: from (included) and to (excluded). Days begin and end in `zone`."""
        if self.range:
            return now - RANGES[self.range][1], None
        return _begin(self.since, zone), _end(self.until, zone)


def moment(at: datetime, zone: ZoneInfo) -> str:
    """A time's minute as an address names it."""
    local = at.astimezone(zone)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return local.isoformat(timespec="minutes") if twice else f"{local:%Y-%m-%dT%H:%M}"


# In UTC, all of them: two times of one zone are compared and subtracted by their clocks' faces, as if no hour were ever
# left out or passed twice.
def _begin(text: str, zone: ZoneInfo) -> datetime | None:
    at = _moment(text)
    return _utc(at, zone, fold=0) if at else None


def _end(text: str, zone: ZoneInfo) -> datetime | None:
    """Just after the day, or the minute, that is still meant."""
    at = _moment(text)
    if at is None:
        return None
    if "T" in text:
        return _utc(at, zone, fold=1) + timedelta(minutes=1)
    return _utc(at + timedelta(days=1), zone, fold=0)


def _utc(at: datetime, zone: ZoneInfo, fold: int) -> datetime:
    return (at if at.tzinfo else at.replace(tzinfo=zone, fold=fold)).astimezone(UTC)


def _moment(text: str) -> datetime | None:
    """A day, or a day and a minute; None for what is neither, or lies too far from here for any clock."""
    if not MOMENT.fullmatch(text):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if 2000 <= at.year < 2200 else None


def read(address: QueryDict) -> Filters:
    """The filters of an address; what is not understood is left out and so shows no chip."""
    known_states = {*State, *GROUPS, RETRYING}
    return Filters(
        state=_several(address, "state", known_states),
        at=_several(address, "at"),
        provider=_several(address, "provider"),
        part=_several(address, "part", Part.values),
        range=_one(address, "range", address.get("range", "") in RANGES),
        since=_one(address, "since", _moment(address.get("since", "")) is not None),
        until=_one(address, "until", _moment(address.get("until", "")) is not None),
        reason=tuple(code for code in _several(address, "reason") if REASON.fullmatch(code)),
        method=_several(address, "method", ConnectionKind.values),
        failed=_one(address, "failed", address.get("failed") == "1"),
        tries=_one(address, "tries", address.get("tries", "") in TRIES),
        specialty=_several(address, "specialty"),
        template=_several(address, "template"),
        mapping=_numbers(address, "mapping"),
        section=tuple(code for code in _several(address, "section") if SECTION.fullmatch(code)),
        took=_one(address, "took", address.get("took", "") in LATENCIES),
        cohort=_one(address, "cohort", address.get("cohort") in ("in", "out")),
        replayed=_one(address, "replayed", address.get("replayed") in ("yes", "no")),
        whose=next(iter(_numbers(address, "whose")), ""),
        patient=_one(address, "patient", bool(OPAQUE.fullmatch(address.get("patient", "")))),
        encounter=_one(address, "encounter", bool(OPAQUE.fullmatch(address.get("encounter", "")))),
        id=_numbers(address, "id"),
        note=_one(address, "note", bool(OPAQUE.fullmatch(address.get("note", "")))),
        control=_one(address, "control", bool(CONTROL_ID.fullmatch(address.get("control", "")))),
        found=_one(address, "found", address.get("found") == "none"),
    )


def _several(address: QueryDict, name: str, known: Iterable[str] | None = None) -> tuple[str, ...]:
    given = dict.fromkeys(value[:100] for value in address.getlist(name) if value.isprintable() and value)
    allowed = None if known is None else set(known)
    return tuple(value for value in given if allowed is None or value in allowed)[:50]


def _numbers(address: QueryDict, name: str) -> tuple[str, ...]:
    given = dict.fromkeys(one for one in address.getlist(name) if one.isascii() and one.isdecimal() and len(one) < 19)
    return tuple(given)[:MOST_CHOSEN]


def _one(address: QueryDict, name: str, good: bool) -> str:
    return address.get(name, "") if good else ""


def all_states(chosen: Filters) -> Filters:
    """The same narrowing over every state, whoever's they are: what the tabs count."""
    return replace(chosen, state=(), whose="")
