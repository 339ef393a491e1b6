"""What courses are held with: an invented template, its mapping, and notes of patients that cannot be anybody."""

from datetime import UTC, datetime
from typing import Any

from mapping.importers.base import ImportedField, ImportedTemplate

TEMPLATE, TEMPLATE_NAME = "PRACTICE-PN", "Practice Progress Note"
FIELDS = (
    ("PX-01", "Chief Complaint"),
    ("PX-02", "HPI"),
    ("PX-03", "ROS"),
    ("PX-04", "Examination"),
    ("PX-05", "Assessment"),
    ("PX-06", "Treatment Plan"),
    ("PX-07", "Additional Notes"),
)
RULES = {
    "chief_complaint": "PX-01",
    "history_of_present_illness": "PX-02",
    "review_of_systems": "PX-03",
    "physical_exam": "PX-04",
    "assessment": "PX-05",
    "plan": "PX-06",
}
CATCH_ALL = "PX-07"
VISITS = (
    ("Cough for nine days.", "Dry cough, worse at night. No fever.", "Lungs clear.", "Viral cough.", "Fluids, rest."),
    ("Knee pain.", "Since Sunday, worse on stairs.", "No effusion.", "Patellar strain.", "Ice, brace, recheck."),
    ("Headache.", "Three days, eases with sleep.", "No focal deficit.", "Tension headache.", "Water, sleep, recheck."),
)
CODES = ("chief_complaint", "history_of_present_illness", "physical_exam", "assessment", "plan")


def at_ecw() -> dict[str, Any]:
    """The template as the simulated eCW is taught it."""
    fields = [
        {"field_id": key, "label": label, "position": place, "kind": "free_text", "max_length": 9000, "required": False}
        for place, (key, label) in enumerate(FIELDS, start=1)
    ]
    return {"name": TEMPLATE_NAME, "fields": fields}


def imported() -> ImportedTemplate:
    fields = tuple(
        ImportedField(key, label, place, max_length=9000) for place, (key, label) in enumerate(FIELDS, start=1)
    )
    return ImportedTemplate(code=TEMPLATE, name=TEMPLATE_NAME, fields=fields)


def note(location: str, number: int) -> dict[str, Any]:
    """A note as a scribe posts it; every number is another patient and visit."""
    texts = VISITS[number % len(VISITS)]
    return {
        "source_note_id": f"practice-{location}-{number}",
        "version": 1,
        "location": location,
        "patient": {
            "id": f"{location}-P{number}",
            "family": "Practice",
            "given": f"Synthetic {number}",
            "birth_date": "1970-01-01",
            "sex": "U",
        },
        "encounter": {
            "id": f"{location}-E{number}",
            "start": datetime.now(UTC).replace(microsecond=0).isoformat(),
        },
        "provider": {"id": "PRACTICE-DR", "family": "Practice", "given": "Provider"},
        "sections": [
            {"code": code, "title": code.replace("_", " "), "text": text}
            for code, text in zip(CODES, texts, strict=True)
        ],
    }
