"""The deliveries' panel on the overview: the health cards of one location, each a way into the list."""

from datetime import datetime, timedelta
from urllib.parse import quote

from django.template.loader import render_to_string
from django.utils import timezone

from delivery.filters import RANGES, Filters
from delivery.models import Heartbeat
from delivery.monitor.cards import Asked, Card
from delivery.monitor.cards import cards as health_cards
from delivery.monitor.outcomes import counts
from delivery.monitor.span import DEFAULT, span_of
from delivery.queries import Scope
from delivery.words import ago
from portal.access import roles_at
from portal.models import Location
from portal.navigation import SEES_NOTES
from portal.requests import PortalRequest

# A worker writes its sign of life every few seconds; one that has not for this long is taken for deaf.
ALIVE = timedelta(seconds=60)


def deliveries(request: PortalRequest, location: Location) -> str:
    """The panel as safe HTML; "" for roles that see no deliveries."""
    if not roles_at(request.user, location) & SEES_NOTES:
        return ""
    asked = request.GET.get("range", "")
    chosen = asked if asked in RANGES else DEFAULT
    context = {"stats": cards(location, chosen), "ranges": RANGES, "range": chosen, "location": location}
    return render_to_string("delivery/panel.html", context, request)


def cards(location: Location, chosen: str) -> list[Card]:
    """The health cards for a range, and the workers; what waits and needs attention is counted whatever its age."""
    now, time = timezone.now(), Filters(range=chosen)
    scope = Scope((location,))
    span = span_of(time, scope.zone, now)
    asked = Asked(scope, span, time, now, quote(location.code))
    return [*health_cards(asked, counts(scope, span), counts(scope, span.a_week_earlier())), _workers_card(now)]


def _workers_card(now: datetime) -> Card:
    beats = list(Heartbeat.objects.order_by("-beat_at").values_list("beat_at", flat=True)[:1000])
    alive = sum(beat > now - ALIVE for beat in beats)
    note = f"last sign of life {ago(now - beats[0])} ago" if beats else "no worker has started yet"
    return Card("Workers alive", "cpu-chip", str(alive), note, "ok" if alive else "act")
