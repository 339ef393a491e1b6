"""Business associate agreements: recorded by a person, asked for before anything leaves for production."""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from audit.record import MAX_TEXT, record
from portal.models import Agreement, AgreementKind, Environment, Location, Practice, Scribe

FURTHEST_WEST = timedelta(hours=12)  # behind UTC: nowhere is it an earlier day
RENEWAL_DAYS = (60, 30, 7)  # how long before its end an agreement is spoken of on the overview


def in_force(practice_id: int, today: date) -> QuerySet[Agreement]:
    """The practice's agreements that are signed and have not ended; the last day counts."""
    signed = Agreement.objects.filter(practice=practice_id, signed_on__lte=today)
    return signed.filter(Q(expires_on=None) | Q(expires_on__gte=today))


def today_at(location: Location) -> date:
    """The date where the location is."""
    return timezone.now().astimezone(ZoneInfo(location.time_zone)).date()


def missing(location: Location, scribe: Scribe) -> list[str]:
    """What still stands between this scribe and this location, in plain words; empty: notes may flow. One query.

    Source: 45 CFR 164.502(e), 164.504(e). The sandbox holds no patient data and needs none.
    """
    if location.environment != Environment.PRODUCTION:
        return []
    held = set(in_force(location.practice_id, today_at(location)).values_list("kind", "scribe"))
    lacks = []
    if (AgreementKind.BAA_SCRIBE.value, scribe.pk) not in held:
        lacks.append(f"No business associate agreement with {scribe.name} is in force.")
    if not any(kind == AgreementKind.BAA_ECW for kind, _ in held):
        lacks.append("No business associate agreement with eClinicalWorks is in force.")
    return lacks


def sha256_of(upload: UploadedFile) -> str:
    """The fingerprint of an uploaded document; the document itself stays with the practice."""
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    return digest.hexdigest()


@dataclass(frozen=True)
class Terms:
    """What a person records of a signed agreement."""

    kind: str
    party: str
    signed_on: date
    expires_on: date | None = None
    document_sha256: str = ""


def record_agreement(practice: Practice, terms: Terms, scribe: Scribe | None = None) -> Agreement:
    """Keep what was signed. ValueError where the scribe is missing, superfluous or another practice's."""
    needs_scribe = terms.kind == AgreementKind.BAA_SCRIBE
    if needs_scribe != (scribe is not None) or (scribe and scribe.practice_id != practice.pk):
        raise ValueError("An agreement with a scribe vendor names one scribe of this practice, any other none.")
    with transaction.atomic():
        agreement = Agreement.objects.create(practice=practice, scribe=scribe, **vars(terms))
        record(
            "agreement.record",
            practice=practice.code,
            object_type="agreement",
            object_id=str(agreement.pk),
            detail={"kind": terms.kind, "party": terms.party[:MAX_TEXT]},
        )
    return agreement


def end(agreement: Agreement) -> None:
    """It has ended: yesterday was its last day. What it allowed stops with the next note."""
    with transaction.atomic():
        # The last day is over at every location, also where it still is the day before that of UTC.
        agreement.expires_on = (timezone.now() - FURTHEST_WEST).date() - timedelta(days=1)
        agreement.save(update_fields=["expires_on"])
        record(
            "agreement.end",
            practice=agreement.practice.code,
            object_type="agreement",
            object_id=str(agreement.pk),
            detail={"kind": agreement.kind, "party": agreement.party[:MAX_TEXT]},
        )
