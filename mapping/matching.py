"""For each of the contract's sections the fields of a template it should go to, with a reason and a confidence.

A wrong suggestion is worse than none: below the threshold a guess stands under `candidates`, and `field_ids` is empty.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mapping.context import REPORTED, in_template
from mapping.labels import Meaning, Read
from mapping.sections import CODES, name_of, normalise, resolve_title
from mapping.standing_in import UNDER, fill
from mapping.suggestion import (
    NO_SURE_FIELD,
    NOT_TAUGHT,
    STRUCTURED,
    Claim,
    Suggestion,
    Taught,
    TemplateField,
    doubtful,
    suggested,
)
from mapping.vocabulary.headings import ALONE, OBJECTIVE, SUBJECTIVE
from mapping.vocabulary.others import IDLE, SUBSTANCES
from mapping.vocabulary.rungs import Rung
from mapping.vocabulary.words import bag, plain, stems

# A field named for the broader may hold the narrower, so that a practice that files it there contradicts no name.
_OF_PLAN = frozenset({"orders", "follow_up", "patient_instructions", "goals"})
_OF_KINDS = frozenset({"physical_exam", "review_of_systems", "past_surgical_history", "results", "procedures"})
MOST_KINDS = 3
NOTHING: frozenset[str] = frozenset()
KEPT_IN: Mapping[str, frozenset[str]] = {
    "chief_complaint": frozenset({"reason_for_referral"}),
    "history_of_present_illness": frozenset({"chief_complaint", "reason_for_referral"}),
    "past_medical_history": frozenset({"problem_list", "hospitalizations"}),
    "physical_exam": frozenset({"vital_signs"}),
    "assessment": frozenset({"diagnoses"}),
    "diagnoses": frozenset({"assessment"}),
    "plan": _OF_PLAN,
    "assessment_and_plan": _OF_PLAN | {"assessment", "plan", "diagnoses"},
}
# What the practice files under a label, by the normalised label (sections.normalise).
Learned = Mapping[str, Taught]


def suggest(fields: Sequence[TemplateField], learned: Learned | None = None) -> dict[str, Suggestion]:
    """A suggestion for each of the 28 codes, in the contract's order; `learned` outranks words less sure."""
    reads = in_template(fields)
    claims = _claims(fields, reads, learned or {})
    contested = {code: found for code in CODES if (found := _contested(code, claims[code])) is not None}
    chosen = {code: contested.get(code) or _chosen(code, claims[code]) for code in CODES}
    holders = {
        name: [field for field, read in zip(fields, reads, strict=True) if read.container == name]
        for name in (SUBJECTIVE, OBJECTIVE)
    }
    fill(chosen, holders, {field.field_id: field for field in fields})
    return chosen | contested


def _claims(fields: Sequence[TemplateField], reads: Sequence[Read], learned: Learned) -> dict[str, list[Claim]]:
    """Per code what claims it, the surest first."""
    claims: dict[str, list[Claim]] = {code: [] for code in CODES}
    for field, read in zip(fields, reads, strict=True):
        spoken = {meaning.code: meaning for meaning in read.meanings}
        taught = learned.get(normalise(field.label), NOT_TAUGHT)
        known = taught.codes & set(CODES)
        for code in known | spoken.keys():
            words = spoken.get(code)
            meaning = _remembered(code, taught, field, read) if code in known else spoken[code]
            shared = any(other.sure and other.code != code for other in read.meanings)
            claims[code].append(Claim(field, meaning, words.rung if words else Rung.SPARE, shared, code in known))
    return {code: sorted(listed, key=_rank) for code, listed in claims.items()}


def _remembered(code: str, taught: Taught, field: TemplateField, read: Read) -> Meaning:
    """What the practice decided is followed, unless the label surely names something else: then it is only offered."""
    others = [meaning.code for meaning in read.meanings if meaning.sure]
    apart = others and read.of(code) is None and not any(code in KEPT_IN.get(other, ()) for other in others)
    if apart or (read.container and code not in UNDER[read.container]):
        named = " and ".join(name_of(other) for other in others) or read.container.capitalize()
        return Meaning(code, Rung.PERHAPS, f"{taught.why(field.label)} But that names {named}.")
    return Meaning(code, Rung.LEARNED, taught.why(field.label))


def _rank(claim: Claim) -> tuple[Rung, Rung, bool, bool]:
    """Of two that say it equally well, the one that says nothing else comes first, then the one that takes text.

    What says something else besides is no surer than what yields to others: "CC/HPI" beside "Complaint".
    """
    least = Rung.SECOND if claim.shared else Rung.LEARNED
    rungs = max(claim.meaning.rung, least), max(claim.spoken, least)
    return *rungs, claim.shared, claim.field.kind == STRUCTURED


def _contested(code: str, claims: Sequence[Claim]) -> Suggestion | None:
    """None chosen, where the practice files a section under one label and another field names it no less surely."""
    learned = [claim for claim in claims if claim.remembered]
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
    sure = every = [claim for claim in claims if claim.meaning.sure]
    sure = [claim for claim in sure if claim.meaning.rung < Rung.ONLY] or sure
    whole = [claim for claim in sure if claim.meaning.part is None]
    if not sure:
        return doubtful(code, claims, _no_sure_field(claims))
    if kinds := _kinds(code, every):
        return suggested(code, kinds, "split", f"{_labels(kinds)} hold its kinds: divide it by its headings.", claims)
    if not whole or (whole[0].meaning.rung >= Rung.PARTLY and sure[0].meaning.rung < whole[0].meaning.rung):
        sure = [claim for claim in sure if claim.meaning.part is not None]
        parts = {claim.meaning.part for claim in sure}
        only = [claim for claim in claims if claim.meaning.rung == Rung.ONLY and claim.meaning.part is not None]
        return _parts(code, [*sure, *(claim for claim in only if claim.meaning.part not in parts)], claims)
    if whole[0].meaning.rung == Rung.ONLY and any(
        _rivals(claim, whole[0]) for claim in claims if claim is not whole[0]
    ):
        return doubtful(code, claims, "Each of these may be for a part of it: choose yourself.")
    best = _plainest([claim for claim in whole if _rank(claim) == _rank(whole[0])])
    if len(best) == 1:
        return suggested(code, best, "one", best[0].meaning.why, claims)
    return doubtful(code, claims, f"{_labels(best)} are equally good: choose one.")


def _kinds(code: str, sure: Sequence[Claim]) -> list[Claim]:
    """Fields of one group that each are for a kind of the section, none for all of it: "Psych ROS", "Medical ROS"."""
    best = sure[0]
    beside = [claim for claim in sure if claim.field.group == best.field.group and claim.field.kind == best.field.kind]
    said = [_words(claim) - IDLE for claim in beside]
    apart = not any(one < other for one in said for other in said) and len(set(said)) == len(said)
    plain_one = best.meaning.rung < Rung.SECOND or any(claim.shared or claim.remembered for claim in beside)
    return beside if code in _OF_KINDS and 1 < len(beside) <= MOST_KINDS and apart and not plain_one else []


def _plainest(best: list[Claim]) -> list[Claim]:
    """The one with the section's own heading, or that says less than the others: "Treatment: clinical notes"."""
    own = [claim for claim in best if resolve_title(claim.field.label) == claim.meaning.code]
    wider = [claim for claim in best if claim.meaning.code == "social_history" and not _words(claim) <= SUBSTANCES]
    if 1 in (len(own), len(wider)):
        return own if len(own) == 1 else wider
    if len({_unnumbered(claim) for claim in best}) == 1 < len({claim.field.label for claim in best}):
        return best[:1]  # "Dx 1 + plan" of three such
    found = [claim for claim in best if claim.meaning.code == "results" and _words(claim) & REPORTED]
    if len(found) == 1:  # "Labs" beside "Lab results" may be ordered
        return found
    for idle in (NOTHING, IDLE):  # "Examination > Notes" beside "Examination > General"
        said = [_words(claim) - idle for claim in best]
        plainer = [claim for claim, words in zip(best, said, strict=True) if all(words <= others for others in said)]
        if len(plainer) == 1:
            return plainer
    return best


def _rivals(claim: Claim, best: Claim) -> bool:
    """Whether a field may be for the section, rather than speak of it among other words or surely be for another."""
    speaks = claim.meaning.rung >= Rung.KIN and not _words(claim) >= _words(best)
    return claim.meaning.sure or not (speaks or claim.shared)


def _unnumbered(claim: Claim) -> str:
    return "".join(letter for letter in claim.field.label if not letter.isdigit())


def _words(claim: Claim) -> frozenset[str]:
    return bag(stems(plain(claim.field.label)))


def _no_sure_field(claims: Sequence[Claim]) -> str:
    kept = [claim for claim in claims if claim.remembered]
    if kept:
        return f"The practice files it under {_labels(kept)}, by its name for something else: choose yourself."
    return NO_SURE_FIELD if claims else "No field of this template is for it."


def _parts(code: str, sure: Sequence[Claim], claims: Sequence[Claim]) -> Suggestion:
    """Labs and imaging together are the results; one of them takes them where the other has no field."""
    by_part = {part: [claim for claim in sure if claim.meaning.part == part] for part in (0, 1)}
    found = [part for part in (0, 1) if by_part[part]]
    by_part = {
        part: _plainest([claim for claim in by_part[part] if _rank(claim) == _rank(by_part[part][0])]) for part in found
    }
    if any(len(by_part[part]) > 1 for part in found):
        return doubtful(code, claims, "Only a part of it surely belongs there: choose yourself.")
    taken = [by_part[part][0] for part in found]
    if len(taken) == 1:
        return suggested(code, taken, "one", taken[0].meaning.why, claims)
    return suggested(code, taken, "split", f"{_labels(taken)} hold its parts: divide it by its headings.", claims)


def _labels(claims: Sequence[Claim]) -> str:
    return " and ".join(f"“{claim.field.label}”" for claim in claims[:3])
