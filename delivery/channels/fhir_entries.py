"""Renders a part of coded entries as eCW's transaction Bundle: one resource an entry, validated. Pure.

docs/channels/fhir.md says what is documented of it. Each resource carries the delivery's control id and its own number
as identifier, so that it can be found again; nothing is said of an entry that the note does not say.
"""

import re
from collections.abc import Callable
from typing import Any

from delivery.channels.base import CannotExpress, OutgoingEntries, Rendered, Visit
from delivery.channels.fhir_bundle import MESSAGE, NOTE, refer, transaction
from delivery.channels.fhir_settings import FhirSettings
from delivery.entries import Allergy, CodedMedication, Diagnosis, Immunization, Observation
from mapping.codes.drugs import RXCUI

HL7 = "http://terminology.hl7.org/CodeSystem"
DIAGNOSIS_SYSTEMS = {"icd-10-cm": "http://hl7.org/fhir/sid/icd-10-cm", "snomed-ct": "http://snomed.info/sct"}
RXNORM, NDC = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://hl7.org/fhir/sid/ndc"
CVX, LOINC, UCUM = "http://hl7.org/fhir/sid/cvx", "http://loinc.org", "http://unitsofmeasure.org"
CVX_CODE = re.compile(r"[0-9]{2,3}")
# FHIR R4's vital signs (https://hl7.org/fhir/R4/observation-vitalsigns.html), oxygen by pulse oximetry included.
VITAL_SIGNS = frozenset(
    {
        "85353-1", "9279-1", "8867-4", "2708-6", "59408-5", "8310-5", "8302-2", "9843-4", "8287-5", "29463-7",
        "39156-5", "85354-9", "8480-6", "8462-4", "8478-0",
    }
)  # fmt: skip


def render(outgoing: OutgoingEntries, settings: FhirSettings) -> Rendered:
    """The transaction. Raises CannotExpress."""
    made, places = [], [f"/{outgoing.part}/{at}" for at in range(len(outgoing.entries))]
    for number, entry in enumerate(outgoing.entries, start=1):
        identity = f"{outgoing.control_id}.{number}"
        identifiers = [{"system": MESSAGE, "value": identity}, {"system": NOTE, "value": outgoing.note_id}]
        make: Callable[..., dict[str, Any]] = MAKERS[type(entry)]
        try:
            resource = make(entry, outgoing, settings)
        except CannotExpress as error:
            raise CannotExpress(error.reason_code, *(error.places or (places[number - 1],))) from None
        made.append((identity, {**resource, "identifier": identifiers}))
    return transaction(made, places)


def coded(system: str, code: str, text: str = "", display: str = "") -> dict[str, Any]:
    """A CodeableConcept of one coding; `text` as the scribe wrote it."""
    coding = {"system": system, "code": code, **({"display": display} if display else {})}
    return {"coding": [coding], **({"text": text} if text else {})}


def patient(visit: Visit) -> dict[str, str]:
    return refer("Patient", visit.patient.id, "/patient/id")


def encounter(visit: Visit) -> dict[str, str]:
    return refer("Encounter", visit.encounter_id, "/encounter/id")


def condition(entry: Diagnosis, outgoing: OutgoingEntries, settings: FhirSettings) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "clinicalStatus": coded(f"{HL7}/condition-clinical", "active"),
        "category": [coded(f"{HL7}/condition-category", settings.diagnoses_as)],
        "code": coded(DIAGNOSIS_SYSTEMS[entry.system], entry.code, entry.text),
        "subject": patient(outgoing.visit),
        "encounter": encounter(outgoing.visit),
        "recordedDate": outgoing.created_at.isoformat(),
    }


def allergy(entry: Allergy, outgoing: OutgoingEntries, settings: FhirSettings) -> dict[str, Any]:
    reaction = [{"manifestation": [{"text": entry.reaction}]}] if entry.reaction else []
    return {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": coded(f"{HL7}/allergyintolerance-clinical", "active"),
        "code": {"text": entry.text},
        "patient": patient(outgoing.visit),
        "encounter": encounter(outgoing.visit),
        "recordedDate": outgoing.created_at.isoformat(),
        **({"reaction": reaction} if reaction else {}),
    }


def medication(entry: CodedMedication, outgoing: OutgoingEntries, settings: FhirSettings) -> dict[str, Any]:
    drug, said = entry.drug, entry.medication
    called = " ".join(part for part in (drug.name, drug.strength, drug.formulation) if part)
    codings = [{"system": settings.drug_system, "code": drug.ecw_id, "display": called}]
    written = said.rxcui if RXCUI.fullmatch(said.rxcui) else ""  # else a person has decided without it
    for system, code in ((RXNORM, drug.rxcui or written), (NDC, drug.ndc11)):
        if code:
            codings.append({"system": system, "code": code})
    return {
        "resourceType": "MedicationStatement",
        "status": "active",
        "category": coded(f"{HL7}/medication-statement-category", settings.medication_type),
        "medicationCodeableConcept": {"coding": codings, "text": said.text},
        "subject": patient(outgoing.visit),
        "context": encounter(outgoing.visit),
        "dateAsserted": outgoing.created_at.isoformat(),
    }


def immunization(entry: Immunization, outgoing: OutgoingEntries, settings: FhirSettings) -> dict[str, Any]:
    """A historical one: the note tells of it, nobody gave it at the visit."""
    if CVX_CODE.fullmatch(entry.cvx) is None:
        raise CannotExpress("immunization_code")
    if not entry.date:
        raise CannotExpress("immunization_date")
    return {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": coded(CVX, entry.cvx, entry.text),
        "patient": patient(outgoing.visit),
        "encounter": encounter(outgoing.visit),
        "occurrenceDateTime": entry.date,
        "primarySource": False,
    }


def observation(entry: Observation, outgoing: OutgoingEntries, settings: FhirSettings) -> dict[str, Any]:
    start = outgoing.visit.start
    at = entry.at or (start.isoformat() if start is not None and start.tzinfo is not None else "")
    if entry.loinc not in VITAL_SIGNS:
        raise CannotExpress("observation_not_vital")
    if not at:
        raise CannotExpress("observation_time")
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [coded(f"{HL7}/observation-category", "vital-signs")],
        "code": coded(LOINC, entry.loinc),
        "subject": patient(outgoing.visit),
        "encounter": encounter(outgoing.visit),
        "effectiveDateTime": at,
        **value(entry),
    }


def value(entry: Observation) -> dict[str, Any]:
    """A number needs its unit (UCUM); words go as they are, with the unit behind them where there is one."""
    if isinstance(entry.value, str):
        return {"valueString": f"{entry.value} {entry.unit}" if entry.unit else entry.value}
    if not entry.unit:
        raise CannotExpress("observation_unit")
    return {"valueQuantity": {"value": entry.value, "unit": entry.unit, "system": UCUM, "code": entry.unit}}


MAKERS: dict[type, Callable[..., dict[str, Any]]] = {
    Diagnosis: condition,
    Allergy: allergy,
    CodedMedication: medication,
    Immunization: immunization,
    Observation: observation,
}
