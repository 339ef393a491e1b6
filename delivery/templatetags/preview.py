"""What would be sent, drawn with the mapping page itself: at once, and without a script."""

from typing import Any

from django import template as django_template

from delivery.views.preview import in_form, of_draft
from mapping.models import MappingVersion
from mapping.queries import spec_of

register = django_template.Library()


@register.inclusion_tag("delivery/preview.html", takes_context=True)
def preview(context: dict[str, Any], mapping: MappingVersion) -> dict[str, Any]:
    """Of the saved draft; of what was posted where the page comes again. A stored note only where it is asked for."""
    posted = context["request"].POST
    if "rules-TOTAL_FORMS" not in posted:
        return of_draft(mapping.template, spec_of(mapping))
    asked = posted.get("preview_note", "") if posted.get("action") == "preview" else ""
    return in_form(mapping.template, {**posted.dict(), "preview_note": asked})
