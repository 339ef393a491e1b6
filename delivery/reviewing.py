"""A clinician looks at a held note before it goes: changes texts, lets it go, or rejects it (B35).

A change is a further version of the note, by its author, and takes the place of the one before; what the scribe posted
stays as it came. A version that the scribe posts later under a number already taken is refused, and told so.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from audit.record import current, record
from delivery import actions, contents
from delivery.comparison import seen
from delivery.intake import Arrival, insert, new_delivery, new_version
from delivery.known import Posting
from delivery.models import Delivery, Note, NoteVersion
from delivery.pilot.cohort import HOLDS
from delivery.places import AWAITS_REVIEW, Destination, kept
from delivery.posted import PostedNote, forbidden_characters, note_of
from delivery.serializers import NoteSerializer
from delivery.states import State
from delivery.transition import tickets, transition
from mapping.apply import apply
from mapping.note import Section
from mapping.queries import published_spec
from portal.models import ApiKey, Part, User

REJECTED = "rejected_by_clinician"


class CannotReview(Exception):
    """The note cannot be changed so; the message is for the clinician, without content."""


@dataclass(frozen=True)
class Passage:
    """One section as the clinician sees it: its text, and the fields of the chart it goes to."""

    index: int
    title: str
    text: str
    fields: tuple[str, ...]
    hidden: bool = False  # it holds characters that mislead the eye


def reviewable(one: Delivery) -> bool:
    """A held note, not yet overtaken by a further version; its other parts hold codes, which the workbench decides.

    Nor is it one whose provider has not joined the pilot: released, it would be held again.
    """
    return one.state == State.HELD and one.part == Part.NOTE and one.reason_code not in HOLDS


def passages(one: Delivery, body: dict[str, Any]) -> list[Passage]:
    """The sections of the note as posted, each with where it goes; raises CannotReview for what cannot be read."""
    posted = _read(body)
    template = one.note_version.template
    spec = published_spec(template) if template else None
    goes: dict[int, list[str]] = {}
    for value in apply(spec, posted.sections, one.location.unmapped_policy).values if spec else ():
        for contribution in value.contributions:
            goes.setdefault(contribution.index, []).append(f"{value.label} ({value.field_id})")
    return [_passage(section, goes.get(section.index, [])) for section in posted.sections]


def _passage(section: Section, fields: list[str]) -> Passage:
    title = section.title or section.code or "Untitled section"
    return Passage(section.index, title, section.text, tuple(fields), seen(section.text) != section.text)


def _read(body: dict[str, Any]) -> PostedNote:
    if forbidden_characters(body) or not NoteSerializer(data=body).is_valid():
        raise CannotReview("A text holds characters that no chart can show, or is too long. Nothing was changed.")
    return note_of(body)


def changed(body: dict[str, Any], texts: dict[int, str]) -> tuple[dict[str, Any], int]:
    """The note with these texts in its sections (CR LF, as browsers post it, is a line end), and how many differ."""
    sections, differing = [], 0
    for index, section in enumerate(body.get("sections") or []):
        text = texts.get(index, section.get("text") or "").replace("\r\n", "\n")
        differing += text != (section.get("text") or "").replace("\r\n", "\n")
        sections.append({**section, "text": text})
    return {**body, "sections": sections}, differing


def edit(one: Delivery, texts: dict[int, str], by: User) -> Delivery:
    """The further version with these texts, held; its delivery. The same one where nothing differs.

    Raises CannotReview where somebody was faster, or a text cannot travel.
    """
    with transaction.atomic():
        Note.objects.select_for_update(no_key=True).get(pk=one.note_id)
        one.refresh_from_db(fields=["state"])
        before = one.note_version
        newest = NoteVersion.objects.filter(note=one.note_id).order_by("-number").first()
        if newest is None or newest.pk != before.pk or not reviewable(one):
            raise CannotReview("This note has moved on meanwhile. Nothing was changed.")
        body, differing = changed(contents.body(before), texts)
        if not differing:
            return one
        body["version"] = before.number + 1
        made = _stored(one, body, by)
        record(
            "note.edit",
            practice=one.location.practice.code,
            location=one.location.code,
            subject_bidx=before.patient_bidx,
            encounter_bidx=before.encounter_bidx,
            object_type="note",
            object_id=str(one.note_id),
            object_version=str(body["version"]),
            correlation_id=made.note_version.correlation_id,
            purpose_of_use="TREAT",
            data_category=("transcribed_note",),
            detail={"delivery_id": made.pk, "version": body["version"], "sections": differing, "replaces": one.pk},
        )
    return made


def _stored(one: Delivery, body: dict[str, Any], by: User) -> Delivery:
    """A version as intake stores it, with its deliveries; that of the note is held until it is released."""
    posted = _read(body)
    # An edit came by no key; the scribe whose note it is stands there, as for everything of the note.
    key = ApiKey(scribe=one.note.scribe)
    posting = Posting(key, current().actor, posted, json.dumps(body).encode(), "", "")
    to = Destination(one.location, one.note_version.template)
    version = new_version(posting, one.note, to)
    version.edited_by = by
    arrival = Arrival(posting, to, is_new=False, late=False, version=version)
    places = kept.now()
    arrival.deliveries = [new_delivery(arrival, part, places) for part in posted.parts]
    for row in arrival.deliveries:
        if row.part == Part.NOTE:
            row.state, row.reason_code = State.HELD.value, row.reason_code or AWAITS_REVIEW
    insert([arrival])
    return next(row for row in arrival.deliveries if row.part == Part.NOTE)


def release(one: Delivery) -> bool:
    """The clinician signs it off, and it goes; what else is wrong with it is found when it is sent."""
    with transaction.atomic():
        if not actions.release([one.pk], by={AWAITS_REVIEW}):
            return False
        version = one.note_version
        record(
            "note.sign_off",
            practice=one.location.practice.code,
            location=one.location.code,
            subject_bidx=version.patient_bidx,
            encounter_bidx=version.encounter_bidx,
            object_type="delivery",
            object_id=str(one.pk),
            object_version=str(version.number),
            correlation_id=version.correlation_id,
            purpose_of_use="TREAT",
            data_category=("transcribed_note",),
            detail={"delivery_id": one.pk, "version": version.number},
        )
    return True


def reject(one: Delivery, reason: str) -> bool:
    """It does not go into the chart; nor do the parts of this version that wait."""
    with transaction.atomic():
        waiting = Delivery.objects.filter(note_version=one.note_version_id).values_list("pk", flat=True)
        moved = [
            ticket
            for state in (State.HELD, State.READY)
            for ticket in transition(tickets(waiting), state, State.CANCELLED, reason_code=REJECTED, reason=reason)
        ]
    return any(ticket.id == one.pk for ticket in moved)
