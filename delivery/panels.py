"""The deliveries' panel on the overview: six numbers of one location, each a way into the list."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from django.db.models import Count, DurationField, ExpressionWrapper, F, Min, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from delivery.filters import RANGES, Filters
from delivery.models import Delivery, Heartbeat
from delivery.queries import Scope, matching
from delivery.states import State
from delivery.words import ago
from portal.access import roles_at
from portal.models import Location
from portal.navigation import SEES_NOTES
from portal.requests import PortalRequest

DEFAULT_RANGE = "24h"
# A worker writes its sign of life every few seconds; one that has not for this long is taken for deaf.
ALIVE = timedelta(seconds=60)
NOTHING = "–"


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


def deliveries(request: PortalRequest, location: Location) -> str:
    """The panel as safe HTML; "" for roles that see no deliveries."""
    if not roles_at(request.user, location) & SEES_NOTES:
        return ""
    asked = request.GET.get("range", "")
    chosen = asked if asked in RANGES else DEFAULT_RANGE
    context = {"stats": cards(location, chosen), "ranges": RANGES, "range": chosen, "location": location}
    return render_to_string("delivery/panel.html", context, request)


def cards(location: Location, chosen: str) -> list[Card]:
    """The six cards for a range; what waits and what needs attention is counted whatever its age."""
    now = timezone.now()
    scope = Scope((location,))
    received = matching(scope, Filters(range=chosen), now)
    by_state = dict(received.order_by().values_list("state").annotate(Count("pk")))
    total, verified = sum(by_state.values()), by_state.get(State.VERIFIED, 0)
    notes = received.aggregate(notes=Count("note", distinct=True))["notes"]
    return [
        Card("Received", "inbox-arrow-down", f"{total:,}", f"from {_notes(notes)}", url=_to(location, "", chosen)),
        _verified_card(location, chosen, total, verified, by_state.get(State.ACCEPTED, 0)),
        _waiting_card(location, matching(scope, Filters(state=("waiting",)), now), now),
        _attention_card(location, matching(scope, Filters(state=("attention",)), now)),
        _speed_card(location, chosen, received.filter(state=State.VERIFIED)),
        _workers_card(now),
    ]


def _verified_card(location: Location, chosen: str, total: int, verified: int, accepted: int) -> Card:
    share = f"{100 * verified // total} %" if total else ""
    unread = (
        f"{accepted:,} accepted, not read back"
        if accepted
        else "read back, section by section"
        if verified
        else "nothing read back yet"
    )
    tone = "ok" if verified else ""
    return Card(
        "Verified in chart", "check-circle", f"{verified:,}", unread, tone, share, _to(location, "verified", chosen)
    )


def _waiting_card(location: Location, waiting: QuerySet[Delivery], now: datetime) -> Card:
    found = waiting.aggregate(number=Count("pk"), oldest=Min("created_at"))
    note = f"the oldest for {ago(now - found['oldest'])}" if found["oldest"] else "nothing waits"
    tone = "wait" if found["number"] else ""
    return Card("Waiting", "clock", f"{found['number']:,}", note, tone, url=_to(location, "waiting"))


def _attention_card(location: Location, attention: QuerySet[Delivery]) -> Card:
    number = attention.count()
    note = "held, unknown, not as sent, rejected, undecided, withdrawn" if number else "nothing needs a person"
    url = _to(location, "attention")
    return Card("Needs attention", "exclamation-triangle", f"{number:,}", note, "act" if number else "", url=url)


def _speed_card(location: Location, chosen: str, verified: QuerySet[Delivery]) -> Card:
    median, p95 = percentiles(verified, 50, 95)
    value = ago(median) if median is not None else NOTHING
    note = f"p95 {ago(p95)}" if p95 is not None else "nothing was verified"
    return Card("Scribe to verified", "bolt", value, note, unit="median", url=_to(location, "verified", chosen))


def _workers_card(now: datetime) -> Card:
    beats = list(Heartbeat.objects.order_by("-beat_at").values_list("beat_at", flat=True)[:1000])
    alive = sum(beat > now - ALIVE for beat in beats)
    note = f"last sign of life {ago(now - beats[0])} ago" if beats else "no worker has started yet"
    return Card("Workers alive", "cpu-chip", str(alive), note, "ok" if alive else "act")


def percentiles(verified: QuerySet[Delivery], *percents: int) -> list[timedelta | None]:
    """From the scribe's post to *verified*, by nearest rank; None for each when there is none."""
    took = ExpressionWrapper(F("verified_at") - F("note_version__received_at"), output_field=DurationField())
    lengths = verified.filter(verified_at__isnull=False).annotate(took=took).order_by("took")
    number = lengths.count()
    ranks = [-(-number * percent // 100) for percent in percents]
    return [lengths.values_list("took", flat=True)[rank - 1] if number else None for rank in ranks]


def _notes(number: int) -> str:
    return "1 note" if number == 1 else f"{number:,} notes"


def _to(location: Location, state: str, chosen: str = "") -> str:
    query = Filters(state=(state,) if state else (), range=chosen).query()
    return f"{reverse('delivery:deliveries')}?location={quote(location.code)}&{query}"
