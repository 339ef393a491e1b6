"""Which rules take which text of which section; what no rule takes, what is empty, what cannot be divided."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from mapping.note import Problem, RuleSpec, Section
from mapping.rules import Division, divide, heading_key
from mapping.sections import name_of


@dataclass
class Routing:
    """Every section in exactly one of: `mapped` (under its code), `unclaimed`, `stuck` (with a problem), `empty`."""

    mapped: dict[str, list[Section]] = field(default_factory=lambda: defaultdict(list))
    divisions: dict[int, Division] = field(default_factory=dict)
    unclaimed: list[Section] = field(default_factory=list)
    stuck: list[Section] = field(default_factory=list)
    empty: list[Section] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def texts(self, rule: RuleSpec) -> list[tuple[Section, str]]:
        """What `rule` takes, in posted order: whole texts, or the pieces under its heading that are not empty."""
        posted = self.mapped.get(rule.section_code, ())
        if rule.kind != "split":
            return [(section, section.text) for section in posted]
        taken = ((section, _piece(self.divisions[section.index], rule.heading)) for section in posted)
        return [(section, text) for section, text in taken if text]


def _piece(division: Division, heading: str) -> str:
    """The text under a heading; a split rule without heading takes what stands under none."""
    return division.pieces.get(heading_key(heading), "") if heading else division.rest


def route(sections: Sequence[Section], rules: Mapping[str, Sequence[RuleSpec]], fields: Collection[str]) -> Routing:
    """Sort `sections` by what the rules of their codes (`rules`) can do with them."""
    routing = Routing()
    for section in sections:
        own = rules.get(section.code, ())
        if not section.text or section.text.isspace():
            routing.empty.append(section)
        elif not own:
            routing.unclaimed.append(section)
        else:
            _claim(section, own, fields, routing)
    return routing


def _claim(section: Section, own: Sequence[RuleSpec], fields: Collection[str], routing: Routing) -> None:
    broken = [rule for rule in own if rule.field_id not in fields]
    if broken:
        routing.problems.append(_unknown_field(section, broken[0]))
        routing.stuck.append(section)
    elif all(rule.kind != "split" for rule in own):
        routing.mapped[section.code].append(section)
    else:
        _claim_pieces(section, own, routing)


def _claim_pieces(section: Section, own: Sequence[RuleSpec], routing: Routing) -> None:
    """Divide a section for its split rules; all of it finds a field, or it waits whole for a person."""
    splits = [rule for rule in own if rule.kind == "split"]
    division = divide(section.text, [rule.heading for rule in splits])
    copied = len(splits) < len(own)
    taken = copied or any(_piece(division, rule.heading) for rule in splits)
    if division.repeated:
        routing.problems.append(_repeated(section, splits[0]))
        routing.stuck.append(section)
    elif division.rest and not copied and all(rule.heading for rule in splits):
        routing.problems.append(_rest(section, splits))
        routing.stuck.append(section)
    elif not taken:
        routing.empty.append(section)
    else:
        routing.divisions[section.index] = division
        routing.mapped[section.code].append(section)


def _unknown_field(section: Section, rule: RuleSpec) -> Problem:
    return Problem(
        "unknown_field",
        f"The mapping sends {name_of(section.code)} to the field {rule.field_id}, which its template does not have. "
        "Whoever edits the mapping: choose another field and publish.",
        rule_pointer(rule),
        section.code,
        section.title,
        rule.field_id,
    )


def _repeated(section: Section, rule: RuleSpec) -> Problem:
    return Problem(
        "split_heading_repeated",
        f"{name_of(section.code)} is divided by headings, and one of them stands in it more than once: dividing it "
        "would tear its entries apart. File it by hand, or map the section whole.",
        f"/sections/{section.index}",
        section.code,
        section.title,
        rule.field_id,
    )


def _rest(section: Section, splits: Sequence[RuleSpec]) -> Problem:
    chosen = ", ".join(f"“{rule.heading}”" for rule in splits)
    return Problem(
        "split_rest",
        f"{name_of(section.code)} is divided by the headings {chosen}, but has text under none of them. "
        "Add a rule for the rest (split without a heading), or map the section whole.",
        f"/sections/{section.index}",
        section.code,
        section.title,
        splits[0].field_id,
    )


def rule_pointer(rule: RuleSpec) -> str:
    """The place of a rule: its row where it has one, else its section."""
    return f"/rules/{rule.id if rule.id is not None else rule.section_code}"
