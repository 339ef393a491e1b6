"""What one mapping does otherwise than another, in sentences a person reads before it goes live."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mapping.note import FieldSpec, MappingSpec, RuleSpec
from mapping.sections import CODES, name_of

# What a rule may say besides its section, field and place, as people call it.
SETTINGS = {
    "kind": "text taken",
    "heading": "heading",
    "prefix": "prefix",
    "separator": "joined after",
    "default": "default",
    "limit": "limit",
    "limit_action": "over the limit",
}
WORDS = {"copy": "whole", "split": "by heading", "refuse": "hold the note", "truncate": "cut", "\n\n": "a blank line"}


@dataclass(frozen=True)
class Difference:
    """One sentence. `kind` is added, removed, moved, setting, order, catch-all or template."""

    kind: str
    section_code: str
    message: str


def differences(old: MappingSpec, new: MappingSpec) -> tuple[Difference, ...]:
    """From `old` to `new`, by section in the contract's order; empty where both do the same."""
    labels = labels_of(old.fields) | labels_of(new.fields)
    before, after = _by_section(old.rules), _by_section(new.rules)
    order = {code: place for place, code in enumerate(CODES)}
    codes = sorted(before.keys() | after.keys(), key=lambda code: (order.get(code, len(order)), code))
    found = [item for code in codes for item in _section(code, before[code], after[code], labels)]
    found.extend(_orders(old.rules, new.rules, labels))
    if old.catch_all_field_id != new.catch_all_field_id:
        was, now = (_field(labels, one) if one else "none" for one in (old.catch_all_field_id, new.catch_all_field_id))
        found.append(Difference("catch-all", "", f"The catch-all field is {now}, {was} before."))
    if old.template_version_id != new.template_version_id:
        found.append(Difference("template", "", "It is made for another version of the template."))
    return tuple(found)


def _by_section(rules: Sequence[RuleSpec]) -> dict[str, list[RuleSpec]]:
    listed: dict[str, list[RuleSpec]] = defaultdict(list)
    for rule in rules:
        listed[rule.section_code].append(rule)
    return listed


def labels_of(fields: Sequence[FieldSpec]) -> dict[str, str]:
    """Per field id what people read: label and identifier."""
    return {field.field_id: f"{field.label} ({field.field_id})" for field in fields}


def in_words(rule: RuleSpec, labels: Mapping[str, str]) -> str:
    """Where a rule files its section, and how, in a few words."""
    said = [_field(labels, rule.field_id)]
    if rule.kind == "split":
        said.append(f"text under “{rule.heading}”" if rule.heading else "text under no chosen heading")
    said.extend(f"{name} “{value}”" for name, value in (("prefix", rule.prefix), ("default", rule.default)) if value)
    if rule.limit:
        said.append(f"limit {rule.limit}, {'cut' if rule.limit_action == 'truncate' else 'held'} over it")
    return ", ".join(said)


def _field(labels: Mapping[str, str], field_id: str) -> str:
    return labels.get(field_id, field_id)


def _section(
    code: str, before: Sequence[RuleSpec], after: Sequence[RuleSpec], labels: Mapping[str, str]
) -> Iterator[Difference]:
    """Rules with the same heading and field are the same rule; one left on each side has moved."""
    name = name_of(code)
    pairs, gone, new = _paired(before, after)
    for old, now in pairs:
        if old.field_id != now.field_id:
            said = f"{name} goes to {_field(labels, now.field_id)}, to {_field(labels, old.field_id)} before."
            yield Difference("moved", code, said)
        yield from _settings(name, code, old, now)
    for rule in gone:
        yield Difference("removed", code, f"{name} no longer goes to {_field(labels, rule.field_id)}.")
    for rule in new:
        part = f" (text under “{rule.heading}”)" if rule.heading else ""
        yield Difference("added", code, f"{name}{part} goes to {_field(labels, rule.field_id)}.")


def _orders(old: Sequence[RuleSpec], new: Sequence[RuleSpec], labels: Mapping[str, str]) -> Iterator[Difference]:
    """The fields in which the same sections join in another order."""
    before, after = (_joined(rules) for rules in (old, new))
    for field_id, names in after.items():
        if names != before.get(field_id) and sorted(names) == sorted(before.get(field_id, [])):
            yield Difference("order", "", f"In {_field(labels, field_id)} the order is now {', then '.join(names)}.")


def _joined(rules: Sequence[RuleSpec]) -> dict[str, list[str]]:
    joined: dict[str, list[str]] = defaultdict(list)
    for rule in sorted(rules, key=lambda rule: rule.position):
        joined[rule.field_id].append(name_of(rule.section_code))
    return joined


def _paired(
    before: Sequence[RuleSpec], after: Sequence[RuleSpec]
) -> tuple[list[tuple[RuleSpec, RuleSpec]], list[RuleSpec], list[RuleSpec]]:
    """First by field and heading, then by heading, then in their order."""
    pairs: list[tuple[RuleSpec, RuleSpec]] = []
    gone, new = list(before), list(after)
    for same in (_line, _heading, _anything):
        for old in list(gone):
            now = next((rule for rule in new if same(rule) == same(old)), None)
            if now is not None:
                pairs.append((old, now))
                gone.remove(old)
                new.remove(now)
    return pairs, gone, new


def _line(rule: RuleSpec) -> object:
    return rule.field_id, rule.heading


def _heading(rule: RuleSpec) -> object:
    return rule.kind, rule.heading


def _anything(rule: RuleSpec) -> object:
    return None


def _settings(name: str, code: str, old: RuleSpec, now: RuleSpec) -> Iterator[Difference]:
    if old.damaged and not now.damaged:
        said = " and ".join(name.replace("_", " ") for name in old.damaged)
        yield Difference("setting", code, f"{name}: what its row says of {said} could not be read; look at it anew.")
    for setting, said in SETTINGS.items():
        was, is_now = getattr(old, setting), getattr(now, setting)
        if was != is_now:
            yield Difference("setting", code, f"{name}, {said}: {_value(is_now)}, {_value(was)} before.")


def _value(value: object) -> str:
    if value in ("", None):
        return "none"
    return WORDS.get(str(value)) or (f"“{value}”" if isinstance(value, str) else str(value))
