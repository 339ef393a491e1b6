"""A label becomes the words it stands for: "2. PMHx:" is past medical history, "Alergies" allergy."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz.distance import OSA

from mapping.vocabulary.abbreviations import ABBREVIATIONS, BRITISH, SIGNED
from mapping.vocabulary.others import STOP

LONGEST = 200
_SIGNED = [(re.compile(rf"(?<![^\W_]){pattern}(?![^\W_])"), f" {said} ") for pattern, said in SIGNED.items()]
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NUMBERING = re.compile(r"^\s*(?:\d{1,3}|[ivx]{1,4}|[a-z])[.)]\s+(?=\S)", re.IGNORECASE)
_PLURAL = re.compile(r"\((?:e?s|ies)\)", re.IGNORECASE)
_INITIALS = re.compile(r"\b(?:[^\W\d_]\.\s?){2,}", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
# A shorter word has too many neighbours to guess at.
_SHORTEST_GUESS = 5
_SHORTEST_COMPOUND = 8


def plain(label: str) -> str:
    """A label in small letters, without numbering and apostrophes, signs such as A/P and F/U spelled out."""
    text = unicodedata.normalize("NFKC", label[:LONGEST]).replace("’", "'").replace("'s ", " ").replace("'", "")
    text = _CAMEL.sub(" ", _PLURAL.sub("", text)) if _is_camel(text) else _PLURAL.sub("", text)
    text = _INITIALS.sub(lambda found: found[0].replace(".", "").replace(" ", "") + " ", text)
    text = _NUMBERING.sub("", text).casefold().replace("_", " ")
    for pattern, said in _SIGNED:
        text = pattern.sub(said, text)
    return " ".join(text.split())


def _is_camel(text: str) -> bool:
    """Whether capitals divide words: "ChiefComplaint", but not "PMHx" and "SocHx", which are single words."""
    return any(len(word) >= _SHORTEST_COMPOUND and _CAMEL.search(word) for word in text.split())


def stems(text: str) -> tuple[str, ...]:
    """The words of a plain text: abbreviations spelled out, plurals and spellings made equal, joints left out."""
    said: list[str] = []
    for word in _WORD.findall(text):
        said.extend(_spelled(word))
    return tuple(word for word in said if word not in STOP and not word.isdigit())


def bag(words: Iterable[str]) -> frozenset[str]:
    """Words without order and repetition: "History, Past Medical" is "Past Medical History"."""
    return frozenset(words)


@lru_cache(maxsize=4096)
def _spelled(word: str) -> tuple[str, ...]:
    for british, american in BRITISH.items():
        word = word.replace(british, american)
    long = ABBREVIATIONS.get(word)
    if long is None:
        single = _singular(word)
        long = ABBREVIATIONS.get(single, [single])
    return tuple(long)


def _singular(word: str) -> str:
    if len(word) <= 3 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


class Spelling:
    """Guesses what a misspelt or run-together word was meant to be, among the words it is given."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = frozenset(known) | frozenset(ABBREVIATIONS) | STOP
        self._long = tuple(sorted(word for word in self._known if len(word) >= _SHORTEST_GUESS - 1))

    def corrected(self, text: str) -> str:
        """The text with unknown words replaced where exactly one known word is near; else as it is."""
        return _WORD.sub(lambda found: self._corrected(found[0]), text)

    def _corrected(self, word: str) -> str:
        if len(word) < _SHORTEST_GUESS or not word.isalpha() or self._is_known(word):
            return word
        return self._divided(word) or self._nearest(word) or self._nearest(_singular(word)) or word

    def _is_known(self, word: str) -> bool:
        return word in self._known or bool(self._known & set(_spelled(word)))

    def _nearest(self, word: str) -> str:
        allowed = 1 if len(word) < 8 else 2
        near: dict[int, dict[tuple[str, ...], str]] = {}
        for known in self._long:
            distance = OSA.distance(word, known, score_cutoff=allowed)
            if distance <= allowed and known[0] == word[0]:
                near.setdefault(distance, {}).setdefault(_spelled(known), known)
        closest = near[min(near)] if near else {}
        return next(iter(closest.values())) if len(closest) == 1 else ""

    def _divided(self, word: str) -> str:
        """The words a compound is made of ("pastmedicalhx"), or "" where it is none."""
        if len(word) < _SHORTEST_COMPOUND:
            return ""
        best: list[str | None] = [""] + [None] * len(word)
        for end in range(2, len(word) + 1):
            for start in range(max(0, end - 20), end - 1):
                before, last = best[start], word[start:end]
                if before is not None and last in self._known and (len(last) > 2 or last in ("hx", "of")):
                    best[end] = f"{before} {last}".strip()
                    break
        return best[-1] or ""
