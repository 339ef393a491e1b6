"""What a location's settings say of its ways into the chart: when they were probed, and the way to the page."""

from django.template.loader import render_to_string

from delivery.ways.capabilities import newest
from delivery.ways.models import Deviation
from portal.models import Location
from portal.requests import PortalRequest


def panel(request: PortalRequest, location: Location) -> str:
    made, rows = newest(location)
    context = {
        "location": location,
        "probed_at": made.at if made else None,
        "vanished": any(row.vanished for row in rows),
        "deviates": Deviation.objects.filter(location=location, closed_at=None).exists(),
    }
    return render_to_string("delivery/ways_panel.html", context, request)
