"""The phases of one location's path, each step looked up where it is true or not (brief B6 to B23)."""

from dataclasses import replace
from datetime import datetime

from django.urls import reverse
from django.utils import timezone

from delivery.certification.between import is_relay, meant
from delivery.certification.standing import standing
from delivery.certification.subject import differences, subject_of
from delivery.connection_steps import FAILED
from delivery.models import ConnectionState
from delivery.path.step import Phase, Step, name_of, told
from delivery.pilot.cohort import NAMED, everybody
from delivery.pilot.numbers import measure
from delivery.pilot.page import words_of
from delivery.pilot.tables import Pilot
from delivery.ways.capabilities import used_at
from mapping.models import MappingState, MappingVersion, Template
from mapping.queries import drifted_in_force, newest_version
from portal.agreements import in_force, today_at
from portal.models import Agreement, AgreementKind, Connection, Environment, Location, Part, Role, Route

PRODUCTION, SANDBOX = Environment.PRODUCTION, Environment.SANDBOX


def path_of(location: Location, roles: frozenset[str]) -> list[Phase]:
    """The phases in order; empty for a location that is live. `roles` are the reader's there: they decide the links."""
    pilot = Pilot.objects.filter(location=location).first()
    if location.environment == PRODUCTION and not location.locked_reason and (pilot is None or met(pilot)):
        return []
    director = Role.DIRECTOR in roles
    phases = [
        Phase("Agreements", tuple(agreements(location, director))),
        Phase("Connections", tuple(connections(location, director))),
        Phase("Templates and mapping", tuple(mappings(location, director or Role.MAPPING_EDITOR in roles))),
        Phase("Certification", (certification(location, director),)),
        Phase("Production", (production(location, director),)),
        Phase("Pilot", (begun(location, pilot, director), widened(location, pilot, director))),
    ]
    first = next((step for phase in phases for step in phase.steps if not step.done), None)
    return [replace(phase, next=first) for phase in phases]


def agreements(location: Location, director: bool) -> list[Step]:
    """Both agreements, recorded and in force today; the sandbox needs none, and says so where they are lacking."""
    url = reverse("portal:agreements") if director else ""
    held = in_force(location.practice_id, today_at(location))
    steps = []
    for kind in AgreementKind:
        row = held.filter(kind=kind).order_by("-signed_on").first()
        steps.append(agreement(location, row, f"{kind.label} recorded and in force", url))
    return steps


def agreement(location: Location, row: Agreement | None, text: str, url: str) -> Step:
    if row is None:
        says = "" if location.environment == PRODUCTION else "The sandbox works without it; production does not."
        return Step(text, False, says, url=url)
    who, when = told(location, "agreement.record", "agreement", row.pk)
    until = f", until {row.expires_on}" if row.expires_on else ""
    proof = "" if row.document_sha256 else "; no document's fingerprint is kept with it"
    return Step(text, True, f"With {row.party}, signed {row.signed_on}{until}{proof}.", who, when, url)


def connections(location: Location, director: bool) -> list[Step]:
    """A way in, a way to look, each tested to its end; what writes into the sandbox is probed as well."""
    here = reverse("portal:location", args=[location.code]) if director else ""
    reader = location.reading_connection
    sender = sends(location)
    steps = [
        Step(
            "A route by which notes are sent",
            sender is not None,
            f"By {sender.name}." if sender else "",
            url=here,
        ),
        Step(
            "A connection through which charts are read back",
            reader is not None,
            f"Through {reader.name}." if reader else "Without one nothing can be certified.",
            url=here,
        ),
    ]
    used = [tested(location, each, director) for each in meant_at(location)]
    return steps + used + probed(location, sender, director)


def meant_at(location: Location) -> list[Connection]:
    """What the location sends and reads by; never certification's relay, but what it stands for."""
    used, sender = [each for each in used_at(location) if not is_relay(each)], sends(location)
    return used + ([sender] if sender and sender not in used else [])


def sends(location: Location) -> Connection | None:
    """What note sections go by; while certification's relay stands there, what it stands for."""
    behind = meant(location)
    if behind:
        return behind[0]
    route = Route.objects.filter(location=location, part=Part.NOTE).select_related("connection").first()
    return route.connection if route else None


def tested(location: Location, connection: Connection, director: bool) -> Step:
    """The connection's newest test; one that failed says where."""
    state = ConnectionState.objects.filter(connection=connection).first()
    url = reverse("portal:connection", args=[connection.pk]) if director else ""
    text = f"{connection.name} tested"
    if state is None or state.tested_at is None:
        return Step(text, False, "Never tested.", url=url)
    failed = next((row for row in state.test_steps if row["outcome"] == FAILED), None)
    who, _ = told(location, "connection.test", "connection", connection.pk)
    says = f"It stopped at {failed['key']} ({failed['reason_code']})." if failed else "Every step passed."
    return Step(text, failed is None, says, who, state.tested_at, url)


def probed(location: Location, sender: Connection | None, director: bool) -> list[Step]:
    """What the receiver does with a repeat is found in the sandbox, where a probe may write."""
    if sender is None or location.environment != SANDBOX:
        return []
    state = ConnectionState.objects.filter(connection=sender).first()
    url = reverse("delivery:ways", args=[location.code]) if director else ""
    text = f"{sender.name} probed with a synthetic note"
    if state is None or state.probed_at is None:
        return [Step(text, False, "Until then doubt waits for a person.", url=url)]
    who, _ = told(location, "connection.probe", "connection", sender.pk)
    return [Step(text, True, f"{state.get_profile_display()}.", who, state.probed_at, url)]


def mappings(location: Location, editor: bool) -> list[Step]:
    """Templates of all locations now, not in the pilot (B12); then each of this one's mapped, and still right."""
    bare = Location.objects.filter(practice=location.practice_id, templates=None, for_learning=False).order_by("code")
    without = [each.code for each in bare]
    mine = list(Template.objects.filter(location=location).order_by("code"))
    target = location.code if location.code in without or not without else without[0]
    steps = [
        Step(
            "Templates of every location imported",
            not without,
            f"None yet at {', '.join(without)}." if without else "Each location has its own.",
            *imported(mine),
            reverse("mapping:import", args=[target]) if editor else "",
        )
    ]
    return steps + [mapped(template, editor) for template in mine]


def imported(templates: list[Template]) -> tuple[str, datetime | None]:
    """Who imported the newest version at this location, and when."""
    versions = [version for version in map(newest_version, templates) if version]
    newest = max(versions, key=lambda version: version.imported_at, default=None)
    return (name_of(newest.imported_by), newest.imported_at) if newest else ("", None)


def mapped(template: Template, editor: bool) -> Step:
    """A mapping in force that its template has not drifted away from."""
    url = reverse("mapping:mapping", args=[template.pk]) if editor else ""
    text = f"{template.code}: mapping published"
    rows = MappingVersion.objects.filter(template=template, state=MappingState.PUBLISHED)
    live = rows.select_related("published_by").first()
    if live is None:
        return Step(text, False, "A draft is nothing yet: publish it.", url=url)
    if drifted_in_force(template):
        says = "The template has changed since: publish the mapping for its newest version."
        return Step(text, False, says, name_of(live.published_by), live.published_at, url)
    times = live.rehearsals.count()
    rehearsed = f", rehearsed {times} time{'' if times == 1 else 's'}" if times else ""
    return Step(text, True, f"Mapping {live.number}{rehearsed}.", name_of(live.published_by), live.published_at, url)


def certification(location: Location, director: bool) -> Step:
    """A passing run for exactly what the location has now."""
    found = standing(location)
    at = found.run_at or location.code
    url = reverse("delivery:certification", args=[at]) if director else ""
    text = "Certification passed for these templates, mappings and ways"
    if found.run is None:
        where = f" Run it at {found.run_at}." if found.run_at and found.run_at != location.code else ""
        return Step(text, False, f"{found.why}.{where}", url=url)
    run = found.run
    return Step(text, True, f"Run {run.pk} at {run.location.code}.", run.by, run.finished_at, url)


def production(location: Location, director: bool) -> Step:
    """Released by a person; for a sandbox location, that its production location is there and the same."""
    if location.environment == PRODUCTION:
        here = reverse("portal:location", args=[location.code]) if director else ""
        who, when = told(location, "location.release", "location", location.pk)
        released = not location.locked_reason
        signed = (who, when) if released else ("", None)
        return Step("Released for production by a director", released, location.locked_reason, *signed, here)
    twin = twin_of(location)
    new = reverse("portal:location-new") if director else ""
    text = "A production location with the same templates and mappings"
    if twin is None:
        return Step(text, False, "None of the practice's has them yet.", url=new)
    there = reverse("portal:location", args=[twin.code]) if director else ""
    return Step(text, True, f"{twin.code}, {'locked still' if twin.locked_reason else 'released'}.", url=there)


def met(pilot: Pilot) -> bool:
    """Whether every provider is in: no step gets there but by numbers that held."""
    return pilot.step >= everybody(pilot.percents)


def begun(location: Location, pilot: Pilot | None, director: bool) -> Step:
    """Best begun before the release: without one every provider's notes go with it, and the path ends there."""
    url = reverse("delivery:pilot", args=[location.code]) if director else ""
    text = "A pilot begun with two or three providers"
    if pilot is None:
        return Step(text, False, "Without one every provider’s notes go as soon as the location is released.", url=url)
    return Step(text, True, words_of(pilot, NAMED) + ".", *came_to(pilot, NAMED), url)


def widened(location: Location, pilot: Pilot | None, director: bool) -> Step:
    """Every provider is in; each step there was taken on numbers that held."""
    url = reverse("delivery:pilot", args=[location.code]) if director else ""
    text = "The pilot met its numbers, and every provider is in"
    if pilot is None:
        return Step(text, False, url=url)
    if met(pilot):
        return Step(text, True, f"{words_of(pilot, pilot.step)}.", *came_to(pilot, everybody(pilot.percents)), url)
    short = "; ".join(gate.sentence for gate in measure(pilot, timezone.now()) if not gate.holds)
    return Step(
        text, False, f"{words_of(pilot, pilot.step)}. {f'Not holding: {short}.' if short else ''}".strip(), url=url
    )


def came_to(pilot: Pilot, step: int) -> tuple[str, datetime | None]:
    """Who took the pilot to a step last, and when; a step back to it is no such deed."""
    move = pilot.moves.filter(to_step=step, from_step__lt=step).order_by("-pk").first()
    return (move.by, move.at) if move else ("", None)


def twin_of(location: Location) -> Location | None:
    """A production location that a run here would prove."""
    proven = subject_of(location)
    rows = Location.objects.filter(practice=location.practice_id, environment=PRODUCTION).exclude(templates=None)
    for other in rows.distinct().order_by("code"):
        if not differences(subject_of(other), proven):
            return other
    return None
