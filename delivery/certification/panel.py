"""What a location's settings say of its certification: proven as it is now, or what must be run."""

from django.template.loader import render_to_string

from delivery.certification.standing import standing
from portal.models import Location
from portal.requests import PortalRequest


def panel(request: PortalRequest, location: Location) -> str:
    return render_to_string(
        "delivery/certification/panel.html", {"location": location, "standing": standing(location)}, request
    )
