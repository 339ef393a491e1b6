"""Drug codes as they are written: what an NDC's ten or eleven digits mean, and the key a drug is known by. Pure.

The FDA's NDC has ten digits, written 4-4-2, 5-3-2 or 5-4-1; billing has eleven, 5-4-2, the short part filled with a
zero. Ten digits without hyphens have three readings: nobody guesses which.
"""

import re
from dataclasses import dataclass

WRITTEN = re.compile(r"[0-9]+(?:-[0-9]+){2}|[0-9]+")
FULL = (5, 4, 2)
SHORT = ((4, 4, 2), (5, 3, 2), (5, 4, 1))
RXCUI = re.compile(r"[1-9][0-9]{0,7}")

OK, NONE, AMBIGUOUS, BAD_NDC, BAD_RXCUI = "ok", "none", "ambiguous", "ndc_form", "rxcui_form"


def readings(ndc: str) -> tuple[str, ...]:
    """The eleven-digit codes a written NDC can mean: none where it is not one, three where its parts are unknown."""
    if WRITTEN.fullmatch(ndc) is None:
        return ()
    parts = ndc.split("-")
    if len(parts) == 3:
        return (_filled(parts),) if tuple(map(len, parts)) in (FULL, *SHORT) else ()
    if len(ndc) == 11:
        return (ndc,)
    return tuple(_filled(_cut(ndc, lengths)) for lengths in SHORT) if len(ndc) == 10 else ()


def _filled(parts: list[str]) -> str:
    return "".join(part.zfill(length) for part, length in zip(parts, FULL, strict=True))


def _cut(digits: str, lengths: tuple[int, int, int]) -> list[str]:
    labeler, product = lengths[0], lengths[0] + lengths[1]
    return [digits[:labeler], digits[labeler:product], digits[product:]]


def spelt(ndc11: str) -> str:
    """Eleven digits as people read them: 5-4-2."""
    return f"{ndc11[:5]}-{ndc11[5:9]}-{ndc11[9:]}" if len(ndc11) == 11 else ndc11


@dataclass(frozen=True)
class DrugCode:
    """The codes of one medication as written, and the key its drug is looked up by ("" where there is no code)."""

    ndc: str
    rxcui: str
    kind: str  # OK, NONE, AMBIGUOUS, BAD_NDC, BAD_RXCUI
    key: str
    readings: tuple[str, ...] = ()

    @property
    def ndc11(self) -> str:
        """The one eleven-digit code it means, or ""."""
        return self.readings[0] if len(self.readings) == 1 else ""

    @property
    def pair(self) -> str:
        """The key of exactly these two codes together, for where a person has decided on both."""
        return f"{self.key} rxcui:{self.rxcui}" if self.ndc and self.rxcui else ""


@dataclass(frozen=True)
class EcwDrug:
    """A drug as eCW has it, from the row with this key; `ndc11` or `rxcui` may be "" where the row has none."""

    row: int
    name: str
    ecw_id: str
    strength: str
    formulation: str
    ndc11: str
    rxcui: str


def drug_code(ndc: str, rxcui: str) -> DrugCode:
    """What a medication's codes mean. Where an NDC stands it is the key, as it says more than the RxNorm code."""
    ndc, rxcui = ndc.strip(), rxcui.strip()
    if rxcui and RXCUI.fullmatch(rxcui) is None:
        # Apart from an NDC of the same digits: a decision on the one says nothing of the other.
        return DrugCode(ndc, rxcui, BAD_RXCUI, (f"as:{ndc}" if ndc else f"as:rxcui:{rxcui}")[:40])
    if not ndc:
        return DrugCode("", rxcui, OK if rxcui else NONE, f"rxcui:{rxcui}" if rxcui else "")
    meant = readings(ndc)
    if len(meant) == 1:
        return DrugCode(ndc, rxcui, OK, f"ndc:{meant[0]}", meant)
    return DrugCode(ndc, rxcui, AMBIGUOUS if meant else BAD_NDC, f"as:{ndc}"[:40], meant)
