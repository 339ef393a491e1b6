"""What a person typed into the search, turned into filters that are safe in an address: ids and blind indexes.

A patient's or an encounter's id is looked up by its blind index; nothing typed is kept, logged or put into a URL.
"""

import contextlib
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from delivery.failures import CATALOGUE
from delivery.filters import REASON, Filters
from delivery.models import Delivery, Note, NoteVersion
from delivery.queries import WITH_REASON, Scope
from portal import crypto

LONGEST = 200
PROVIDERS = 20


@dataclass(frozen=True)
class Found:
    """The filters a search became, which kinds of thing it hit, and the blind index searched for, for the audit log."""

    filters: Filters
    kinds: tuple[str, ...]
    patient_bidx: str = ""
    encounter_bidx: str = ""


def search(text: str, scope: Scope) -> Found:
    """The first kind of thing that has exactly this: number, control id, note, visit, patient, reason, provider."""
    typed = text.replace("\0", "").strip()[:LONGEST]  # PostgreSQL cannot be asked for NUL
    if not typed:
        return Found(Filters(), ())
    if not typed.isprintable():  # PostgreSQL refuses NUL, and no id has a control character
        return Found(Filters(found="none"), ())
    return (
        _control_id(typed, scope)
        or _note(typed, scope)
        or _visit(typed, scope)
        or _reason(typed, scope)
        or _provider(typed, scope)
        or Found(Filters(found="none"), ())
    )


def _control_id(typed: str, scope: Scope) -> Found | None:
    number = Q(pk=int(typed)) if typed.isdecimal() and len(typed) < 19 else Q()
    one = Delivery.objects.filter(Q(control_id=typed.upper()), location__in=scope.locations).first()
    if one is None and number:
        one = Delivery.objects.filter(number, location__in=scope.locations).first()
    return Found(Filters(control=one.control_id), ("control_id",)) if one else None


def _note(typed: str, scope: Scope) -> Found | None:
    ids = Q(source_note_id=typed)
    with contextlib.suppress(ValueError):
        ids |= Q(pk=UUID(typed))
    one = Note.objects.filter(ids, location__in=scope.locations).first()
    return Found(Filters(note=one.pk.hex), ("note",)) if one else None


def _visit(typed: str, scope: Scope) -> Found | None:
    """Encounter before patient: it is the narrower answer, should one number be both."""
    encounter, patient = crypto.blind_index("encounter", typed), crypto.blind_index("patient", typed)
    here = NoteVersion.objects.filter(note__location__in=scope.locations)
    if here.filter(encounter_bidx=encounter).exists():
        return Found(Filters(encounter=encounter), ("encounter",), encounter_bidx=encounter)
    if here.filter(patient_bidx=patient).exists():
        return Found(Filters(patient=patient), ("patient",), patient_bidx=patient)
    return None


def _reason(typed: str, scope: Scope) -> Found | None:
    """A code of the failure catalogue, or one that a delivery here has."""
    code = typed.lower()
    if not REASON.fullmatch(code):
        return None
    here = Delivery.objects.filter(WITH_REASON, location__in=scope.locations, reason_code=code)
    return Found(Filters(reason=(code,)), ("reason_code",)) if code in CATALOGUE or here.exists() else None


def _provider(typed: str, scope: Scope) -> Found | None:
    named = Q(provider_id__iexact=typed) | (Q(provider_name__icontains=typed) if len(typed) > 1 else Q())
    rows = NoteVersion.objects.filter(named, note__location__in=scope.locations).exclude(provider_id="")
    ids = tuple(rows.order_by("provider_id").values_list("provider_id", flat=True).distinct()[:PROVIDERS])
    return Found(Filters(provider=ids), ("provider",)) if ids else None
