"""A label where it stands: the letters of SOAP, the group of fields around it, and the identifier of its field."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from mapping.elements import lists_body
from mapping.labels import CODED, Meaning, Read, read_label
from mapping.sections import name_of, normalise
from mapping.standing_in import ASSESSMENT, BOTH, DIAGNOSES, ORDERS, PLAN
from mapping.suggestion import STRUCTURED, TemplateField
from mapping.vocabulary.belonging import ordered_under, stands_in
from mapping.vocabulary.headings import OBJECTIVE, SUBJECTIVE
from mapping.vocabulary.others import GENERIC, NEUTRAL
from mapping.vocabulary.phrases import Entry
from mapping.vocabulary.rungs import Rung
from mapping.vocabulary.words import bag, plain, stems

# Beside a heading in a structured field they make a box to tick of it: "ROS reviewed", "Medications reconciled".
_TICKED = frozenset({"reviewed", "reconciled", "verified", "confirmed", "completed", "obtained", "discussed", "given"})
_BRACKETS = re.compile(r"[(\[][^)\]]*[)\]]?")
# Words that mean one of two sections: the first, where another field surely is for the second.
_EITHER = (
    ("history_of_present_illness", "past_medical_history", frozenset({"history"})),
    ("past_medical_history", "medications", frozenset({"med", "history"})),
    ("social_history", "past_surgical_history", frozenset({"shx"})),
    ("past_surgical_history", "social_history", frozenset({"shx"})),
    ("problem_list", "past_medical_history", frozenset({"chronic", "condition"})),
    ("problem_list", "past_medical_history", frozenset({"chronic", "illness"})),
)
REPORTED = frozenset({"report", "result", "finding", "value", "reviewed", "review", "read", "interpretation", "data"})
# These tick only at the end: "Vitals obtained by nursing" and "Instructions given to family" are no boxes.
_TICKED_LAST = frozenset({"obtained", "given"})
ROS, EXAM = "review_of_systems", "physical_exam"
_LETTERED = re.compile(r"^\s*([soap])\s*(?:[:–—-]\s+\S|:\s*$)", re.IGNORECASE)
# The letters of gravida, para, abortions: "A" and "P" among them are no assessment and plan.
_COUNTING = frozenset("gtl")
_LETTERS = {"s": SUBJECTIVE, "o": OBJECTIVE, "a": ASSESSMENT, "p": PLAN}


def in_template(fields: Sequence[TemplateField]) -> list[Read]:
    """What the labels mean; single letters only where they are the letters of SOAP."""
    singles = [_BRACKETS.sub("", plain(field.label)).strip(" :.") for field in fields]
    letters = [_LETTERS.get(single, "") for single in singles]
    read = [read_label(field.label) for field in fields]
    soap = _of_soap({single for single in singles if len(single) == 1}, read)
    groups = _groups(fields)
    alone = _coded(
        _settled(_examined(_heading_groups(_lettered(read, fields), fields), fields, groups), fields), fields
    )
    mates = _mates(fields, alone)
    return [
        _letter(letter, field.label)
        if soap and letter
        else _in_group(field, _ticked(field, _identified(field, read)), others, groups[field.group])
        for letter, field, read, others in zip(letters, fields, alone, mates, strict=True)
    ]


def _groups(fields: Sequence[TemplateField]) -> dict[str, Read]:
    """What the groups of a template are called for; "S", "O", "A", "P" are the letters of SOAP."""
    names = {field.group: _BRACKETS.sub("", plain(field.group)).strip(" :.") for field in fields}
    read = {group: read_label(group) for group in names}
    soap = _of_soap({name for name in names.values() if len(name) == 1}, list(read.values()))
    return {
        group: _letter(_LETTERS[name], group) if soap and name in _LETTERS else read[group]
        for group, name in names.items()
    }


def _of_soap(singles: set[str], reads: Sequence[Read]) -> bool:
    """Whether single letters are SOAP's: three of them, A and P, or S and O beside a field for both the others.

    Not where G, T or L stand among them: then they count pregnancies.
    """
    found = singles & _LETTERS.keys()
    both = any(meaning.code == BOTH and meaning.sure for read in reads for meaning in read.meanings)
    return not singles & _COUNTING and (len(found) >= 3 or found >= {"a", "p"} or (found >= {"s", "o"} and both))


def _lettered(reads: list[Read], fields: Sequence[TemplateField]) -> list[Read]:
    """ "P: by problem" is the plan where SOAP's letters stand before labels or alone, and it says nothing else.

    Each once: all four, or A and right after it P ("A: well child", "P:").
    """
    first = [found[1].casefold() if (found := _LETTERED.match(field.label)) else "" for field in fields]
    said = "".join(first)
    if sorted(said) != sorted(_LETTERS) and not (said == "ap" and first[first.index("a") + 1] == "p"):
        return reads
    return [
        _lettered_as(_LETTERS[letter], field.label, read) if letter and not read.container else read
        for letter, read, field in zip(first, reads, fields, strict=True)
    ]


def _lettered_as(code: str, label: str, read: Read) -> Read:
    """What a letter before a label makes of it: "P: interventions & next session" is all of the plan."""
    sure = {meaning.code for meaning in read.meanings if meaning.sure}
    if not sure:
        return _letter(code, label)
    if code != PLAN or sure & {PLAN, BOTH, ASSESSMENT}:
        return read
    others = tuple(replace(item, rung=max(item.rung, Rung.PERHAPS)) for item in read.meanings if item.code != code)
    return Read((*_letter(code, label).meanings, *others))


def _letter(code: str, label: str) -> Read:
    """A letter of SOAP; "S (CC/HPI/ROS)" is what its brackets list."""
    if code in (SUBJECTIVE, OBJECTIVE):
        inside = read_label(" ".join(_BRACKETS.findall(label)).strip("()[] "))
        listed = tuple(meaning for meaning in inside.meanings if meaning.rung < Rung.SECOND)
        why = f"“{label}” is its letter in SOAP, and names it."
        return Read(tuple(replace(item, why=why) for item in listed)) if listed else Read(container=code)
    return Read((Meaning(code, Rung.SAID, f"“{label}” is its letter in SOAP."),))


def _settled(reads: list[Read], fields: Sequence[TemplateField]) -> list[Read]:
    """ "Med Hx" is the medical history where another field surely has the medications, and none that history."""
    sure = Counter(meaning.code for read in reads for meaning in read.meanings if meaning.sure)
    named = Counter(meaning.code for read in reads for meaning in read.meanings if meaning.rung < Rung.CONTENT)
    for code, other, words in _EITHER:
        meant = [bag(stems(plain(field.label))) - GENERIC == words for field in fields]
        if meant.count(True) != 1:
            continue
        at = meant.index(True)
        itself = reads[at].of(other)
        if sure[other] - bool(itself and itself.sure) > 0 and not named[code]:
            why = f"“{fields[at].label}” means {name_of(code)}: another field is for {name_of(other)}."
            return _settled([*reads[:at], Read((Meaning(code, Rung.PARTLY, why),)), *reads[at + 1 :]], fields)
    return reads


def _examined(reads: list[Read], fields: Sequence[TemplateField], groups: dict[str, Read]) -> list[Read]:
    """ "HEENT, lungs, abdomen" are examined in the group of the exam, and where another field has the ROS."""
    asked, examined = ([read for read in reads if (item := read.of(code)) and item.sure] for code in (ROS, EXAM))
    return [
        Read((Meaning(EXAM, Rung.ONLY, f"“{field.label}” lists what is examined, and no other field is for it."),))
        if not any(item.sure for item in read.meanings)
        and lists_body(plain(field.label))
        and _is_examined(groups[field.group], bool(asked) and not examined)
        else read
        for read, field in zip(reads, fields, strict=True)
    ]


def _is_examined(group: Read, elsewhere: bool) -> bool:
    heads = {meaning.code for meaning in group.meanings if meaning.sure}
    return EXAM in heads or group.container == OBJECTIVE or (elsewhere and not heads and not group.container)


def _heading_groups(reads: list[Read], fields: Sequence[TemplateField]) -> list[Read]:
    """A field that is called as a group of others is for the whole of what those are parts of."""
    groups = {normalise(field.group) for field in fields}
    return [
        replace(read, meanings=tuple(_at_most_partly(meaning) for meaning in read.meanings))
        if normalise(field.label) in groups
        else read
        for read, field in zip(reads, fields, strict=True)
    ]


def _at_most_partly(meaning: Meaning) -> Meaning:
    return replace(meaning, rung=Rung.PARTLY) if meaning.rung == Rung.ONLY else meaning


def _coded(reads: list[Read], fields: Sequence[TemplateField]) -> list[Read]:
    """What codes fill is no assessment: "Impression (ICD-10)", and eCW's "Assessments" beside a text for it."""
    beside = any(
        field.kind != STRUCTURED and meaning.code == ASSESSMENT and meaning.rung < Rung.ONLY
        for field, read in zip(fields, reads, strict=True)
        for meaning in read.meanings
    )
    return [_of_codes(field, read, beside) for field, read in zip(fields, reads, strict=True)]


def _of_codes(field: TemplateField, read: Read, beside: bool) -> Read:
    words = bag(stems(plain(field.label)))
    if field.kind != STRUCTURED or not (words & CODED or (beside and words == {ASSESSMENT})):
        return read
    why = f"“{field.label}” takes coded entries: the diagnoses."
    others = [replace(item, rung=max(item.rung, Rung.PERHAPS)) for item in read.meanings if item.code != DIAGNOSES]
    coded = read.of(DIAGNOSES) or (Meaning(DIAGNOSES, Rung.PARTLY, why) if read.of(ASSESSMENT) else None)
    return replace(read, meanings=(coded, *others)) if coded else read


def _mates(fields: Sequence[TemplateField], reads: Sequence[Read]) -> list[list[tuple[TemplateField, Read]]]:
    """Per field the others of its group, as read by themselves."""
    groups: dict[str, list[tuple[TemplateField, Read]]] = {}
    for field, read in zip(fields, reads, strict=True):
        groups.setdefault(field.group.strip(), []).append((field, read))
    return [[mate for mate in groups[field.group.strip()] if mate[0] is not field] for field in fields]


def _generic(label: str) -> bool:
    """Whether a label says no more than that there is text: "Comments", "Free text", "3"."""
    return set(stems(plain(label))) <= GENERIC


def _vague(label: str) -> bool:
    """Whether a label may be for whatever the group is for: "Comments", "General"."""
    return set(stems(plain(label))) <= NEUTRAL | GENERIC


def _identified(field: TemplateField, read: Read) -> Read:
    """What the identifier says ("HPI_TXT"), where the label says nothing, or leaves open which of several it means."""
    if read.container or any(meaning.sure for meaning in read.meanings) or field.field_id == field.label:
        return read
    named = [meaning for meaning in read_label(field.field_id).meanings if meaning.rung <= Rung.SECOND]
    if not named or not (_generic(field.label) or all(read.of(meaning.code) for meaning in named)):
        return read
    why = f"“{field.label}” has the identifier {field.field_id}, which names it."
    sure = tuple(replace(meaning, rung=Rung.PARTLY, why=why) for meaning in named)
    return Read((*sure, *(meaning for meaning in read.meanings if meaning.code not in {item.code for item in sure})))


def _ticked(field: TemplateField, read: Read) -> Read:
    words = stems(_BRACKETS.sub(" ", plain(field.label)))
    if field.kind != STRUCTURED or not (_TICKED - _TICKED_LAST) & set(words) | _TICKED & set(words[-1:]):
        return read
    return replace(
        read, meanings=tuple(replace(meaning, rung=max(meaning.rung, Rung.ONLY)) for meaning in read.meanings)
    )


def _in_group(field: TemplateField, own: Read, mates: Sequence[tuple[TemplateField, Read]], group: Read) -> Read:
    """A label in its group: what cannot stand under the group's heading is doubted."""
    if not field.group.strip():
        return own
    read = _completed(field, own, group, mates)
    heads = [meaning.code for meaning in group.meanings if meaning.rung < Rung.ONLY] + [group.container]
    if any(heads):  # "Formulation and treatment plan"
        heads += [meaning.code for meaning in group.meanings if meaning.rung == Rung.PERHAPS]
    sure = [meaning for meaning in read.meanings if meaning.sure]
    results = bool(sure) and all(meaning.code == "results" for meaning in sure)
    if results and REPORTED & set(stems(plain(field.label))):  # "Lab Reports" are results under the plan too
        return read
    if results and ordered_under(heads):
        return _ordered(read, f"“{field.label}” stands in the group “{field.group}”, and is ordered there.")
    if stands_in(heads, [Entry(meaning.code, meaning.rung) for meaning in read.meanings]):
        return read
    why = f"“{field.label}” stands in the group “{field.group}”."
    return Read(tuple(replace(item, rung=max(item.rung, Rung.PERHAPS), why=why) for item in read.meanings))


def _ordered(read: Read, why: str) -> Read:
    """Labs and images in the group of the plan are what is ordered: "Labs", "Diagnostic Imaging"."""
    meant = (
        replace(item, code=ORDERS, rung=max(item.rung, Rung.PARTLY), why=why) for item in read.meanings if item.sure
    )
    return Read(tuple(meant))


def _completed(field: TemplateField, read: Read, group: Read, mates: Sequence[tuple[TemplateField, Read]]) -> Read:
    """ "Family" under "Past history" is family history; "Notes", alone under "HPI", is HPI."""
    if read.container or any(meaning.rung < Rung.ONLY for meaning in read.meanings):
        return read
    if _generic(field.label):
        return _of_group(group, mates) or read
    words = stems(plain(field.label))
    if words and "history" in stems(plain(field.group)):
        longer = read_label(f"{field.label} history")
        return longer if any(meaning.sure for meaning in longer.meanings) else read
    return read


def _of_group(group: Read, mates: Sequence[tuple[TemplateField, Read]]) -> Read | None:
    """What the group says, for its one field that says nothing itself; less surely beside fields for details.

    Beside a field that names it but takes only codes, it is where the text goes.
    """
    if not mates:
        return group
    codes = {meaning.code for meaning in group.meanings}
    naming = [mate for mate, read in mates if _names_any(codes, read)]
    coded = all(mate.kind == STRUCTURED for mate in naming)
    if group.container or not coded or any(_vague(mate.label) for mate, _ in mates):
        return None
    least = Rung.PARTLY if naming and len(codes) == 1 else Rung.ONLY
    return Read(tuple(replace(meaning, rung=max(meaning.rung, least)) for meaning in group.meanings))


def _names_any(codes: set[str], read: Read) -> bool:
    return any(meaning.code in codes for meaning in read.meanings if meaning.rung < Rung.PERHAPS)
