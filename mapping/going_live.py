"""Whether a draft may go live: rehearsed exactly as it stands, or asked for by one person and published by another.

The first mapping of a template changes nothing that is in force, so it needs neither. A rehearsal counts where it
replayed at least one note: one that had nothing to replay, or could open none, has shown nothing.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from audit.record import record
from mapping.models import MappingState, MappingVersion, PublishRequest, Rehearsal, Template
from mapping.queries import published_of
from portal.models import User

FIRST, REHEARSED, SECOND_PERSON, RETURNED = "first", "rehearsed", "second person", "returned"


class DraftGone(Exception):
    """The draft was published or discarded while it was rehearsed; nothing was kept."""


class NotRehearsed(Exception):
    """The draft was not rehearsed as it stands, and no second person stands behind it; nothing was changed."""


def way(draft: MappingVersion, mark: str, user: User) -> str:
    """How this draft (with this fingerprint) may go live by this person; raises NotRehearsed."""
    in_force = published_of(draft.template)
    if in_force is None:
        return FIRST
    if counting(draft, mark) is not None:
        return REHEARSED
    asked = request_for(draft, mark)
    if asked is not None and asked.asked_by_id != user.pk:
        return SECOND_PERSON
    raise NotRehearsed


def counting(draft: MappingVersion, mark: str) -> Rehearsal | None:
    """The newest rehearsal of it that replayed a note."""
    return _rehearsals(draft, mark).filter(notes__gt=0).first()


def rehearsal_of(draft: MappingVersion, mark: str) -> Rehearsal | None:
    """The newest rehearsal of exactly this draft against the mapping that is in force now, whether it counts or not."""
    return _rehearsals(draft, mark).first()


def _rehearsals(draft: MappingVersion, mark: str) -> QuerySet[Rehearsal]:
    in_force = published_of(draft.template)
    return Rehearsal.objects.filter(mapping=draft, fingerprint=mark, in_force=in_force).order_by("-pk")


def request_for(draft: MappingVersion, mark: str) -> PublishRequest | None:
    """Who asked for a second person for exactly this draft."""
    asked = PublishRequest.objects.filter(mapping=draft, fingerprint=mark).select_related("asked_by")
    return asked.order_by("-pk").first()


@transaction.atomic
def ask_second_person(draft: MappingVersion, mark: str, user: User, reason: str) -> PublishRequest:
    """Ask that somebody else publishes this draft without a rehearsal. ValueError without a reason."""
    if not reason.strip():
        raise ValueError("Say why it should go live without a rehearsal.")
    asked = PublishRequest.objects.create(mapping=draft, fingerprint=mark, asked_by=user, reason=reason.strip()[:200])
    detail = {"template": draft.template.code, "version": draft.number}
    record("mapping.ask_second", **_columns(draft), reason=asked.reason, detail=detail)
    return asked


@transaction.atomic
def keep_rehearsal(
    draft: MappingVersion, mark: str, user: User, notes: int, findings: Sequence[dict[str, Any]]
) -> Rehearsal:
    """Store what a replay found: `findings` hold ids and codes, one entry per note that would come out otherwise.

    `notes` were replayed; those that could not be opened stand in the findings alone. Raises DraftGone.
    """
    Template.objects.select_for_update(no_key=True).get(
        pk=draft.template_id
    )  # whoever discards the draft waits, or was first
    if not MappingVersion.objects.select_for_update().filter(pk=draft.pk, state=MappingState.DRAFT).exists():
        raise DraftGone
    kept = Rehearsal.objects.create(
        mapping=draft,
        fingerprint=mark,
        in_force=published_of(draft.template),
        notes=notes,
        findings=list(findings),
        rehearsed_by=user,
    )
    detail = {
        "template": draft.template.code,
        "version": draft.number,
        "notes": notes,
        "changed": kept.count("changed"),
        "lost": kept.count("lost"),
        "caught": kept.count("caught"),
        "blocked": kept.count("blocked"),
    }
    record("mapping.rehearse", **_columns(draft), data_category=("transcribed_note",), detail=detail)
    return kept


def _columns(mapping: MappingVersion) -> dict[str, Any]:
    location = mapping.template.location
    return {
        "practice": location.practice.code,
        "location": location.code,
        "object_type": "mapping",
        "object_id": str(mapping.pk),
        "object_version": str(mapping.number),
    }
