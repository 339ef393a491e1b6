"""Headings as the vocabulary has them: alone, beside words that change nothing, of one specialty, or as components."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from mapping.elements import part_of
from mapping.sections import SECTIONS
from mapping.vocabulary.abbreviations import ABBREVIATIONS
from mapping.vocabulary.belonging import HISTORIES
from mapping.vocabulary.components import COMPONENTS, FOCUSED, PLAINLY, SPECIALTY, WHERE
from mapping.vocabulary.others import NEUTRAL, PERSONS
from mapping.vocabulary.phrases import OTHER, Entry, look
from mapping.vocabulary.rungs import Rung
from mapping.vocabulary.words import bag, stems

# Of the rest a list of components is for a part only.
_COMPOSING = {"vital_signs": Rung.COMPOSED, "social_history": Rung.PARTLY}
_IMAGES = frozenset({"imaging", "xray", "radiology"})
_ANY_RESULT = frozenset({"lab", "test", "testing", "data", "result", "diagnostic"})
_MOST_SPARE = 6  # words that change nothing are looked past; every further one doubles the ways to look


def at_least(entry: Entry, rung: Rung) -> Entry:
    """The entry, no surer than `rung`."""
    return replace(entry, rung=max(entry.rung, rung))


def meant(words: tuple[str, ...]) -> tuple[Entry, ...]:
    """Known words, or known ones beside words that change nothing ("Patient's …", "… notes")."""
    exact = look(bag(words))
    if exact:
        return exact
    whole = bag(words[1:] if words[:1] and words[0] in PERSONS else words)
    spare = sorted(whole & NEUTRAL)[:_MOST_SPARE]
    for size in range(len(spare) + 1):
        looked = [entries for left_out in combinations(spare, size) if (entries := look(whole - set(left_out)))]
        if looked:  # "Data notes" are data rather than notes
            found = min(looked, key=lambda entries: OTHER in entries)
            return tuple(at_least(entry, Rung.COMPOSED) for entry in found)
    return ()


def components(parts: Sequence[str]) -> tuple[Entry, ...]:
    """Two and more of the things that a section consists of: "Tobacco / Alcohol / Drugs"."""
    if len(parts) == 1:
        parts = parts[0].split()
    said = [" ".join(word for word in stems(part) if word not in NEUTRAL) for part in parts]
    named = [part for part in said if part]
    for code, phrases in COMPONENTS.items():
        if len(set(named) - {"history"}) > 1 and all(part in phrases or part == "history" for part in named):
            rung = _COMPOSING.get(code, Rung.ONLY)
            return (Entry(code, rung, part_of(code, stems(" ".join(parts)))),)
    return ()


def of_family(parts: Sequence[str]) -> tuple[Entry, ...]:
    """ "Family ocular and medical history" is all of the family, and so is "Family history of cancer"."""
    words = stems(" ".join(parts))
    several = len(parts) > 1 and bool(meant(stems(parts[0])))
    if several or words[:1] != ("family",) or "history" not in words or "social" in words:
        return ()
    whole = "medical" in words and set(words) <= {"family", "history", "medical"} | SPECIALTY
    return (Entry("family_history", Rung.PARTLY if whole else Rung.ONLY),)


def focused(words: tuple[str, ...]) -> tuple[Entry, ...]:
    """A heading of one specialty: "Chief urologic complaint", "Knee exam", "Skin exam by site"."""
    beside = SPECIALTY | WHERE if "exam" in words else SPECIALTY
    kept = tuple(word for word in words if word not in beside)
    if not kept or kept == words:
        return ()
    return tuple(
        at_least(entry, Rung.PARTLY if entry.code in PLAINLY else Rung.ONLY)
        for entry in meant(kept)
        if entry.code in FOCUSED
    )


def all_abbreviated(words: Sequence[str]) -> bool:
    """Whether each of these is letters for a section of its own: "PMH FH SH"."""
    read = [meant(stems(word)) if len(ABBREVIATIONS.get(word, ())) > 1 else () for word in words]
    codes = [entries[0].code for entries in read if len(entries) == 1 and entries[0].rung <= Rung.SAID]
    return len(words) > 1 and len(set(codes)) == len(words) and set(codes) <= SECTIONS.keys()


def all_short(words: Sequence[str]) -> bool:
    """Whether these are abbreviations of one to three letters: "PA FC FR T Sat", "G P A V"."""
    return len(words) > 2 and all(len(word.strip(".,")) <= 3 for word in words)


def merged(entries: Sequence[Entry]) -> Entry:
    """The surest of several entries for one code; two parts of it are the whole."""
    best = min(entries, key=lambda entry: entry.rung)
    parts = {entry.part for entry in entries if entry.rung < Rung.ONLY}
    if parts == {1} and any(entry.rung == Rung.ONLY for entry in entries):  # "Urinalysis / Imaging" are results
        parts = set()
    return replace(best, part=best.part if len(parts) == 1 else None)


def imaged(entry: Entry, words: frozenset[str]) -> Entry:
    """Results of which only images are named: "Imaging and cardiac studies" is for that part of them."""
    whole = entry.code == "results" and entry.part is None
    return replace(entry, part=1) if whole and words & _IMAGES and not words & _ANY_RESULT else entry


def settled(entries: tuple[Entry, ...], beside: Sequence[tuple[Entry, ...]]) -> tuple[Entry, ...]:
    """ "SHx" is social beside family history, and surgical beside medical history alone."""
    codes = {entry.code for entry in entries}
    around = {entry.code for others in beside for entry in others if len(others) == 1}
    if codes == {"past_medical_history", "medications"} and around & {"past_surgical_history", "family_history"}:
        return (Entry("past_medical_history", Rung.COMPOSED),)  # "Med hx/surgeries"
    if codes != {"past_surgical_history", "social_history"}:
        return entries
    if "family_history" in around or "past_surgical_history" in around:
        return (Entry("social_history", Rung.COMPOSED),)
    return entries


def outdone(listed: list[Entry], ordered: bool) -> list[Entry]:
    """Beside orders labs are ordered, beside a plan prescriptions are written; procedures beside surgeries are past.

    So are diagnoses: "Diagnoses/Surgeries/Social" is a history.
    """
    sure = {entry.code for entry in listed if entry.rung < Rung.PERHAPS}
    only = {"results"} if ordered or "orders" in sure else set()
    only |= {"procedures", "diagnoses"} if any(entry.code == "past_surgical_history" for entry in listed) else set()
    written = {"medications"} if "plan" in sure else set()
    return [
        replace(entry, rung=Rung.PERHAPS)
        if entry.code in only or (entry.code in written and entry.rung >= Rung.SECOND)
        else entry
        for entry in listed
    ]


def of_histories(parts: Sequence[str], read: list[tuple[Entry, ...]]) -> list[tuple[Entry, ...]]:
    """ "Surg" among histories is the surgical history: "PMH/Surg/Imm"."""
    named = {entry.code for entries in read for entry in entries if entry.rung < Rung.ONLY}
    if not named or not named <= HISTORIES:
        return read
    longer = [meant((*stems(part), "history")) for part in parts]
    return [
        whole if entries and whole and entries[0].rung == Rung.ONLY and entries[0].code == whole[0].code else entries
        for entries, whole in zip(read, longer, strict=True)
    ]


def surer(longer: tuple[Entry, ...], alone: tuple[Entry, ...], governed: bool) -> tuple[Entry, ...]:
    """A part read with the last one's noun, unless it is surer by itself: "Follow-up & instructions".

    A `governed` one is not: "Reason for consultation / follow-up".
    """
    if governed and longer:
        return longer
    rungs = [min((entry.rung for entry in found), default=Rung.SPARE) for found in (longer, alone)]
    return alone if rungs[1] < rungs[0] and OTHER not in alone else longer or alone


def histories(parts: Sequence[str]) -> tuple[str, ...]:
    """The noun that goes without saying in "Past Medical/Surgical" and "Medical, Family, Social"."""
    longer = [meant((*stems(part), "history")) for part in parts]
    told = [entry.code for entries in longer for entry in entries if entry.rung < Rung.ONLY]
    return ("history",) if len(told) == len(parts) == len(set(told)) and set(told) <= HISTORIES else ()
