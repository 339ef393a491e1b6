"""Looks drugs up in a practice's crosswalk: known with eCW's own id, or why not. Nothing near is ever taken instead."""

from collections.abc import Sequence
from dataclasses import dataclass

from mapping.codes import drugs
from mapping.codes.drugs import DrugCode, EcwDrug
from mapping.models import CrosswalkDrug

UNKNOWN, DISAGREE = "unknown", "disagree"


@dataclass(frozen=True)
class Found:
    """What the crosswalk says of one medication's codes: the drug, or a reason and the key a decision is kept under."""

    code: DrugCode
    drug: EcwDrug | None = None
    reason: str = ""  # drugs.NONE, AMBIGUOUS, BAD_NDC, BAD_RXCUI, or UNKNOWN, DISAGREE
    key: str = ""


def look_up(practice_id: int, codes: Sequence[DrugCode]) -> list[Found]:
    """Each medication's codes, looked up together."""
    asked = {key for code in codes for key in (code.key, code.pair) if key}
    rows = CrosswalkDrug.objects.filter(practice=practice_id, key__in=asked) if asked else ()
    known = {row.key: row for row in rows}
    return [_found(code, known) for code in codes]


def _found(code: DrugCode, known: dict[str, CrosswalkDrug]) -> Found:
    both = known.get(code.pair)
    if both is not None:
        return Found(code, ecw_drug(both))
    if code.kind == drugs.NONE:
        return Found(code, None, code.kind)
    row = known.get(code.key)
    if row is None:
        return Found(code, None, code.kind if code.kind != drugs.OK else UNKNOWN, code.key)
    if code.ndc and code.rxcui and row.rxcui and row.rxcui != code.rxcui:
        return Found(code, None, DISAGREE, code.pair)
    return Found(code, ecw_drug(row))


def ecw_drug(row: CrosswalkDrug) -> EcwDrug:
    return EcwDrug(row.pk, row.name, row.ecw_id, row.strength, row.formulation, row.ndc11, row.rxcui)
