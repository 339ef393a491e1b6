"""What one label of a template means: the sections its field would take, how surely, and why, in plain words."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from mapping import elements
from mapping.phrasing import (
    all_abbreviated,
    all_short,
    at_least,
    components,
    focused,
    histories,
    imaged,
    meant,
    merged,
    of_family,
    of_histories,
    outdone,
    settled,
    surer,
)
from mapping.sections import SECTIONS, name_of
from mapping.vocabulary.belonging import goes_with
from mapping.vocabulary.components import SPECIALTY, WHERE
from mapping.vocabulary.headings import CONTAINERS
from mapping.vocabulary.others import CHANGING, COLUMNS, IDLE, ITEMS, LASTING, NEUTRAL
from mapping.vocabulary.phrases import OTHER, SPELLING, Entry, look, within
from mapping.vocabulary.questions import asks, shortened, ticks
from mapping.vocabulary.rungs import Rung
from mapping.vocabulary.spanish import FUNCTION_WORDS
from mapping.vocabulary.words import bag, plain, stems

_BRACKETS = re.compile(r"[(\[]([^)\]]*)[)\]]?")
_QUALIFIED = re.compile(r"\s*[:>|]\s*|\s+[-–—]+\s*|\s*[-–—]+\s+")
_LISTED = re.compile(r"\s*(?:[/,;&+]|\band\b|\bor\b|(?<=\w\w)\s[yeo]\s(?=\w\w))\s*")
# What follows only tells what belongs to it: "Allergies incl. latex" is read as "Allergies (latex)".
_INCLUDING = re.compile(
    r"[\s,;:–-]+(?:incl(?:\.|uding|udes?)?|e\.?g\.?|i\.?e\.?|such as|specifically|incluyendo|incluye)\s+(.+)$"
)
# The noun at the end of a list that goes for each of its parts: "Medical/Surgical History".
_SHARED = frozenset(
    {"history", "exam", "result", "order", "list", "instruction", "medication", "goal", "allergy", "immunization"}
)
# The word at its beginning that goes for each of them: "Past diagnoses and treatment".
_GOVERNING = frozenset({"reason", "past", "prior", "previous"})
# What follows a heading may name what it is made of: "Plan: meds, labs" is the plan.
_MADE_OF = {
    "plan": ("medications", "results", "orders", "goals", "patient_instructions", "follow_up"),
    "orders": ("results", "procedures"),
}
# "Referral #" is a number, "HPI obtained from" and "ROS reviewed by" are persons, and so is "Referred to".
_NO_TEXT = re.compile(
    r"#[ :]*$|\b(?:by|from)[ :.?]*$|^ref+er+ed\s+to\b|\bproblem\s*#?\s*\d+$|\buds\s+(?:table|measure)\b"
    r"|\bcop(?:y|ies)\b.*\bto\b"
)
_GOES_ON = re.compile(r"\s+(?:con|en|para)\s+(?=\S)")
_GOING_ON = {"chief_complaint", "history_of_present_illness", "review_of_systems", "vital_signs", "plan", "follow_up"}
_DETAILED = {"chief_complaint", "history_of_present_illness"}
_LIST_FOLLOWS = re.compile(r"\s*:\s*|\s+[-–—]+\s+")
_BOTH = "assessment and plan"
CODED = frozenset({"icd", "code"})
_A, _P, _AP, _DX = "assessment", "plan", "assessment_and_plan", "diagnoses"


@dataclass(frozen=True)
class Meaning:
    """One section that a field may take. `why` is for people and quotes the label; `part` as in phrases.Entry."""

    code: str
    rung: Rung
    why: str
    part: int | None = None

    @property
    def sure(self) -> bool:
        return self.rung < Rung.PERHAPS


@dataclass(frozen=True)
class Read:
    """A label as read: its meanings, one per section, and the container it names ("subjective", "objective", "")."""

    meanings: tuple[Meaning, ...] = ()
    container: str = ""

    def of(self, code: str) -> Meaning | None:
        return next((meaning for meaning in self.meanings if meaning.code == code), None)


@lru_cache(maxsize=8192)
def read_label(label: str) -> Read:
    """What a label means by itself; nothing where it is unknown, or known to be none of the contract's sections."""
    text = plain(label)
    if _NO_TEXT.search(text) or ticks(text):
        return Read()
    said = _text(text)
    about = () if look(bag(stems(text))) else _spoken_of(text, said)
    if not about and not any(entry.rung < Rung.PERHAPS for entry in said) and (told := _told(text)):
        return _read(told, label)
    if about:
        perhaps = (entry for entry in said if entry.rung >= Rung.PERHAPS and entry.code != about[0].code)
        return _read((*about, *perhaps), label)
    corrected = SPELLING.corrected(text)
    if corrected != text and not any(entry.rung == Rung.CONTENT for entry in said):
        found = tuple(at_least(entry, Rung.SPELLED) for entry in _text(corrected))
        if found:
            return _read(found, label, corrected)
    return _read(said, label)


def _told(text: str) -> tuple[Entry, ...]:
    """What a question asks for, and what a heading says without where and by whom; () where that is not sure."""
    by_verb = elements.asked(stems(_BRACKETS.sub(" ", text))) if asks(text) else ()
    shorter = shortened(text)
    found = by_verb or ((_text(shorter) or elements.read(shorter)) if shorter != text else ())
    sure = any(entry.rung < Rung.PERHAPS for entry in found)
    return tuple(at_least(entry, Rung.PARTLY) for entry in found) if sure else ()


def _spoken_of(text: str, said: Sequence[Entry]) -> tuple[Entry, ...]:
    """What the label is about, where it names nothing surely; a list of one kind outdoes one known word in it."""
    if not any(entry.rung < Rung.PERHAPS for entry in said):
        return elements.read(text)
    sign = elements.signed(stems(text))
    if sign and sign[0].code not in {entry.code for entry in said} and len(said) == 1:
        return sign  # "Return to clinic with testing" is no result
    if any(entry.rung < Rung.PARTLY or entry.rung == Rung.CONTENT for entry in said):
        return ()
    listed = elements.enumerated(text)
    named = {entry.code for entry in said if entry.rung < Rung.PERHAPS}
    kinds = all(entry.rung == Rung.ONLY for entry in said if entry.rung < Rung.PERHAPS)
    return tuple(entry for entry in listed if kinds or entry.code not in named)


def _read(entries: Iterable[Entry], label: str, corrected: str = "") -> Read:
    """Sure container beside sections in one label ("Subjective/HPI"): the sections are meant, the container perhaps."""
    listed = tuple(entries)
    codes = [imaged(entry, bag(stems(plain(label)))) for entry in listed if entry.code in SECTIONS]
    container = next((entry.code for entry in listed if entry.code in CONTAINERS), "")
    together = [entry.code for entry in codes if entry.rung <= Rung.PARTLY and entry.code != _AP]
    meanings = (Meaning(entry.code, entry.rung, _why(entry, label, together, corrected), entry.part) for entry in codes)
    return Read(tuple(meanings), "" if any(entry.rung < Rung.PERHAPS for entry in codes) else container)


def _why(entry: Entry, label: str, together: Sequence[str], corrected: str) -> str:
    said = f"“{label}”"
    if entry.rung == Rung.NAME:
        own = plain(label).strip(" :") == plain(name_of(entry.code))
        return f"{said} is the section's own name." if own else f"{said} stands for {name_of(entry.code)}."
    if entry.rung == Rung.SPELLED:
        return f"{said} reads as “{corrected}”."
    if entry.rung == Rung.SECOND:
        return f"{said} is often used for it, and no field fits better."
    if entry.rung == Rung.CONTENT:
        return f"{said} names what belongs to it."
    if entry.rung == Rung.ONLY:
        return f"{said} is for a part or kind of it, and no other field is for it."
    if entry.rung == Rung.PERHAPS:
        return f"{said} may take it, or something else."
    if entry.rung == Rung.KIN:
        return f"{said} speaks of it, among words that may change the meaning."
    if len(together) > 1:
        return f"{said} holds {', '.join(name_of(code) for code in together)} together."
    if entry.rung == Rung.PARTLY:
        return f"{said} names it, beside words that are not known."
    return f"{said} is a usual heading for {name_of(entry.code)}."


def _text(text: str) -> tuple[Entry, ...]:
    """A plain text with its brackets: what stands outside counts; the inside confirms, narrows or changes it."""
    text = _INCLUDING.sub(r" (\1)", text)
    inside = " ".join(_BRACKETS.findall(text))
    outside = _BRACKETS.sub(" ", text).strip()
    if not inside.strip():
        return _qualified(outside)
    if not stems(outside):
        return _qualified(inside)
    outer, inner = _qualified(outside), _qualified(inside)
    together = look(bag(stems(text)))
    beside = {entry.code for entry in outer or inner}  # "Allergies (drug)" are drug allergies, "Sistemas (ROS)" are ROS
    if {entry.code for entry in together} & beside:
        return tuple(at_least(entry, Rung.COMPOSED) for entry in together)
    if any(entry.code in CONTAINERS for entry in outer):
        glossed = "," in inside and any(entry.rung > Rung.SECOND for entry in inner)  # "Objective (exam, signs)"
        if glossed or all(entry.rung > Rung.SECOND for entry in inner):  # "Objective (findings)"
            return outer
        return tuple(at_least(entry, Rung.COMPOSED) for entry in inner if entry != OTHER) + outer
    return _listing(f"{outside}: {inside}") or _bracketed(outer, inner, inside)


def _bracketed(outer: tuple[Entry, ...], inner: tuple[Entry, ...], inside: str) -> tuple[Entry, ...]:
    words, listed = bag(stems(inside)), ITEMS if "," in inside else frozenset()
    sure_inner = {entry.code for entry in inner if entry.rung < Rung.SECOND}
    codes = {entry.code for entry in outer}
    if sure_inner & codes - {""}:  # "Hx (HPI)", "ROS (Review of symptoms)"
        both = sorted((*outer, *inner), key=lambda entry: entry.rung, reverse=True)
        return tuple({entry.code: entry for entry in both if entry.code in sure_inner & codes}.values())
    if words <= NEUTRAL:
        return outer
    if sure_inner == {_DX} and words & CODED and codes <= {_A, _DX}:  # "Clinical impression (ICD-10)"
        return tuple(at_least(entry, Rung.PARTLY) for entry in (*inner, *outer))
    if sure_inner and not outer and all(entry.rung == Rung.NAME for entry in inner):  # "Relato de la madre (HPI)"
        return tuple(at_least(entry, Rung.PARTLY) for entry in inner)
    if inner and {entry.code for entry in inner} <= codes and "history" not in words:  # "Queja principal (reason)"
        said = {entry.code for entry in inner if entry.rung < Rung.PERHAPS}  # "SHx (social)"
        settled = [entry for entry in outer if entry.code in said and entry.rung == Rung.PERHAPS]
        if settled:
            return tuple(replace(entry, rung=Rung.PARTLY) for entry in settled)
        return tuple(at_least(entry, Rung.COMPOSED) for entry in outer)
    if words & LASTING:  # "(resolved and chronic)" are all there are
        listed = listed | {"resolved", "past", "inactive", "old"}
    if words & CHANGING - listed or (sure_inner - {""} and not codes | sure_inner <= {_A, _DX}):
        beside = [entry for entry in inner if entry != OTHER and entry.code not in codes]
        doubted = [at_least(entry, Rung.PERHAPS) for entry in outer if entry != OTHER]
        return (*doubted, *(at_least(entry, Rung.KIN if doubted else Rung.PERHAPS) for entry in beside))
    return tuple(at_least(entry, Rung.PARTLY) for entry in outer)


def _qualified(text: str) -> tuple[Entry, ...]:
    """A text whose words dashes and colons may divide: "Plan - Follow up", "Hx: Family", "HPI - History of …"."""
    pieces = [piece for piece in _QUALIFIED.split(text) if stems(piece)]
    while len(pieces) > 1 and bag(stems(pieces[-1])) <= IDLE:  # "Treatment > Notes"
        pieces.pop()
    if len(pieces) < 2:
        return _listed(pieces[0]) if pieces else ()
    first, last = _listed(pieces[0]), _listed(pieces[-1])
    codes = [{entry.code for entry in entries} for entries in (first, last)]
    named = _listing(text)
    if named or OTHER in last:
        return named or (OTHER,)
    if first == last or (codes[0] & codes[1] and len(pieces) == 2):
        lists = len(codes[1]) > 1 and all(entry.rung >= Rung.PERHAPS for entry in first)  # "Hx: PMH FH SH"
        return tuple(at_least(entry, Rung.COMPOSED) for entry in last) if lists else _agreed(first, last)
    whole = meant(stems(" ".join(pieces)))
    if len(pieces) > 2:  # a path, such as "Assessment - Plan - Treatment"
        first = _listed(" ".join(pieces[:-1]))
    elif whole:
        return tuple(at_least(entry, Rung.COMPOSED) for entry in whole)
    tail = " ".join(pieces[1:])
    return _headed(first, last, bag(stems(tail)), bool(FUNCTION_WORDS & set(tail.split())))


def _listing(text: str) -> tuple[Entry, ...]:
    """A sure heading before a colon or dash, and after it what it is about: "Exam: heart, lungs", "Signs: BP HR RR"."""
    head, tail = (*_LIST_FOLLOWS.split(text, maxsplit=1), "")[:2]
    short = tail.split()
    parts = short if all_short(short) else [part for part in _LISTED.split(tail) if stems(part)]
    words = bag(stems(tail))
    if len(parts) < 2 or words & CHANGING or "history" in words or _QUALIFIED.search(tail):
        return ()
    first = _listed(head)
    if all(entry.rung >= Rung.ONLY for entry in first):
        first = meant((*stems(head), "history"))
    if any(entry.rung > Rung.SECOND or entry.code not in SECTIONS for entry in first):
        return ()
    if (
        {entry.code for entry in first} == {"problem_list"}
        and (told := elements.enumerated(tail))
        and told[0].code == "history_of_present_illness"
    ):
        return told  # "Describe the current problem: onset, duration, severity"
    listed = [meant(stems(part)) for part in parts]
    beside = {entry.code for entries in listed for entry in entries if entry.rung < Rung.PERHAPS and entry != OTHER}
    own = {entry.code for entry in first}
    allowed = own.union(*(_MADE_OF.get(code, ()) for code in own))
    if beside - allowed or ("," not in tail and any(OTHER in entries for entries in listed)):
        return ()
    known = all(entries and {entry.code for entry in entries} <= own for entries in listed)
    return tuple(at_least(entry, Rung.COMPOSED if known else Rung.PARTLY) for entry in first)


def _agreed(first: tuple[Entry, ...], last: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """What both pieces say, as sure as the surer of them: "HPI - History of …", "Histories - Past Medical"."""
    rung = Rung.NAME if any(entry.rung < Rung.PERHAPS for entry in last) else Rung.COMPOSED
    codes = {entry.code for entry in first} & {entry.code for entry in last}
    surest = sorted((*last, *first), key=lambda entry: entry.rung, reverse=True)
    return tuple({entry.code: at_least(entry, rung) for entry in surest if entry.code in codes}.values())


def _headed(first: tuple[Entry, ...], last: tuple[Entry, ...], tail: frozenset[str], gloss: bool) -> tuple[Entry, ...]:
    """The last piece counts where it goes with the first; the first where the last says nothing, or glosses it."""
    if {entry.code for entry in first} <= {"problem_list"} and first and tail <= SPECIALTY:  # "Problem list - OB"
        return tuple(at_least(entry, Rung.ONLY) for entry in first)
    if first and len(tail) > 1 and tail <= COLUMNS and all(entry.rung <= Rung.ONLY for entry in first):
        return tuple(at_least(entry, Rung.PARTLY) for entry in first)  # "Surgical History > Date/Reason"
    if last:
        fits = not first or goes_with({entry.code for entry in first}, last)
        if not fits and all(entry.rung >= Rung.SECOND for entry in last):  # "Allergies - Food/Drug"
            return tuple(at_least(entry, Rung.PARTLY) for entry in first)
        return tuple(at_least(entry, Rung.COMPOSED if fits else Rung.PERHAPS) for entry in last)
    if tail <= NEUTRAL:
        return first
    if {entry.code for entry in first} <= _DETAILED and not tail & CHANGING:  # "CC - body part", "HPI - onset"
        return tuple(at_least(entry, Rung.ONLY) for entry in first)
    if {entry.code for entry in first} == {"physical_exam"} and tail <= SPECIALTY | WHERE | NEUTRAL:
        return tuple(at_least(entry, Rung.ONLY) for entry in first)  # "Exam - R shoulder"
    if gloss and not tail & CHANGING and all(entry.rung < Rung.SECOND for entry in first):
        return tuple(at_least(entry, Rung.PARTLY) for entry in first)
    return tuple(at_least(entry, Rung.KIN) for entry in first if entry.code in SECTIONS)


def _listed(text: str) -> tuple[Entry, ...]:
    """One heading, or several that signs or "and" divide: each part means its own, the last one's noun goes for all."""
    exact = meant(stems(text))
    parts = [part for part in _LISTED.split(text) if stems(part)]
    if not exact and len(parts) == 1 and all_abbreviated(text.split()):
        parts = text.split()
    if not exact and of_family(parts):
        return of_family(parts)
    divided = _together(parts) if len(parts) > 1 else ()
    if exact and not _says_more(divided, exact):
        sure = any(entry.rung < Rung.PERHAPS for entry in exact)
        return exact if sure or OTHER in exact else components(parts) or exact
    if not exact and _BOTH in text:
        divided = _narrowed(text.replace(_BOTH, " ")) or divided
    if not exact and [entry.code for entry in components(parts)] == ["social_history"]:  # "Tob/EtOH/Drugs"
        return components(parts)
    if divided and (exact or not _signed_alike(text, divided)):
        return divided + tuple(entry for entry in exact if entry.code not in {other.code for other in divided})
    return exact or _about(text, parts) or _told_on(text) or within(bag(stems(text)))


def _signed_alike(text: str, divided: tuple[Entry, ...]) -> bool:
    """Whether the parts are only kinds of what the whole has the sign of: "Abdominal and rectal exam"."""
    kinds = all(entry.rung == Rung.ONLY for entry in divided)
    return kinds and {entry.code for entry in divided} == {entry.code for entry in elements.signed(stems(text))}


def _about(text: str, parts: Sequence[str]) -> tuple[Entry, ...]:
    """What a heading without a name of its own is made of, or the surer of a kind of one and a sign of one."""
    found = [entries for entries in (focused(stems(text)), elements.signed(stems(text))) if entries]
    return components(parts) or min(found, key=lambda entries: entries[0].rung, default=())


def _narrowed(beside: str) -> tuple[Entry, ...]:
    """Assessment and plan beside other words: "Problem-oriented A/P" is both, "Fall risk A/P" another thing."""
    words = stems(beside)
    said = meant(words)
    if (said and said != (OTHER,)) or len([part for part in _LISTED.split(beside) if part]) > 1:
        return ()
    return (Entry(_AP, Rung.KIN if said or bag(words) & CHANGING else Rung.PARTLY),)


def _told_on(text: str) -> tuple[Entry, ...]:
    """A heading that goes on in Spanish: "HPI en orden cronológico", "Vitals con O2 sat"."""
    head, tail = (*_GOES_ON.split(text, maxsplit=1), "")[:2]
    if not tail or bag(stems(tail)) & CHANGING or OTHER in meant(stems(tail)):
        return ()
    found = meant(stems(head))
    whole = found and all(entry.rung < Rung.SECOND and entry.code in _GOING_ON for entry in found)
    return tuple(at_least(entry, Rung.PARTLY) for entry in found) if whole else ()


def _says_more(divided: tuple[Entry, ...], exact: tuple[Entry, ...]) -> bool:
    """ "Plan/Follow-up" is two headings, though "follow up plan" is one; "Assessment/Plan" is one all the same."""
    codes = {entry.code for entry in divided if entry.rung <= Rung.COMPOSED}
    if all(entry.rung >= Rung.PERHAPS for entry in exact):
        return bool(codes)
    return {entry.code for entry in exact} < codes and _AP not in codes


def _together(parts: Sequence[str]) -> tuple[Entry, ...]:
    """What the parts of a label mean together, where one of them surely means a section; else nothing."""
    noun = tuple(word for word in stems(parts[-1])[-1:] if word in _SHARED)
    head = tuple(word for word in stems(parts[0])[:1] if word in _GOVERNING)
    noun = noun or histories(parts)
    read = [
        surer(meant((*head, *stems(part), *noun)), meant(stems(part)), head == ("reason",))
        or focused(stems(part))
        or elements.signed(stems(part))
        for part in parts
    ]
    read = [settled(entries, read) for entries in read]
    read = of_histories(parts, read)
    listed = [entry for entries in read for entry in entries if entry != OTHER]
    if len({entry.code for entry in listed}) > 1:  # a part of one section beside another section is either's
        listed = [replace(entry, rung=Rung.PERHAPS) if entry.rung == Rung.ONLY else entry for entry in listed]
    listed = outdone(listed, noun == ("order",))
    if any(OTHER in entries for entries in read):  # "Screening result / score"
        listed = [replace(entry, rung=Rung.PERHAPS) if entry.rung == Rung.ONLY else entry for entry in listed]
    sure = {entry.code for entry in listed if entry.rung < Rung.PERHAPS}
    if not sure:
        return ()
    everywhere = all(entries and OTHER not in entries for entries in read)
    rung = Rung.COMPOSED if everywhere else Rung.PARTLY
    several = len({entry.code for entry in listed}) > 1 or not everywhere
    lowered = [at_least(entry, rung) if several else entry for entry in listed]
    if {_A, _P} <= sure:
        lowered.append(Entry(_AP, rung))
    return tuple(
        merged([entry for entry in lowered if entry.code == code]) for code in dict.fromkeys(e.code for e in lowered)
    )
