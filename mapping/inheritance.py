"""Which sections of a location's mapping come from the practice's default, and what a newer default makes of them.

Pure. A section is inherited whole or not at all: half of a divided section would stand in the chart twice, or nowhere.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mapping.note import FieldSpec, MappingSpec, RuleSpec
from mapping.sections import name_of
from mapping.transfer import INHERITED, same
from mapping.validation import errors, validate

Rules = Sequence[RuleSpec]


@dataclass(frozen=True)
class Refused:
    """A section of the default that a location's template cannot take, and why."""

    section_code: str
    why: str


@dataclass(frozen=True)
class Followed:
    """A location's rules after a default was taken over; each tuple names the sections that had that fate.

    `taken` are the default's now and were others, or none; `dropped` were inherited and are no longer in the default;
    `refused` stay as they were, as the location's own.
    """

    rules: tuple[RuleSpec, ...]
    taken: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True)
class Standing:
    """One section of a default at one location. `refused` says why its template cannot take the default's rules."""

    section_code: str
    default: tuple[RuleSpec, ...]
    here: tuple[RuleSpec, ...]
    refused: str = ""

    @property
    def name(self) -> str:
        return name_of(self.section_code)

    @property
    def inherited(self) -> bool:
        return inherits(self.here)

    @property
    def deviates(self) -> bool:
        return not same(self.here, self.default)


def by_section(rules: Rules) -> dict[str, tuple[RuleSpec, ...]]:
    listed: dict[str, tuple[RuleSpec, ...]] = defaultdict(tuple)
    for rule in rules:
        listed[rule.section_code] += (rule,)
    return listed


def inherits(rules: Rules) -> bool:
    return bool(rules) and all(rule.origin == INHERITED for rule in rules)


def inherited(rules: Rules) -> tuple[RuleSpec, ...]:
    """The rules as a location has them that takes them over."""
    return tuple(replace(rule, id=None, origin=INHERITED) for rule in rules)


def own(rules: Rules) -> tuple[RuleSpec, ...]:
    """The rules of a section as the location's own, which no default changes."""
    return tuple(replace(rule, origin="") if rule.origin == INHERITED else rule for rule in rules)


def marked(rules: Rules, default: Rules) -> tuple[RuleSpec, ...]:
    """The rules with true marks: a section that does otherwise than the default is the location's own."""
    here, theirs = by_section(rules), by_section(default)
    kept = {code for code, lines in here.items() if inherits(lines) and same(lines, theirs[code])}
    return tuple(rule if rule.section_code in kept else own([rule])[0] for rule in rules)


def refusal(rules: Rules, fields: Sequence[FieldSpec]) -> str:
    """Why a template cannot take these rules of a section; "" where it can."""
    found = errors(validate(MappingSpec("", "", tuple(fields), tuple(rules))))
    return " ".join(dict.fromkeys(problem.message for problem in found if problem.section_code))


def followed(rules: Rules, old: Rules, new: Rules, fields: Sequence[FieldSpec]) -> Followed:
    """What the default `new` makes of a location's rules, which followed `old` (empty: none), in its template.

    What is the location's own stays, and so does what it left out of `old`. Where it followed none, it takes over what
    it does already and what it has no rule for.
    """
    here, was, now = by_section(rules), by_section(old), by_section(new)
    kept: list[RuleSpec] = []
    taken, dropped, refused = [], [], []
    for code in dict.fromkeys([*here, *now]):
        mine, theirs = here.get(code, ()), now.get(code, ())
        if not _moves(mine, was.get(code, ()), theirs):
            kept.extend(mine)
        elif not theirs:
            dropped.append(code)
        elif why := refusal(theirs, fields):
            kept.extend(own(mine))
            refused.append(Refused(code, why))
        else:
            kept.extend(inherited(theirs))
            taken.extend([] if same(mine, theirs) else [code])
    return Followed(tuple(kept), tuple(taken), tuple(dropped), tuple(refused))


def _moves(mine: Rules, was: Rules, theirs: Rules) -> bool:
    """Whether a section goes with the default: it is inherited, or the default is the first to speak of it here."""
    if inherits(mine):
        return True
    return not was and bool(theirs) and (not mine or same(mine, theirs))


def standings(rules: Rules, default: Rules, fields: Sequence[FieldSpec]) -> tuple[Standing, ...]:
    """Every section of the default, as a location has it."""
    here = by_section(rules)
    return tuple(
        Standing(code, theirs, here.get(code, ()), refusal(theirs, fields))
        for code, theirs in by_section(default).items()
    )
