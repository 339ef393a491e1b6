"""What a location's settings say of its pilot: where it stands, and the way to its page."""

from django.template.loader import render_to_string

from delivery.pilot.cohort import cohort_at
from delivery.pilot.page import words_of
from delivery.pilot.tables import Pilot
from portal.models import Location
from portal.requests import PortalRequest


def panel(request: PortalRequest, location: Location) -> str:
    pilot = Pilot.objects.filter(location=location).first()
    context = {
        "location": location,
        "pilot": pilot,
        "words": words_of(pilot, pilot.step) if pilot else "",
        "under_way": pilot is not None and cohort_at(pilot) is not None,
    }
    return render_to_string("delivery/pilot/panel.html", context, request)
