"""The overview: each location in view with its state, and the panels other apps add to it."""

from django.http import HttpResponse
from django.shortcuts import render

from portal.queries.home import location_cards
from portal.requests import PortalRequest


def home(request: PortalRequest) -> HttpResponse:
    return render(request, "portal/home.html", {"cards": location_cards(request)})
