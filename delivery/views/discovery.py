"""The button that asks eCW for a location's templates, and shows what it answers."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from delivery.discovery import CannotDiscover, discover
from mapping.access import EDITORS
from mapping.importers.base import ImportRefused
from mapping.views.imports import show_preview
from portal.access import location_for
from portal.requests import PortalRequest


@require_POST
def discover_now(request: PortalRequest, code: str) -> HttpResponse:
    """The preview of the templates eCW lists; where it lists none, the import page with the reason."""
    location = location_for(request.user, code, *EDITORS)
    try:
        found = discover(location)
        return show_preview(request, location, found, f"eCW, by {location.reading_connection}")
    except (CannotDiscover, ImportRefused) as refused:
        messages.error(request, str(refused))
        return redirect("mapping:import", code=location.code)
