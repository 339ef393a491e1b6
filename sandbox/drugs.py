"""A small drug database of the simulated eCW, and what it says of a MedicationStatement: codes 2024 to 2027.

Invented rows with real codes' form. Where eCW's own rules are not published (which fields 2025 and 2026 look at), the
behaviour here is assumed, as docs/sandbox.md says.
"""

from dataclasses import dataclass
from typing import Any

RXNORM, NDC, OWN = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://hl7.org/fhir/sid/ndc", "urn:ecw:drug"


@dataclass(frozen=True)
class Drug:
    """One item: eCW's id, what it is called, its RxNorm code, its NDCs (11 digits)."""

    id: str
    name: str
    strength: str
    formulation: str
    rxcui: str
    ndcs: frozenset[str]


DRUGS = (
    Drug("70771", "Lisinopril", "10 mg", "tablet", "314076", frozenset({"00093111301", "00093111310"})),
    Drug("70772", "Lisinopril", "20 mg", "tablet", "314077", frozenset({"00093111401"})),
    Drug("80061", "Metformin", "500 mg", "tablet", "861007", frozenset({"00093104801"})),
    Drug("91172", "Warfarin", "5 mg", "tablet", "855332", frozenset({"00056017270"})),
)
BY_ID = {drug.id: drug for drug in DRUGS}


def refusal(statement: dict[str, Any]) -> tuple[str, str] | None:
    """eCW's code and words for a medication it does not take; None for one it does."""
    codes = codes_of(statement)
    rxcui, ndc = codes.get(RXNORM, ""), codes.get(NDC, "").replace("-", "")
    if not rxcui and not ndc:
        return "2024", "RxNorm code is mandatory."
    item = BY_ID.get(codes.get(OWN, ""))
    if OWN in codes and (item is None or not called_so(statement, item)):
        return "2025", "RxItemID or strength/formulation not found."
    if not statement.get("category"):
        return "2026", "The medication type is missing."
    by_rxcui = {drug.id for drug in DRUGS if drug.rxcui == rxcui}
    by_ndc = {drug.id for drug in DRUGS if ndc in drug.ndcs}
    known = [found for code, found in ((rxcui, by_rxcui), (ndc, by_ndc)) if code]
    same = set.intersection(*known) if known else set()
    if not same or (item is not None and item.id not in same):
        return "2027", "RxNorm and NDC do not belong to the same drug compendia."
    return None


def codes_of(statement: dict[str, Any]) -> dict[str, str]:
    concept = statement.get("medicationCodeableConcept")
    rows = concept.get("coding") if isinstance(concept, dict) else None
    listed = rows if isinstance(rows, list) else []
    return {str(row.get("system")): str(row.get("code")) for row in listed if isinstance(row, dict)}


def called_so(statement: dict[str, Any], item: Drug) -> bool:
    """Whether the strength and formulation that are said of an item are its own; what is not said is not wrong."""
    rows = statement["medicationCodeableConcept"]["coding"]
    said = next((str(row.get("display") or "") for row in rows if row.get("system") == OWN), "").casefold()
    others = {each for drug in DRUGS for each in (drug.strength, drug.formulation)} - {item.strength, item.formulation}
    return not any(each.casefold() in said for each in others)
