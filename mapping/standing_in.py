"""Sections without a field of their own: which other field surely stands in for it, or may."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mapping.labels import Meaning
from mapping.suggestion import (
    CONFIDENCE,
    NO_SURE_FIELD,
    STRUCTURED,
    Claim,
    Suggestion,
    TemplateField,
    doubtful,
    suggested,
)
from mapping.vocabulary.headings import OBJECTIVE, SUBJECTIVE
from mapping.vocabulary.rungs import Rung
from mapping.vocabulary.words import plain, stems

ASSESSMENT, PLAN, BOTH, DIAGNOSES = "assessment", "plan", "assessment_and_plan", "diagnoses"
ORDERS = "orders"
_TOLD = ("chief_complaint", "history_of_present_illness", "review_of_systems")
_HISTORIES = (
    *("past_medical_history", "past_surgical_history", "family_history", "social_history", "medications", "allergies"),
    *("hospitalizations", "ob_gyn_history", "birth_history", "developmental_history"),
)
_FOUND = ("vital_signs", "physical_exam", "results")
# What SOAP keeps under its first two letters; no template of these four alone has another place for them.
UNDER = {SUBJECTIVE: (*_TOLD, *_HISTORIES), OBJECTIVE: _FOUND}
_NO_HALF = frozenset({"given", "provided", "performed", "done"})
_DIAGNOSIS = frozenset({"diagnosis", "diagnostic"})
_UNDER_PLAN = ("orders", "follow_up", "patient_instructions", "goals")

Holders = Mapping[str, Sequence[TemplateField]]


def fill(chosen: dict[str, Suggestion], holders: Holders, by_id: Mapping[str, TemplateField]) -> None:
    """Complete `chosen` in place. `holders` has the fields labelled Subjective and Objective."""
    _from_containers(chosen, holders)
    _assessment_and_plan(chosen, by_id)
    _diagnoses(chosen, by_id)
    _under_plan(chosen, by_id)
    _consulted(chosen, by_id)


def _from_containers(chosen: dict[str, Suggestion], holders: Holders) -> None:
    """Subjective and Objective take what nothing else claims; surely only where both are there, once each."""
    soap = all(len(holders[name]) == 1 for name in UNDER)
    for name, codes in UNDER.items():
        if len(holders[name]) != 1:
            continue
        unclaimed = [code for code in codes if not chosen[code].field_ids and not chosen[code].candidates]
        claimed = set(codes) - set(unclaimed)
        for code in unclaimed:
            _put(chosen, code, holders[name][0], Rung.CONTAINER if soap and _at_home(code, claimed) else Rung.PERHAPS)


def _at_home(code: str, claimed: set[str]) -> bool:
    """Whether a container surely takes a section, given which of its sections have a field of their own."""
    if code in _TOLD:
        return "history_of_present_illness" not in claimed
    if code in _FOUND:
        return "physical_exam" not in claimed
    return not claimed


def _put(chosen: dict[str, Suggestion], code: str, holder: TemplateField, rung: Rung) -> None:
    takes = "takes it" if rung < Rung.PERHAPS else "may take it"
    claim = Claim(holder, Meaning(code, rung, f"It has no field of its own: “{holder.label}” {takes}."))
    if rung < Rung.PERHAPS:
        chosen[code] = suggested(code, [claim], "container", claim.meaning.why)
    else:
        chosen[code] = doubtful(code, [claim], NO_SURE_FIELD)


def _assessment_and_plan(chosen: dict[str, Suggestion], by_id: Mapping[str, TemplateField]) -> None:
    """A field for both takes each; two fields, one for each, divide what was dictated as both."""
    both, assessment, plan = chosen[BOTH], chosen[ASSESSMENT], chosen[PLAN]
    if both.mode == "one":
        for code in (ASSESSMENT, PLAN):
            if not chosen[code].field_ids or chosen[code].confidence == CONFIDENCE[Rung.ONLY]:  # "Discussion notes"
                _put(chosen, code, by_id[both.field_ids[0]], Rung.CONTAINER)
            elif chosen[code].field_ids == both.field_ids:
                chosen[code] = replace(chosen[code], mode="container")
    elif not both.field_ids and _divide(assessment, plan, by_id):
        chosen[BOTH] = replace(
            both,
            field_ids=assessment.field_ids + plan.field_ids,
            confidence=min(assessment.confidence, plan.confidence),
            reason="Assessment and plan stand apart here: divide the section at the heading of the plan.",
            mode="split",
            structured=assessment.structured or plan.structured,
        )


def _divide(assessment: Suggestion, plan: Suggestion, by_id: Mapping[str, TemplateField]) -> bool:
    """Whether two fields surely are the halves of both.

    "Impresión diagnóstica" beside "Plan", and "Impression" beside "Recommendations", are: one names its half, the
    other stands for it, and no third field may. "Treatment given" is done; "Dx impression" beside "Formulation" may
    be for the diagnoses alone.
    """
    halves = (assessment, plan)
    taken = {*assessment.field_ids, *plan.field_ids}
    if any(half.mode != "one" or half.confidence == CONFIDENCE[Rung.ONLY] for half in halves) or len(taken) < 2:
        return False
    rivals = {item.field_id for half in halves for item in half.candidates} - taken
    if rivals and _DIAGNOSIS & set(stems(plain(by_id[assessment.field_ids[0]].label))):
        return False
    standing = [half for half in halves if half.confidence == CONFIDENCE[Rung.SECOND]]
    if not standing:
        return True
    other = any(_NO_HALF & set(stems(plain(by_id[half.field_ids[0]].label))) for half in standing)
    return len(standing) == 1 and not rivals and not other


def _diagnoses(chosen: dict[str, Suggestion], by_id: Mapping[str, TemplateField]) -> None:
    """A structured Assessment is where eCW keeps coded diagnoses; a dictated one only may take them."""
    assessment = chosen[ASSESSMENT]
    if chosen[DIAGNOSES].field_ids or assessment.mode != "one":
        return
    holder = by_id[assessment.field_ids[0]]
    if holder.kind == STRUCTURED:
        why = f"“{holder.label}” is where coded diagnoses are kept."
        claim = Claim(holder, Meaning(DIAGNOSES, Rung.CONTAINER, why))
        chosen[DIAGNOSES] = suggested(DIAGNOSES, [claim], "one", why)
    elif not chosen[DIAGNOSES].candidates:
        _put(chosen, DIAGNOSES, holder, Rung.PERHAPS)


def _consulted(chosen: dict[str, Suggestion], by_id: Mapping[str, TemplateField]) -> None:
    """Where nothing else may be the chief complaint, the reason for a consultation is."""
    complaint, reason = chosen[_TOLD[0]], chosen["reason_for_referral"]
    beside = {item.field_id for item in complaint.candidates}
    if not complaint.field_ids and reason.mode == "one" and beside == set(reason.field_ids):
        _put(chosen, _TOLD[0], by_id[reason.field_ids[0]], Rung.CONTAINER)


def _under_plan(chosen: dict[str, Suggestion], by_id: Mapping[str, TemplateField]) -> None:
    """What belongs to a plan and has no field may be wanted in the plan's."""
    holder = next((chosen[code].field_ids[0] for code in (PLAN, BOTH) if chosen[code].field_ids), None)
    for code in _UNDER_PLAN:
        if holder is not None and not chosen[code].field_ids and not chosen[code].candidates:
            _put(chosen, code, by_id[holder], Rung.SPARE)
