"""Labels that say what a section is about: "Stents, CABG" are operations, "Flu / Tdap" vaccines; "Eye impression"."""

import re
from collections.abc import Iterator, Sequence

from mapping.vocabulary.elements import KINDS, LONGEST_PHRASE
from mapping.vocabulary.nouns import NOUNS
from mapping.vocabulary.others import CHANGING, NEUTRAL
from mapping.vocabulary.phrases import Entry
from mapping.vocabulary.questions import ASKED
from mapping.vocabulary.rungs import Rung
from mapping.vocabulary.signs import FILLING, LISTED, SIGNS, Sign
from mapping.vocabulary.words import stems

_PARTS = re.compile(r"\s*(?:[/,;&+():?]|\s[-–—]\s|\band\b|\bor\b|\bw/)\s*")
# What a list of one kind is for. Parts of the body alone are examined, asked about, or operated on: they say nothing.
_LISTS = {
    "vital": "vital_signs",
    "habit": "social_history",
    "vaccine": "immunizations",
    "finding": "results",
    "exam": "physical_exam",
    "operation": "past_surgical_history",
    "drug": "medications",
    "birth": "birth_history",
    "growing": "developmental_history",
    "story": "history_of_present_illness",
    "done": "procedures",
}
_LEAST_EXAMINED = 2
_LEAST_LISTED = 3
_TAKEN = frozenset({"sent", "collected", "drawn", "requested", "needed", "scheduled", "obtain"})
Phrases = list[tuple[tuple[str, ...], frozenset[str]]]


def read(text: str) -> tuple[Entry, ...]:
    """What the words of a plain text are about, where they leave no doubt; else ()."""
    return signed(stems(text)) or enumerated(text)


def signed(words: Sequence[str]) -> tuple[Entry, ...]:
    """The section whose sign stands among words of its kind: "Cardiac impression", "Relatives with early CAD"."""
    found = next((sign for sign in (*SIGNS, *NOUNS) if _fits(sign, words)), None)
    return (Entry(found.code, found.rung, part_of(found.code, words)),) if found else ()


def asked(words: Sequence[str]) -> tuple[Entry, ...]:
    """What a question is for by the verbs in it: "What do we think and what are we going to do?" """
    found = [Entry(sign.code, sign.rung) for sign in ASKED if _fits(sign, words)]
    if {"assessment", "plan"} <= {entry.code for entry in found}:
        found.append(Entry("assessment_and_plan", Rung.PARTLY))
    return tuple(found)


def part_of(code: str, words: Sequence[str]) -> int | None:
    """Labs and images are the two parts of the results, as GYN and OB history are (vocabulary/headings.py)."""
    if code == "ob_gyn_history":
        named = [part for part, word in enumerate(("gynecologic", "obstetric")) if word in words]
        return named[0] if len(named) == 1 else None
    kinds = [kinds & {"lab", "image"} for _, kinds in phrased(words)[0]] if code in ("results", "orders") else []
    only = frozenset.intersection(*kinds) if kinds else frozenset()
    return ("lab", "image").index(next(iter(only))) if len(only) == 1 else None


def _fits(sign: Sign, words: Sequence[str]) -> bool:
    said = set(words)
    if sign.last and not any(set(words[-1:]) <= head for head in sign.heads):
        return False
    return not said & sign.never and any(head <= said and _goes_with(sign, words, head) for head in sign.heads)


def _goes_with(sign: Sign, words: Sequence[str], head: frozenset[str]) -> bool:
    phrases, unknown = phrased([word for word in words if word not in head])
    beside = [kinds for phrase, kinds in phrases if not set(phrase) <= sign.more]
    if sum(bool(kinds & sign.beside) for _, kinds in phrases) < sign.least:
        return False
    if sign.needs and not any(kinds & sign.needs for _, kinds in phrases):
        return False
    if unknown & CHANGING - {"history"} - sign.more:
        return False
    if sign.last:
        return len(unknown - FILLING) <= 1
    return sign.anything or (unknown - FILLING <= sign.more and all(kinds & sign.beside for kinds in beside))


def enumerated(text: str) -> tuple[Entry, ...]:
    """The section that two and more parts of a label are of, where none is of another."""
    parts = [words for part in _PARTS.split(text) if (words := stems(part))]
    if any((CHANGING - LISTED) & phrased(words)[1] for words in parts):
        return ()
    sorts = [_sorts(words) for words in parts]
    known = [kinds for kinds in sorts if kinds is not None and kinds]
    unknown = sum(kinds is not None and not kinds for kinds in sorts)
    shared = frozenset.intersection(*known) & _LISTS.keys() if len(known) > 1 else frozenset()
    if _TAKEN & {word for words in parts for word in words}:  # "Pap/cultures sent" has no result yet
        shared -= {"finding"}
    if sum("maneuver" in kinds for kinds in known) < _LEAST_EXAMINED:
        shared -= {"exam"}
    if len(shared) != 1 or unknown * 2 > len(known):
        return ()
    code = _LISTS[next(iter(shared))]
    return (Entry(code, Rung.CONTENT, part_of(code, [word for words in parts for word in words])),)


def lists_body(text: str) -> bool:
    """Whether a text only lists parts of the body: examined, asked about or operated on, as it stands."""
    parts = [words for part in _PARTS.split(text) if (words := stems(part))]
    return len(parts) >= _LEAST_LISTED and all("body" in (_sorts(words) or ()) for words in parts)


def _sorts(words: tuple[str, ...]) -> frozenset[str] | None:
    """The kinds that all of a part's phrases may be of; empty where it has an unknown word, None where it is idle."""
    phrases, unknown = phrased(words)
    if unknown - FILLING or not phrases:
        return frozenset() if unknown - FILLING else None
    listed = [_listed(kinds) for _, kinds in phrases]
    found = [kinds for kinds in listed if "finding" in kinds]  # "Thyroid US" is an image, wherever it is taken
    where = all(kinds & {"body", "place"} for kinds in listed if kinds not in found)
    return frozenset.intersection(*(found if found and where else listed))


def _listed(kinds: frozenset[str]) -> frozenset[str]:
    """Labs and images are both findings; what is examined is a part of the body or a way to examine it."""
    wider = {"finding": {"lab", "image"}, "exam": {"body", "maneuver"}}
    return kinds | {name for name, narrower in wider.items() if kinds & narrower}


def phrased(words: Sequence[str]) -> tuple[Phrases, set[str]]:
    """The longest known phrases in the words, each with its kinds, and the words that are in none and say something."""
    phrases, unknown, at = [], set(), 0
    while at < len(words):
        found = next(_from(words, at), None)
        if found:
            phrases.append((found, KINDS[found]))
        elif words[at] not in NEUTRAL:
            unknown.add(words[at])
        at += len(found) if found else 1
    return phrases, unknown


def _from(words: Sequence[str], at: int) -> Iterator[tuple[str, ...]]:
    tried = (tuple(words[at : at + size]) for size in range(LONGEST_PHRASE, 0, -1))
    return (phrase for phrase in tried if phrase in KINDS)
