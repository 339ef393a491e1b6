"""The path on the overview, for every location that is not live yet; composed by name from portal's settings."""

from django.template.loader import render_to_string

from delivery.path.steps import path_of
from portal.access import roles_at
from portal.models import Location, Role
from portal.requests import PortalRequest

READS = frozenset({Role.DIRECTOR, Role.MAPPING_EDITOR, Role.OPERATOR, Role.AUDITOR})


def panel(request: PortalRequest, location: Location) -> str:
    """The phases as safe HTML; "" where the location is live, and for roles that have no part in it."""
    roles = roles_at(request.user, location)
    phases = path_of(location, roles) if roles & READS else []
    if not phases:
        return ""
    context = {
        "location": location,
        "phases": phases,
        "next": phases[0].next,
        "done": sum(phase.count for phase in phases),
        "total": sum(len(phase.steps) for phase in phases),
        "facts": Role.DIRECTOR in roles,
    }
    return render_to_string("delivery/path/panel.html", context, request)
