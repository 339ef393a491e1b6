"""For each of the contract's sections the fields of a template it should go to, with a reason and a confidence.

A wrong suggestion is worse than none: below the threshold a guess stands under `candidates`, and `field_ids` is empty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mapping.labels import Meaning, Read, goes_with, read_label
from mapping.sections import CODES, normalise
from mapping.standing_in import ASSESSMENT, PLAN, fill
from mapping.suggestion import NO_SURE_FIELD, NOT_TAUGHT, Claim, Suggestion, Taught, TemplateField, doubtful, suggested
from mapping.vocabulary.headings import ALONE, OBJECTIVE, SUBJECTIVE
from mapping.vocabulary.others import NEUTRAL
from mapping.vocabulary.phrases import Entry, Rung
from mapping.vocabulary.words import plain, stems

# What the practice files under a label, by the normalised label (sections.normalise).
Learned = Mapping[str, Taught]
_LETTERS = {"s": SUBJECTIVE, "o": OBJECTIVE, "a": ASSESSMENT, "p": PLAN}


def suggest(fields: Sequence[TemplateField], learned: Learned | None = None) -> dict[str, Suggestion]:
    """A suggestion for each of the 28 codes, in the contract's order; `learned` outranks words less sure."""
    reads = _reads(fields)
    claims = _claims(fields, reads, learned or {})
    contested = {code: found for code in CODES if (found := _contested(code, claims[code])) is not None}
    chosen = {code: contested.get(code) or _chosen(code, claims[code]) for code in CODES}
    holders = {
        name: [field for field, read in zip(fields, reads, strict=True) if read.container == name]
        for name in (SUBJECTIVE, OBJECTIVE)
    }
    fill(chosen, holders, {field.field_id: field for field in fields})
    return chosen | contested


def _reads(fields: Sequence[TemplateField]) -> list[Read]:
    """What the labels mean; single letters only where they are the letters of SOAP."""
    letters = [_LETTERS.get(plain(field.label).strip(" :."), "") for field in fields]
    soap = len(set(letters) - {""}) >= 3
    return [
        _letter(letter, field.label) if soap and letter else _in_group(field, fields)
        for letter, field in zip(letters, fields, strict=True)
    ]


def _letter(code: str, label: str) -> Read:
    if code in (SUBJECTIVE, OBJECTIVE):
        return Read(container=code)
    return Read((Meaning(code, Rung.SAID, f"“{label}” is its letter in SOAP."),))


def _in_group(field: TemplateField, fields: Sequence[TemplateField]) -> Read:
    """A label in its group: what cannot stand under the group's heading is doubted."""
    if not field.group.strip():
        return read_label(field.label)
    group = read_label(field.group)
    alone = sum(other.group == field.group for other in fields) == 1
    read = _completed(field, read_label(field.label), group, alone)
    heads = [meaning.code for meaning in group.meanings if meaning.sure] + [group.container]
    if goes_with(heads, [Entry(meaning.code, meaning.rung) for meaning in read.meanings]):
        return read
    why = f"“{field.label}” stands in the group “{field.group}”."
    return Read(tuple(replace(item, rung=max(item.rung, Rung.PERHAPS), why=why) for item in read.meanings))


def _completed(field: TemplateField, read: Read, group: Read, alone: bool) -> Read:
    """ "Family" under "Past history" is family history; "Notes", alone under "HPI", is HPI."""
    if read.container or any(meaning.sure for meaning in read.meanings):
        return read
    words = stems(plain(field.label))
    if alone and set(words) <= NEUTRAL:
        return group
    if words and "history" in stems(plain(field.group)):
        longer = read_label(f"{field.label} history")
        return longer if any(meaning.sure for meaning in longer.meanings) else read
    return read


def _claims(fields: Sequence[TemplateField], reads: Sequence[Read], learned: Learned) -> dict[str, list[Claim]]:
    """Per code what claims it, the surest first."""
    claims: dict[str, list[Claim]] = {code: [] for code in CODES}
    for field, read in zip(fields, reads, strict=True):
        spoken = {meaning.code: meaning for meaning in read.meanings}
        taught = learned.get(normalise(field.label), NOT_TAUGHT)
        known = taught.codes & set(CODES)
        for code in known | spoken.keys():
            words = spoken.get(code)
            meaning = Meaning(code, Rung.LEARNED, taught.why(field.label)) if code in known else spoken[code]
            claims[code].append(Claim(field, meaning, words.rung if words else Rung.SPARE))
    return {code: sorted(listed, key=_rank) for code, listed in claims.items()}


def _rank(claim: Claim) -> tuple[Rung, Rung]:
    return claim.meaning.rung, claim.spoken


def _contested(code: str, claims: Sequence[Claim]) -> Suggestion | None:
    """None chosen, where the practice files a section under one label and another field names it no less surely."""
    learned = [claim for claim in claims if claim.meaning.rung == Rung.LEARNED]
    if not learned:
        return None
    best = learned[0]
    named = [claim for claim in claims if claim not in learned and claim.spoken <= best.spoken and _names(code, claim)]
    if not named:
        return None
    itself = [
        replace(claim, meaning=replace(claim.meaning, why=f"“{claim.field.label}” names the section itself."))
        for claim in named
    ]
    rest = [claim for claim in claims if claim is not best and claim not in named]
    said = f"The practice files it under “{best.field.label}”, and {_labels(named)} names it too: choose yourself."
    return doubtful(code, [best, *itself, *rest], said)


def _names(code: str, claim: Claim) -> bool:
    """Whether a label surely means the section as a whole."""
    return claim.meaning.sure and (claim.meaning.part is None or claim.meaning.part in ALONE[code])


def _chosen(code: str, claims: Sequence[Claim]) -> Suggestion:
    """The one field that is surest, or the parts of the whole; where two are alike, none is suggested."""
    sure = [claim for claim in claims if claim.meaning.sure]
    whole = [claim for claim in sure if claim.meaning.part is None]
    if not sure:
        return doubtful(code, claims, NO_SURE_FIELD if claims else "No field of this template is for it.")
    if not whole:
        return _parts(code, sure, claims)
    best = [claim for claim in whole if _rank(claim) == _rank(whole[0])]
    if len(best) == 1:
        return suggested(code, best, "one", best[0].meaning.why, claims)
    return doubtful(code, claims, f"{_labels(best)} are equally good: choose one.")


def _parts(code: str, sure: Sequence[Claim], claims: Sequence[Claim]) -> Suggestion:
    """Labs and imaging together are the results; one of them may stand alone (vocabulary ALONE)."""
    by_part = {part: [claim for claim in sure if claim.meaning.part == part] for part in (0, 1)}
    found = [part for part in (0, 1) if by_part[part]]
    if any(len(by_part[part]) > 1 for part in found) or (len(found) == 1 and found[0] not in ALONE[code]):
        return doubtful(code, claims, "Only a part of it surely belongs there: choose yourself.")
    taken = [by_part[part][0] for part in found]
    if len(taken) == 1:
        return suggested(code, taken, "one", taken[0].meaning.why, claims)
    return suggested(code, taken, "split", f"{_labels(taken)} hold its parts: divide it by its headings.", claims)


def _labels(claims: Sequence[Claim]) -> str:
    return " and ".join(f"“{claim.field.label}”" for claim in claims[:3])
