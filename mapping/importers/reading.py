"""What a reader found in a file, and the templates it makes once its columns are understood."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from mapping.importers.base import ImportedField, ImportedTemplate, ImportRefused, RefusedRow
from mapping.importers.fields import code_from
from mapping.importers.headers import NOTHING, Known, words
from mapping.importers.sheets import Row, Sheet, sheet_from_json, sheet_in_json
from mapping.importers.table import ColumnsUnknown, header_index, templates_in

_TITLE, _CODE = 160, 28  # of a title and a code, beside a sheet's name of up to 31 characters
# Names that a spreadsheet gives by itself say nothing about the template.
_UNNAMED = frozenset({"sheet", "tabelle", "feuil", "hoja", "foglio", "blad", "export", "data"})


@dataclass(frozen=True)
class Reading:
    """Templates where the format names its fields; sheets where columns have to be understood. Never both."""

    name: str
    templates: tuple[ImportedTemplate, ...] = ()
    sheets: tuple[Sheet, ...] = ()


def templates_of(reading: Reading, known: Known = NOTHING) -> tuple[ImportedTemplate, ...]:
    """Every template, under distinct codes. Raises ImportRefused; ColumnsUnknown where a person can say more."""
    templates = reading.templates or _from_sheets(reading, known)
    codes = [template.code for template in templates]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise ImportRefused(f"The file holds the template {twice[0]} twice. Give each its own code.")
    return templates


def _from_sheets(reading: Reading, known: Known) -> tuple[ImportedTemplate, ...]:
    """The templates of the sheets that have a header; a sheet without one is named beside them, never in silence."""
    filled = [sheet for sheet in reading.sheets if sheet.rows]
    if not filled:
        raise ImportRefused("The file is empty. Export the template again, with its field identifiers.")
    headed = [sheet for sheet in filled if header_index(sheet.rows, known) is not None]
    if not headed:
        templates_in(unmatched(reading), reading.name, known)  # says which columns there are
    passed = [sheet.name for sheet in filled if sheet not in headed]
    said = [f"Not read, for want of field identifiers: sheet {', '.join(f'“{name}”' for name in passed)}."] * bool(
        passed
    )
    found = [(sheet, templates_in(sheet, _name(sheet, reading, len(headed)), known)) for sheet in headed]
    return tuple(replace(template, notes=(*template.notes, *said)) for template in _told_apart(found))


def _told_apart(found: Sequence[tuple[Sheet, Sequence[ImportedTemplate]]]) -> Iterator[ImportedTemplate]:
    """Templates of sheets that share a title are called by their sheet too: a title row is often the practice's."""
    sheets = Counter(code for _sheet, templates in found for code in {template.code for template in templates})
    for sheet, templates in found:
        for template in templates:
            if sheets[template.code] == 1:
                yield template
                continue
            note = f"Other sheets have the title “{template.name}” too, so the sheet's name was added. Change it below."
            yield replace(
                template,
                name=f"{template.name[:_TITLE]}, {sheet.name}",
                code=code_from(f"{template.code[:_CODE]} {sheet.name}"),
                notes=(*template.notes, note),
            )


def _name(sheet: Sheet, reading: Reading, sheets: int) -> str:
    """A template without a title is called as its sheet; as the file, where the sheet's name says nothing."""
    named = words(sheet.name).rstrip(" 0123456789")
    if not named or named in _UNNAMED:
        return f"{reading.name} {sheet.name}" if sheets > 1 and sheet.name else reading.name
    return sheet.name


def unmatched(reading: Reading) -> Sheet:
    """The sheet a person is asked about: the longest one."""
    return max(reading.sheets, key=lambda sheet: len(sheet.rows))


def with_header(reading: Reading, headers: Sequence[str]) -> Reading:
    """The same, the sheet a person is asked about under a row of headers it does not have."""
    sheet = unmatched(reading)
    headed = replace(sheet, rows=(Row(0, tuple(headers)), *sheet.rows))
    return replace(reading, sheets=tuple(headed if one is sheet else one for one in reading.sheets))


def reading_in_json(reading: Reading) -> dict[str, Any]:
    """A reading as JSON can carry it."""
    return {
        "name": reading.name,
        "templates": [asdict(template) for template in reading.templates],
        "sheets": [sheet_in_json(sheet) for sheet in reading.sheets],
    }


def reading_from_json(item: dict[str, Any]) -> Reading:
    """The reading again."""
    templates = tuple(template_from_json(template) for template in item["templates"])
    return Reading(item["name"], templates, tuple(sheet_from_json(sheet) for sheet in item["sheets"]))


def template_from_json(item: dict[str, Any]) -> ImportedTemplate:
    """The template that `dataclasses.asdict` took apart."""
    return ImportedTemplate(
        name=item["name"],
        code=item["code"],
        fields=tuple(ImportedField(**field) for field in item["fields"]),
        refused=tuple(RefusedRow(**row) for row in item["refused"]),
        notes=tuple(item["notes"]),
        specialty=item["specialty"],
    )


__all__ = [
    "ColumnsUnknown",
    "Reading",
    "reading_from_json",
    "reading_in_json",
    "template_from_json",
    "templates_of",
    "unmatched",
    "with_header",
]
