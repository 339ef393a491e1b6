"""The page "App Data": what waits in eCW for a person, by location."""

from django.http import HttpResponse
from django.shortcuts import render

from delivery.doors import scope_for
from delivery.left_in_ecw import LONG, SHOWN, waiting_at
from portal.requests import PortalRequest


def app_data(request: PortalRequest) -> HttpResponse:
    """No patient is named here: a visit is reached through its delivery, where looking is recorded."""
    places = waiting_at(scope_for(request).locations)
    context = {
        "places": places,
        "total": sum(place.total for place in places),
        "shown": SHOWN,
        "long_days": LONG.days,
    }
    return render(request, "delivery/app_data.html", context)
