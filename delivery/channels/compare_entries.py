"""Compares coded entries as sent with those of ours that the chart holds. Pure; identity decides, never likeness.

An entry that is not in the chart is not missing: eCW keeps it in its App Data, which cannot be read, until a person
there takes it over.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from delivery.channels.compare import ReadBack, SectionReading
from delivery.channels.in_field import ALTERED, VERIFIED

WAITING = "waiting"  # taken by eCW, and not in the chart (yet)
CODES = ("code", "vaccineCode", "medicationCodeableConcept")
VALUES = ("valueQuantity", "valueString", "effectiveDateTime", "occurrenceDateTime")


def compare(body: bytes, control_id: str, chart: Mapping[str, Mapping[str, Any]], called: str) -> ReadBack:
    """What became of each entry of a sent transaction; `called` names one, such as "Diagnosis"."""
    sent = [entry["resource"] for entry in json.loads(body)["entry"]]
    rows = tuple(
        _entry(number, resource, chart.get(f"{control_id}.{number}"), called)
        for number, resource in enumerate(sent, start=1)
    )
    return ReadBack(any(row.outcome != WAITING for row in rows), rows, "entry")


def _entry(number: int, sent: Mapping[str, Any], found: Mapping[str, Any] | None, called: str) -> SectionReading:
    stands = said(found) if found is not None else ""
    outcome = WAITING if found is None else VERIFIED if same(sent, found) else ALTERED
    return SectionReading(number - 1, "", f"{called} {number}", "", outcome, said(sent), stands, "")


def same(sent: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """A code that was sent stands there, no other of the systems sent, and value and reaction are the same."""
    ours, theirs = codes(sent), codes(found)
    systems = {system for system, _ in ours}
    if any(system in systems and (system, code) not in ours for system, code in theirs):
        return False
    if ours and not set(ours) & set(theirs):
        return False
    if not ours and words(sent) != words(found):
        return False
    if not set(reactions(sent)) <= set(reactions(found)):
        return False
    return all(moment(sent[name]) == moment(found.get(name)) for name in VALUES if name in sent)


def concept(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in CODES:
        found = resource.get(name)
        if isinstance(found, Mapping):
            return found
    return {}


def moment(value: Any) -> Any:
    """A time with its offset as the moment it is, however it is written; anything else as it is."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else None
    except ValueError:
        return value
    return value if read is None or read.tzinfo is None else read


def listed(value: Any) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def reactions(resource: Mapping[str, Any]) -> list[str]:
    """What an allergy does, in the words that stand there."""
    shown = [each for row in listed(resource.get("reaction")) for each in listed(row.get("manifestation"))]
    return [str(each["text"]) for each in shown if each.get("text")]


def codes(resource: Mapping[str, Any]) -> list[tuple[str, str]]:
    """System and code of what the resource is about."""
    return [(str(row.get("system")), str(row.get("code"))) for row in listed(concept(resource).get("coding"))]


def words(resource: Mapping[str, Any]) -> str:
    return str(concept(resource).get("text") or "")


def said(resource: Mapping[str, Any]) -> str:
    """An entry in one line, for the screen."""
    quantity = resource.get("valueQuantity")
    value = f"{quantity.get('value')} {quantity.get('unit', '')}" if isinstance(quantity, Mapping) else ""
    shown = value or str(resource.get("valueString") or "")
    parts = (" ".join(code for _, code in codes(resource)), words(resource), *reactions(resource), shown)
    return " · ".join(part for part in parts if part)
