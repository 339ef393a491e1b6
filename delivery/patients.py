"""Patients as the lists show them: initials and the end of their id, opened from the sealed note.

Masks are kept in this process's memory (never at rest), because a note with attachments takes megabytes to open.
"""

import json
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from uuid import UUID

from delivery.models import NoteVersion
from portal import crypto

KEPT = 20_000
SHOWN = 4  # of the id's last characters, and never more than half of it
SEALED_AWAY = "cannot be opened"


@dataclass(frozen=True)
class Patient:
    """A patient in clear; shown only after a logged reveal."""

    id: str
    family: str
    given: str
    birth_date: str
    encounter_id: str

    def mask(self) -> str:
        """Initials and at most the last four characters of the id: enough to recognise, too little to identify."""
        initials = "".join(f"{name[0].upper()}." for name in (self.given, self.family) if name)
        tail = self.id[-min(SHOWN, len(self.id) // 2) :] if len(self.id) > 1 else ""
        return f"{initials or '?'} ••{tail}"


_masks: OrderedDict[UUID, str] = OrderedDict()
_lock = Lock()


def masks(versions: Iterable[UUID]) -> dict[UUID, str]:
    """The mask of each note version's patient; only the ones not yet known are read and opened."""
    wanted = list(dict.fromkeys(versions))
    with _lock:
        known = {pk: _masks[pk] for pk in wanted if pk in _masks}
    missing = [pk for pk in wanted if pk not in known]
    if not missing:
        return known
    rows = NoteVersion.objects.filter(pk__in=missing).values_list("pk", "sealed_body")
    fresh = {pk: _mask_of(pk, sealed) for pk, sealed in rows.iterator(chunk_size=10)}
    _keep({pk: mask for pk, mask in fresh.items() if mask != SEALED_AWAY})
    return known | fresh


def _mask_of(pk: UUID, sealed: bytes | memoryview) -> str:
    try:
        return patient_in(pk, sealed).mask()
    except crypto.CannotOpen:
        return SEALED_AWAY


def _keep(fresh: dict[UUID, str]) -> None:
    with _lock:
        _masks.update(fresh)
        while len(_masks) > KEPT:
            _masks.popitem(last=False)


def patient_in(pk: UUID, sealed: bytes | memoryview) -> Patient:
    """The patient of a sealed note body; raises CannotOpen."""
    body = json.loads(crypto.unseal(sealed, table="noteversion", column="body", row=pk))
    patient, encounter = body.get("patient") or {}, body.get("encounter") or {}
    return Patient(
        id=str(patient.get("id") or ""),
        family=str(patient.get("family") or ""),
        given=str(patient.get("given") or ""),
        birth_date=str(patient.get("birth_date") or ""),
        encounter_id=str(encounter.get("id") or ""),
    )
