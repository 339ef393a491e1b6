"""The faults that befall a note's text while it is filed; each is noted among what was lost."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sandbox.faults import Fault
from sandbox.filing import Filed, Lost
from sandbox.oru import Note
from sandbox.template import Template


def tamper(filed: Filed, faults: Iterable[Fault], template: Template) -> Filed:
    """What is left of a note after the faults that struck it."""
    fields, lost = dict(filed.fields), list(filed.lost)
    for fault in faults:
        if change := CHANGES.get(fault.kind.name):
            lost += change(fields, fault.settings, template)
    ordered = {each.field_id: fields[each.field_id] for each in template.fields if each.field_id in fields}
    return Filed(ordered, tuple(lost))


def under(note: Note, faults: Iterable[Fault]) -> Note:
    """The note under the template that it really gets."""
    for fault in faults:
        if fault.kind.name == "other_template":
            return replace(note, template=fault.settings["template"])
    return note


def silent_drop(fields: dict[str, str], settings: dict[str, Any], template: Template) -> list[Lost]:
    field_id = settings["field_id"] or next(reversed(fields), "")
    return [] if fields.pop(field_id, None) is None else [Lost(field_id, "silent_drop")]


def move_field(fields: dict[str, str], settings: dict[str, Any], template: Template) -> list[Lost]:
    source = settings["from"] or next(iter(fields), "")
    target = settings["to"] or field_after(source, template)
    if source not in fields or target not in template.by_id or source == target:
        return []
    moved = fields.pop(source)
    fields[target] = f"{fields[target]}\n{moved}" if target in fields else moved
    return [Lost(source, "move_field", target)]


def truncate(fields: dict[str, str], settings: dict[str, Any], template: Template) -> list[Lost]:
    field_id = settings["field_id"] or next(reversed(fields), "")
    if len(fields.get(field_id, "")) <= settings["length"]:
        return []
    fields[field_id] = fields[field_id][: settings["length"]]
    return [Lost(field_id, "truncate", field_id)]


def field_after(field_id: str, template: Template) -> str:
    """The next field of the template; after the last one comes the first."""
    order = [each.field_id for each in template.fields]
    return order[(order.index(field_id) + 1) % len(order)] if field_id in order else ""


CHANGES = {"silent_drop": silent_drop, "move_field": move_field, "truncate": truncate}
