"""What stands above the list: saved views with counts, chips that say what it is narrowed to, choices to narrow it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from django.db.models import Q

from delivery.affected import UNCODED, codes
from delivery.failures import failure
from delivery.filters import LATENCIES, RANGES, RETRYING, Filters, all_states
from delivery.models import Delivery, NoteVersion
from delivery.monitor.issues import people_at
from delivery.queries import AFFECTED, MANY, Scope, matching
from delivery.states import WORDS, State
from mapping.models import MappingState, MappingVersion, Template
from portal.models import ConnectionKind, Part, User

PARTS = [(part.value, part.label) for part in Part]
GROUP_WORDS = {
    "attention": ("Needs attention", "act"),
    "waiting": ("Waiting", "wait"),
    RETRYING: ("Retrying", "warn"),
}
# Shorter than on the rows: the strip must fit a screen.
SHORT = {"accepted": "Accepted", "verified": "Verified", "rejected": "Rejected", "parked": "Decide"}
# The saved views, in the order of the strip; the quiet ones stand there only while they have rows.
VIEWS = ("attention", "waiting", RETRYING, "held", "unknown", "misfiled", "parked", "rejected", "accepted", "verified")
QUIET = (State.SUPERSEDED.value, State.CANCELLED.value)
OFFERED = 60  # mapping versions offered to choose from
RECENT = 1000  # providers are offered from the newest deliveries


@dataclass(frozen=True)
class Tab:
    """One saved view: its words, address, and count ("1,000+" from MANY on)."""

    label: str
    query: str
    count: str
    tone: str
    current: bool


@dataclass(frozen=True)
class Chip:
    """One filter in force, and the address without it."""

    label: str
    query: str


def tabs(chosen: Filters, numbers: dict[str, int]) -> list[Tab]:
    """All, the saved views, and the quiet states that have rows."""
    quiet = [state for state in QUIET if numbers[state]]
    names = [*VIEWS, *(name for name in (*quiet, *chosen.state) if name not in VIEWS)]
    whole = all_states(chosen)
    every = Tab("All", whole.query(), many(numbers["all"]), "off", chosen == whole)
    return [every, *(_tab(name, chosen, numbers[name]) for name in dict.fromkeys(names))]


def mine(chosen: Filters, scope: Scope, user: User) -> Tab:
    """What is this person's to see to: not among the numbers every tick asks for, counted when the list is shown."""
    wanted = replace(all_states(chosen), whose=str(user.pk))
    number = matching(scope, wanted).order_by()[:MANY].count()
    return Tab("Mine", wanted.query(), many(number), "act" if number else "off", chosen == wanted)


def _tab(name: str, chosen: Filters, count: int) -> Tab:
    label, tone = GROUP_WORDS.get(name) or (SHORT.get(name, WORDS[State(name)].label), WORDS[State(name)].tone)
    shown_tone = tone if count and tone == "act" else "off"
    wanted = replace(all_states(chosen), state=(name,))
    return Tab(label, wanted.query(), many(count), shown_tone, chosen == wanted)


def many(count: int) -> str:
    return f"{MANY:,}+" if count >= MANY else str(count)


def chips(chosen: Filters, scope: Scope) -> list[Chip]:
    """One chip for every value in force, in plain words; a group shown as a tab needs none."""
    names = _provider_names(chosen, scope) | {one.code: one.name for one in scope.locations if one.code in chosen.at}
    names |= dict(mappings(scope, chosen.mapping)) if chosen.mapping else {}
    names |= _people(chosen, scope)
    each = [(name, value) for name, value in chosen.chosen() if name != "id"]
    made = [Chip(_label(name, value, names), chosen.without(name, value).query()) for name, value in each]
    number = len(chosen.id)
    several = [Chip(f"{number} chosen deliver{'y' if number == 1 else 'ies'}", replace(chosen, id=()).query())]
    return [*made, *several] if number else made


def _people(chosen: Filters, scope: Scope) -> dict[str, str]:
    """The name of the person whose issues are looked at, where it is somebody to whom any could be given here."""
    if not chosen.whose:
        return {}
    names = {str(one.pk): one.get_full_name() or one.username for one in people_at(scope)}
    return {"whose": f"Given to {names.get(chosen.whose, 'somebody else')}"}


SAID = {
    "failed": "Ever failed",
    "patient": "One patient",
    "encounter": "One visit",
    "note": "One note",
    "found": "Search",
    "in": "In the pilot",
    "out": "Not in the pilot yet",
}
BEGINNINGS = {
    "specialty": "Specialty",
    "template": "Template",
    "tries": "Attempts, at least",
    "since": "From",
    "until": "Until",
    "control": "Control id",
}


def _label(name: str, value: str, names: dict[str, str]) -> str:
    if name == "state":
        return GROUP_WORDS[value][0] if value in GROUP_WORDS else WORDS[State(value)].label
    if name == "part":
        return str(Part(value).label)
    if name == "method":
        return str(ConnectionKind(value).label)
    if name == "reason":
        return failure(value).title
    if name == "range":
        return RANGES[value][0]
    if name in ("provider", "at", "mapping"):
        return names.get(value) or value
    if name == "whose":
        return names["whose"]
    if name == "took":
        return f"Verified after more than {LATENCIES[value][0]}"
    if name == "section":
        return f"Wrong in it: {section_words(value)}"
    if name == "replayed":
        return "Sent again" if value == "yes" else "Not sent again"
    if name == "cohort":
        return SAID[value]
    return SAID.get(name) or f"{BEGINNINGS[name]} {value.replace('T', ' ')}"


def section_words(code: str) -> str:
    return "a section without a code, or an entry" if code == UNCODED else code.replace("_", " ")


def mappings(scope: Scope, numbers: Iterable[str] = ()) -> list[tuple[str, str]]:
    """(number, words) of the scope's mapping versions that were ever in force, or of those named; the newest first."""
    rows = MappingVersion.objects.filter(template__location__in=scope.locations)
    rows = rows.filter(pk__in=list(numbers)) if numbers else rows.exclude(state=MappingState.DRAFT)
    found = rows.order_by("-published_at", "-pk").values_list(
        "pk", "template__location__code", "template__code", "number"
    )
    return [(str(pk), f"{place} {code}, mapping {number}") for pk, place, code, number in found[:OFFERED]]


def templates(scope: Scope) -> tuple[list[str], list[str]]:
    """The codes of the scope's templates, and their specialties."""
    rows = Template.objects.filter(location__in=scope.locations).values_list("code", "specialty")
    return sorted({code for code, _ in rows}), sorted({one for _, one in rows if one})


def sections(scope: Scope) -> list[tuple[str, str]]:
    """(code, words) of the sections that are wrong in the newest deliveries of which any is."""
    rows = Delivery.objects.filter(AFFECTED, location__in=scope.locations).order_by("-created_at", "-pk")
    found = {code for text in rows.values_list("affected", flat=True)[:RECENT] for code in codes(text)}
    return [(code, section_words(code)) for code in sorted(found)]


def _provider_names(chosen: Filters, scope: Scope) -> dict[str, str]:
    if not chosen.provider:
        return {}
    here = Delivery.objects.filter(location__in=scope.locations)
    any_of = [here.filter(provider_id=one).values_list("note_version", flat=True)[:1] for one in chosen.provider]
    return _named(version for found in any_of for version in found)


def _named(versions: Iterable[UUID]) -> dict[str, str]:
    """The providers of these versions: id and name."""
    rows = NoteVersion.objects.filter(pk__in=list(versions)).values_list("provider_id", "provider_name")
    return {pk: name or pk for pk, name in rows}


def providers(scope: Scope, without: Q | None = None) -> list[tuple[str, str]]:
    """(id, name) of the providers of the newest deliveries (but those of `without`), by name."""
    newest = list(
        Delivery.objects.filter(
            practice__in={location.practice_id for location in scope.locations}, location__in=scope.locations
        )
        .exclude(without or Q(pk__in=[]))
        .order_by("-created_at", "-pk")
        .values_list("provider_id", "note_version")[:RECENT]
    )
    a_version_each = {pk: version for pk, version in reversed(newest) if pk}
    return sorted(_named(a_version_each.values()).items(), key=lambda one: one[1].casefold())
