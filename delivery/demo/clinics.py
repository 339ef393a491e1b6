"""The demonstration's two clinics: their eCW templates (given to the simulated eCW) and what fills each field."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One template field and the section codes that fill it, in order."""

    field_id: str
    label: str
    max_length: int | None
    sections: tuple[str, ...] = ()


@dataclass(frozen=True)
class Clinic:
    """One location with one template."""

    code: str
    name: str
    time_zone: str
    template: str
    template_name: str
    catch_all: str
    lines: tuple[Line, ...]


NORTH = Clinic(
    code="NORTH",
    name="North Clinic, Family Medicine",
    time_zone="America/New_York",
    template="FM-PROGRESS",
    template_name="Family Medicine Progress Note",
    catch_all="119112.17",
    lines=(
        Line("119000.1", "Chief Complaints", 2000, ("chief_complaint",)),
        Line("119007.2", "HPI", 20000, ("history_of_present_illness",)),
        Line("119014.3", "Current Medications", 8000, ("medications",)),
        Line("119021.4", "Medical History", 8000, ("past_medical_history", "problem_list")),
        Line("119028.5", "Allergies", 4000, ("allergies",)),
        Line("119035.6", "Surgical History", 8000, ("past_surgical_history",)),
        Line("119042.7", "Hospitalization", 8000, ("hospitalizations",)),
        Line("119049.8", "Family History", 8000, ("family_history",)),
        Line("119056.9", "Social History", 8000, ("social_history",)),
        Line("119063.10", "ROS", 20000, ("review_of_systems",)),
        Line("119070.11", "Vital Signs", 4000, ("vital_signs",)),
        Line("119077.12", "Examination", 20000, ("physical_exam",)),
        Line("119084.13", "Lab and Imaging Results", 20000, ("results",)),
        Line("119091.14", "Assessment", 20000, ("assessment", "assessment_and_plan")),
        Line("119098.15", "Treatment", 20000, ("plan", "orders")),
        Line("119105.16", "Follow Up", 4000, ("follow_up", "patient_instructions")),
        Line("119112.17", "Additional Notes", None),
    ),
)
SOUTH = Clinic(
    code="SOUTH",
    name="South Clinic, Sports Medicine",
    time_zone="America/Chicago",
    template="SM-VISIT",
    template_name="Sports Medicine Visit",
    catch_all="SM/90",
    lines=(
        Line("SM/10", "Reason for Appointment", 2000, ("chief_complaint",)),
        Line("SM/20", "History of Present Illness", 20000, ("history_of_present_illness",)),
        Line("SM/40", "Physical Exam", 20000, ("physical_exam", "vital_signs")),
        Line("SM/30", "Review of Systems", 20000, ("review_of_systems",)),
        Line("SM/35", "Histories", 20000, ("past_medical_history", "past_surgical_history", "social_history")),
        Line("SM/50", "Imaging and Tests", 20000, ("results",)),
        Line("SM/60", "Impression and Plan", 40000, ("assessment", "assessment_and_plan", "plan")),
        Line("SM/70", "Instructions", 8000, ("patient_instructions", "follow_up")),
        Line("SM/90", "Other", None),
    ),
)
CLINICS = (NORTH, SOUTH)
# What --fault silent-drop exchanges in the simulated eCW's own template, as an update of eCW would.
EXCHANGED = {"NORTH": ("119091.14", "119098.15"), "SOUTH": ("SM/40", "SM/30")}
