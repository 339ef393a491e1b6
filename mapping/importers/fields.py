"""Raw values of a file's rows become template fields, or refused rows with the reason."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from mapping.importers.base import MAX_ROWS, ImportedField, ImportedTemplate, ImportRefused, RefusedRow

FREE_TEXT, STRUCTURED = "free_text", "structured"
_KINDS = {
    FREE_TEXT: """free text | freetext | free | f | ft | text | txt | tx | st | narrative | memo | string | str
        | textarea | text area | rich text | richtext | long text | multiline | multiline text | dictation | notes
        | texto libre | texto | narrativo""",
    STRUCTURED: """structured | s | coded | code | ce | cwe | list | drop down | dropdown | picklist | pick list
        | select | checkbox | check box | radio | numeric | number | nm | date | boolean | structured data | discrete
        | grid | table | multi select | multiselect | lookup | estructurado | codificado | lista | numerico | fecha""",
}
_KIND = {word.strip(): kind for kind, listed in _KINDS.items() for word in listed.split("|")}
_YES = frozenset({"yes", "y", "true", "t", "1", "x", "required", "mandatory", "must", "r", "si", "sí"})
_NO = frozenset({"", "no", "n", "false", "f", "0", "optional", "o", "none", "-"})
_UNLIMITED = frozenset({"", "-", "–", "none", "n/a", "na", "unlimited", "no limit", "null"})
_BRACKETED = re.compile(r"\s*[(\[].*$")
_MANGLED = re.compile(r"\d(?:[.,]\d+)?E[+-]\d+", re.IGNORECASE)
_CELL_ERROR = re.compile(r"#(REF|N/A|NAME|VALUE|DIV/0|NULL|NUM|SPILL|CALC)[!?]?$", re.IGNORECASE)
# Marks of direction, soft hyphens and spaces without width, as copying from a page leaves them.
_UNSEEN = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_LENGTH_OF = {"field identifier": 80, "label": 200, "group": 200}


class BadRow(Exception):
    """A row cannot become a field; the message is the reason."""


@dataclass(frozen=True)
class RawField:
    """A row as it stands in the file: everything text, `place` for messages ("row 4", "templates[0].sections[3]")."""

    place: str
    values: dict[str, str] = field(default_factory=dict)
    doubt: str = ""  # why the identifier may not be what was typed


@dataclass(frozen=True)
class _Candidate:
    place: str
    order: int | None
    made: ImportedField


def template_of(
    rows: Sequence[RawField], *, name: str, code: str = "", notes: Sequence[str] = (), specialty: str = ""
) -> ImportedTemplate:
    """A template from its rows: fields in order, numbered from 1. Raises ImportRefused when no row can be taken."""
    if len(rows) > MAX_ROWS:
        raise ImportRefused(
            f"The template “{name}” has {len(rows)} rows; {MAX_ROWS} are the most. Split the file by template."
        )
    candidates, refused = _candidates(rows)
    ordered, order_notes = _ordered(candidates, refused)
    if not ordered:
        why = f" The first: {refused[0].place}: {refused[0].reason}" if refused else ""
        raise ImportRefused(f"No row of “{name}” can be taken as a field.{why}")
    fields = tuple(replace(item.made, position=place) for place, item in enumerate(ordered, start=1))
    said = [*notes, *order_notes, *_silent_kinds(rows)]
    return ImportedTemplate(
        tidy(name)[:200], code_from(code or name), fields, tuple(refused), tuple(said), tidy(specialty)[:100]
    )


def _candidates(rows: Sequence[RawField]) -> tuple[list[_Candidate], list[RefusedRow]]:
    found: list[_Candidate] = []
    refused: list[RefusedRow] = []
    first_at: dict[str, str] = {}
    for row in rows:
        try:
            candidate = _candidate(row)
            field_id = candidate.made.field_id
            if field_id in first_at:
                raise BadRow(f"the field identifier {field_id} stands already in {first_at[field_id]}")
        except BadRow as reason:
            refused.append(RefusedRow(row.place, str(reason)))
        else:
            first_at[field_id] = row.place
            found.append(candidate)
    return found, refused


def _candidate(row: RawField) -> _Candidate:
    field_id = _text(row, "id", "field identifier")
    if not field_id:
        raise BadRow("it has no field identifier")
    if _MANGLED.fullmatch(field_id):
        raise BadRow(f"the field identifier {field_id} was mangled by a spreadsheet: format the column as text")
    if row.doubt:
        raise BadRow(f"the field identifier {shortened(field_id)} {row.doubt}: format the column as text")
    made = ImportedField(
        field_id=field_id,
        label=_text(row, "label", "label") or field_id,
        position=0,
        kind=_kind(row.values.get("kind", "")),
        max_length=_length(row.values.get("max_length", "")),
        required=_required(row.values.get("required", "")),
        group=_text(row, "group", "group"),
    )
    return _Candidate(row.place, _order(row), made)


def _text(row: RawField, name: str, called: str) -> str:
    text = tidy(row.values.get(name, ""))
    unseen = _UNSEEN.search(text)
    if unseen and name == "id":
        raise BadRow(
            f"the {called} {shortened(_UNSEEN.sub('', text))} holds an invisible character (U+{ord(unseen[0]):04X}), "
            "which eCW would not find: type it anew"
        )
    text = tidy(_UNSEEN.sub("", text))
    if len(text) > _LENGTH_OF[called]:
        raise BadRow(f"the {called} has {len(text)} characters; {_LENGTH_OF[called]} are the most")
    if any(unicodedata.category(letter) == "Cc" for letter in text):
        raise BadRow(f"the {called} holds control characters")
    if text.startswith("=") or _CELL_ERROR.match(text):
        raise BadRow(f"the {called} {shortened(text)} is a formula or a cell's error: put the value itself there")
    return text


def _whole(text: str) -> int:
    """A whole number as files write it: "12", "12.0" (spreadsheets), "12,000" (thousands).

    "12.000" is twelve to some and twelve thousand to others: it is none.
    """
    plain = re.sub(r"(?<=\d),(?=\d{3}(?:,|$))", "", text.strip())
    plain = re.sub(r"\.(?:0{1,2}|0{4,})$", "", plain)
    if not re.fullmatch(r"[0-9]{1,9}", plain):
        raise ValueError(text)
    return int(plain)


def _order(row: RawField) -> int | None:
    text = row.values.get("order", "").strip()
    try:
        return _whole(text) if text else None
    except ValueError:
        raise BadRow(f"the order “{shortened(text)}” is not a whole number") from None


def _length(text: str) -> int | None:
    if text.strip().casefold() in _UNLIMITED:
        return None
    try:
        length = _whole(text)
    except ValueError:
        raise BadRow(f"the length “{shortened(text)}” is not a whole number of characters") from None
    if length == 0:
        raise BadRow("the length is 0: leave it empty where there is no limit")
    return length


def _kind(text: str) -> str:
    plain = re.sub(r"[\s_\-/]+", " ", _BRACKETED.sub("", text)).strip().casefold()
    if not plain:
        return FREE_TEXT
    kind = _KIND.get(plain)
    if kind is None:
        raise BadRow(f"the type “{shortened(text)}” is not known: write Free Text or Structured")
    return kind


def _required(text: str) -> bool:
    plain = text.strip().casefold()
    if plain in _YES:
        return True
    if plain in _NO:
        return False
    raise BadRow(f"“{shortened(text)}” under required is neither yes nor no")


def _ordered(candidates: list[_Candidate], refused: list[RefusedRow]) -> tuple[list[_Candidate], list[str]]:
    """The candidates in template order. A row without order among ordered ones is refused, as is a repeated order."""
    ordered = [(item.order, item) for item in candidates if item.order is not None]
    if not ordered:
        return candidates, ["No order is given: the fields keep the order of the file."]
    missing = [item for item in candidates if item.order is None]
    refused.extend(RefusedRow(item.place, "it has no order, and other rows have") for item in missing)
    if _restarts(ordered):
        groups = list(dict.fromkeys(item.made.group for _order, item in ordered))
        ordered.sort(key=lambda pair: (groups.index(pair[1].made.group), pair[0]))
        return [item for _order, item in ordered], ["The order starts again in each group: groups keep their order."]
    first: dict[int, _Candidate] = {}
    for order, item in ordered:
        if first.setdefault(order, item) is not item:
            refused.append(RefusedRow(item.place, f"order {order} is taken by {first[order].place}"))
    return [first[order] for order in sorted(first)], []


def _restarts(ordered: Sequence[tuple[int, _Candidate]]) -> bool:
    """Whether orders repeat between groups, but in no group."""
    alone = {order for order, _item in ordered}
    grouped = {(item.made.group, order) for order, item in ordered}
    return len(alone) < len(ordered) == len(grouped)


def _silent_kinds(rows: Sequence[RawField]) -> list[str]:
    silent = sum(not row.values.get("kind", "").strip() for row in rows)
    return [f"{silent} of {len(rows)} rows name no type and are taken as free text."] if silent else []


def tidy(text: str) -> str:
    """Without spaces at the ends, and single spaces between words."""
    return " ".join(text.split())


def shortened(text: str) -> str:
    """A value as a message may show it."""
    plain = tidy(text)
    return plain if len(plain) <= 40 else plain[:40] + "…"


def code_from(name: str) -> str:
    """A template code from a name: "Primary Care (Reno)" is PRIMARY-CARE; a code stays as it is."""
    plain = unicodedata.normalize("NFKD", _BRACKETED.sub("", name) or name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._]+", "-", plain).strip("-._").upper()[:60] or "TEMPLATE"


def stem(filename: str) -> str:
    """A file's name without folder and ending, readable: "05_peds-visit.csv" is "05 peds-visit"."""
    return tidy(PurePath(filename.replace("\\", "/")).stem.replace("_", " ")) or "Template"
