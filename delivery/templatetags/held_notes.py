"""How many notes wait for a template's mapping, and how many a newer version of the template would hold."""

from typing import Any

from django import template as django_template

from delivery.doors import ACTS, may
from delivery.held_notes import waiting
from delivery.would_hold import would_hold as counted
from mapping.impact import Impact
from mapping.models import Template

register = django_template.Library()


@register.inclusion_tag("delivery/held_notes.html", takes_context=True)
def held_notes(context: dict[str, Any], template: Template | None) -> dict[str, Any]:
    """Nothing where no note waits, or for those who may not release any."""
    request = context["request"]
    if template is None or not may(request.user, template.location, ACTS):
        return {}
    return {"template": template, "waiting": waiting(template)}


@register.inclusion_tag("delivery/would_hold.html")
def would_hold(template: Template, impact: Impact) -> dict[str, Any]:
    """Of the notes that wait to be sent, how many it would hold."""
    return {"found": counted(template, impact)}
