"""The vocabulary as a table to look phrases up in: which sections a set of words means, and how surely."""

from collections.abc import Iterator
from dataclasses import dataclass

from mapping.sections import SECTIONS, known_headings
from mapping.vocabulary.elements import KINDS
from mapping.vocabulary.headings import CONTAINERS, HEADINGS, JOINT, PARTS
from mapping.vocabulary.others import CHANGING, NEUTRAL, OTHERS
from mapping.vocabulary.rungs import Rung
from mapping.vocabulary.spanish import HEADINGS as SPANISH
from mapping.vocabulary.words import Spelling, bag, plain, stems


@dataclass(frozen=True)
class Entry:
    """One thing a phrase means: a section code (or a container's name), how surely, and which part of it (0, 1)."""

    code: str
    rung: Rung
    part: int | None = None


OTHER = Entry("", Rung.SAID)
_PAST = frozenset({"past"})
# Words of one meaning, in the order in which they are tried.
_SAME = ("past", "prior", "previous")
_BEFORE = frozenset({*_SAME, "earlier", "former"})
# What is left of "A P": by itself it is a letter of SOAP, or nothing.
_LETTER = frozenset({"p"})
_ILLNESSES = frozenset({"problem", "condition", "illness", "issue", "history", "comorbidity", "disease"})
_MED_HISTORY = frozenset({"med", "history"})  # of one of the two, as the template has it
_PAST_HISTORY = _PAST | {"history"}


def _entries() -> Iterator[tuple[str, Entry]]:
    """The templates' own vocabulary; of two entries for the same words and code, the first counts."""
    for codes, phrase in ((codes, phrase) for phrase, codes in JOINT.items()):
        yield from ((phrase, Entry(code, Rung.COMPOSED)) for code in codes)
    for name, phrases in CONTAINERS.items():
        yield from ((phrase, Entry(name, Rung.NAME)) for phrase in phrases.split("|"))
    for code, parts in PARTS.items():
        for part, phrases in enumerate(parts):
            yield from ((phrase, Entry(code, Rung.SAID, part)) for phrase in phrases.split("|"))
    for code, section in SECTIONS.items():
        yield from ((name, Entry(code, Rung.NAME)) for name in (code.replace("_", " "), section.name))
    for code, headings in (*HEADINGS.items(), *SPANISH.items()):
        for phrases, rung in (
            (headings.said, Rung.SAID),
            (headings.second, Rung.SECOND),
            (headings.only, Rung.ONLY),
            (headings.perhaps, Rung.PERHAPS),
        ):
            yield from ((phrase, Entry(code, rung)) for phrase in phrases.split("|") if phrase.strip())
    yield from ((phrase, OTHER) for phrase in OTHERS)


def _table() -> dict[frozenset[str], tuple[Entry, ...]]:
    table: dict[frozenset[str], list[Entry]] = {}
    for phrase, entry in _entries():
        words = bag(stems(plain(phrase)))
        listed = table.setdefault(words, [])
        if not words or any(known.code == entry.code for known in listed):
            continue
        sure = [known for known in listed if known.rung < Rung.PERHAPS]
        if sure and entry.rung < Rung.PERHAPS and sure[0].rung != Rung.COMPOSED:
            raise ValueError(f"{phrase.strip()!r} is claimed by {sure[0].code or 'no section'} and {entry.code}")
        listed.append(entry)
    for heading, code in known_headings().items():
        words = bag(stems(heading))
        if words != _LETTER:
            table.setdefault(words, [Entry(code, Rung.SAID)])
    return {words: tuple(listed) for words, listed in table.items() if listed}


TABLE = _table()
_LEXICON = frozenset().union(*TABLE) | NEUTRAL | CHANGING
SPELLING = Spelling(_LEXICON, frozenset(word for phrase in KINDS for word in phrase))


def look(words: frozenset[str]) -> tuple[Entry, ...]:
    """What a set of words means, by itself; () where nobody said. "Past family history" is family history.

    "Previous hospital stay" is "past hospital stay", and "med conditions" are medical.
    """
    found = TABLE.get(words, ())
    if not found and len(words & _BEFORE) == 1:
        found = next((TABLE[other] for word in _SAME if (other := words - _BEFORE | {word}) in TABLE), ())
    if not found and "med" in words and words & _ILLNESSES and words != _MED_HISTORY:
        found = TABLE.get(words - {"med"} | {"medical"}, ())
    return found or (TABLE.get(words - _PAST, ()) if words > _PAST_HISTORY else ())


def within(words: frozenset[str]) -> tuple[Entry, ...]:
    """What the largest known headings inside a set of words mean, each as kin only; none inside what is another's."""
    others = [known for known in TABLE if known < words and TABLE[known] == (OTHER,)]
    inner = [known for known in TABLE if known < words and not any(known <= other for other in others)]
    largest = max((len(known) for known in inner), default=0)
    found = {
        entry.code: Entry(entry.code, Rung.KIN)
        for known in inner
        if len(known) == largest
        for entry in TABLE[known]
        if entry.code in SECTIONS
    }
    return tuple(found.values())
