"""Judges a note's medications by the practice's crosswalk: a code that nobody has decided on holds the part.

What is written down names places alone (/medications/0); the codes stand in the note.
"""

from collections.abc import Sequence

from delivery.entries import Medication
from mapping.codes import crosswalk, drugs
from mapping.codes.crosswalk import Found
from mapping.note import Problem

WORDS = {
    drugs.NONE: ("drug_without_code", "has neither an NDC nor an RxNorm code"),
    drugs.AMBIGUOUS: ("drug_ndc_ambiguous", "has an NDC with three readings: ten digits without hyphens"),
    drugs.BAD_NDC: ("drug_code_form", "has a code that is not written as one"),
    drugs.BAD_RXCUI: ("drug_code_form", "has a code that is not written as one"),
    crosswalk.UNKNOWN: ("drug_unknown", "is not in the crosswalk yet"),
    crosswalk.DISAGREE: ("drug_codes_disagree", "has an NDC and an RxNorm code of different drugs"),
}
# What a person decides on the workbench, for all notes with the code. (Without a code there is nothing to keep.)
DECIDABLE = frozenset(code for code, _ in WORDS.values()) - {"drug_without_code"}


def looked_up(medications: Sequence[Medication], practice_id: int) -> list[Found]:
    """What the crosswalk says of each."""
    return crosswalk.look_up(practice_id, [drugs.drug_code(one.ndc, one.rxcui) for one in medications])


def medication_problems(medications: Sequence[Medication], practice_id: int) -> tuple[Problem, ...]:
    """What holds the note's medications; what can be decided on comes first."""
    found = looked_up(medications, practice_id)
    problems = [
        Problem(
            WORDS[one.reason][0],
            f"Medication {place} of {len(found)} {WORDS[one.reason][1]}.",
            f"/medications/{place - 1}",
        )
        for place, one in enumerate(found, start=1)
        if one.drug is None
    ]
    return tuple(sorted(problems, key=lambda problem: problem.code not in DECIDABLE))
