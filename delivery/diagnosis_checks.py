"""Judges a note's diagnoses before they go: a code that eCW could not bill holds the part, and is named by its place.

Only what stands in /diagnoses is looked at; no text is searched for codes. What is written down names places alone:
the codes and what may have been meant stand in the note, and are shown to those who may read it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from delivery.entries import Diagnosis
from delivery.posted import PostedNote
from mapping.codes import icd10
from mapping.codes.code_lists import list_for
from mapping.note import Problem

SNOMED = re.compile(r"[1-9][0-9]{5,17}")
WORDS = {
    icd10.BAD_FORM: ("diagnosis_form", "is not written as an ICD-10-CM code is"),
    icd10.UNKNOWN: ("diagnosis_unknown", "is in no ICD-10-CM list in force on that day"),
    icd10.NOT_BILLABLE: ("diagnosis_not_billable", "is a category: a longer code is needed"),
    "snomed": ("diagnosis_snomed", "is not written as a SNOMED CT code is"),
}


@dataclass(frozen=True)
class JudgedDiagnosis:
    """A diagnosis with what its list says of it."""

    diagnosis: Diagnosis
    verdict: icd10.Verdict

    @property
    def words(self) -> str:
        return "" if self.verdict.kind == icd10.OK else WORDS[self.verdict.kind][1]


def judged(diagnoses: Sequence[Diagnosis], practice_id: int, day: date) -> list[JudgedDiagnosis]:
    """Each diagnosis, judged by the list in force at the practice on that day."""
    codes = list_for(practice_id, day)
    return [JudgedDiagnosis(one, _verdict(one, codes)) for one in diagnoses]


def _verdict(one: Diagnosis, codes: icd10.CodeList) -> icd10.Verdict:
    if one.system == "icd-10-cm":
        return icd10.judge(one.code, codes)
    return icd10.Verdict(icd10.OK if SNOMED.fullmatch(one.code) else "snomed")


def diagnosis_problems(posted: PostedNote, practice_id: int, received: date) -> tuple[Problem, ...]:
    """What holds the note's diagnoses; places and kinds, no code."""
    day = posted.visit.start.date() if posted.visit.start else received
    found = judged(posted.entries.diagnoses, practice_id, day)
    return tuple(
        Problem(
            WORDS[one.verdict.kind][0],
            f"Diagnosis {place} of {len(found)} {one.words}.",
            f"/diagnoses/{place - 1}/code",
        )
        for place, one in enumerate(found, start=1)
        if one.words
    )
