"""Coded entries that came by FHIR: checked, kept in App Data, and taken over into the chart by a person (or not).

A transaction is taken whole or not at all. App Data cannot be read by FHIR; what is taken over can, by its own type.
"""

from typing import Any

from sandbox import drugs
from sandbox.clinical_notes import CodedRefusal, referred
from sandbox.practices import Practice, Resource

TYPES = ("Condition", "AllergyIntolerance", "MedicationStatement", "Immunization", "Observation")
# As what a resource is read once it stands in the chart.
READ_AS = {"MedicationStatement": "MedicationRequest"}


def posted_types(body: Any) -> list[str]:
    """The types of a transaction's entries; empty for what is no transaction of coded entries."""
    entries = body.get("entry") if isinstance(body, dict) else None
    rows = entries if isinstance(entries, list) else []
    found = [str(row["resource"].get("resourceType")) for row in rows if isinstance(row, dict) and _has(row)]
    return found if found and len(found) == len(rows) and set(found) <= set(TYPES) else []


def _has(row: dict[str, Any]) -> bool:
    return isinstance(row.get("resource"), dict)


def keep(body: dict[str, Any], practice: Practice) -> list[str]:
    """Put every entry into App Data; their ids. Raises CodedRefusal, and then none is kept."""
    resources = [entry["resource"] for entry in body["entry"]]
    for resource in resources:
        check(resource, practice)
    made = []
    for resource in resources:
        practice.received += 1
        key = f"app.{practice.received}"
        practice.app_data[key] = {**resource, "id": key}
        made.append(key)
    return made


def check(resource: Resource, practice: Practice) -> None:
    """What eCW demands of an entry. Raises CodedRefusal."""
    patient = referred(resource.get("subject") or resource.get("patient"), "Patient", "100")
    visit = resource.get("encounter") or resource.get("context")
    encounter = referred(visit, "Encounter", "123")
    owner = practice.patient_of(encounter)
    if practice.strict and owner is None:
        raise CodedRefusal("304", "The encounter is not found.")
    if owner not in (None, patient):
        raise CodedRefusal("303", "The encounter does not belong to this patient.")
    refused = drugs.refusal(resource) if resource["resourceType"] == "MedicationStatement" else None
    if refused is not None:
        raise CodedRefusal(*refused)


def take_over(practice: Practice, key: str) -> Resource | None:
    """What a person does at App Data: the entry stands in the chart now. None where there is no such entry."""
    resource = practice.app_data.pop(key, None)
    if resource is None:
        return None
    kind = READ_AS.get(resource["resourceType"], resource["resourceType"])
    name = key.replace("app", "chart")
    made = {**resource, "resourceType": str(kind), "id": name}
    practice.resources[str(kind), name] = made
    return made
