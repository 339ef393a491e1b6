"""Apply a mapping to a note's sections: pure, without the database, and without losing a word.

Every posted section ends in exactly one place: a value's contributions, `unmapped` (always with a problem), or `empty`.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from mapping.drift import drift_problems
from mapping.note import Applied, Contribution, FieldSpec, FieldValue, MappingSpec, Problem, RuleSpec, Section
from mapping.routing import Routing, route
from mapping.rules import Part, carry
from mapping.sections import name_of
from mapping.sendable import depends, unsendable

HOLD, CATCH_ALL = "hold", "catch-all"
BETWEEN_CAUGHT = "\n\n"


def apply(spec: MappingSpec, sections: Sequence[Section], policy: str) -> Applied:
    """Carry `sections` (indexes distinct) into the fields of `spec`, in the order of the template.

    `policy` is the location's for unmapped sections: "hold" or "catch-all". Problems hold the note, warnings do not.
    Rules with one field join in the order of their positions, each after its own separator.
    """
    fields = {field.field_id: field for field in spec.fields}
    rules: dict[str, list[RuleSpec]] = defaultdict(list)
    for rule in spec.rules:
        rules[rule.section_code].append(rule)
    routing = route(sections, rules, fields.keys())
    caught, catch_problems, catch_warnings = _catch(spec, routing, fields, policy)
    unmapped = [*routing.stuck, *([] if caught else routing.unclaimed)]
    parts = _parts(spec.rules, routing)
    values: list[FieldValue] = []
    problems = [*routing.problems, *catch_problems]
    warnings = catch_warnings
    for field in sorted(spec.fields, key=lambda field: field.position):
        filled = parts.get(field.field_id, [])
        own_caught = caught if field.field_id == spec.catch_all_field_id else []
        value = _value(field, filled, own_caught)
        for _rule, part in filled:
            problems.extend(part.problems)
            warnings.extend(part.warnings)
        problems.extend(_field_problems(field, value))
        if value:
            values.append(value)
    problems.extend(_unsendable(spec.rules, routing, parts))
    problems.extend(drift_problems(spec.drifted, {value.field_id: value.text for value in values}))
    unmapped.sort(key=lambda section: section.index)
    return Applied(tuple(values), tuple(problems), tuple(warnings), tuple(unmapped), tuple(routing.empty))


def _parts(rules: Sequence[RuleSpec], routing: Routing) -> dict[str, list[tuple[RuleSpec, Part]]]:
    """Per field what its rules put there, each with its rule, in rule order."""
    parts: dict[str, list[tuple[RuleSpec, Part]]] = defaultdict(list)
    for rule in sorted(rules, key=lambda rule: rule.position):
        part = carry(rule, routing.texts(rule))
        if part is not None:
            parts[rule.field_id].append((rule, part))
    return parts


def _unsendable(
    rules: Sequence[RuleSpec], routing: Routing, parts: dict[str, list[tuple[RuleSpec, Part]]]
) -> Iterator[Problem]:
    """The faults of the rules this note hangs on; a damaged rule it does not need does not hold it."""
    filing = {rule for filled in parts.values() for rule, _part in filled}
    return unsendable(rule for rule in rules if depends(rule, rule.section_code in routing.mapped, rule in filing))


def _value(
    field: FieldSpec, filled: Sequence[tuple[RuleSpec, Part]], caught: Sequence[tuple[str, Contribution]]
) -> FieldValue | None:
    pieces: list[str] = []
    contributions: list[Contribution] = []
    for rule, part in filled:
        pieces.extend((rule.separator, part.text) if pieces else (part.text,))
        contributions.extend(part.contributions)
    for heading, contribution in caught:
        titled = f"{heading}\n{contribution.text}"
        pieces.extend((BETWEEN_CAUGHT, titled) if pieces else (titled,))
        contributions.append(contribution)
    if not pieces:
        return None
    return FieldValue(field.field_id, field.label, field.position, "".join(pieces), tuple(contributions))


def _catch(
    spec: MappingSpec, routing: Routing, fields: dict[str, FieldSpec], policy: str
) -> tuple[list[tuple[str, Contribution]], list[Problem], list[Problem]]:
    """The unclaimed sections under their headings for the catch-all field, or the problems that hold them."""
    if not routing.unclaimed:
        return [], [], []
    if policy != CATCH_ALL:
        return [], [_unmapped(section) for section in routing.unclaimed], []
    if spec.catch_all_field_id not in fields:
        return [], [_no_catch_all(section, spec) for section in routing.unclaimed], []
    caught = [
        (section.title.strip() or name_of(section.code) or "Untitled section", _contribution(section))
        for section in routing.unclaimed
    ]
    return caught, [], [_caught(section, spec) for section in routing.unclaimed]


def _contribution(section: Section) -> Contribution:
    return Contribution(section.index, section.code, section.title, section.text)


def _field_problems(field: FieldSpec, value: FieldValue | None) -> list[Problem]:
    """What a field cannot take. Structured fields get their entries from the note's coded lists, so none is missing."""
    if value is None:
        missing = field.required and field.kind != "structured"
        return [_required(field)] if missing else []
    problems = []
    if field.kind == "structured":
        problems.append(_structured(field, value))
    if field.max_length is not None and len(value.text) > field.max_length:
        problems.append(_over_length(field, value))
    return problems


def _unmapped(section: Section) -> Problem:
    named = f"{name_of(section.code)} has" if section.code else "This section's title is not a known heading and has"
    return Problem(
        "unmapped_section",
        f"{named} no field in the mapping, and this location holds such notes for a person. "
        "Whoever edits the mapping: give the section a field and publish.",
        f"/sections/{section.index}",
        section.code,
        section.title,
    )


def _no_catch_all(section: Section, spec: MappingSpec) -> Problem:
    wrong = f"its catch-all field {spec.catch_all_field_id} is not in the template"
    return Problem(
        "no_catch_all",
        "No rule maps this section, and the mapping cannot catch it: "
        + (wrong if spec.catch_all_field_id else "it names no catch-all field")
        + ". Whoever edits the mapping: choose the catch-all field and publish.",
        f"/sections/{section.index}",
        section.code,
        section.title,
        spec.catch_all_field_id,
    )


def _caught(section: Section, spec: MappingSpec) -> Problem:
    return Problem(
        "caught_section",
        f"No rule maps this section; it is filed under its title in the catch-all field {spec.catch_all_field_id}.",
        f"/sections/{section.index}",
        section.code,
        section.title,
        spec.catch_all_field_id,
        "warning",
    )


def _required(field: FieldSpec) -> Problem:
    return Problem(
        "required_field_empty",
        f"The template requires {field.label} ({field.field_id}), and nothing in the note fills it.",
        f"/fields/{field.field_id}",
        field_id=field.field_id,
    )


def _structured(field: FieldSpec, value: FieldValue) -> Problem:
    return Problem(
        "structured_field",
        f"{field.label} ({field.field_id}) takes coded entries, not dictated text. "
        "Whoever edits the mapping: send the section to a free-text field.",
        f"/fields/{field.field_id}",
        *_first_section(value),
        field.field_id,
    )


def _over_length(field: FieldSpec, value: FieldValue) -> Problem:
    names = ", ".join(dict.fromkeys(name_of(item.code) or "an untitled section" for item in value.contributions))
    return Problem(
        "over_length",
        f"{field.label} ({field.field_id}) takes {field.max_length} characters; {names or 'its default text'} "
        f"would fill it with {len(value.text)}. Shorten the section, or divide it between fields.",
        f"/fields/{field.field_id}",
        *_first_section(value),
        field.field_id,
    )


def _first_section(value: FieldValue) -> tuple[str, str]:
    first = value.contributions[0] if value.contributions else None
    return (first.code, first.title) if first else ("", "")
