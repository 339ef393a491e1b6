"""What delivery adds to a location's settings: where its events come from."""

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from delivery.events.queries import ways_of
from portal.models import Location
from portal.requests import PortalRequest


def panel(request: PortalRequest, location: Location) -> SafeString:
    """Each way with how it is, and the link to set it up."""
    context = {"location": location, "ways": ways_of(location)}
    return render_to_string("delivery/events/panel.html", context, request)
