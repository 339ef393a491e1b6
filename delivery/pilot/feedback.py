"""What clinicians say of a note: accuracy, format, template fit, each good or poor; and in words, sealed as it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from audit.record import record
from delivery.models import Delivery
from delivery.pilot.tables import Feedback
from portal import crypto
from portal.models import User

ASPECTS = {"accuracy": "Accuracy", "format": "Format", "template_fit": "Template fit"}
LONGEST = 2000


@dataclass(frozen=True)
class Said:
    """One answer: for each aspect whether it is good; `text` may name the patient, and is sealed."""

    accuracy: bool
    format: bool
    template_fit: bool
    text: str = ""


@dataclass(frozen=True)
class Shown:
    """One clinician's answer as a page lists it; `text` None until somebody has opened it, recorded."""

    row: Feedback
    answers: tuple[tuple[str, bool], ...]
    text: str | None = None

    @property
    def has_text(self) -> bool:
        return bool(self.row.sealed_text)


def give(one: Delivery, by: User, said: Said) -> Feedback:
    """Keep what a clinician says of the delivery's note, in place of what they said before."""
    with transaction.atomic():
        answers = {name: getattr(said, name) for name in ASPECTS}
        row, _ = Feedback.objects.update_or_create(
            note_id=one.note_id, by=by, defaults={**answers, "at": timezone.now(), "sealed_text": None}
        )
        if said.text:
            row.sealed_text = crypto.seal(said.text.encode(), table="feedback", column="text", row=row.pk)
            row.save(update_fields=["sealed_text"])
        record(
            "note.feedback",
            practice=one.location.practice.code,
            location=one.location.code,
            subject_bidx=one.note_version.patient_bidx,
            encounter_bidx=one.encounter_bidx,
            object_type="delivery",
            object_id=str(one.pk),
            correlation_id=one.note_version.correlation_id,
            detail={"delivery_id": one.pk, **answers, "words": bool(said.text)},
        )
    return row


def given(one: Delivery) -> list[Shown]:
    """Everybody's answers on the delivery's note, without their texts."""
    rows = Feedback.objects.filter(note=one.note_id).select_related("by").order_by("at", "pk")
    return [_shown(row) for row in rows]


def opened(shown: Sequence[Shown]) -> list[Shown]:
    """The same with their texts; raises portal.crypto.CannotOpen."""
    return [_shown(one.row, text_of(one.row)) for one in shown]


def text_of(row: Feedback) -> str:
    if not row.sealed_text:
        return ""
    return crypto.unseal(row.sealed_text, table="feedback", column="text", row=row.pk).decode()


def _shown(row: Feedback, text: str | None = None) -> Shown:
    return Shown(row, tuple((label, getattr(row, name)) for name, label in ASPECTS.items()), text)
