"""What the audit pages show: events in plain words, with the names and the times of the reader's own practice."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from audit.event import AuditEvent
from audit.models import ConfigurationEntry
from audit.queries import Scope, visible
from audit.sentences import facts, sentence
from portal.access import WrongRole, location_for, locations_of, practice_of, roles_everywhere
from portal.models import Location, Practice, Role, User

READERS = frozenset({Role.AUDITOR, Role.DIRECTOR})
OUTCOME_WORDS = {"ok": ("ok", "Done"), "denied": ("warn", "Refused"), "error": ("act", "Failed")}


@dataclass(frozen=True)
class Row:
    """One event as a page shows it: `zone` is its location's, `tone` and `outcome` the words for how it ended."""

    event: AuditEvent
    sentence: str
    facts: str
    zone: str
    day: date
    tone: str
    outcome: str


@dataclass(frozen=True)
class Change:
    """One field of a configuration row that was changed."""

    field: str
    old: object
    new: object


def scope_for(user: User, chosen: Location | None = None) -> Scope:
    """What this person may read, narrowed to a chosen location. Http404 for strangers, WrongRole for others."""
    practice = practice_of(user)
    if chosen is not None:
        return Scope(practice.code, frozenset({location_for(user, chosen.code, *READERS).code}))
    if roles_everywhere(user) & READERS:
        return Scope(practice.code)
    codes = frozenset(locations_of(user, *READERS).values_list("code", flat=True))
    if not codes:
        raise WrongRole(READERS)
    return Scope(practice.code, codes)


INSTALLATION = Scope("")  # what belongs to no practice: tries to sign in by nobody known, commands on the server


def reads_installation(user: User) -> bool:
    """Whether the events of no practice are this person's to read: where one practice has the installation to itself.

    Where several share one, they are nobody's of these: whoever runs the server reads them (`installation_log`).
    """
    return Practice.objects.count() == 1 and bool(roles_everywhere(user) & READERS)


def readable(user: User) -> QuerySet[AuditEvent]:
    """Every event this person may open by its address. Http404 for strangers, WrongRole for others."""
    own = visible(scope_for(user))
    return own | visible(INSTALLATION) if reads_installation(user) else own


def people_of(practice: str) -> list[tuple[str, str]]:
    """(id, name) of everybody with a role in the practice, by name."""
    users = User.objects.filter(memberships__practice__code=practice).distinct()
    return sorted(((str(user.pk), user.get_full_name() or user.username) for user in users), key=lambda one: one[1])


def zones_of(practice: str) -> dict[str, str]:
    """Each location's time zone, by code."""
    return dict(Location.objects.filter(practice__code=practice).values_list("code", "time_zone"))


def home_zone(zones: dict[str, str], chosen: Location | None) -> str:
    """The zone of a page: the chosen location's, else the one in which most of the practice's locations lie."""
    if chosen is not None:
        return chosen.time_zone
    found = sorted(zones.values())
    return max(found, key=found.count) if found else "UTC"


def rows(events: Iterable[AuditEvent], practice: str, zone: str) -> list[Row]:
    """The events in plain words; those of no location in `zone`."""
    names, zones = dict(people_of(practice)), zones_of(practice)
    return [_row(event, names, zones.get(event.location, zone)) for event in events]


def _row(event: AuditEvent, names: dict[str, str], zone: str) -> Row:
    tone, outcome = OUTCOME_WORDS.get(event.outcome, ("off", event.outcome))
    day = event.at.astimezone(ZoneInfo(zone)).date()
    return Row(event, sentence(event, names), facts(event), zone, day, tone, outcome)


def entry_of(event: AuditEvent) -> ConfigurationEntry | None:
    """The configuration entry that a `config.change` event speaks of."""
    return ConfigurationEntry.objects.filter(pk=event.detail.get("entry")).first()


def changes_of(entry: ConfigurationEntry) -> list[Change]:
    """What the entry says was changed, field by field; of a list of references, what was added or removed."""
    found = []
    for name, change in sorted((entry.changes or {}).items()):
        if isinstance(change, dict):
            words = ", ".join(change["objects"])
            old, new = (words, "") if change["operation"] == "delete" else ("", words)
        else:
            old, new = change
        found.append(Change(name.replace("_", " "), old, new))
    return found
