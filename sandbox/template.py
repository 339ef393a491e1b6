"""A facility's Progress Note template as the sandbox knows it: fields in an order, and what happens off that order."""

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

OUT_OF_ORDER = ("drop", "misfile")
KINDS = ("free_text", "structured")
COLUMNS = ("Order", "Field Identifier", "Field Label", "Type", "Max Length", "Required")
KIND_WORDS = {"free_text": "Free text", "structured": "Structured"}


class BadTemplate(ValueError):
    """A template as posted makes no sense; the text says why."""


@dataclass(frozen=True, slots=True)
class TemplateField:
    """One field; `position` counts from 1 and `max_length` is in characters (None: no limit)."""

    field_id: str
    label: str
    position: int
    kind: str = "free_text"
    max_length: int | None = None
    required: bool = False


@dataclass(frozen=True)
class Template:
    """A template of one facility. `fields` stand in their order."""

    facility: str
    code: str
    name: str
    fields: tuple[TemplateField, ...]
    out_of_order: str = "drop"
    truncate: bool = True

    @cached_property
    def by_id(self) -> dict[str, TemplateField]:
        return {field.field_id: field for field in self.fields}

    def swapped(self, first: str, second: str) -> "Template":
        """The same template with two fields' positions exchanged. Raises BadTemplate."""
        if first == second or first not in self.by_id or second not in self.by_id:
            raise BadTemplate("Name two different fields of this template.")
        places = {first: self.by_id[second].position, second: self.by_id[first].position}
        moved = (replace(field, position=places.get(field.field_id, field.position)) for field in self.fields)
        return replace(self, fields=in_order(moved))

    def as_json(self) -> dict[str, Any]:
        return {
            "facility": self.facility,
            "code": self.code,
            "name": self.name,
            "out_of_order": self.out_of_order,
            "truncate": self.truncate,
            "fields": [asdict(field) for field in self.fields],
        }

    def as_csv(self) -> str:
        """The export a director would download."""
        out = io.StringIO()
        table = csv.writer(out)
        table.writerow(COLUMNS)
        for field in self.fields:
            limit = field.max_length or ""
            required = "Yes" if field.required else "No"
            table.writerow((field.position, field.field_id, field.label, KIND_WORDS[field.kind], limit, required))
        return out.getvalue()


def in_order(fields: Any) -> tuple[TemplateField, ...]:
    return tuple(sorted(fields, key=lambda field: field.position))


def template_from_json(facility: str, code: str, body: Any) -> Template:
    """A template from its JSON form. Raises BadTemplate."""
    if not isinstance(body, Mapping) or not isinstance(body.get("fields"), list) or not body["fields"]:
        raise BadTemplate('The body is an object with a list "fields" that is not empty.')
    fields = in_order(field_from_json(field, place) for place, field in enumerate(body["fields"], start=1))
    if len({field.field_id for field in fields}) != len(fields):
        raise BadTemplate("A field_id stands twice.")
    if len({field.position for field in fields}) != len(fields):
        raise BadTemplate("A position stands twice.")
    out_of_order = body.get("out_of_order", "drop")
    if out_of_order not in OUT_OF_ORDER:
        raise BadTemplate('"out_of_order" is "drop" or "misfile".')
    return Template(
        facility, code, str(body.get("name") or code), fields, out_of_order, bool(body.get("truncate", True))
    )


def field_from_json(body: Any, place: int) -> TemplateField:
    """One field; a missing position is its place in the list."""
    if not isinstance(body, Mapping) or not isinstance(body.get("field_id"), str) or not body["field_id"].strip():
        raise BadTemplate(f"Field {place} has no field_id.")
    position, limit, kind = body.get("position", place), body.get("max_length"), body.get("kind", "free_text")
    if not isinstance(position, int) or isinstance(position, bool) or position < 1:
        raise BadTemplate(f"Field {place}: the position is a number from 1.")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise BadTemplate(f"Field {place}: max_length is a number from 1, or null.")
    if kind not in KINDS:
        raise BadTemplate(f"Field {place}: the kind is free_text or structured.")
    field_id = body["field_id"].strip()
    label = str(body.get("label") or field_id)
    return TemplateField(field_id, label, position, kind, limit, bool(body.get("required", False)))
