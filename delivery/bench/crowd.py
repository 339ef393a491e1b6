"""Seeds a database with as many deliveries as wanted, in a minute or two: rows as weeks leave them, written in bulk.

Ten locations of one practice (two where few deliveries are wanted), sixty days, the newest deliveries last. Notes are
sealed like real ones, so that masks can be opened; each delivery that was sent has an attempt. Moves, audit events and
the frozen messages are left out: the measured screens do not read them.
"""

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction
from django.utils import timezone

from delivery import sql
from delivery.affected import text
from delivery.completeness.ahead import count_due as days_ahead
from delivery.events import sources
from delivery.events.kinds import CLOSED, RECORDED
from delivery.events.models import Event, EventSource, Way
from delivery.models import Attempt, Delivery, Note, NoteVersion
from delivery.monitor import counting
from delivery.monitor.tables import Standing
from delivery.pilot.cohort import NAMED
from delivery.pilot.tables import Pilot
from delivery.reports.ahead import count_due as reports_ahead
from delivery.states import TROUBLE, State
from mapping.models import MappingState, MappingVersion, Template, TemplateVersion
from portal import crypto
from portal.models import Connection, Location, Membership, Part, Practice, Role, Route, Scribe, User

LOCATIONS, DAYS, PROVIDERS, PATIENTS = 10, 60, 40, 20_000
FEW = 20_000  # deliveries below which two locations do: each day of each location is counted ahead
PORTION = 10_000
PILOTS = 3  # one in so many locations, at which a quarter of the providers have joined
# What a thousand deliveries stand at, and the reason that goes with it.
SHARES: tuple[tuple[State, str, int], ...] = (
    (State.VERIFIED, "", 930),
    (State.ACCEPTED, "", 30),
    (State.SUPERSEDED, "superseded", 10),
    (State.CANCELLED, "cancelled_by_person", 6),
    (State.HELD, "unmapped_section", 7),
    (State.REJECTED, "ae", 5),
    (State.MISFILED, "sections_differ", 6),
    (State.UNKNOWN, "no_answer", 3),
    (State.PARKED, "blind_receiver", 3),
)
STANDS = tuple((state, reason) for state, reason, share in SHARES for _ in range(share))
NEWEST = (State.READY, "")  # the newest wait to be sent
WAITING = 200
UNSENT = frozenset({State.HELD, State.READY, State.SUPERSEDED, State.CANCELLED})
TRIED = {State.REJECTED: "refused", State.UNKNOWN: "no_answer", State.PARKED: "no_answer"}
TITLES = ("CHIEF COMPLAINT", "HPI", "ROS", "PAST HISTORY", "MEDICATIONS", "ALLERGIES", "EXAM", "ASSESSMENT", "PLAN")
OUTCOMES = json.dumps(
    [
        {"index": place, "code": title.lower(), "title": title, "field_id": f"F-{place}", "outcome": "verified"}
        for place, title in enumerate(TITLES)
    ]
)
UNMAPPED = frozenset({State.HELD, State.READY, State.SUPERSEDED, State.CANCELLED})
WRONG = {State.HELD: text(["plan"]), State.MISFILED: text(["exam", "plan"])}
CLOSED_FOR = timedelta(days=35)  # completeness shows at most a month
# Of ten notes so many name each template; the rare one is the worst case of a list in the order of time.
TEMPLATES = (("FM", "Family medicine", 7), ("IM", "Internal medicine", 3))
RARE = ("SPORT", "Sports medicine")
RARELY = 2000  # one note in so many names the rare one
REPLAYED = 500  # one delivery in so many was sent again from the one before
SECTIONS = [{"title": title, "text": "Synthetic text of one line."} for title in TITLES]
Row = dict[str, Any]  # column -> value
Rows = dict[type[models.Model], list[Row]]


@dataclass(frozen=True)
class Crowd:
    """Whom and what the rows belong to."""

    director: User
    locations: tuple[Location, ...]
    scribe: Scribe
    connection: Connection
    templates: dict[int, tuple[int, ...]]  # location to ten templates to choose from, and the rare one last
    mappings: dict[int, tuple[int, int]]  # template to the mapping version before, and the one in force
    sources: dict[int, int]  # location to the source of its closed visits


def people(places: int = LOCATIONS) -> Crowd:
    """One practice with so many locations, and its director."""
    practice = Practice.objects.create(code="crowd", name="Crowded Practice")
    director = User.objects.create_user("director")
    Membership.objects.create(user=director, practice=practice, role=Role.DIRECTOR)
    wire = Connection.objects.create(
        practice=practice, name="eCW", kind="hl7", environment="sandbox", settings={"host": "127.0.0.1", "port": 1}
    )
    locations = tuple(
        Location.objects.create(practice=practice, code=f"SITE-{n}", name=f"Site {n}", reading_connection=wire)
        for n in range(places)
    )
    for location in locations:
        Route.objects.create(location=location, part=Part.NOTE, connection=wire)
    made = {one.pk: templates_of(one) for one in locations}
    mappings = {pk: mappings_of(pk) for some in made.values() for pk in set(some)}
    sources = {one.pk: source_of(one) for one in locations}
    for one in locations[::PILOTS]:
        begun = {"step": NAMED + 1, "percents": [25, 50], "since": timezone.now()}
        Pilot.objects.create(location=one, providers=["DR1", "DR2"], **begun)
    scribe = Scribe.objects.create(practice=practice, name="Scribe")
    return Crowd(director, locations, scribe, wire, made, mappings, sources)


def templates_of(location: Location) -> tuple[int, ...]:
    found: list[int] = []
    for code, specialty, share in (*TEMPLATES, (*RARE, 1)):
        one = Template.objects.create(location=location, code=code, name=specialty, specialty=specialty)
        found += [one.pk] * share
    return tuple(found)


def mappings_of(template: int) -> tuple[int, int]:
    version = TemplateVersion.objects.create(template_id=template, number=1, fingerprint="0" * 64, source="bench")
    states = (MappingState.RETIRED, MappingState.PUBLISHED)
    before, now = (
        MappingVersion.objects.create(
            template_id=template, template_version=version, number=number, state=state, published_at=timezone.now()
        ).pk
        for number, state in enumerate(states, start=1)
    )
    return before, now


def source_of(location: Location) -> int:
    """Of closed visits, set up before the first of them."""
    source, _ = sources.create(location, Way.WEBHOOK, {})
    EventSource.objects.filter(pk=source.pk).update(created_at=timezone.now() - timedelta(days=DAYS))
    return source.pk


def seed(number: int) -> Crowd:
    """The rows, the planner's statistics, and the tallies a worker would have made."""
    with transaction.atomic():
        crowd = people(LOCATIONS if number >= FEW else 2)
    with without_key_checks():
        for rows in portions(crowd, number, random.Random(7)):
            for model, values in rows.items():
                put(model, values)
    put(Standing, list(standings(crowd)))
    analyze()  # before anything is counted: without statistics one statement of it takes an hour at a million
    counting.begin()
    count_ahead()
    analyze()
    return crowd


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def again() -> Crowd:
    """The same of a database that was seeded before. What was counted ahead is as old as that, and stays so."""
    locations = tuple(Location.objects.order_by("pk").select_related("practice", "reading_connection"))
    templates: dict[int, tuple[int, ...]] = {}
    shares = {code: share for code, _, share in (*TEMPLATES, (*RARE, 1))}
    for one in Template.objects.order_by("pk"):
        templates[one.location_id] = templates.get(one.location_id, ()) + (one.pk,) * shares[one.code]
    retired, published = (
        dict(MappingVersion.objects.filter(state=state).values_list("template", "pk"))
        for state in (MappingState.RETIRED, MappingState.PUBLISHED)
    )
    return Crowd(
        director=User.objects.get(username="director"),
        locations=locations,
        scribe=Scribe.objects.get(),
        connection=Connection.objects.get(),
        templates=templates,
        mappings={template: (before, published[template]) for template, before in retired.items()},
        sources=dict(EventSource.objects.values_list("location", "pk")),
    )


def count_ahead() -> None:
    """Until nothing is due."""
    for work in (days_ahead, reports_ahead):
        while work():
            pass


@contextmanager
def without_key_checks() -> Iterator[None]:
    """PostgreSQL looks up every foreign key of every row otherwise; the seeder's keys are right by construction."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        yield
        cursor.execute("SET session_replication_role = DEFAULT")


def portions(crowd: Crowd, number: int, dice: random.Random) -> Iterator[Rows]:
    """The rows in the order of time, some thousand deliveries at once."""
    now = timezone.now()
    step = timedelta(days=DAYS) / number
    for start in range(0, number, PORTION):
        rows: Rows = {Note: [], NoteVersion: [], Delivery: [], Attempt: [], Event: []}
        for index in range(start, min(start + PORTION, number)):
            stands = NEWEST if index >= number - WAITING else dice.choice(STANDS)
            _add(rows, crowd, index + 1, now - (number - index) * step, stands, dice)
        yield rows


def _add(rows: Rows, crowd: Crowd, key: int, at: datetime, stands: tuple[State, str], dice: random.Random) -> None:
    location = crowd.locations[dice.randrange(len(crowd.locations))]
    note = {
        "id": UUID(int=dice.getrandbits(128)),
        "practice_id": location.practice_id,
        "location_id": location.pk,
        "scribe_id": crowd.scribe.pk,
        "source_note_id": f"nt-{key}",
        "created_at": at,
    }
    *usual, rare = crowd.templates[location.pk]
    version = _version(note, rare if key % RARELY == 0 else dice.choice(usual), dice)
    rows[Note].append(note)
    rows[NoteVersion].append(version)
    took = timedelta(seconds=dice.lognormvariate(1, 1))
    rows[Delivery].append(_delivery(key, note, version, crowd, stands, took))
    if stands[0] not in UNSENT:
        rows[Attempt].append(_attempt(key, crowd, at, stands[0]))
    if at > timezone.now() - CLOSED_FOR:
        rows[Event].append(_closed(version, note, crowd.sources[location.pk], dice))


def _version(note: Row, template: int, dice: random.Random) -> Row:
    key, patient, doctor = UUID(int=dice.getrandbits(128)), dice.randrange(PATIENTS), dice.randrange(PROVIDERS)
    body = {"patient": {"id": f"MRN-{patient:07}", "family": "Doe", "given": "Jo"}, "sections": SECTIONS}
    return {
        "id": key,
        "note_id": note["id"],
        "number": 1,
        "received_at": note["created_at"],
        "sealed_body": crypto.seal(json.dumps(body).encode(), table="noteversion", column="body", row=key),
        "template_id": template,
        "visit_type": "in_person",
        "provider_id": f"DR{doctor}",
        "provider_name": f"Doctor {doctor}",
        "encounter_start": note["created_at"],
        "patient_bidx": f"{patient:032x}",
        "encounter_bidx": f"{dice.getrandbits(100):032x}",
        "correlation_id": f"{key.int % 2**100:032x}",
    }


def _delivery(key: int, note: Row, version: Row, crowd: Crowd, stands: tuple[State, str], took: timedelta) -> Row:
    at, (state, reason) = note["created_at"], stands
    charted = state in (State.VERIFIED, State.MISFILED)
    return {
        "id": key,
        "note_version_id": version["id"],
        "note_id": note["id"],
        "encounter_bidx": version["encounter_bidx"],
        "provider_id": version["provider_id"],
        "template_id": version["template_id"],
        "mapping_version_id": None if state in UNMAPPED else crowd.mappings[version["template_id"]][key % 4 > 0],
        "ever_failed": state in TROUBLE,
        "practice_id": note["practice_id"],
        "location_id": note["location_id"],
        "part": Part.NOTE.value,
        "connection_id": crowd.connection.pk,
        "state": state.value,
        "reason_code": reason,
        "problems": "[]",
        "control_id": f"B{key:019}",
        "correction": False,
        "epoch": 0,
        "attempts": int(state not in UNSENT),
        "crashes": 0,
        "not_before": at,
        "deadline": at + timedelta(days=1),
        "created_at": at,
        "updated_at": at + took,
        "accepted_at": at + took / 2 if charted or state == State.ACCEPTED else None,
        "verified_at": at + took if state == State.VERIFIED else None,
        "took_seconds": int(took.total_seconds()) if state == State.VERIFIED else None,
        "replay_of_id": key - 1 if key % REPLAYED == 0 else None,
        "readings_made": 0,
        "negatives": 0,
        "proof": "field" if charted else "",
        "section_outcomes": OUTCOMES if charted else "[]",
        "affected": WRONG.get(state, ""),
    }


def _closed(version: Row, note: Row, source: int, dice: random.Random) -> Row:
    """That eCW closed the visit; of one in five hundred the note belongs to another visit, and is missing."""
    key, lost = UUID(int=dice.getrandbits(128)), dice.randrange(500) == 0
    told = {"encounter_id": "E1", "patient_id": "MRN-1", "provider_id": version["provider_id"]}
    return {
        "id": key,
        "practice_id": note["practice_id"],
        "location_id": note["location_id"],
        "kind": CLOSED,
        "encounter_bidx": f"{dice.getrandbits(100):032x}" if lost else version["encounter_bidx"],
        "patient_bidx": version["patient_bidx"],
        "sealed_visit": crypto.seal(json.dumps(told).encode(), table="event", column="visit", row=key),
        "source_id": source,
        "way": Way.WEBHOOK.value,
        "happened_at": note["created_at"],
        "received_at": note["created_at"],
        "outcome": RECORDED,
        "correlation_id": f"{key.int % 2**100:032x}",
    }


def _attempt(key: int, crowd: Crowd, at: datetime, state: State) -> Row:
    return {
        "delivery_id": key,
        "number": 1,
        "epoch": 1,
        "worker": "bench",
        "connection_id": crowd.connection.pk,
        "wire_sha256": "0" * 64,
        "intent_at": at,
        "finished_at": at,
        "outcome": TRIED.get(state, "accepted"),
        "code": "",
        "reason_code": "",
    }


def standings(crowd: Crowd) -> Iterator[Row]:
    """What a worker would have noted every so often over the last ten weeks."""
    now = timezone.now()
    slot = now - timedelta(seconds=now.timestamp() % counting.EVERY.total_seconds())
    for number in range(int(counting.KEPT / counting.EVERY)):
        for location in crowd.locations:
            yield {
                "location_id": location.pk,
                "at": slot - number * counting.EVERY,
                "waiting": number % 7,
                "oldest_seconds": number % 600,
                "attention": number % 90,
            }


def put(model: type[models.Model], rows: Sequence[Row]) -> None:
    """Write rows by COPY, or on SQLite by one prepared statement; all of them have the same columns."""
    if not rows:
        return
    columns = list(rows[0])
    names = ", ".join(connection.ops.quote_name(name) for name in columns)
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {sql.table(model)} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(list(row.values()))
        else:
            statement = f"INSERT INTO {sql.table(model)} ({names}) VALUES ({sql.marks(columns)})"  # noqa: S608
            cursor.executemany(statement, [[plain(value) for value in row.values()] for row in rows])


def plain(value: object) -> Any:
    """A value as SQLite keeps it."""
    return value.hex if isinstance(value, UUID) else sql.adapted(value)
