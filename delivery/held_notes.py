"""The notes that a template's mapping held: how many waited before it was put right, and their release together."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce

from audit.record import record
from delivery.actions import release
from delivery.failures import CATALOGUE, Button, failure
from delivery.models import Delivery, Move
from delivery.states import State
from mapping.models import MappingVersion, Template
from mapping.queries import drifted_in_force, newest_version, published_of

# What the catalogue sends people to the mapping for.
BY_MAPPING = frozenset(code for code, entry in CATALOGUE.items() if entry.button == Button.MAPPING)


class MappingChanged(Exception):
    """Another mapping is in force than the one that was looked at; nothing was released."""


@dataclass(frozen=True)
class Waiting:
    """Deliveries held for a template's mapping, by reason in words with their number.

    `before` were held before the mapping in force was put right and may pass now; `since` were held by it as it is.
    """

    mapping: MappingVersion | None
    before: tuple[tuple[str, int], ...]
    since: tuple[tuple[str, int], ...]

    @property
    def releasable(self) -> int:
        return sum(number for _reason, number in self.before)

    @property
    def staying(self) -> int:
        return sum(number for _reason, number in self.since)


def waiting(template: Template) -> Waiting:
    """What waits for this template at its location. Codes and numbers: nothing of any note is read."""
    right = put_right(template)
    before: Counter[str] = Counter()
    since: Counter[str] = Counter()
    for _pk, code, held_at in _held(template):
        (before if right is not None and held_at < right else since)[failure(code).title] += 1
    return Waiting(published_of(template), tuple(before.most_common()), tuple(since.most_common()))


def put_right(template: Template) -> datetime | None:
    """Since when the mapping and its template are as they are; None where no note could pass: no mapping, or drift."""
    mapping, newest = published_of(template), newest_version(template)
    if mapping is None or mapping.published_at is None or newest is None or drifted_in_force(template):
        return None
    return max(mapping.published_at, newest.imported_at)


@transaction.atomic
def release_waiting(template: Template, mapping_pk: int) -> int:
    """Release what was held before the mapping in force was put right; returns how many went.

    Each is mapped anew before anything is sent, and held again where it still cannot go. Raises MappingChanged.
    """
    Template.objects.select_for_update(no_key=True).get(pk=template.pk)
    mapping, right = published_of(template), put_right(template)
    if mapping is None or mapping.pk != mapping_pk or right is None:
        raise MappingChanged
    ids = [pk for pk, _code, held_at in _held(template) if held_at < right]
    moved = release(ids, f"Held for the mapping of {template.code}; mapping {mapping.number} is in force.")
    record(
        "delivery.release_held",
        practice=template.location.practice.code,
        location=template.location.code,
        object_type="template",
        object_id=str(template.pk),
        detail={"template": template.code, "mapping_version": mapping.pk, "released": len(moved), "asked": len(ids)},
    )
    return len(moved)


def _held(template: Template) -> list[tuple[int, str, datetime]]:
    """Per delivery held for the mapping its id, its reason code, and when it was last held."""
    last_move = Move.objects.filter(delivery=OuterRef("pk"), to_state=State.HELD).order_by("-at").values("at")[:1]
    held = Delivery.objects.filter(location=template.location_id, state=State.HELD, note_version__template=template)
    by_mapping = held.filter(reason_code__in=BY_MAPPING).order_by("pk")
    return list(by_mapping.values_list("pk", "reason_code", Coalesce(Subquery(last_move), "updated_at")))
