"""A section that eCW filed in another field stops its template's other notes until a person has looked.

One such note is a mistake; the next hundred would be a chart full of them. The first deviation stands for all that go
by the same template of the location; what left already is read back as ever.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.record import record
from delivery.actions import release
from delivery.models import Delivery, TemplateStop
from delivery.states import State
from mapping.models import Template
from portal.models import User

HELD_FOR = "template_misroutes"
MOVED = "moved"


def stop_for(delivery_id: int, outcomes: Sequence[Mapping[str, Any]]) -> TemplateStop | None:
    """In the transaction that finds a note not as sent: stop its template where a section stands in another field."""
    moved = next((row for row in outcomes if row["outcome"] == MOVED), None)
    delivery = Delivery.objects.select_related("note_version__template", "location__practice").get(pk=delivery_id)
    template = delivery.note_version.template
    if moved is None or template is None or stop_of(template) is not None:
        return None
    try:
        with transaction.atomic():
            made = TemplateStop.objects.create(
                template=template,
                delivery=delivery,
                field_id=str(moved["field_id"])[:80],
                found_in=str(moved["found_in"])[:80],
                at=timezone.now(),
            )
    except IntegrityError:
        return None  # another reader was faster
    _record("template.stop", made, {"delivery_id": delivery.pk})
    return made


def stop_of(template: Template) -> TemplateStop | None:
    """The stop that a template stands under, None where its notes may go."""
    return TemplateStop.objects.filter(template=template, looked_at=None).select_related("delivery").first()


def waiting(template: Template) -> int:
    """How many notes wait for somebody to look."""
    return _held(template).count()


def _held(template: Template) -> Any:
    held = Delivery.objects.filter(location=template.location_id, state=State.HELD, reason_code=HELD_FOR)
    return held.filter(note_version__template=template).order_by("pk")


@transaction.atomic
def looked(stop_pk: int, template: Template, user: User, reason: str) -> int | None:
    """A person has looked: the template's notes go. How many, or None where this stop stands no more."""
    stop = TemplateStop.objects.select_for_update().filter(pk=stop_pk, template=template, looked_at=None).first()
    if stop is None:
        return None
    stop.looked_at, stop.looked_by = timezone.now(), user.get_username()
    stop.save(update_fields=["looked_at", "looked_by"])
    moved = release(list(_held(template).values_list("pk", flat=True)), reason)
    _record("template.resume", stop, {"released": len(moved)}, reason)
    return len(moved)


def _record(event: str, stop: TemplateStop, detail: dict[str, Any], reason: str = "") -> None:
    template = stop.template
    record(
        event,
        practice=template.location.practice.code,
        location=template.location.code,
        object_type="template",
        object_id=str(template.pk),
        reason=reason,
        detail={"template": template.code, **detail},
    )
