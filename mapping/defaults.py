"""Which template a location uses for a visit type when the scribe names none: at most one each."""

from collections.abc import Sequence

from django.db import transaction

from audit.record import record
from mapping.models import Template
from portal.locations import keep_lock
from portal.models import Location

VISIT_TYPES = {"in_person": "In person", "telehealth": "Telehealth"}


def visit_rules(templates: Sequence[Template]) -> list[str]:
    """What becomes of a visit whose note names no template, where that is not one template for each kind of visit."""
    used = {kind: next((one for one in templates if kind in one.default_for), None) for kind in VISIT_TYPES}
    found = [
        f"{VISIT_TYPES[kind]}: no template is used by itself; a note that names none is held."
        for kind, template in used.items()
        if template is None
    ]
    own, person = used["telehealth"], used["in_person"]
    if own is not None and own == person:
        found.append(f"Telehealth has no template of its own here: its notes go by {own.name}, as visits in person do.")
    return found


@transaction.atomic
def set_defaults(template: Template, visit_types: Sequence[str]) -> None:
    """Make this template the default for exactly these visit types; others of the location give them up."""
    Location.objects.select_for_update(no_key=True).get(pk=template.location_id)
    here = Template.objects.filter(location=template.location_id)
    list(here.order_by("pk").select_for_update(no_key=True))  # before the first write, as imports.save_all does
    for other in here.exclude(pk=template.pk):
        _set(other, [kind for kind in other.default_for if kind not in visit_types])
    _set(template, list(visit_types))
    keep_lock(template.location)


def _set(template: Template, visit_types: list[str]) -> None:
    if template.default_for == visit_types:
        return
    template.default_for = visit_types
    template.save(update_fields=["default_for"])
    record(
        "template.change",
        practice=template.location.practice.code,
        location=template.location.code,
        object_type="template",
        object_id=str(template.pk),
        detail={"template": template.code, "fields": ["default_for"]},
    )
