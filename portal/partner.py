"""The registration as a partner of eClinicalWorks: kept by a director, shown with what is due, documents sealed."""

import hashlib
from dataclasses import dataclass
from datetime import date

from django.db import transaction

from audit.record import record
from portal import crypto
from portal.agreements import RENEWAL_DAYS
from portal.models import PartnerItem, PartnerState, PartnerStep, Practice

LARGEST_FILE = 10_000_000
TONES = {
    PartnerState.OPEN: "off",
    PartnerState.SENT: "wait",
    PartnerState.ACCEPTED: "ok",
    PartnerState.REFUSED: "act",
}


@dataclass(frozen=True)
class Facts:
    """What a director writes down of one step."""

    state: str
    owner: str = ""
    sent_on: date | None = None
    decided_on: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True)
class File:
    """A document as uploaded."""

    name: str
    content: bytes


@dataclass(frozen=True)
class StepRow:
    """One step for the page; `item` is None before anything was written down."""

    step: PartnerStep
    item: PartnerItem | None
    tone: str
    state: str


def rows(practice: Practice, today: date) -> list[StepRow]:
    """Every step in order, also those nobody has begun."""
    known = {item.step: item for item in practice.partner_items.defer("sealed_file")}
    return [_row(step, known.get(step), today) for step in PartnerStep]


def _row(step: PartnerStep, item: PartnerItem | None, today: date) -> StepRow:
    if item is None:
        return StepRow(step, None, "off", PartnerState.OPEN.label)
    left = (item.valid_until - today).days if item.valid_until else None
    if left is not None and left < 0:
        return StepRow(step, item, "act", "Out of date")
    if left is not None and left <= max(RENEWAL_DAYS) and item.state == PartnerState.ACCEPTED:
        return StepRow(step, item, "warn", f"Ends in {left} days")
    return StepRow(step, item, TONES[PartnerState(item.state)], PartnerState(item.state).label)


def write_down(practice: Practice, step: str, facts: Facts, file: File | None = None) -> PartnerItem:
    """Keep what is known of a step; a new document replaces the old one, whose SHA-256 stays in the log."""
    with transaction.atomic():
        item, _ = PartnerItem.objects.get_or_create(practice=practice, step=PartnerStep(step))
        for name, value in vars(facts).items():
            setattr(item, name, value)
        if file is not None:
            item.file_name, item.file_sha256 = file.name, hashlib.sha256(file.content).hexdigest()
            item.sealed_file = crypto.seal(file.content, table="partneritem", column="file", row=item.pk)
        item.save()
        _record("partner.change", item, step=step, state=facts.state, sha256=item.file_sha256)
    return item


def document(item: PartnerItem) -> bytes:
    """The document, opened under record; raises CannotOpen."""
    opened = crypto.unseal(item.sealed_file or b"", table="partneritem", column="file", row=item.pk)
    with transaction.atomic():
        _record("partner.fetch", item, step=item.step, sha256=item.file_sha256)
    return opened


def _record(event: str, item: PartnerItem, **detail: str) -> None:
    record(
        event,
        practice=item.practice.code,
        object_type="partner_item",
        object_id=str(item.pk),
        detail=detail,
    )
