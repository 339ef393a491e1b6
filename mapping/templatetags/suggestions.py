"""{% suggestions mapping %}: the panel that offers fields for the sections of a draft that have none yet."""

from typing import Any

from django import template

from mapping.models import MappingVersion
from mapping.offers import offers
from mapping.queries import learned_labels, spec_of

register = template.Library()


@register.inclusion_tag("mapping/suggestions.html")
def suggestions(mapping: MappingVersion) -> dict[str, Any]:
    """The panel for a draft; its boxes and buttons belong to the form `mapping-form` of the page it stands on."""
    learned = learned_labels(mapping.template.location.practice)
    return {"offers": offers(spec_of(mapping), learned), "template": mapping.template}
