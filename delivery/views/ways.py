"""The page "Ways into the chart" of a location, and its button that probes what they can do here."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from delivery.probe import CannotProbe
from delivery.ways.capabilities import newest, probe_location
from delivery.ways.page import findings, ways_here
from portal.access import location_for
from portal.models import Role
from portal.requests import PortalRequest


def ways(request: PortalRequest, code: str) -> HttpResponse:
    location = location_for(request.user, code, Role.DIRECTOR)
    at, by, groups = findings(location)
    context = {"location": location, "ways": ways_here(location), "probed_at": at, "probed_by": by, "groups": groups}
    return render(request, "delivery/ways.html", context)


@require_POST
def probe_now(request: PortalRequest, code: str) -> HttpResponse:
    """Probe in the request: every step has its deadline, and the answer is the page."""
    location = location_for(request.user, code, Role.DIRECTOR)
    try:
        probe_location(location)
    except CannotProbe as error:
        messages.error(request, str(error))
    else:
        gone = [one.capability.label for one in newest(location)[1] if one.vanished]
        if gone:
            messages.error(request, f"Probed. There before, and not any more: {', '.join(gone)}.")
        else:
            messages.success(request, "Probed. Nothing that was there before has vanished.")
    return redirect("delivery:ways", code)
