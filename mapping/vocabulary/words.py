"""A label becomes the words it stands for: "2. PMHx:" is past medical history, "Alergies" allergy."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz.distance import OSA

from mapping.vocabulary.abbreviations import ABBREVIATIONS, BRITISH, SIGNED
from mapping.vocabulary.others import STOP
from mapping.vocabulary.spanish import JOINTS, LETTERS, WORDS

LONGEST = 200
_SIGNED = [(re.compile(rf"(?<![^\W_]){pattern}(?![^\W_])"), f" {said} ") for pattern, said in SIGNED.items()]
# "AssessmentICD", and "USResults" after it.
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z]{2})(?=[A-Z][a-z]{3})")
# The kind of control before a name: "txtHPI", "grdVitals". Not "chk": a box to tick takes no section.
_CONTROL = re.compile(r"(?<![^\W_])(?:txt|lst|grd|cbo|cmb|ddl|mem)[_ ]?(?=[A-Z])")
_NUMBERING = re.compile(
    r"^\s*(?:(?:\d{1,3}(?:\.\d{1,2})*[a-z]?|[ivx]{1,4}|[a-z])[.)]|\d{1,2}(?:\.\d{1,2})+)\s+(?=\S)", re.IGNORECASE
)
# Type letters of an identifier: "f_hpi_memo", "OBGYN_HX_F".
_TYPED = re.compile(r"^(?:[ftx]_)?([^\W_]+(?:_[^\W_]+)+?)(?:_[bcfnt])?$", re.IGNORECASE)
_SOAP = re.compile(r"^\s*[soap]\s*[-–—:]\s+(?=\S)", re.IGNORECASE)
_PLURAL = re.compile(r"\((?:e?s|ies)\)", re.IGNORECASE)
_INITIALS = re.compile(r"\b(?:[^\W\d_]\.\s?){2,}(?:[^\W\d_]\b)?", re.IGNORECASE)
# "HPIText" and "rosNotes" are no words whose capitals divide them, but for their endings.
_ENDING = re.compile(r"(?<=[^\W_])(?=(?:FreeText|Text|Txt|Notes?|Narrative|Comments?)(?![a-z]))")
# "12 pt ROS", "ROS x 14", "as per HPI": how many systems were asked for, and what was told before, changes nothing;
# nor does the record that it is taken from, nor that there may be nothing to tell.
_TELLING = (
    r"(?:patients?|pts?|parents?|mom|mother|dad|father|famil(?:y|ies)|caregivers?|guardian|staff|spouse|ems|nursing)"
)
_COUNTED = re.compile(
    r"\b\d{1,2}(?:\+|\s*-\s*\d{1,2})?\s*-?\s*(?:pts?|points?|systems?)\b(?!\s+review)|\bx\s?\d{1,2}\b"
    r"|\b(?:as\s+)?(?:per|see|in)\s+hpi\b"
    rf"|\bper\s+(?:the\s+)?{_TELLING}\b|\bfrom\s+(?:the\s+)?(?:[a-z]+\s+)?(?:records?|chart)\b"
    r"|\bper\s+(?:the\s+)?(?:e?mar|e[hm]r|chart|facility)\b"
    r"|\bor\s+unable\s+(?:to\s+\w+\s+)?(?:due|secondary)\s+to\s+\w+|\bnon-?contributory\s*(?:/|or)\s*other\b"
    r"|\(?\s*\b(?:with|w/|and|&|incl(?:uding)?\.?)\s+(?:approx(?:imate)?\.?\s+)?(?:dates|years)\b\s*\)?|\((?:dates|years)\)"
    r"|\b(?:in\s+|over\s+)?(?:the\s+)?(?:last|past)\s+\d{1,3}\s+(?:day|week|wk|month|mo|year|yr)s?\b"
)
_NUMBERED = re.compile(r"([a-z]{2,})\d{1,2}")
_WORD = re.compile(r"[^\W_]+")
# A shorter word has too many neighbours to guess at.
_SHORTEST_GUESS = 5
_SHORTEST_COMPOUND = 8
_JOINTS = STOP | frozenset(JOINTS.split())
# English first: of words spelled alike, the English one is meant.
_LONG_FORMS: dict[str, list[str]] = WORDS | {short: long.split() for short, long in LETTERS.items()} | ABBREVIATIONS


@lru_cache(maxsize=8192)
def plain(label: str) -> str:
    """A label in small letters, without numbering and apostrophes, signs such as A/P and F/U spelled out."""
    text = unicodedata.normalize("NFKC", label[:LONGEST]).replace("’", "'").replace("'s ", " ").replace("'", "")
    text = _ENDING.sub(" ", _TYPED.sub(r"\1", _unaccented(text)))
    text = _WORD.sub(lambda found: _divided_camel(found[0]), _PLURAL.sub("", text))
    text = _CONTROL.sub("", text)
    text = _INITIALS.sub(lambda found: found[0].replace(".", "").replace(" ", "") + " ", text)
    text = _SOAP.sub("", _NUMBERING.sub("", text)).casefold().replace("_", " ")
    text = _COUNTED.sub(" ", text)
    for pattern, said in _SIGNED:
        text = pattern.sub(said, text)
    return " ".join(text.split())


def _unaccented(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))


def _divided_camel(word: str) -> str:
    """Capitals divide a long word: "ChiefComplaint", but not "PMHx", "SocHx" and "EtOH", which are single words.

    A short one they divide where it is none by itself and each piece is: "MedList", "DxCodes".
    """
    if len(word) >= _SHORTEST_COMPOUND:
        return _CAMEL.sub(" ", word)
    pieces = _CAMEL.sub(" ", word).split()
    apart = word.casefold() not in _LONG_FORMS and all(map(_stands_alone, pieces))
    return " ".join(pieces) if apart else word


def _stands_alone(piece: str) -> bool:
    return piece.isalpha() and (len(piece) > 2 or piece.casefold() in _LONG_FORMS or piece.casefold() in STOP)


@lru_cache(maxsize=8192)
def stems(text: str) -> tuple[str, ...]:
    """The words of a plain text: abbreviations spelled out, plurals and spellings made equal, joints left out."""
    said: list[str] = []
    for word in _WORD.findall(text):
        said.extend(_spelled(word))
    return tuple(word for word in said if word not in _JOINTS and not word.isdigit())


def bag(words: Iterable[str]) -> frozenset[str]:
    """Words without order and repetition: "History, Past Medical" is "Past Medical History"."""
    return frozenset(words)


@lru_cache(maxsize=4096)
def _spelled(word: str) -> tuple[str, ...]:
    for british, american in BRITISH.items():
        word = word.replace(british, american)
    numbered = _NUMBERED.fullmatch(word)
    if numbered and numbered[1] in _LONG_FORMS:  # "cc1", "icd10"
        word = numbered[1]
    for form in (word, _singular(word)):
        if form in _LONG_FORMS:
            return tuple(_LONG_FORMS[form])
    if word.endswith("es") and word[:-2] in WORDS:  # "vitales", "instrucciones"
        return tuple(WORDS[word[:-2]])
    return (_singular(word),)


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

    def __init__(self, known: frozenset[str], right: frozenset[str] = frozenset()) -> None:
        """`right`: words that are no slips of others, and that nothing is a slip of."""
        self._english = known | frozenset(ABBREVIATIONS) | STOP
        self._known = self._english | frozenset(WORDS) | frozenset(LETTERS) | _JOINTS | right
        short = {word for word in ABBREVIATIONS if len(word) <= _SHORTEST_GUESS}  # "sigs" is no slip of "signs"
        self._long = [
            tuple(sorted(word for word in words if len(word) >= _SHORTEST_GUESS - 1))
            for words in ((self._english - short) | known, frozenset(WORDS))
        ]

    def corrected(self, text: str) -> str:
        """The text with unknown words replaced where exactly one known word is near; else as it is."""
        return _WORD.sub(lambda found: self._corrected(found[0]), text)

    def _corrected(self, word: str) -> str:
        if len(word) < _SHORTEST_GUESS or not word.isalpha() or self._is_known(word):
            return word
        return self._divided(word) or self._near(word) or word

    def _is_known(self, word: str) -> bool:
        return word in self._known or bool(self._known & set(_spelled(word)))

    def _near(self, word: str) -> str:
        """The English word it is near to, or else the Spanish one."""
        tried = ((form, words) for words in self._long for form in (word, _singular(word)))
        return next((found for form, words in tried if (found := _nearest(form, words))), "")

    def _divided(self, word: str) -> str:
        """The words a compound is made of ("pastmedicalhx"), or "" where it is none."""
        if len(word) < _SHORTEST_COMPOUND:
            return ""
        best: list[str | None] = [""] + [None] * len(word)
        for end in range(2, len(word) + 1):
            for start in range(max(0, end - 20), end - 1):
                before, last = best[start], word[start:end]
                if before is not None and last in self._english and (len(last) > 2 or last in ("hx", "of")):
                    best[end] = f"{before} {last}".strip()
                    break
        return best[-1] or ""


def _nearest(word: str, among: Iterable[str]) -> str:
    """The one word of these a slip away, or two in a long word whose beginning is right."""
    allowed = 1 if len(word) < 8 else 2
    near: dict[int, dict[tuple[str, ...], str]] = {}
    for known in among:
        distance = OSA.distance(word, known, score_cutoff=allowed)
        if distance <= allowed and known[:distance] == word[:distance]:
            near.setdefault(distance, {}).setdefault(_spelled(known), known)
    closest = near[min(near)] if near else {}
    return next(iter(closest.values())) if len(closest) == 1 else ""
