"""What the settings show of a whole practice: keys, agreements, people."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Prefetch
from django.utils import timezone

from portal.agreements import RENEWAL_DAYS, missing
from portal.models import Agreement, ApiKey, Environment, Membership, Practice, Scribe, User


@dataclass(frozen=True)
class KeyRow:
    """A key and whether it opens: tone and word of its state."""

    key: ApiKey
    tone: str
    state: str
    locations: tuple[str, ...]


def _key_state(key: ApiKey, now: datetime) -> tuple[str, str]:
    if key.revoked_at is not None:
        return "off", "Revoked"
    if key.expires_at is None:
        return "ok", "Works"
    if key.expires_at <= now:
        return "off", "Expired"
    return ("warn", "Ends soon") if key.expires_at - now < timedelta(days=30) else ("ok", "Works")


@dataclass(frozen=True)
class ScribeRow:
    """A scribe with its keys, the newest first."""

    scribe: Scribe
    keys: tuple[KeyRow, ...]


def key_rows(practice: Practice) -> list[ScribeRow]:
    """The practice's scribes with their keys, those that are ours left out; three queries."""
    now = timezone.now()
    keys = ApiKey.objects.order_by("-created_at").prefetch_related("locations")
    rows = []
    for scribe in practice.scribes.filter(synthetic=False).order_by("name").prefetch_related(Prefetch("keys", keys)):
        own = (
            KeyRow(key, *_key_state(key, now), tuple(each.name for each in key.locations.all()))
            for key in scribe.keys.all()
        )
        rows.append(ScribeRow(scribe, tuple(own)))
    return rows


@dataclass(frozen=True)
class AgreementRow:
    """An agreement and whether it stands today."""

    agreement: Agreement
    tone: str
    state: str
    in_force: bool


def _agreement_state(agreement: Agreement, today: date) -> tuple[str, str, bool]:
    if agreement.signed_on > today:
        return "wait", "Not yet in force", False
    if agreement.expires_on is None:
        return "ok", "In force", True
    left = (agreement.expires_on - today).days
    if left < 0:
        return "off", "Ended", False
    return ("warn", f"Ends in {left} days", True) if left <= max(RENEWAL_DAYS) else ("ok", "In force", True)


def agreement_rows(practice: Practice) -> list[AgreementRow]:
    """All of them, the latest first: what has ended stays on record."""
    today = timezone.now().date()
    found = practice.agreements.select_related("scribe").order_by("-signed_on", "-pk")
    return [AgreementRow(agreement, *_agreement_state(agreement, today)) for agreement in found]


def production_gaps(practice: Practice) -> list[str]:
    """What keeps which scribe's notes from which production location; empty when nothing does."""
    places = practice.locations.filter(environment=Environment.PRODUCTION)
    scribes = list(practice.scribes.filter(synthetic=False).order_by("name"))
    return [f"{place.name}: {lack}" for place in places for scribe in scribes for lack in missing(place, scribe)]


@dataclass(frozen=True)
class PersonRow:
    """Somebody with the roles they hold, as words."""

    person: User
    roles: tuple[str, ...]
    tone: str
    state: str


def _account_state(person: User, now: datetime) -> tuple[str, str]:
    if not person.is_active:
        return "off", "Disabled"
    if person.one_time_until is None:
        return "ok", "Active"
    return ("wait", "Invited") if person.one_time_until > now else ("warn", "Invitation expired")


def people_rows(practice: Practice) -> list[PersonRow]:
    """Everybody who holds a role in the practice; two queries."""
    now = timezone.now()
    held = Membership.objects.filter(practice=practice).select_related("location").order_by("location__code", "role")
    found = User.objects.filter(memberships__practice=practice).distinct().order_by("username")
    rows = []
    for person in found.prefetch_related(Prefetch("memberships", held)):
        roles = (
            f"{each.get_role_display()} ({each.location.name if each.location else 'every location'})"
            for each in person.memberships.all()
        )
        rows.append(PersonRow(person, tuple(roles), *_account_state(person, now)))
    return rows
