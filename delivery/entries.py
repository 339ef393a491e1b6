"""The coded entries of a posted note, one dataclass a list; what each part of a note carries besides its sections."""

from dataclasses import dataclass
from typing import Any

from mapping.codes.drugs import EcwDrug

# The parts of coded entries, as portal.models.Part names them.
CODED = ("diagnoses", "medications", "allergies", "immunizations", "observations")


@dataclass(frozen=True)
class Diagnosis:
    """One of /diagnoses: `system` is icd-10-cm or snomed-ct."""

    system: str
    code: str
    text: str


@dataclass(frozen=True)
class Medication:
    """One of /medications, its codes as written."""

    text: str
    rxcui: str
    ndc: str


@dataclass(frozen=True)
class CodedMedication:
    """A medication with the drug of eCW it is, as the practice's crosswalk says."""

    medication: Medication
    drug: EcwDrug


@dataclass(frozen=True)
class Allergy:
    """One of /allergies."""

    text: str
    reaction: str


@dataclass(frozen=True)
class Immunization:
    """One of /immunizations; `date` is YYYY-MM-DD or ""."""

    cvx: str
    date: str
    text: str


@dataclass(frozen=True)
class Observation:
    """One of /observations; `at` is ISO 8601 with an offset, or ""."""

    loinc: str
    value: float | int | str
    unit: str
    at: str


Entry = Diagnosis | CodedMedication | Allergy | Immunization | Observation


@dataclass(frozen=True)
class Entries:
    """The lists of a note. Each is named as its part."""

    diagnoses: tuple[Diagnosis, ...] = ()
    medications: tuple[Medication, ...] = ()
    allergies: tuple[Allergy, ...] = ()
    immunizations: tuple[Immunization, ...] = ()
    observations: tuple[Observation, ...] = ()


def entries_of(data: dict[str, Any]) -> Entries:
    """The lists of a validated note."""

    def rows(name: str) -> list[dict[str, Any]]:
        return data.get(name) or []

    return Entries(
        diagnoses=tuple(Diagnosis(row["system"], row["code"], row.get("text") or "") for row in rows("diagnoses")),
        medications=tuple(
            Medication(row["text"], (row.get("rxcui") or "").strip(), (row.get("ndc") or "").strip())
            for row in rows("medications")
        ),
        allergies=tuple(Allergy(row["text"], row.get("reaction") or "") for row in rows("allergies")),
        immunizations=tuple(
            Immunization(row["cvx"], row.get("date") or "", row.get("text") or "") for row in rows("immunizations")
        ),
        observations=tuple(
            Observation(row["loinc"], row["value"], row.get("unit") or "", row.get("at") or "")
            for row in rows("observations")
        ),
    )
