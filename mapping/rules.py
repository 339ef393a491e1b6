"""What a single rule makes of the sections it takes: copied or divided, prefixed, limited, or its default.

Lengths are counted in characters (Unicode code points). Nothing is cut unless the rule says `truncate`, and then at
a word's end, marked, and reported: "150 mg" must never become "15".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mapping.note import Contribution, Problem, RuleSpec, Section
from mapping.sections import name_of, normalise, resolve_title

CUT_MARK = " [cut]"
_LINE = re.compile(r"[^\r\n]+")
# "Plan", "Plan:", "Plan: start ...", "Plan - start ...": the heading ends at the first colon or spaced dash.
_HEADING_END = re.compile(r":|\s[-–—]+\s|\s[-–—]+$")
_WHOLE_WORDS = re.compile(r".*\s", re.DOTALL)
_LONGEST_HEADING = 100


@dataclass(frozen=True)
class Division:
    """A section's text, divided by headings: `pieces` by heading key; `rest` stands under no chosen heading."""

    pieces: dict[str, str]
    rest: str
    repeated: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """What one rule puts into its field. `text` is the prefix with the contributions' texts, joined."""

    text: str
    contributions: tuple[Contribution, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def heading_key(heading: str) -> str:
    """What makes two headings the same: the section both mean, else their words without case and punctuation."""
    return resolve_title(heading) or normalise(heading)


def divide(text: str, headings: Sequence[str]) -> Division:
    """Divide a text at the lines that begin with one of `headings` (or with a synonym of it).

    A piece runs to the next chosen heading; the heading itself is left out, every other character stays. The pieces
    and the rest are without white space at their ends.
    """
    wanted = {heading_key(heading) for heading in headings if heading}
    marks = [found for line in _LINE.finditer(text) if (found := _heading_of(line, wanted))]
    rest = text[: marks[0][1]] if marks else text
    pieces: dict[str, str] = {}
    repeated = []
    for place, (key, _start, body) in enumerate(marks):
        end = marks[place + 1][1] if place + 1 < len(marks) else len(text)
        if key in pieces:
            repeated.append(key)
        pieces[key] = text[body:end].strip()
    return Division(pieces, rest.strip(), tuple(repeated))


def _heading_of(line: re.Match[str], wanted: set[str]) -> tuple[str, int, int] | None:
    """(key, where the line starts, where its text starts) when the line begins with a wanted heading."""
    stop = _HEADING_END.search(line[0][:_LONGEST_HEADING])
    heading = line[0][: stop.start()] if stop else line[0]
    if len(heading) > _LONGEST_HEADING:
        return None
    key = heading_key(heading)
    if key not in wanted:
        return None
    return key, line.start(), line.start() + stop.end() if stop else line.end()


def carry(rule: RuleSpec, sections: Sequence[tuple[Section, str]]) -> Part | None:
    """Carry out one rule on the texts it takes, in posted order; None when it has nothing to file.

    `sections` holds each section with the text taken from it: the whole (copy) or the piece under its heading (split).
    """
    if not sections:
        return Part(rule.prefix + rule.default) if rule.default else None
    texts = [text for _section, text in sections]
    length = sum(map(len, texts)) + len(rule.separator) * (len(texts) - 1)
    if rule.limit is None or length <= rule.limit:
        return _part(rule, sections)
    if rule.limit_action == "truncate":
        kept = _kept(sections, rule.separator, rule.limit - len(CUT_MARK))
        if kept is not None:
            filed = sum(len(text) for _section, text in kept) + len(rule.separator) * (len(kept) - 1)
            return _part(rule, kept, CUT_MARK, warnings=(_truncated(rule, sections[-1][0], length, filed),))
    return _part(rule, sections, problems=(_over_limit(rule, sections[0][0], length),))


def _part(
    rule: RuleSpec,
    sections: Sequence[tuple[Section, str]],
    mark: str = "",
    problems: tuple[Problem, ...] = (),
    warnings: tuple[Problem, ...] = (),
) -> Part:
    contributions = tuple(
        Contribution(section.index, section.code, section.title, text, bool(mark) and place == len(sections))
        for place, (section, text) in enumerate(sections, start=1)
    )
    text = rule.prefix + rule.separator.join([text for _section, text in sections]) + mark
    return Part(text, contributions, problems, warnings)


def _kept(sections: Sequence[tuple[Section, str]], separator: str, room: int) -> tuple[tuple[Section, str], ...] | None:
    """The texts cut to `room` at a word's end; None when that would lose a whole section or tear a word."""
    *whole, (last, text) = sections
    room -= sum(len(text) + len(separator) for _section, text in whole)
    if room < 1:
        return None
    words = _WHOLE_WORDS.match(text, 0, room + 1)
    cut = words[0].rstrip() if words else ""
    return (*whole, (last, cut)) if cut else None


def _truncated(rule: RuleSpec, section: Section, length: int, filed: int) -> Problem:
    return Problem(
        "truncated",
        f"{name_of(rule.section_code)} has {length} characters and was cut to {filed}, as its rule allows "
        f"(limit {rule.limit}): {length - filed} characters are not filed in {rule.field_id}.",
        f"/sections/{section.index}",
        rule.section_code,
        section.title,
        rule.field_id,
        "warning",
    )


def _over_limit(rule: RuleSpec, section: Section, length: int) -> Problem:
    remedy = (
        "Cutting it there would lose a whole section or tear a word."
        if rule.limit_action == "truncate"
        else "Shorten the section, or change the limit in the mapping."
    )
    return Problem(
        "over_limit",
        f"{name_of(rule.section_code)} has {length} characters; its rule into {rule.field_id} "
        f"allows {rule.limit}. {remedy}",
        f"/sections/{section.index}",
        rule.section_code,
        section.title,
        rule.field_id,
    )
