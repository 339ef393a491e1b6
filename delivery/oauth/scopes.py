"""Least privilege: the scopes a connection's routes need, and which of them were granted.

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html (v1: `.read`, `.write`; v2: `.rs`, `.cu`).
"""

from dataclasses import dataclass

from portal.models import Connection, Location, Part, Route

WRITES = {
    Part.NOTE: ("DocumentReference",),
    Part.DIAGNOSES: ("Condition",),
    Part.MEDICATIONS: ("MedicationStatement",),
    Part.ALLERGIES: ("AllergyIntolerance",),
    Part.IMMUNIZATIONS: ("Immunization",),
    Part.OBSERVATIONS: ("Observation",),
    Part.ATTACHMENTS: ("DocumentReference",),
}
READS = ("DocumentReference", "Binary")
# What coded entries that were sent are looked for as.
READS_BACK = {
    Part.DIAGNOSES: "Condition",
    Part.MEDICATIONS: "MedicationRequest",
    Part.ALLERGIES: "AllergyIntolerance",
    Part.OBSERVATIONS: "Observation",
}
OFFLINE = "offline_access"
SUFFIXES = {"v1": {"read": "read", "write": "write"}, "v2": {"read": "rs", "write": "cu"}}


@dataclass(frozen=True)
class ScopeRow:
    """One scope with what needs it, and whether it is granted (None: nothing was granted yet)."""

    scope: str
    why: str
    granted: bool | None


def needed(connection: Connection) -> dict[str, str]:
    """Scope and what needs it, in order; empty while no location uses the connection."""
    own = connection.settings
    by_person = own.get("grant") == "authorization_code"
    context, style = "user" if by_person else "system", SUFFIXES[own.get("scope_style") or "v1"]
    found: dict[str, str] = {}
    for part in sorted(set(Route.objects.filter(connection=connection).values_list("part", flat=True))):
        for resource in WRITES.get(Part(part), ()):
            found[f"{context}/{resource}.{style['write']}"] = f"sends {Part(part).label.lower()}"
        if part == Part.ATTACHMENTS:
            found |= {f"{context}/{one}.{style['read']}": "looks for documents" for one in READS}
        if part in READS_BACK:
            found[f"{context}/{READS_BACK[Part(part)]}.{style['read']}"] = f"looks for {Part(part).label.lower()}"
    if Location.objects.filter(reading_connection=connection).exists():
        for resource in READS:
            found[f"{context}/{resource}.{style['read']}"] = "reads charts back"
    if connection.event_sources.filter(enabled=True).exists():
        found.setdefault(f"{context}/Encounter.{style['read']}", "looks for visits that have begun")
    if found and own.get("check_encounter") is True:
        found.setdefault(f"{context}/Encounter.{style['read']}", "looks a note's encounter up")
    chosen = str(own.get("scopes") or "").split()
    if chosen:
        found = {scope: found.get(scope, "chosen on this connection") for scope in chosen}
    if found and by_person:
        found.setdefault(OFFLINE, "renews the sign-in without a person")
    return found


def rows(connection: Connection, granted: list[str] | None) -> list[ScopeRow]:
    """What is needed against what is granted."""
    return [
        ScopeRow(scope, why, None if granted is None else any(covers(one, scope) for one in granted))
        for scope, why in needed(connection).items()
    ]


def covers(granted: str, wanted: str) -> bool:
    """Whether a granted scope allows what a wanted one asks, in either spelling, wildcards included."""
    if granted == wanted:
        return True
    have, want = _split(granted), _split(wanted)
    if have is None or want is None:
        return False
    same = have[0] == want[0] and have[1] in (want[1], "*")
    return same and want[2] <= have[2]


def _split(scope: str) -> tuple[str, str, frozenset[str]] | None:
    """Context, resource, and the single rights among c, r, u, d, s."""
    context, slash, rest = scope.partition("/")
    resource, dot, right = rest.partition("?")[0].rpartition(".")
    if not slash or not dot:
        return None
    letters = {"read": "rs", "write": "cud", "*": "cruds"}.get(right, right)
    return context, resource, frozenset(letters)
