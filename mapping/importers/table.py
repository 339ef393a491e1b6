"""A sheet becomes templates: title rows, the header row, then a row per field."""

import re
from collections.abc import Sequence

from mapping.importers.base import ImportedTemplate, ImportRefused
from mapping.importers.fields import RawField, template_of, tidy
from mapping.importers.headers import NOTHING, Known, accepted, meaning, meanings, words
from mapping.importers.sheets import HEADER_WITHIN, Row, Sheet

# A line that says when and by whom the file was made names no template; as part of a name it changes at every export.
_MADE = (
    r"(?:exported|generated|printed|created|downloaded|prepared|produced|retrieved|extracted|updated|modified|saved|run"
    r"|exportado|generado|impreso|creado|descargado|actualizado)"
)
_STAMP = re.compile(
    rf"(?:(?:last|report|file)\s+)?{_MADE}\b.*(?:\d|\b(?:by|from|por|desde)\b).*"
    r"|(?:as of|page|(?:export|report|run|print)?\s*date|fecha)\b.*\d.*|confidential\b.*|[\W\d]*",
    re.IGNORECASE,
)
_STAMPED = re.compile(rf"[\s,;|([–—-]+(?:last\s+)?{_MADE}\b.*\d.*$", re.IGNORECASE)

PROPERTIES = ("order", "id", "label", "kind", "max_length", "required", "group")


class ColumnsUnknown(ImportRefused):
    """No row is known for a header: a person has to say what the columns mean."""


def templates_in(sheet: Sheet, fallback_name: str, known: Known = NOTHING) -> tuple[ImportedTemplate, ...]:
    """Every template of a sheet. Raises ImportRefused when it is empty, ColumnsUnknown without identifiers."""
    listed = sheet.rows
    if not listed:
        raise ImportRefused("The file is empty. Export the template again, with its field identifiers.")
    at = header_index(listed, known)
    if at is None:
        raise ColumnsUnknown(_no_identifiers(listed, known))
    columns = meanings(listed[at].cells, known)
    titles = _titles(listed[:at], known)
    by_template: dict[tuple[str, str], list[Row]] = {}
    for row in listed[at + 1 :]:
        by_template.setdefault((_cell(row, columns, "template"), _cell(row, columns, "template_code")), []).append(row)
    if not by_template:
        raise ImportRefused(f"{sheet.place(listed[at]).capitalize()} is the header, and no row follows it.")
    said = [*sheet.notes, *_unused(listed[at].cells, columns, known)]
    return tuple(
        template_of(
            [_raw(sheet, row, columns) for row in members],
            name=name or titles.get("template") or fallback_name,
            code=code or titles.get("template_code", ""),
            notes=[*said, *_sites(members, columns, titles)],
            specialty=titles.get("specialty", "") or _cell(members[0], columns, "specialty"),
        )
        for (name, code), members in by_template.items()
    )


def header_index(rows: Sequence[Row], known: Known = NOTHING) -> int | None:
    """Which row is the header: the first with a column of identifiers and another that is understood."""
    for place, row in enumerate(rows[:HEADER_WITHIN]):
        found = meanings(row.cells, known)
        if "id" in found and {"label", "order", "kind", "max_length"} & found.keys():
            return place
    return None


def likely_header(rows: Sequence[Row], known: Known = NOTHING) -> int:
    """The row that a person is asked about: most columns understood, else the first with the most words in it."""
    top = rows[:HEADER_WITHIN]
    worth = [(len(meanings(row.cells, known)), sum(bool(words(cell)) for cell in row.cells)) for row in top]
    return worth.index(max(worth))


def understood(rows: Sequence[Row]) -> int:
    """How many columns the best header row has whose meaning is known: what tells one separator from another."""
    return max((len(meanings(row.cells)) for row in rows[:HEADER_WITHIN]), default=0)


def _unused(headers: Sequence[str], columns: dict[str, int], known: Known) -> list[str]:
    """The columns nobody has said anything of; what a person set aside is not named again."""
    nameless = [column for column, cell in enumerate(headers) if not meaning(cell) and words(cell) not in known]
    unused = [
        tidy(headers[column]) for column in nameless if headers[column].strip() and column not in columns.values()
    ]
    notes = [f"Columns not used: {', '.join(unused)}."] if unused else []
    if columns.get("label") in nameless:
        notes.append(
            f"“{tidy(headers[columns['label']])}” was taken for the fields' names: look whether that is right."
        )
    if "label" not in columns:
        notes.append(
            "No column of the fields' names was found, so nothing can be suggested: say what each column holds."
        )
    return notes


def _titles(rows: Sequence[Row], known: Known) -> dict[str, str]:
    """What stands above the header: "Template: Visit", "Specialty" beside a value, or the name alone."""
    said: dict[str, str] = {}
    for row in rows:
        cells = [tidy(cell) for cell in row.cells if cell.strip()]
        key, colon, value = cells[0].partition(":")
        value = value.strip() or (cells[1] if len(cells) > 1 else "")
        named = meaning(key, known)
        if named in PROPERTIES and not colon and "name" not in words(key):  # "Field | Rules" heads columns
            continue
        if named and value:
            said[named if named not in ("label", "id") else "template"] = _unstamped(value)
        elif len(cells) == 1 and ":" not in cells[0] and not _STAMP.fullmatch(cells[0]):
            said["title"] = _unstamped(cells[0])
    if "title" in said:
        said.setdefault("template", said.pop("title"))
    return said


def _unstamped(name: str) -> str:
    """A name without when it was exported: "Visit (exported 2026-11-01)" is "Visit"."""
    return _STAMPED.sub("", name) or name


def _cell(row: Row, columns: dict[str, int], name: str) -> str:
    column = columns.get(name)
    return tidy(row.cells[column]) if column is not None and column < len(row.cells) else ""


def _raw(sheet: Sheet, row: Row, columns: dict[str, int]) -> RawField:
    values = {
        name: row.cells[columns[name]] if columns[name] < len(row.cells) else ""
        for name in PROPERTIES
        if name in columns
    }
    return RawField(sheet.place(row), values, row.doubtful.get(columns["id"], ""))


def _sites(rows: Sequence[Row], columns: dict[str, int], titles: dict[str, str]) -> list[str]:
    named = {_cell(row, columns, "location") for row in rows} | {titles.get("location", "")}
    sites = sorted(named - {""})
    return [f"The file names the site {', '.join(sites[:5])}: check that this is the right location."] if sites else []


def _no_identifiers(rows: Sequence[Row], known: Known) -> str:
    best = rows[likely_header(rows, known)]
    found = ", ".join(f"“{tidy(cell)[:40]}”" for cell in best.cells[:20] if cell.strip())
    return (
        f"No column of field identifiers was found: they tell eCW where each section goes. Row {best.number} has "
        f"the columns {found}. Name the column {accepted('id')} (and another {accepted('label')}), and import again."
    )
