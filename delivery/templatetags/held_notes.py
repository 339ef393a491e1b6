"""{% held_notes template %}: how many notes wait for a template's mapping, with the way to release them together."""

from typing import Any

from django import template as django_template

from delivery.doors import ACTS, may
from delivery.held_notes import waiting
from mapping.models import Template

register = django_template.Library()


@register.inclusion_tag("delivery/held_notes.html", takes_context=True)
def held_notes(context: dict[str, Any], template: Template | None) -> dict[str, Any]:
    """Nothing where no note waits, or for those who may not release any."""
    request = context["request"]
    if template is None or not may(request.user, template.location, ACTS):
        return {}
    return {"template": template, "waiting": waiting(template)}
