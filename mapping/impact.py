"""What a newer version of a template does to the mapping in force, row by row: before it is saved, and after. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mapping.drift import BROKEN, LOOK, Change, changes, drifted, newly_required
from mapping.note import FieldSpec, MappingSpec
from mapping.sections import name_of

CATCH_ALL_ROW = "Everything else (the catch-all field)"


@dataclass(frozen=True)
class Row:
    """A row of the mapping whose field is broken, or only shorter (LOOK), and how."""

    name: str
    field_id: str
    severity: str
    message: str


@dataclass(frozen=True)
class Impact:
    """`spec` is the mapping in force as it stands beside the newer version: apply holds by it what that breaks.

    `unfilled` are the fields that became required, or are new and required, and that no row fills: notes go on
    without them by the mapping in force, and each would be held by a mapping for the newer version.
    """

    spec: MappingSpec
    changes: tuple[Change, ...]
    rows: tuple[Row, ...]
    unfilled: tuple[FieldSpec, ...]

    @property
    def broken(self) -> list[Row]:
        return [row for row in self.rows if row.severity == BROKEN]

    @property
    def shorter(self) -> list[Row]:
        return [row for row in self.rows if row.severity == LOOK]


def impact(spec: MappingSpec, newest: Sequence[FieldSpec]) -> Impact:
    """What `newest` does to a mapping that is made for an older version of its template."""
    found = {item.field_id: item for item in drifted(spec.fields, newest)}
    named = [(rule.field_id, _name(rule.section_code, rule.heading)) for rule in spec.rules]
    named.append((spec.catch_all_field_id, CATCH_ALL_ROW))
    rows = []
    for field_id, name in dict.fromkeys(named):
        item = found.get(field_id)
        if item is not None:
            shorter = f"The field takes {item.max_length} characters now: longer text is held."
            rows.append(Row(name, field_id, BROKEN if item.message else LOOK, item.message or shorter))
    filled = {rule.field_id for rule in spec.rules}
    unfilled = tuple(field for field in newly_required(spec.fields, newest) if field.field_id not in filled)
    beside = replace(spec, drifted=tuple(found.values()))
    return Impact(beside, changes(spec.fields, newest), tuple(rows), unfilled)


def _name(section_code: str, heading: str) -> str:
    return name_of(section_code) + (f" (“{heading}”)" if heading else "")
