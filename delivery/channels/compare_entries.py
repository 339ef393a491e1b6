"""Compares coded entries as sent with those of ours that the chart holds. Pure; identity decides, never likeness.

An entry that is not in the chart is not missing: eCW keeps it in its App Data, which cannot be read, until a person
there takes it over.
"""

import json
from collections.abc import Mapping
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
    """Every code that was sent stands there, no other of its system, and the value is the same."""
    ours, theirs = codes(sent), codes(found)
    if any(theirs.get(system) not in (None, code) for system, code in ours.items()):
        return False
    if ours and not set(ours.items()) & set(theirs.items()):
        return False
    if not ours and words(sent) != words(found):
        return False
    return all(sent[name] == found.get(name) for name in VALUES if name in sent)


def concept(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in CODES:
        found = resource.get(name)
        if isinstance(found, Mapping):
            return found
    return {}


def codes(resource: Mapping[str, Any]) -> dict[str, str]:
    """System to code of what the resource is about."""
    rows = concept(resource).get("coding")
    listed = rows if isinstance(rows, list) else []
    return {str(row.get("system")): str(row.get("code")) for row in listed if isinstance(row, Mapping)}


def words(resource: Mapping[str, Any]) -> str:
    return str(concept(resource).get("text") or "")


def said(resource: Mapping[str, Any]) -> str:
    """An entry in one line, for the screen."""
    quantity = resource.get("valueQuantity")
    value = f"{quantity.get('value')} {quantity.get('unit', '')}" if isinstance(quantity, Mapping) else ""
    parts = (" ".join(codes(resource).values()), words(resource), value or str(resource.get("valueString") or ""))
    return " · ".join(part for part in parts if part)
