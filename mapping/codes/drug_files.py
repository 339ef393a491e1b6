"""Reads a crosswalk from the rows of a CSV or XLSX file: drugs to be kept, and rows refused with the reason.

The file itself is read by mapping/importers/limited.py, in a process with little time and memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mapping.codes import drugs
from mapping.importers.base import ImportRefused, RefusedRow
from mapping.importers.headers import words
from mapping.importers.reading import Reading
from mapping.importers.sheets import HEADER_WITHIN, Row, Sheet

HEADERS: dict[str, tuple[str, ...]] = {
    "ndc": ("ndc", "ndccode", "ndc11", "ndc10", "nationaldrugcode", "packagendc", "ndcpackagecode"),
    "rxcui": ("rxcui", "rxnorm", "rxnormcode", "rxnormcui", "rxnormid"),
    "name": ("drug", "drugname", "name", "medication", "medicationname", "description", "itemname"),
    "ecw_id": ("id", "drugid", "itemid", "rxitemid", "drugitemid", "medicationid"),
    "strength": ("strength", "drugstrength"),
    "formulation": ("formulation", "form", "dosageform", "doseform"),
}
LONGEST = {"ndc": 20, "rxcui": 20, "name": 200, "ecw_id": 40, "strength": 80, "formulation": 80}
_MEANT = {header: name for name, headers in HEADERS.items() for header in headers}


@dataclass(frozen=True)
class DrugRow:
    """One drug of a file (or of a form), its codes checked."""

    key: str
    ndc: str  # as written
    ndc11: str
    rxcui: str
    name: str
    ecw_id: str
    strength: str
    formulation: str


class NotADrug(ValueError):
    """Why a row cannot be kept, in plain words."""


def drug_row(values: Mapping[str, str]) -> DrugRow:
    """A row of a file or form; raises NotADrug."""
    said = {name: values.get(name, "").strip() for name in HEADERS}
    for name, most in LONGEST.items():
        if len(said[name]) > most:
            raise NotADrug(f"The {name.replace('_', ' ')} is longer than {most} characters.")
    code = drugs.drug_code(said["ndc"], said["rxcui"])
    trouble = {
        drugs.NONE: "It has neither an NDC nor an RxNorm code.",
        drugs.BAD_NDC: "Its NDC is none: 10 digits with hyphens (4-4-2, 5-3-2, 5-4-1) or 11 digits are taken. A "
        "spreadsheet drops zeros at the beginning: format the column as text.",
        drugs.BAD_RXCUI: "Its RxNorm code is no number of up to eight digits.",
        drugs.AMBIGUOUS: "Its NDC has ten digits without hyphens, which can mean "
        f"{', '.join(map(drugs.spelt, code.readings))}: write it with hyphens.",
    }
    if code.kind in trouble:
        raise NotADrug(trouble[code.kind])
    for name, words_ in (("ecw_id", "eCW's id of the drug"), ("name", "a name")):
        if not said[name]:
            raise NotADrug(f"It lacks {words_}.")
    return DrugRow(code.key, **{**said, "ndc11": code.ndc11})


def drugs_in(reading: Reading) -> tuple[list[DrugRow], list[RefusedRow]]:
    """The drugs of a file and the rows refused. Raises ImportRefused where no columns are understood."""
    if not reading.sheets:
        raise ImportRefused("A crosswalk is read from CSV or Excel (.xlsx): one row a drug.")
    kept: dict[str, DrugRow] = {}
    refused: list[RefusedRow] = []
    for sheet in (sheet for sheet in reading.sheets if sheet.rows):
        at, columns = _header(sheet)
        for row in sheet.rows[at + 1 :]:
            try:
                drug = _checked(row, columns)
                if not _same(kept.setdefault(drug.key, drug), drug):
                    raise NotADrug("The same code stands in an earlier row with another drug.")
            except NotADrug as error:
                refused.append(RefusedRow(sheet.place(row), str(error)))
    if not kept and not refused:
        raise ImportRefused("The file has a header and no row below it.")
    return list(kept.values()), refused


def _same(one: DrugRow, other: DrugRow) -> bool:
    """Whether two rows say the same of a code, however each spells it."""
    return replace(one, ndc="") == replace(other, ndc="")


def _header(sheet: Sheet) -> tuple[int, dict[str, int]]:
    for place, row in enumerate(sheet.rows[:HEADER_WITHIN]):
        columns = _columns(row.cells)
        if "ecw_id" in columns and "name" in columns and columns.keys() & {"ndc", "rxcui"}:
            return place, columns
    raise ImportRefused(
        "No header row was found. Name the columns NDC and RxCUI (one of them is enough), Drug, eCW drug ID, Strength "
        "and Formulation, and import again."
    )


def _columns(cells: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for column, cell in enumerate(cells):
        name = _MEANT.get(words(cell).replace(" ", ""))
        if name:
            found.setdefault(name, column)
    return found


def _checked(row: Row, columns: Mapping[str, int]) -> DrugRow:
    values = {name: row.cells[column] if column < len(row.cells) else "" for name, column in columns.items()}
    for name in ("ndc", "rxcui", "ecw_id"):
        why = row.doubtful.get(columns.get(name, -1))
        if why:
            raise NotADrug(f"Its {name.replace('_', ' ')} {why}: format the column as text.")
    return drug_row(values)
