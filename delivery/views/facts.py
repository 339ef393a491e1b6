"""One page of facts to be printed: for the firewall team, and for eCW's forms (B11)."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render

from delivery.path.facts import forms, incoming, outgoing
from portal.access import location_for
from portal.models import Role
from portal.requests import PortalRequest


def facts(request: PortalRequest, code: str) -> HttpResponse:
    location = location_for(request.user, code, Role.DIRECTOR)
    absolute = request.build_absolute_uri
    context = {
        "location": location,
        "outgoing": outgoing(location),
        "incoming": incoming(location, absolute),
        "forms": forms(location, absolute),
        "networks": settings.ALLOWED_NETWORKS,
    }
    return render(request, "delivery/path/facts.html", context)
