"""What the portal's pages say of a location's templates: on the overview, and beside its settings."""

from django.template.loader import render_to_string

from mapping.defaults import visit_rules
from mapping.queries import template_rows
from portal.models import Location
from portal.requests import PortalRequest


def _panel(name: str, request: PortalRequest, location: Location) -> str:
    rows = template_rows([location])[location.pk]
    context = {"rows": rows, "rules": visit_rules([row.template for row in rows]), "location": location}
    return render_to_string(f"mapping/{name}.html", context, request)


def templates(request: PortalRequest, location: Location) -> str:
    """For the overview: each template with the state of its mapping."""
    return _panel("panel", request, location)


def defaults(request: PortalRequest, location: Location) -> str:
    """For the location's settings: which template is used when a note names none."""
    return _panel("panel_defaults", request, location)
