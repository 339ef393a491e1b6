"""The health cards: six numbers, each a way into the list, each with what it was a week earlier."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Count, Min
from django.urls import reverse

from delivery.filters import Filters
from delivery.monitor.outcomes import Counts, by_state, received
from delivery.monitor.span import Span
from delivery.monitor.tables import Standing
from delivery.queries import Scope, matching, needing
from delivery.states import State
from delivery.words import ago
from portal.queries.expiries import expiries

NOTHING = "–"
NEWEST = 1000  # verified deliveries whose times are looked at: more change nothing that a person could see
NEAR = timedelta(days=14)  # an end so close is said loudly


@dataclass(frozen=True)
class Card:
    """One number with its words; `url` leads to the deliveries it counts ("" where it counts none)."""

    label: str
    icon: str
    value: str
    note: str
    tone: str = ""
    unit: str = ""
    url: str = ""
    change: str = ""  # against the same period of the week before; "" where nothing is known of it


@dataclass(frozen=True)
class Asked:
    """What the cards are to speak of. `time` is how the address names the span, `code` a location to be named too."""

    scope: Scope
    span: Span
    time: Filters
    now: datetime
    code: str = ""

    def to(self, state: str, timed: bool = True) -> str:
        """The address of the deliveries in a state; the time left out for what is counted whatever its age."""
        narrowed = replace(self.time, state=(state,) if state else ())
        query = (narrowed if timed else replace(narrowed, range="", since="", until="")).query()
        place = f"location={self.code}&" if self.code else ""
        return f"{reverse('delivery:deliveries')}?{place}{query}"


def cards(asked: Asked, now: Counts, before: Counts) -> list[Card]:
    """The six, in the order of a note's way. What waits and what needs a person is counted whatever its age."""
    these, those = by_state(now), by_state(before)
    week_ago = standing(asked.scope, asked.now - timedelta(days=7))
    return [
        _received(asked, sum(these.values()), sum(those.values())),
        _verified(asked, these, those),
        _waiting(asked, week_ago),
        _attention(asked, week_ago),
        _speed(asked),
        _endings(asked),
    ]


def change(now: int, before: int | None) -> str:
    """Such as "12 more than a week ago"."""
    if before is None:
        return "not counted a week ago"
    if now == before:
        return "as many as a week ago"
    return f"{abs(now - before):,} {'more' if now > before else 'fewer'} than a week ago"


def _received(asked: Asked, total: int, before: int) -> Card:
    note = asked.span.label.lower()
    return Card("Received", "inbox-arrow-down", f"{total:,}", note, url=asked.to(""), change=change(total, before))


def share(verified: int, total: int) -> int:
    return 100 * verified // total if total else 0


def _verified(asked: Asked, these: dict[State, int], those: dict[State, int]) -> Card:
    total, before = sum(these.values()), sum(those.values())
    verified, accepted = these.get(State.VERIFIED, 0), these.get(State.ACCEPTED, 0)
    note = "nothing read back yet"
    if accepted:
        note = f"{accepted:,} accepted, not read back"
    elif verified:
        note = "read back, section by section"
    said = f"{share(those.get(State.VERIFIED, 0), before)} % a week ago" if before else "nothing came a week ago"
    unit = f"{share(verified, total)} %" if total else ""
    url = asked.to("verified")
    return Card("Verified in chart", "check-circle", f"{verified:,}", note, "ok" if verified else "", unit, url, said)


@dataclass(frozen=True)
class Stood:
    """What stood at all the locations together."""

    waiting: int
    attention: int


def standing(scope: Scope, at: datetime) -> Stood | None:
    """What stood about that time, as the worker noted it within the half hour before; None where it did not."""
    rows = Standing.objects.filter(location__in=scope.locations, at__gt=at - timedelta(minutes=30), at__lte=at)
    newest: dict[int, tuple[int, int]] = {}
    for location, waiting, attention in rows.order_by("at").values_list("location", "waiting", "attention"):
        newest[location] = (waiting, attention)
    if not newest:
        return None
    return Stood(sum(one for one, _ in newest.values()), sum(one for _, one in newest.values()))


def _waiting(asked: Asked, before: Stood | None) -> Card:
    rows = matching(asked.scope, Filters(state=("waiting",)), asked.now).order_by()
    found = rows.aggregate(number=Count("pk"), oldest=Min("created_at"))
    number, oldest = found["number"] or 0, found["oldest"]
    note = f"the oldest for {ago(asked.now - oldest)}" if oldest is not None else "nothing waits"
    tone, said = "wait" if number else "", change(number, before.waiting if before else None)
    return Card("Waiting", "clock", f"{number:,}", note, tone, url=asked.to("waiting", timed=False), change=said)


def _attention(asked: Asked, before: Stood | None) -> Card:
    here = matching(asked.scope, Filters(), asked.now).order_by()
    each = [here.filter(why).values("pk") for why in needing(asked.now)]
    number = each[0].union(*each[1:], all=True).count()  # one statement, with an index for each part of it
    note = "held, unknown, not as sent, rejected, undecided, withdrawn" if number else "nothing needs a person"
    said = change(number, before.attention if before else None)
    url = asked.to("attention", timed=False)
    tone = "act" if number else ""
    return Card("Needs attention", "exclamation-triangle", f"{number:,}", note, tone, url=url, change=said)


def _speed(asked: Asked) -> Card:
    now, before = lengths(asked.scope, asked.span), lengths(asked.scope, asked.span.a_week_earlier())
    median, p95 = percentiles(now, 50, 95)
    value = ago(median) if median is not None else NOTHING
    note = f"p95 {ago(p95)}" if p95 is not None else "nothing was verified"
    if len(now) == NEWEST:
        note += f", of the newest {NEWEST:,}"
    (then,) = percentiles(before, 50)
    said = f"{ago(then)} a week ago" if then is not None else "nothing verified a week ago"
    return Card("Scribe to verified", "bolt", value, note, unit="median", url=asked.to("verified"), change=said)


def lengths(scope: Scope, span: Span) -> list[timedelta]:
    """How long the newest verified deliveries took from the scribe's post to *verified*, shortest first."""
    # A delivery is made in the transaction that stores its note; one that was sent again would count from then.
    first = received(scope, span.start, span.end).filter(replay_of=None, replaces=None)
    rows = first.filter(state=State.VERIFIED, verified_at__isnull=False).order_by("-created_at", "-pk")
    times = rows.values_list("verified_at", "created_at")[:NEWEST]
    return sorted(verified - posted for verified, posted in times if verified is not None)


def percentiles(lengths: Sequence[timedelta], *percents: int) -> list[timedelta | None]:
    """By nearest rank, of lengths in order; None for each when there is none."""
    return [lengths[-(-len(lengths) * percent // 100) - 1] if lengths else None for percent in percents]


def _endings(asked: Asked) -> Card:
    label, icon, url = "Tokens & certificates", "key", reverse("portal:connections")
    found = expiries(asked.scope.locations)
    first = next(iter(found), None)
    if first is None:
        return Card(label, icon, NOTHING, "none with an end; tokens renew themselves", url=url)
    if first.refused or first.ends is None:
        return Card(label, icon, "Refused", f"{first.what}: a person must connect", "act", url=url)
    left, said = first.ends - asked.now, _nearing([one.ends for one in found if one.ends], asked.now)
    if left <= timedelta(0):
        return Card(label, icon, "Ended", first.what, "act", url=url, change=said)
    value, tone = f"{left.days} d" if left.days else ago(left), "act" if left < NEAR else ""
    return Card(label, icon, value, f"until the end of the {first.what}", tone, url=url, change=said)


def _nearing(ends: Sequence[datetime], now: datetime) -> str:
    """How many have come near their end since a week ago; of what was replaced meanwhile nothing is known."""
    near, before = (sum(end - at < NEAR for end in ends) for at in (now, now - timedelta(days=7)))
    if near == before:
        return "as many near their end as a week ago" if near else ""
    return f"{abs(near - before)} {'more' if near > before else 'fewer'} near their end than a week ago"
