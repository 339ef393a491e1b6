"""What became, within one field, of the sections that were sent into it. Pure text against text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mapping.note import Contribution, FieldValue

VERIFIED, MISSING, MOVED, ALTERED, DUPLICATED = "verified", "missing", "moved", "altered", "duplicated"
LEFT_BEHIND = "left_behind"  # an earlier version's text, in a field that this version leaves out
CUT = "cut"  # what was sent stands in its field, and the mapping's rule had cut the section before

LONG = 12  # characters: a text so long is recognised even where it is glued to another


@dataclass(frozen=True)
class Placed:
    """One section in its own field: its outcome there, and the text that stands in its place."""

    part: Contribution
    outcome: str  # verified, missing, altered or duplicated
    stands: str


@dataclass(frozen=True)
class _Chunk:
    """A section with whatever the mapping put before it (and, for the last one, after it)."""

    part: Contribution
    before: str
    after: str

    @property
    def whole(self) -> str:
        return self.before + self.part.text + self.after


def place(value: FieldValue, actual: str) -> list[Placed]:
    """The sections of a field against the field's text in the chart: all verified only if the two are equal.

    Sections that still stand at the field's beginning and end are set aside; what is left between them decides on
    the others. So a loss, a cut or an addition is laid to the section it befell.
    """
    chunks = _chunks(value)
    if actual == value.text:
        return [Placed(chunk.part, VERIFIED, chunk.part.text) for chunk in chunks]
    head, rest = _from_the_left(chunks, actual)
    tail, rest = _from_the_right(chunks[head:], rest)
    end = len(chunks) - tail
    placed = [Placed(chunk.part, VERIFIED, chunk.part.text) for chunk in chunks]
    placed[head:end] = _in_the_middle(chunks[head:end], rest)
    if any(each.outcome != VERIFIED for each in placed):
        return placed
    # All there, yet the field is not as sent: something stands beside them.
    suspects = range(head, end) if head < end else range(max(head - 1, 0), max(head, 1))
    return _beside(placed, suspects, value.text, actual)


def count(text: str, within: str) -> int:
    """How often a text stands in another, not as a part of longer words."""
    if not text.strip():
        return 0
    if len(text) >= LONG:
        return within.count(text)
    return len(re.findall(rf"(?<![^\W_]){re.escape(text)}(?![^\W_])", within))


def parts(value: FieldValue) -> list[Contribution]:
    """The sections in a field; for a text no section explains, the field itself stands for one."""
    return [chunk.part for chunk in _chunks(value)]


def _chunks(value: FieldValue) -> list[_Chunk]:
    chunks: list[_Chunk] = []
    cursor = 0
    for part in value.contributions:
        at = value.text.find(part.text, cursor)
        if at < 0:
            chunks = []
            break
        chunks.append(_Chunk(part, value.text[cursor:at], ""))
        cursor = at + len(part.text)
    if not chunks:
        return [_Chunk(Contribution(-1, "", value.label, value.text), "", "")]
    chunks[-1] = _Chunk(chunks[-1].part, chunks[-1].before, value.text[cursor:])
    return chunks


def _from_the_left(chunks: Sequence[_Chunk], text: str) -> tuple[int, str]:
    """How many chunks stand at the beginning as sent, and the text behind them."""
    count = 0
    for chunk in chunks:
        if not text.startswith(chunk.whole):
            break
        text = text[len(chunk.whole) :]
        count += 1
    return count, text


def _from_the_right(chunks: Sequence[_Chunk], text: str) -> tuple[int, str]:
    count = 0
    for chunk in reversed(chunks):
        if not text.endswith(chunk.whole):
            break
        text = text[: len(text) - len(chunk.whole)]
        count += 1
    return count, text


def _in_the_middle(chunks: Sequence[_Chunk], text: str) -> list[Placed]:
    """Sections of which at least one is not as sent: those found verbatim in order divide the text into gaps."""
    placed: list[Placed] = []
    waiting: list[_Chunk] = []
    cursor = 0
    for chunk in chunks:
        at = text.find(chunk.part.text, cursor)
        if at < 0:
            waiting.append(chunk)
            continue
        placed += _in_a_gap(waiting, text[cursor:at])
        placed.append(Placed(chunk.part, VERIFIED, chunk.part.text))
        waiting, cursor = [], at + len(chunk.part.text)
    placed += _in_a_gap(waiting, text[cursor:])
    return placed


def _in_a_gap(chunks: Sequence[_Chunk], gap: str) -> list[Placed]:
    """Sections that were not found whole, in the text where they should stand."""
    placed = []
    for chunk in chunks:
        gap = gap.removeprefix(chunk.before)
        if not gap.strip():
            placed.append(Placed(chunk.part, MISSING, ""))
            continue
        placed.append(Placed(chunk.part, ALTERED, gap))
        if chunk.part.text.startswith(gap):  # cut off here: nothing is left for those behind it
            gap = ""
    return placed


def _beside(placed: list[Placed], suspects: Sequence[int], sent: str, actual: str) -> list[Placed]:
    """Lay an addition to the sections that stand twice now; if there are none, to those it stands beside."""
    doubled = [at for at, each in enumerate(placed) if count(each.part.text, actual) > count(each.part.text, sent)]
    outcome = DUPLICATED if doubled else ALTERED
    named = doubled or suspects
    return [Placed(each.part, outcome, actual) if at in named else each for at, each in enumerate(placed)]
