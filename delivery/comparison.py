"""Sent against charted, section by section, word by word; what the eye cannot see is made visible."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from delivery.words import OutcomeWords, outcome_words

WORD = re.compile(r"\s+|[^\s\w]|\w+")
TOO_MANY = 4000  # words; beyond, lines are compared, as word by word takes seconds
# Characters that change what a reader sees without being seen: bidirectional controls, zero width, soft hyphen, BOM.
HIDDEN = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True)
class Piece:
    """A run of text that is in both ("same"), only in what was sent ("del"), or only in the chart ("ins")."""

    kind: str
    text: str


@dataclass(frozen=True)
class Compared:
    """One section on the screen. `obx` is its set id in the message (0: not in it)."""

    title: str
    code: str
    field_id: str
    label: str
    obx: int
    outcome: OutcomeWords
    sent: str
    in_chart: str | None  # None: not read
    found_in: str
    pieces: tuple[Piece, ...]

    @property
    def elsewhere(self) -> bool:
        return bool(self.found_in) and self.found_in != self.field_id


def compare(plan: Sequence[dict[str, Any]], read: Sequence[dict[str, Any]]) -> list[Compared]:
    """The sections of a message against a reading of them; without a reading, what was sent alone."""
    places = {value["field_id"]: place for place, value in enumerate(plan, start=1)}
    labels = {value["field_id"]: str(value.get("label", "")) for value in plan}
    return [_compared(row, places, labels) for row in (read or unread(plan))]


def unread(plan: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A plan's sections in the form of a reading that has not happened."""
    return [
        {
            "code": part.get("code", ""),
            "title": part.get("title", ""),
            "field_id": value["field_id"],
            "outcome": "",
            "sent": part.get("text", ""),
            "in_chart": None,
            "found_in": "",
        }
        for value in plan
        for part in (value.get("contributions") or [{"title": value.get("label", ""), "text": value.get("text", "")}])
    ]


def _compared(row: dict[str, Any], places: dict[str, int], labels: dict[str, str]) -> Compared:
    field_id = str(row.get("field_id") or "")
    sent, charted = str(row.get("sent") or ""), row.get("in_chart")
    differs = charted is not None and charted != sent
    return Compared(
        title=str(row.get("title") or row.get("code") or "Untitled section"),
        code=str(row.get("code") or ""),
        field_id=field_id,
        label=labels.get(field_id, ""),
        obx=places.get(field_id, 0),
        outcome=outcome_words(str(row.get("outcome") or "")),
        sent=sent,
        in_chart=None if charted is None else str(charted),
        found_in=str(row.get("found_in") or ""),
        pieces=tuple(pieces(sent, str(charted))) if differs else (),
    )


def pieces(before: str, after: str) -> Iterator[Piece]:
    """What turns `before` into `after`, by words; joined "same" and "del" give `before`, "same" and "ins" `after`."""
    old, new = _tokens(before, after)
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield Piece("same", "".join(old[i1:i2]))
            continue
        if i2 > i1:
            yield Piece("del", "".join(old[i1:i2]))
        if j2 > j1:
            yield Piece("ins", "".join(new[j1:j2]))


def _tokens(before: str, after: str) -> tuple[list[str], list[str]]:
    old, new = WORD.findall(before), WORD.findall(after)
    if len(old) + len(new) > TOO_MANY:
        return before.splitlines(keepends=True), after.splitlines(keepends=True)
    return old, new


def seen(text: str) -> str:
    """The text with hidden characters written out: a text may not show a reader something else than it says."""
    return HIDDEN.sub(lambda found: f"[U+{ord(found.group()):04X}]", text)
