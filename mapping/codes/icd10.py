"""ICD-10-CM codes: their form, whether a list holds them, whether they can be billed, and what may have been meant.

Pure. A code may be billed when the list holds it and none that is longer and begins with it (ICD-10-CM Official
Guidelines, I.B.2: the highest number of characters available).
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

FORM = re.compile(r"[A-Z][0-9A-Z]{2}(\.[0-9A-Z]{1,4})?")
BARE = re.compile(r"[A-Z][0-9A-Z]{2,6}")  # as lists have them, without the dot
WIDTH = 7
MOST_SUGGESTED = 5
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# What is taken for another sign when a code is read aloud or off a page.
LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})

OK, BAD_FORM, UNKNOWN, NOT_BILLABLE = "ok", "form", "unknown", "not_billable"


def bare(code: str) -> str:
    """A code without its dot, spaces and small letters: how lists have it."""
    return re.sub(r"[\s.]", "", code).upper()


def dotted(code: str) -> str:
    """The usual spelling of a bare code."""
    return f"{code[:3]}.{code[3:]}" if len(code) > 3 else code


@dataclass(frozen=True)
class CodeList:
    """Sorted bare codes in records of seven bytes, one after another: a hundred thousand take 700 KB."""

    name: str
    records: bytes

    @classmethod
    def of(cls, name: str, codes: Iterable[str]) -> "CodeList":
        """From bare codes in any order; what has not the form of one (blocks such as A00-A09) is left out."""
        kept = sorted({code.ljust(WIDTH) for code in codes if BARE.fullmatch(code)})
        return cls(name, "".join(kept).encode("ascii"))

    def __len__(self) -> int:
        return len(self.records) // WIDTH

    def __iter__(self) -> Iterator[str]:
        return (self._at(place) for place in range(len(self)))

    def _at(self, place: int) -> str:
        return self.records[place * WIDTH : (place + 1) * WIDTH].decode("ascii").rstrip()

    def _from(self, code: str) -> int:
        """The place of a bare code, or of the first one after it."""
        wanted = code.ljust(WIDTH).encode("ascii", "replace")
        return bisect_left(range(len(self)), wanted, key=lambda at: self.records[at * WIDTH : (at + 1) * WIDTH])

    def holds(self, code: str) -> bool:
        place = self._from(code)
        return place < len(self) and self._at(place) == code

    def below(self, code: str) -> Iterator[str]:
        """The longer codes that begin with a bare code, in order."""
        place = self._from(code)
        while place < len(self) and (found := self._at(place)).startswith(code):
            if found != code:
                yield found
            place += 1

    def billable(self, code: str) -> bool:
        return self.holds(code) and next(self.below(code), None) is None

    def billable_count(self) -> int:
        """How many of its codes can be billed."""
        return sum(not later.startswith(code) for code, later in pairwise([*self, ""]))


@dataclass(frozen=True)
class Verdict:
    """What a list says of a code as posted; `suggestions` are billable codes in their usual spelling, likeliest first.

    A suggestion is for a person to read: none is ever put in the place of what was posted.
    """

    kind: str  # OK, BAD_FORM, UNKNOWN, NOT_BILLABLE
    suggestions: tuple[str, ...] = ()
    more: int = 0  # further billable codes below a category that are not named


def judge(code: str, codes: CodeList) -> Verdict:
    """Judge a code exactly as posted."""
    meant = bare(code)
    if FORM.fullmatch(code) is None:
        return Verdict(BAD_FORM, suggest(meant, codes))
    if codes.billable(meant):
        return Verdict(OK)
    leaves = [each for each in codes.below(meant) if codes.billable(each)]
    if leaves:
        named = tuple(dotted(each) for each in sorted(leaves, key=_plainest)[:MOST_SUGGESTED])
        return Verdict(NOT_BILLABLE, named, len(leaves) - len(named))
    return Verdict(UNKNOWN, suggest(meant, codes))


def _plainest(code: str) -> tuple[bool, int, str]:
    """Unspecified codes (they mostly end with 9) first, then shorter ones."""
    return not code.rstrip("ADS").endswith("9"), len(code), code


def suggest(meant: str, codes: CodeList) -> tuple[str, ...]:
    """Billable codes that a mistaken bare code may have been meant for."""
    if codes.billable(meant):
        return (dotted(meant),)
    found = dict.fromkeys(each for each in _near(meant) if codes.billable(each))
    return tuple(dotted(code) for code in islice(found, MOST_SUGGESTED))


def _near(meant: str) -> Iterator[str]:
    """What a bare code may have been meant for, likeliest first: lookalikes, too long, without its X, misread."""
    yield meant[:1] + meant[1:].translate(LOOKALIKES)
    for length in range(len(meant) - 1, 2, -1):
        yield meant[:length]
    if 4 <= len(meant) < WIDTH:
        filling = "X" * (WIDTH - len(meant))  # T36.01A for T36.0X1A
        yield from (meant[:place] + filling + meant[place:] for place in range(len(meant) - 1, 3, -1))
        yield meant + filling[1:] + "A"
    for place in range(len(meant) - 1):
        yield meant[:place] + meant[place + 1] + meant[place] + meant[place + 2 :]
    for place in range(len(meant) - 1, -1, -1):
        yield from (meant[:place] + letter + meant[place + 1 :] for letter in ALPHABET)
    for place in range(len(meant) - 1, -1, -1):
        yield meant[:place] + meant[place + 1 :]
