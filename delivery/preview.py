"""A draft mapping as the message it would make, before anybody publishes it; nothing is stored and nothing sent."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import SequenceMatcher
from uuid import UUID

from delivery import contents
from delivery.channels import lint
from delivery.channels.base import CannotExpress, OutgoingNote, Patient, Visit
from delivery.channels.hl7 import Hl7Settings, render
from delivery.comparison import Piece, pieces
from delivery.failures import Failure, failure
from delivery.models import Delivery, NoteVersion
from delivery.posted import PostedNote, note_of
from mapping.apply import apply
from mapping.models import Template
from mapping.note import Applied, FieldValue, MappingSpec, Problem, RuleSpec, Section
from mapping.sections import name_of
from portal.models import Environment, Location, Part

OFFERED = 10  # stored notes to choose from
LOOKED_THROUGH = 50  # newest deliveries, among which they are found
CONTROL_ID = "PREVIEW0000000000000"
AT = datetime(2026, 3, 19, 15, 15, tzinfo=UTC)
NOBODY = Visit(
    encounter_id="SYNTHETIC-VISIT",
    patient=Patient("SYNTHETIC-1", "Example", "Eve", "1980-01-01", "F"),
    start=AT,
    provider_id="SYNTHETIC",
    provider_npi="",
    provider_family="Example",
    provider_given="Pat",
)


@dataclass(frozen=True)
class Line:
    """One segment: "same", "added" by the draft, or "removed" by it."""

    kind: str
    head: str
    rest: str


@dataclass(frozen=True)
class FieldShown:
    """One field of the chart as the draft fills it: "same", "added", "removed" or "changed", in pieces."""

    position: int
    label: str
    field_id: str
    kind: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Preview:
    """The message of a draft against that of the mapping in force. `stopped`: no message can be made of it."""

    fields: tuple[FieldShown, ...]
    lines: tuple[Line, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    stopped: Failure | None
    compared: bool  # a mapping is in force, and the lines are marked against it

    @property
    def changed(self) -> int:
        return sum(line.kind != "same" for line in self.lines)

    @property
    def fields_changed(self) -> int:
        return sum(field.kind != "same" for field in self.fields)


@dataclass(frozen=True)
class Example:
    """What is previewed: a stored note's visit and sections, or invented ones. `version` is None for the latter."""

    visit: Visit
    sections: tuple[Section, ...]
    version: NoteVersion | None = None


def preview(draft: MappingSpec, location: Location, example: Example, published: MappingSpec | None) -> Preview:
    """Apply and render, with the draft and with the mapping in force (`published`)."""
    applied = apply(draft, example.sections, location.unmapped_policy)
    lines, stopped = message(draft, applied, example, location)
    if published is None:
        plain = tuple(Line("same", one[:3], one[3:]) for one in lines)
        fields = tuple(_fields(applied.values, applied.values))
        return Preview(fields, plain, applied.problems, applied.warnings, stopped, False)
    in_force = apply(published, example.sections, location.unmapped_policy)
    before, _ = message(published, in_force, example, location)
    fields = tuple(_fields(in_force.values, applied.values))
    return Preview(fields, tuple(_marked(before, lines)), applied.problems, applied.warnings, stopped, True)


def _fields(before: Sequence[FieldValue], after: Sequence[FieldValue]) -> Iterator[FieldShown]:
    """Every field that either mapping fills, in the template's order; by field id, whatever its label or place."""
    old, new = ({value.field_id: value for value in values} for values in (before, after))
    every = sorted((new | {key: value for key, value in old.items() if key not in new}).values(), key=_place)
    for value in every:
        was, now = (found[value.field_id].text if value.field_id in found else "" for found in (old, new))
        kind = "same" if was == now else "added" if not was else "removed" if not now else "changed"
        shown = tuple(pieces(was, now)) if kind != "same" else (Piece("same", now),)
        yield FieldShown(value.position, value.label, value.field_id, kind, shown)


def _place(value: FieldValue) -> int:
    return value.position


def message(
    spec: MappingSpec, applied: Applied, example: Example, location: Location
) -> tuple[list[str], Failure | None]:
    """The message's segments; or why none can be made."""
    note = OutgoingNote(
        control_id=CONTROL_ID,
        note_id=str(example.version.note_id) if example.version else "SYNTHETIC-NOTE",
        version=example.version.number if example.version else 1,
        visit=replace(example.visit, facility=location.facility),
        template_code=spec.template_code,
        template_name=spec.template_name,
        values=applied.values,
        correction=False,
        created_at=AT,
    )
    try:
        body = render(note, settings_of(location)).body
        lint.check(body, note)
        return list(contents.lines(body)), None
    except CannotExpress as error:
        return [], failure(error.reason_code)


def settings_of(location: Location) -> Hl7Settings:
    """Those of the HL7 connection the location's notes travel by, or stand-ins where there is none that can be read."""
    route = location.routes.filter(part=Part.NOTE, connection__kind="hl7").select_related("connection").first()
    if route is not None:
        try:
            return Hl7Settings.read(route.connection.settings, {}, location.environment)
        except ValueError:
            pass  # the connection's own page names what is wrong with it
    production = location.environment == Environment.PRODUCTION
    return Hl7Settings(
        host="preview.invalid",
        port=2575,
        environment=location.environment,
        receiving_facility=location.code,
        processing_id="P" if production else "T",
        tls=production,
    )


def _marked(before: Sequence[str], after: Sequence[str]) -> Iterator[Line]:
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from (Line("same", one[:3], one[3:]) for one in after[j1:j2])
            continue
        yield from (Line("removed", one[:3], one[3:]) for one in before[i1:i2])
        yield from (Line("added", one[:3], one[3:]) for one in after[j1:j2])


def synthetic(draft: MappingSpec, published: MappingSpec | None) -> Example:
    """A note that fills every section the two mappings speak of, with signs that HL7 has to escape."""
    rules = [*draft.rules, *(published.rules if published else ())]
    codes = list(dict.fromkeys(rule.section_code for rule in rules))
    sections = (
        Section(index, code, name_of(code), _text(code, [rule for rule in rules if rule.section_code == code]))
        for index, code in enumerate(codes)
    )
    return Example(NOBODY, tuple(sections))


def _text(code: str, rules: Iterable[RuleSpec]) -> str:
    headings = dict.fromkeys(rule.heading for rule in rules if rule.kind == "split" and rule.heading)
    if headings:
        return "\n".join(f"{heading}:\nSynthetic text under {heading}." for heading in headings)
    return f"Synthetic text of {name_of(code).lower()}.\nA second line: 5 & 7, 1|2, ^ and ~."


def stored(template: Template, pk: UUID) -> Example | None:
    """A stored note of the template's location; None where it has none of this id. Raises CannotOpen."""
    version = NoteVersion.objects.filter(pk=pk, note__location=template.location_id).select_related("note").first()
    if version is None:
        return None
    posted: PostedNote = note_of(contents.body(version))
    return Example(posted.visit, posted.sections, version)


def offered(location: Location) -> list[tuple[UUID, str, datetime]]:
    """The newest stored notes of a location: id, provider, when it came. No patient: choosing is not yet looking."""
    newest = Delivery.objects.filter(practice=location.practice_id, location=location).order_by("-created_at", "-pk")
    rows = newest.values_list("note_version_id", "note_version__provider_name", "note_version__received_at")
    found = {pk: (pk, provider or "provider not given", at) for pk, provider, at in rows[:LOOKED_THROUGH]}
    return list(found.values())[:OFFERED]
