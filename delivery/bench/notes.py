"""The notes of a measurement: ten sections, about 2.3 kB on the wire, each for an encounter of its own.

Imported by the load generator too, so that nothing here may need Django.
"""

import json
from dataclasses import replace
from typing import Any

from delivery.demo.clinics import NORTH

# Two locations with two sockets each, both with a field for each of the ten sections.
CLINICS = (NORTH, replace(NORTH, code="EAST", name="East Clinic, Family Medicine"))
SENTENCES = (
    "Reports a dry cough for nine days, worse at night & on lying down; no fever, no chest pain.",
    "Appetite and sleep are unchanged | no recent travel, no contact with anybody who was ill.",
    "Took two tablets of paracetamol (500 mg) on three evenings, with little effect.",
)
TEXT = "\n".join(SENTENCES)[:143]
CODES = (
    "chief_complaint", "history_of_present_illness", "medications", "past_medical_history", "allergies",
    "family_history", "review_of_systems", "physical_exam", "assessment", "plan",
)  # fmt: skip


def note(prefix: str, number: int) -> dict[str, Any]:
    """One synthetic note; `prefix` keeps the notes of two runs apart."""
    return {
        "source_note_id": f"{prefix}-{number:07d}",
        "version": 1,
        "location": CLINICS[number % len(CLINICS)].code,
        "visit_type": "in_person",
        "patient": {
            "id": f"{prefix}-P{number % 5000}",
            "family": "Okafor",
            "given": f"Lena {number}",
            "birth_date": "1981-07-19",
            "sex": "F",
        },
        "encounter": {"id": f"{prefix}-E{number}", "start": "2026-03-19T10:15:00-05:00"},
        "provider": {"id": "DR7", "npi": "1234567893", "family": "Lee", "given": "Ann"},
        "sections": [
            {"code": code, "title": code.replace("_", " ").upper(), "text": f"{number}: {TEXT}"} for code in CODES
        ],
    }


def body(prefix: str, number: int) -> bytes:
    return json.dumps(note(prefix, number), ensure_ascii=False).encode()
