"""Judge a mapping before it is published: errors that would misfile or hold every note, warnings to weigh.

Pure: what lies outside the spec (the location's policy, a newer template version) is handed in.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from mapping.apply import CATCH_ALL, HOLD
from mapping.drift import drifted, newly_required
from mapping.note import Drifted, FieldSpec, MappingSpec, Problem, RuleSpec
from mapping.routing import rule_pointer
from mapping.rules import CUT_MARK
from mapping.sections import CODES, is_code, name_of
from mapping.sendable import unsendable

ERROR, WARNING = "error", "warning"


def validate(
    spec: MappingSpec,
    *,
    policy: str = HOLD,
    newest_template_version_id: int | None = None,
    newest_fields: Sequence[FieldSpec] = (),
) -> tuple[Problem, ...]:
    """Every problem of the mapping, errors first. `severity` tells them apart; only errors stop publishing.

    `policy` is the location's for unmapped sections; `newest_template_version_id` is of the template's last import,
    `newest_fields` are that version's, where it is another than the mapping's.
    """
    fields = {field.field_id: field for field in spec.fields}
    found = [
        *_rule_problems(spec, fields),
        *unsendable(spec.rules),
        *_field_problems(spec),
        *_place_problems(spec, fields),
        *_shared_field_problems(spec, fields),
        *_catch_all_problems(spec, fields, policy),
        *_section_problems(spec, policy),
        *_rest_problems(spec, fields),
    ]
    if newest_template_version_id not in (None, spec.template_version_id):
        found.append(_newer_template(spec))
        found.extend(_drift_problems(spec, newest_fields))
    return tuple(sorted(found, key=lambda problem: problem.severity != ERROR))


def errors(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Those that make publishing impossible."""
    return tuple(problem for problem in problems if problem.severity == ERROR)


def warnings(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Those that need a reason."""
    return tuple(problem for problem in problems if problem.severity != ERROR)


def _rule_problems(spec: MappingSpec, fields: Mapping[str, FieldSpec]) -> Iterator[Problem]:
    seen: set[tuple[str, str, str, str]] = set()
    for rule in spec.rules:
        line = (rule.section_code, rule.field_id, rule.kind, rule.heading)
        name = _row(rule)
        field = fields.get(rule.field_id)
        if not is_code(rule.section_code):
            yield _at(rule, "bad_section_code", f"{rule.section_code!r} is not a section code.")
        if line in seen:
            yield _at(
                rule, "duplicate_rule", f"{name} goes to {rule.field_id} twice: its text would stand there twice."
            )
        seen.add(line)
        if field is None:
            yield _at(rule, "unknown_field", f"{name} goes to {rule.field_id}, which this template version lacks.")
            continue
        if field.kind == "structured":
            yield _at(
                rule,
                "structured_field",
                f"{name} is dictated text, and {field.label} ({field.field_id}) takes coded entries. "
                "Choose a free-text field.",
            )
        yield from _length_problems(rule, field, name)


def _length_problems(rule: RuleSpec, field: FieldSpec, name: str) -> Iterator[Problem]:
    yield from _misfits(rule, field, name)
    if rule.limit is not None and rule.limit < 1:
        yield _at(rule, "limit_too_small", f"The limit of {name} must be at least 1.")
    elif rule.limit is not None and rule.limit_action == "truncate" and rule.limit <= len(CUT_MARK):
        yield _at(rule, "limit_too_small", f"To cut {name}, the limit must leave room for the mark {CUT_MARK.strip()}.")


def _misfits(rule: RuleSpec, field: FieldSpec, name: str) -> Iterator[Problem]:
    """What the rule allows or sets by itself and the field does not take."""
    if rule.limit is not None and field.max_length is not None and rule.limit > field.max_length:
        yield _at(
            rule,
            "limit_over_field",
            f"The limit of {name} is {rule.limit}, but {field.label} takes {field.max_length} characters.",
        )
    default = len(rule.prefix) + len(rule.default)
    if rule.default and field.max_length is not None and default > field.max_length:
        yield _at(
            rule,
            "default_too_long",
            f"The default of {name} has {default} characters; {field.label} takes {field.max_length}.",
        )


def _field_problems(spec: MappingSpec) -> Iterator[Problem]:
    senders = defaultdict(set)
    for rule in spec.rules:
        senders[rule.field_id].add(rule.section_code)
    for field in spec.fields:
        structured = field.kind == "structured"
        if structured and len(senders[field.field_id]) > 1:
            names = ", ".join(sorted(map(name_of, senders[field.field_id])))
            yield _of(field, "structured_field_shared", f"{field.label} holds a single coded value, not {names}.")
        if field.required and not senders[field.field_id]:
            if structured:
                why = "is required and structured: no section fills it; coded entries must."
                yield _of(field, "required_structured_field", f"{field.label} ({field.field_id}) {why}", WARNING)
            else:
                why = "is required, and no section goes there: every note would be held."
                yield _of(field, "required_field_unmapped", f"{field.label} ({field.field_id}) {why}")


def _place_problems(spec: MappingSpec, fields: Mapping[str, FieldSpec]) -> Iterator[Problem]:
    """Rules that claim the same place of one field: what comes first there is the list's chance, not a choice."""
    claims = defaultdict(list)
    for rule in spec.rules:
        claims[rule.field_id, rule.position].append(rule)
    for (field_id, place), rules in claims.items():
        rows = list(dict.fromkeys(_row(rule) for rule in rules))
        field = fields.get(field_id)
        if field is not None and field.kind != "structured" and len(rows) > 1:
            message = (
                f"{', '.join(rows[:-1])} and {rows[-1]} have the same place {place} in {field.label} ({field_id}): "
                f"the higher row comes first. Give each a place of its own."
            )
            yield _of(field, "same_place", message, WARNING)


def _shared_field_problems(spec: MappingSpec, fields: Mapping[str, FieldSpec]) -> Iterator[Problem]:
    """Sections joined in one field of free text where nothing says at which of them the reader is.

    What comes first stands under the field's own label; each section after another one needs a word of its own. In a
    field of coded entries a second section is an error (`structured_field_shared`).
    """
    for field in fields.values():
        sharing = sorted((rule for rule in spec.rules if rule.field_id == field.field_id), key=_place)
        for before, rule in pairwise(sharing):
            if field.kind != "structured" and rule.section_code != before.section_code and not rule.prefix.strip():
                name = _row(rule)
                message = (
                    f"{name} stands in {field.label} ({field.field_id}) after {_row(before)}, and nothing marks where "
                    f"it begins. Give it a prefix, such as “{name_of(rule.section_code)}: ”, or a field of its own; "
                    f"“Place in the field” says which comes first."
                )
                yield replace(_at(rule, "shared_field", message), severity=WARNING)


def _place(rule: RuleSpec) -> int:
    return rule.position


def _row(rule: RuleSpec) -> str:
    return name_of(rule.section_code) + (f" (“{rule.heading}”)" if rule.heading else "")


def _catch_all_problems(spec: MappingSpec, fields: Mapping[str, FieldSpec], policy: str) -> Iterator[Problem]:
    field = fields.get(spec.catch_all_field_id)
    if not spec.catch_all_field_id:
        if policy == CATCH_ALL:
            yield Problem(
                "no_catch_all",
                "This location files unmapped sections in a catch-all field, and the mapping names none.",
                "/catch_all",
            )
    elif field is None:
        message = f"The catch-all field {spec.catch_all_field_id} is not in this template version."
        yield Problem("catch_all_unknown_field", message, "/catch_all", field_id=spec.catch_all_field_id)
    elif field.kind == "structured":
        message = f"The catch-all field {field.label} takes coded entries. Choose a free-text field."
        yield Problem("catch_all_structured", message, "/catch_all", field_id=field.field_id)


def _section_problems(spec: MappingSpec, policy: str) -> Iterator[Problem]:
    copies = Counter(rule.section_code for rule in spec.rules if rule.kind == "copy")
    for code, count in copies.items():
        if count > 1:
            message = f"{name_of(code)} is copied to {count} fields: its text will stand in the chart {count} times."
            yield _about(code, "section_in_two_fields", message)
    mapped = {rule.section_code for rule in spec.rules}
    fate = "goes to the catch-all field" if policy == CATCH_ALL else "is held for a person"
    for code in CODES:
        if code not in mapped:
            message = f"{name_of(code)} has no field: a note with that section {fate}."
            yield _about(code, "section_without_field", message)


def _rest_problems(spec: MappingSpec, fields: Mapping[str, FieldSpec]) -> Iterator[Problem]:
    """Sections divided by headings of which no rule takes what stands under none of them: such a note is held."""
    by_section = defaultdict(list)
    for rule in spec.rules:
        by_section[rule.section_code].append(rule)
    for code, rules in by_section.items():
        if not all(rule.kind == "split" and rule.heading for rule in rules):
            continue
        headings = " and ".join(f"“{rule.heading}”" for rule in rules)
        first = fields.get(rules[0].field_id)
        into = f"{first.label} ({first.field_id})" if first else "a field"
        message = (
            f"{name_of(code)} is divided by {headings}, and no rule takes text that stands under none of them: a note "
            f"with such text is held. Add a second rule that splits it without a heading, for instance into {into}."
        )
        yield _about(code, "split_without_rest", message)


def _newer_template(spec: MappingSpec) -> Problem:
    return Problem(
        "template_newer",
        f"The template {spec.template_code} was imported again since: this mapping is for an older version of it.",
        "/template",
        severity=WARNING,
    )


def _drift_problems(spec: MappingSpec, newest: Sequence[FieldSpec]) -> Iterator[Problem]:
    """Each rule whose field the newest version no longer has, has elsewhere in the order, or has coded or shorter;
    each field it requires since, and no rule fills."""
    if not newest:
        return
    sent = {rule.field_id for rule in spec.rules}
    for field in newly_required(spec.fields, newest):
        if field.field_id not in sent:
            said = f"{field.label} ({field.field_id}) is required in the newest version of the template, and no section"
            yield _of(
                field, "field_required_since", f"{said} goes there. Use the newest version and give it one.", WARNING
            )
    fields = {field.field_id: field for field in newest}
    found = {item.field_id: item for item in drifted(spec.fields, newest)}
    for rule in spec.rules:
        item = found.get(rule.field_id)
        if item is None:
            continue
        name = _row(rule)
        if item.message:
            yield _at(rule, "field_drifted", f"{name} goes to {rule.field_id}. {item.message}")
        else:
            said = f"{name} goes to {rule.field_id}, which takes {item.max_length} characters now: longer text is held."
            yield replace(_at(rule, "field_shorter", said), severity=WARNING)
            yield from _misfits(rule, fields[rule.field_id], name)
    if spec.catch_all_field_id in found:
        yield _catch_all_drifted(found[spec.catch_all_field_id])


def _catch_all_drifted(item: Drifted) -> Problem:
    of = ("/catch_all", "", "", item.field_id)
    if item.message:
        return Problem("field_drifted", f"The catch-all field is {item.field_id}. {item.message}", *of)
    said = f"The catch-all field {item.field_id} takes {item.max_length} characters now: longer text is held."
    return Problem("field_shorter", said, *of, severity=WARNING)


def _at(rule: RuleSpec, code: str, message: str) -> Problem:
    return Problem(code, message, rule_pointer(rule), rule.section_code, field_id=rule.field_id)


def _of(field: FieldSpec, code: str, message: str, severity: str = ERROR) -> Problem:
    return Problem(code, message, f"/fields/{field.field_id}", field_id=field.field_id, severity=severity)


def _about(section_code: str, code: str, message: str) -> Problem:
    return Problem(code, message, f"/sections/{section_code}", section_code, severity=WARNING)
