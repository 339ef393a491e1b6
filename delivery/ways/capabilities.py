"""Find out what a location's connections can do here, one capability at a time, and keep it with its date.

Runs the connection test first; what writes goes into the sandbox or to the test patient named on the connection.
What was there in an earlier probe and is not there now has vanished: eCW changed, or somebody took a right away.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from audit.record import current, record
from delivery.channels.base import ChannelError, Chart, OutgoingNote, Populator, Unavailable
from delivery.channels.compare import compare
from delivery.channels.fhir_search import TYPES, FhirClient
from delivery.channels.fhir_settings import FhirSettings
from delivery.channels.registry import LEAVES_FILES
from delivery.connection_steps import FAILED, STEPS, examine
from delivery.failures import failure
from delivery.oauth import asking
from delivery.opening import Credentials, open_reader
from delivery.probe import (
    CannotProbe,
    NotAsked,
    count,
    first_field,
    opened,
    outgoing,
    probe,
    probe_visit,
    reader_of,
    wait_for,
)
from delivery.ways.changes import NO, UNKNOWN, YES, judge
from delivery.ways.models import CapabilityProbe
from mapping.note import Contribution, FieldValue
from mapping.queries import field_specs, newest_version
from portal.models import Connection, ConnectionKind, Location
from portal.targets import check_target

KEPT_IN_VIEW = 50  # earlier probes in which a capability is looked for


@dataclass(frozen=True)
class Capability:
    """One thing a connection can do here, or not. `says` holds no content and nothing of a patient."""

    connection: int
    name: str  # of the connection
    key: str
    label: str
    outcome: str
    says: str = ""
    fact: str = ""  # what was seen, to be held against another run: a code, an outcome, seconds


@dataclass(frozen=True)
class Standing:
    """A capability of the newest probe beside what was before; `vanished` is when it was last there."""

    capability: Capability
    vanished: datetime | None = None


def used_at(location: Location) -> list[Connection]:
    """The connections the location sends or reads by, switched off ones left out."""
    mine = Q(routes__location=location) | Q(read_for=location)
    rows = Connection.objects.filter(mine, enabled=True, environment=location.environment)
    return list(rows.select_related("practice").distinct().order_by("name"))


def probe_location(location: Location) -> CapabilityProbe:
    """Probe every connection of a location; seconds each. Raises CannotProbe where there is none."""
    connections = used_at(location)
    if not connections:
        raise CannotProbe("No connection is in use at this location; give it a route first.")
    found = [capability for connection in connections for capability in of_connection(connection, location)]
    found += unasked(location, found)
    before = standings(location, found)
    with transaction.atomic():
        kept = CapabilityProbe.objects.create(
            location=location, by=current().actor.name or current().actor.id, findings=[asdict(one) for one in found]
        )
        judge(kept)
        record(
            "location.probe",
            practice=location.practice.code,
            location=location.code,
            object_type="location",
            object_id=str(location.pk),
            detail={
                "location": location.code,
                "found": sum(one.outcome == YES for one in found),
                "vanished": sum(one.vanished is not None for one in before),
            },
        )
    return kept


# What says that the rows of a kind could not be asked: any of these not "yes", or a row in place of them all.
_ASKED_BY = {
    "reads:": ("answers", "methods"),
    "scope:": ("answers", "scopes"),
    "section:": ("write", "read_back"),
    "order": ("write", "read_back"),
    "answer_time": ("write",),
    "appear_time": ("write", "read_back"),
}


def unasked(location: Location, found: list[Capability]) -> list[Capability]:
    """Rows of the probe before that this one could not ask for, as their connection did not answer to the end."""
    before = CapabilityProbe.objects.filter(location=location).order_by("-at", "-pk").first()
    outcomes = {(one.connection, one.key): one.outcome for one in found}
    rows = []
    for row in before.findings if before else ():
        kind = next((kind for kind in _ASKED_BY if row["key"].startswith(kind)), "")
        if not kind or (row["connection"], row["key"]) in outcomes:
            continue
        asked = [outcomes[row["connection"], key] for key in _ASKED_BY[kind] if (row["connection"], key) in outcomes]
        stopped = any(outcome != YES for outcome in asked) or (row["connection"], "sections") in outcomes
        if stopped:
            rows.append(Capability(**{**row, "outcome": UNKNOWN, "says": "Not asked this time."}))
    return rows


def standings(location: Location, found: list[Capability]) -> list[Standing]:
    """What was found beside the newest earlier probe in which it was there."""
    last_there: dict[tuple[int, str], datetime] = {}
    for earlier in CapabilityProbe.objects.filter(location=location).order_by("-at", "-pk")[:KEPT_IN_VIEW]:
        for row in earlier.findings:
            if row["outcome"] == YES:
                last_there.setdefault((row["connection"], row["key"]), earlier.at)
    gone = {(one.connection, one.key) for one in found if one.outcome == NO}  # unknown was merely not asked
    return [
        Standing(one, last_there.get((one.connection, one.key)) if (one.connection, one.key) in gone else None)
        for one in found
    ]


def newest(location: Location) -> tuple[CapabilityProbe | None, list[Standing]]:
    """The location's newest probe, read beside those before it."""
    probe_row = CapabilityProbe.objects.filter(location=location).order_by("-at", "-pk").first()
    return probe_row, standings(location, [Capability(**row) for row in probe_row.findings]) if probe_row else []


def of_connection(connection: Connection, location: Location) -> list[Capability]:
    """Everything asked of one connection. What could not be asked is unknown, never left out."""
    blank = Capability(connection.pk, connection.name, "", "", UNKNOWN)
    sends = connection.routes.filter(location=location).exists()
    reads = location.reading_connection_id == connection.pk
    failed = next((step for step in examine(connection) if step.outcome == FAILED), None)
    answers = replace(blank, key="answers", label="Answers")
    if failed:
        words = f"The connection test stopped at: {STEPS[failed.key]}. {failure(failed.reason_code).title}."
        rows = [replace(answers, outcome=NO, says=words)]
        return rows + [replace(blank, key=key, label=label) for key, label in expected(sends, reads)]
    rows = [replace(answers, outcome=YES, says="Every step of the connection test passed.")]
    if connection.kind == ConnectionKind.FHIR:
        rows += [*methods(connection, blank), *rights(connection, blank)]
    if sends and connection.kind in LEAVES_FILES:
        rows += leaving(connection, location, blank)
    elif sends:
        rows += [*populating(connection, location, blank), *writing(connection, location, blank)]
    if reads:
        rows.append(reading(connection, blank))
    return rows


def expected(sends: bool, reads: bool) -> list[tuple[str, str]]:
    """What would have been asked of a connection that did not even answer."""
    # (Filling a template is asked of those alone whose connection is set to it: "Takes a note" says enough here.)
    writes = [("write", "Takes a note"), ("repeat", "Ignores a repeat"), ("read_back", "Can be read back")]
    return (writes if sends else []) + ([("read", "Reads a chart")] if reads else [])


def methods(connection: Connection, blank: Capability) -> Iterator[Capability]:
    """What the base says of itself. (Writes are contracted and not listed there: the probe of writing shows them.)"""
    own = FhirSettings.read(connection.settings, connection.secrets(), connection.environment)
    with closing(FhirClient(own, Credentials(connection), check_target)) as client:
        try:
            said = client.capability()
        except Unavailable as error:
            yield replace(blank, key="methods", label="Lists its methods", says=failure(error.reason_code).title)
            return
    listed: dict[str, set[str]] = {}
    for rest in said.get("rest") or []:
        for resource in rest.get("resource") or []:
            codes = {str(row.get("code")) for row in resource.get("interaction") or []}
            listed.setdefault(str(resource.get("type")), set()).update(codes)
    for kind in sorted(TYPES):
        codes = listed.get(kind, set())
        outcome = YES if codes & {"search-type", "read"} else NO
        says = ", ".join(sorted(codes)) or "Not listed."
        yield replace(blank, key=f"reads:{kind}", label=f"Reads {kind}", outcome=outcome, says=says)


def rights(connection: Connection, blank: Capability) -> Iterator[Capability]:
    """Each scope alone: they fail as a set. A person's sign-in cannot be asked scope by scope."""
    if connection.settings.get("grant") == "authorization_code":
        return
    try:
        found = asking.check_each(connection)
    except (Unavailable, ValueError):
        yield replace(blank, key="scopes", label="Scopes", says="The authorization server could not be asked.")
        return
    for scope, refused in found.items():
        says = failure(refused).title if refused else "Granted."
        yield replace(blank, key=f"scope:{scope}", label=scope, outcome=NO if refused else YES, says=says)


def writing(connection: Connection, location: Location, blank: Capability) -> list[Capability]:
    """Whether it takes a note, what a repeat does, whether the note can be found, and which sections it kept."""
    write = replace(blank, key="write", label="Takes a note")
    try:
        finding = probe(connection, location)
    except (CannotProbe, ValueError) as error:
        outcome = UNKNOWN if isinstance(error, NotAsked) else NO
        write = replace(write, outcome=outcome, says=str(error), fact=getattr(error, "code", ""))
        return [write] + [replace(blank, key=key, label=label) for key, label in expected(True, False)[1:]]
    write = replace(write, outcome=YES, says="It accepted a synthetic note.", fact=finding.code)
    answered = timed(blank, "answer_time", "Answers after", finding.seconds_to_answer)
    ignores, found = finding.filings == 1, finding.filings > 0
    repeat = replace(blank, key="repeat", label="Ignores a repeat")
    back = replace(blank, key="read_back", label="Can be read back")
    if not found:
        reader = location.reading_connection
        says = f"Not found through {reader.name} within {settings.SETTLE_SECONDS:g} s." if reader else "No reader."
        rows = [replace(repeat, says="Cannot be seen without reading back."), replace(back, outcome=NO, says=says)]
        return [write, answered, *rows]
    took = f"Found after {finding.seconds_to_appear or 0:.1f} s."
    return [
        write,
        answered,
        replace(repeat, outcome=YES if ignores else NO, says="Filed once." if ignores else "Filed twice."),
        replace(back, outcome=YES, says=took),
        timed(blank, "appear_time", "Can be read after", finding.seconds_to_appear or 0.0),
        *sections(connection, location, blank),
    ]


def timed(blank: Capability, key: str, label: str, seconds: float) -> Capability:
    return replace(blank, key=key, label=label, outcome=YES, says=f"{seconds:.1f} s.", fact=f"{seconds:.3f}")


def populating(connection: Connection, location: Location, blank: Capability) -> Iterator[Capability]:
    """Whether a visit's note can be made of one of the location's templates before any text, and that be read back."""
    row = replace(blank, key="populate", label="Fills a visit's template")
    if connection.kind != ConnectionKind.OPENAPI:
        return
    try:
        note = outgoing(location, probe_visit(connection))
        with closing(opened(connection)) as channel:
            if not isinstance(channel, Populator):
                return
            wanted = channel.wanted_template(channel.render(note))
            if wanted is None:
                return
            channel.populate(wanted)
            stands = channel.standing_template(wanted)
    except (CannotProbe, ValueError) as error:
        yield replace(row, outcome=UNKNOWN if isinstance(error, NotAsked) else NO, says=str(error))
    except ChannelError as error:
        yield replace(row, outcome=NO, says=failure(error.reason_code).title)
    else:
        right = stands == wanted.template
        says = "Filled before any text, and read back." if right else f"It said so; read back: {stands or 'none'}."
        yield replace(row, outcome=YES if right else NO, says=says)


def leaving(connection: Connection, location: Location, blank: Capability) -> list[Capability]:
    """Whether a document can be left, a repeat is recognised, and a document found again by its name."""
    write, repeat = (
        replace(blank, key="write", label="Takes a note"),
        replace(blank, key="repeat", label="Ignores a repeat"),
    )
    back = replace(blank, key="read_back", label="Can be read back", outcome=NO, says="Only whether it was left.")
    try:
        note = outgoing(location, probe_visit(connection))
        with closing(opened(connection)) as channel:
            rendered = channel.render(note)
            channel.send(rendered, note.control_id)
            again = channel.send(rendered, note.control_id).code
    except (CannotProbe, ValueError) as error:
        outcome = UNKNOWN if isinstance(error, NotAsked) else NO
        return [replace(write, outcome=outcome, says=str(error)), repeat, replace(back, outcome=UNKNOWN, says="")]
    except ChannelError as error:
        return [replace(write, outcome=NO, says=failure(error.reason_code).title), repeat, back]
    known = again == "already_there"
    says = "Recognised by its name." if known else "Gone at once: whoever takes it would get it twice."
    left = replace(write, outcome=YES, says="A synthetic document was left.")
    return [left, replace(repeat, outcome=YES if known else NO, says=says), back]


def sections(connection: Connection, location: Location, blank: Capability) -> Iterator[Capability]:
    """One synthetic note that fills every free-text field of a template: which of them the chart shows."""
    visit = probe_visit(connection)
    note = filled(location, outgoing(location, visit))
    channel, reader = opened(connection), reader_of(location)
    assert reader is not None  # noqa: S101  # the probe before has found its note by it
    with closing(channel), closing(reader):
        try:
            channel.send(channel.render(note), note.control_id)
            wait_for(lambda: count(reader, visit, note.control_id) >= 1)
            chart = reader.read(visit)
            seen = compare(note.values, chart, note.control_id)
        except ChannelError as error:
            says = f"Not asked to the end: {failure(error.reason_code).title}."
            yield replace(blank, key="sections", label="Sections", says=says)
            return
    for section in seen.sections:
        right = section.outcome == "verified"
        key, label = f"section:{section.field_id}", f"Section {section.title}"
        words = f"Read back: {section.outcome}."
        yield replace(blank, key=key, label=label, outcome=YES if right else NO, says=words, fact=section.outcome)
    yield order(note, chart, blank)


def order(note: OutgoingNote, chart: Chart, blank: Capability) -> Capability:
    """Whether the sections stand in the chart in the order they were sent in; `fact`: the fields that do not."""
    blank = replace(blank, key="order", label="Keeps the order of the sections")
    filed = next((filing for filing in reversed(chart.filings) if filing.control_id == note.control_id), None)
    if filed is None or chart.grade != "field":
        return replace(blank, says="Only documents are read: no field can be told from another.")
    sent = [value.field_id for value in note.values if value.field_id in filed.fields]
    found = [field_id for field_id in filed.fields if field_id in set(sent)]
    elsewhere = [field_id for field_id, meant in zip(found, sent, strict=True) if field_id != meant]
    if elsewhere:
        words = f"In another order: {', '.join(elsewhere)}."
        return replace(blank, outcome=NO, says=words, fact=" ".join(elsewhere))
    return replace(blank, outcome=YES, says="As they were sent.", fact="as sent")


def filled(location: Location, note: OutgoingNote) -> OutgoingNote:
    """The probe's note with a sentence of its own in every free-text field of the template."""
    template, _ = first_field(location)
    version = newest_version(template)
    specs = [spec for spec in field_specs(version.pk) if spec.kind == "free_text"] if version else []
    values = []
    for index, spec in enumerate(specs):
        text = f"Scribeport probe of field {spec.position}. Synthetic; no patient."
        part = Contribution(index, "", spec.label, text)
        values.append(FieldValue(spec.field_id, spec.label, spec.position, text, (part,)))
    return replace(note, values=tuple(values))


def reading(connection: Connection, blank: Capability) -> Capability:
    """Whether the reader answers for a visit that cannot exist: nothing of a patient is asked for."""
    read = replace(blank, key="read", label="Reads a chart")
    try:
        with closing(open_reader(connection)) as reader:
            reader.read(probe_visit(connection))
    except CannotProbe as error:
        return replace(read, says=str(error))
    except (Unavailable, ValueError) as error:
        reason_code = getattr(error, "reason_code", "reader_misconfigured")
        return replace(read, outcome=NO, says=failure(reason_code).title)
    return replace(read, outcome=YES, says="It answered for a visit that does not exist.")
