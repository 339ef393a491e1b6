"""What delivery adds to a scribe in the settings: where it is told things."""

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from delivery.webhooks.queries import endpoint_rows
from portal.models import Environment, Scribe
from portal.requests import PortalRequest


def panel(request: PortalRequest, scribe: Scribe) -> SafeString:
    """Each environment with how its endpoint stands, and the link to set it up."""
    rows = endpoint_rows(scribe)
    context = {"scribe": scribe, "environments": [(each, rows.get(each.value)) for each in Environment]}
    return render_to_string("delivery/webhooks/panel.html", context, request)
