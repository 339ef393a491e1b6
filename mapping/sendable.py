"""What can travel in a message: the characters of texts, and the rules that can be read and sent."""

import re
from collections.abc import Iterable, Iterator

from mapping.note import Problem, RuleSpec
from mapping.routing import rule_pointer
from mapping.sections import name_of

# What no message can carry: control characters but tab and line ends (NEL is one), halves of surrogate pairs, and
# non-characters (Unicode 16, section 23.7: the last two of each plane, and U+FDD0 to U+FDEF).
_NON_CHARACTERS = "\ufdd0-\ufdef" + "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
CANNOT_TRAVEL = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff{_NON_CHARACTERS}]")
# A scribe's system may end its lines with NEL; nobody types one into a rule.
UNSENDABLE = re.compile(f"{CANNOT_TRAVEL.pattern}|\x85")


def unsendable(rules: Iterable[RuleSpec]) -> Iterator[Problem]:
    """The rules that cannot be read as they are stored, or whose own texts would break every message they go into."""
    for rule in rules:
        texts = {"prefix": rule.prefix, "separator": rule.separator, "default": rule.default, "heading": rule.heading}
        named = [name for name, text in {**texts, "field identifier": rule.field_id}.items() if UNSENDABLE.search(text)]
        if rule.damaged:
            said = " and the ".join(name.replace("_", " ") for name in rule.damaged)
            yield _at(rule, f"the {said} cannot be read")
        if named:
            yield _at(rule, f"the {' and the '.join(named)} holds characters that no message can carry")


def depends(rule: RuleSpec, posted: bool, filed: bool) -> bool:
    """Whether a note hangs on a rule: `filed`, it puts something into a field; `posted`, the note has text for it.

    One that cannot be read may be meant to take a piece of that text, or to give a default where there is none.
    """
    if filed:
        return True
    if posted:
        return bool(rule.damaged or UNSENDABLE.search(rule.heading))
    return not {"default", "settings"}.isdisjoint(rule.damaged)


def _at(rule: RuleSpec, what: str) -> Problem:
    to = "" if UNSENDABLE.search(rule.field_id) else f" to {rule.field_id}"
    return Problem(
        "unsendable_rule",
        f"In the row that sends {name_of(rule.section_code)}{to}, {what}. "
        "Whoever edits the mapping: set it anew and publish.",
        rule_pointer(rule),
        rule.section_code,
        field_id=rule.field_id,
    )
