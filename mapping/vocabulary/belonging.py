"""Which sections may stand under which heading, or in which group of fields."""

from collections.abc import Iterable, Mapping

from mapping.vocabulary.phrases import Entry
from mapping.vocabulary.rungs import Rung

# What may stand under a heading or in a group of fields: a section of another kind there is not what its name says.
HISTORIES = {
    *("past_medical_history", "past_surgical_history", "family_history", "social_history", "hospitalizations"),
    *("ob_gyn_history", "birth_history", "developmental_history", "medications", "allergies", "immunizations"),
}
_UNDER: dict[str, set[str]] = {
    "subjective": {
        *HISTORIES,
        *("chief_complaint", "history_of_present_illness", "review_of_systems", "problem_list", "reason_for_referral"),
        *("goals", "vital_signs"),
    },
    "objective": {"vital_signs", "physical_exam", "results", "procedures"},
    "past_medical_history": {*HISTORIES, "problem_list"},
    "physical_exam": {"physical_exam", "vital_signs", "review_of_systems", "results"},
    "results": {"results", "procedures"},
    "assessment": {"assessment", "diagnoses", "assessment_and_plan", "problem_list"},
    "diagnoses": {"assessment", "diagnoses", "problem_list"},
    "plan": {
        "plan",
        "diagnoses",
        "orders",
        "follow_up",
        "patient_instructions",
        "goals",
        "procedures",
        "immunizations",
        "reason_for_referral",
    },
}
_UNDER["chief_complaint"] = _UNDER["history_of_present_illness"] = _UNDER["subjective"]
_UNDER["assessment_and_plan"] = _UNDER["assessment"] | _UNDER["plan"]
_DECIDED = {*_UNDER["assessment_and_plan"], "assessment_and_plan"}
_ASKED_FOR = {"orders", "follow_up", "patient_instructions", "goals", "procedures", "immunizations"}
# A group of fields is looser than a heading: it has its name from the most of what stands in it.
_GROUPED = _UNDER | {
    "objective": _UNDER["objective"] | {"immunizations", "developmental_history"},
    "physical_exam": _UNDER["physical_exam"] | {"procedures"},
    "medications": {"medications", "allergies", "immunizations"},
    "hospitalizations": HISTORIES,
    "problem_list": {*HISTORIES, "problem_list", "diagnoses", "assessment"},
    "ob_gyn_history": {"ob_gyn_history", "birth_history", "history_of_present_illness"},
    "birth_history": {"birth_history", "developmental_history", "immunizations", "hospitalizations"},
    "developmental_history": {"birth_history", "developmental_history", "immunizations"},
    "reason_for_referral": _UNDER["subjective"],
    **dict.fromkeys(("assessment", "diagnoses", "plan", "assessment_and_plan"), _DECIDED),
    **dict.fromkeys(("orders", "follow_up", "patient_instructions", "goals"), _ASKED_FOR),
}


def goes_with(heads: Iterable[str], entries: Iterable[Entry]) -> bool:
    """Whether what stands under headings of these codes or containers can be what it says."""
    return _allowed(heads, entries, _UNDER)


def stands_in(heads: Iterable[str], entries: Iterable[Entry]) -> bool:
    """Whether what stands in a group of fields that is called so can be what it says."""
    return _allowed(heads, entries, _GROUPED)


def ordered_under(heads: Iterable[str]) -> bool:
    """Whether labs and images in a group called so are ordered there, rather than found."""
    named = {code for code in heads if code}
    return bool(named & {"plan", "orders"}) and named <= _DECIDED - {"assessment", "assessment_and_plan"}


def _allowed(heads: Iterable[str], entries: Iterable[Entry], under: Mapping[str, set[str]]) -> bool:
    listed = [code for code in heads if code]
    if not listed:
        return True
    allowed = set().union(*(under.get(code, {code}) for code in listed)) | set(listed)
    return all(entry.code in allowed for entry in entries if entry.rung < Rung.PERHAPS and entry.code)
