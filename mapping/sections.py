"""The scribe's section codes, with their LOINC numbers, and the headings that mean exactly one of them.

The codes are the contract with the scribe (docs/mapping.md); the numbers are LOINC's, where a settled one stands. A
heading that could mean two sections ("Hx", "Fam/SocHx", "Subjective") resolves to none: a wrong section in a chart is
worse than a question.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

OWN_CODE = re.compile(r"[a-z][a-z0-9_]{0,59}")


@dataclass(frozen=True)
class SectionCode:
    """One of the contract's codes: `loinc` is "" where there is no settled number; `group` is for screens."""

    code: str
    loinc: str
    name: str
    group: str


GROUPS = VISIT, HISTORY, FINDINGS, DECISIONS = ("Visit", "History", "Findings", "Assessment and plan")

_TABLE = (
    ("chief_complaint", "10154-3", "Chief complaint", VISIT),
    ("history_of_present_illness", "10164-2", "History of present illness", VISIT),
    ("review_of_systems", "10187-3", "Review of systems", VISIT),
    ("physical_exam", "29545-1", "Physical exam", FINDINGS),
    ("assessment", "51848-0", "Assessment", DECISIONS),
    ("plan", "18776-5", "Plan", DECISIONS),
    ("assessment_and_plan", "51847-2", "Assessment and plan", DECISIONS),
    ("diagnoses", "", "Diagnoses", DECISIONS),
    ("medications", "10160-0", "Medications", HISTORY),
    ("allergies", "48765-2", "Allergies", HISTORY),
    ("past_medical_history", "11348-0", "Past medical history", HISTORY),
    ("past_surgical_history", "10167-5", "Past surgical history", HISTORY),
    ("family_history", "10157-6", "Family history", HISTORY),
    ("social_history", "29762-2", "Social history", HISTORY),
    ("vital_signs", "8716-3", "Vital signs", FINDINGS),
    ("immunizations", "11369-6", "Immunizations", HISTORY),
    ("results", "30954-2", "Results", FINDINGS),
    ("procedures", "47519-4", "Procedures", FINDINGS),
    ("orders", "", "Orders", DECISIONS),
    ("patient_instructions", "69730-0", "Patient instructions", DECISIONS),
    ("follow_up", "", "Follow-up", DECISIONS),
    ("problem_list", "11450-4", "Problem list", HISTORY),
    ("hospitalizations", "", "Hospitalizations", HISTORY),
    ("ob_gyn_history", "", "OB/GYN history", HISTORY),
    ("birth_history", "", "Birth history", HISTORY),
    ("developmental_history", "", "Developmental history", HISTORY),
    ("goals", "61146-7", "Goals", DECISIONS),
    ("reason_for_referral", "42349-1", "Reason for referral", VISIT),
)

SECTIONS: dict[str, SectionCode] = {row[0]: SectionCode(*row) for row in _TABLE}
CODES: tuple[str, ...] = tuple(SECTIONS)

# Headings after normalising, without the code's own name and spelling, which always count. One meaning each.
_HEADINGS: dict[str, str] = {
    "chief_complaint": """cc | chief complaints | c c | presenting complaint | presenting complaints | reason for visit
        | reason for appointment | reason for encounter | reason for the visit | visit reason
        | chief complaint and reason for visit | chief complaint reason for visit""",
    "history_of_present_illness": """hpi | hpc | genhx | history of the present illness | history present illness
        | present illness | history of presenting illness | history of presenting complaint
        | history of present complaint | history of current illness | present illness history""",
    "review_of_systems": """ros | review of symptoms | review of system | systems review | system review
        | symptom review | review of systems ros""",
    "physical_exam": """pe | exam | examination | physical examination | px exam | o e | on examination | ex
        | physical findings | exam findings | examination findings | clinical examination | clinical exam
        | objective exam | physical exam findings | physical exam pe""",
    "assessment": """impression | impressions | imp | assessments | clinical impression | clinical impressions
        | diagnostic impression | clinical assessment | overall assessment""",
    "plan": """treatment plan | plan of treatment | plan of care | care plan | treatment plans | plan treatment
        | plans | plan and treatment | management plan""",
    "assessment_and_plan": """a p | a and p | assessment plan | assessment and plans | assessments and plan
        | impression and plan | impression plan | imp and plan | imp plan | assessment and plan of care
        | assessment and treatment plan | plan and assessment""",
    "diagnoses": """diagnosis | dx | dxs | visit diagnoses | visit diagnosis | encounter diagnoses
        | encounter diagnosis | diagnosis codes | icd 10 codes | final diagnosis | final diagnoses | diagnosis list""",
    "medications": """medication | meds | med list | medication list | medications list | current meds
        | current medications | current medication | home medications | home meds | active medications
        | medication history | drug history | dh | dhx | medications at home | outpatient medications""",
    "allergies": """allergy | drug allergies | medication allergies | known allergies | allergy list | allergies list
        | allergy history | allergies and intolerances | allergies and adverse reactions
        | allergies adverse reactions | allergies adverse reactions alerts""",
    "past_medical_history": """pmh | pmhx | past medical | pastmedicalhx | medical history | past history | medical hx
        | past medical histories | previous medical history | prior medical history | personal medical history""",
    "past_surgical_history": """psh | pshx | past surgical | pastsurgical | pastsurgicalhx | surgical history
        | surgical hx | previous surgical history | prior surgical history | prior surgeries | past surgeries
        | previous surgeries | surgeries""",
    "family_history": """fh | fhx | famhx | fam history | family medical history | family health history""",
    "social_history": """sh | sochx | soc history | social habits history | social history habits""",
    "vital_signs": """vitals | vital sign | vs | vitals reviewed | vital signs reviewed | vitals signs""",
    "immunizations": """immunization | immunisation | immunisations | vaccinations | vaccination | vaccines
        | immunization history | immunisation history | vaccination history | immunization record | immunization status
        | vaccine history""",
    "results": """result | lab | labs | laboratory | lab results | labs results | laboratory results | laboratory data
        | lab data | laboratory findings | laboratory studies | lab studies | lab tests | labs and imaging
        | labs imaging | imaging | imaging results | imaging studies | radiology | radiology results
        | diagnostic results | diagnostic studies | diagnostic data | diagnostic tests | test results
        | results review | results reviewed | labs reviewed | laboratory tests
        | results labs | results imaging""",
    "procedures": """procedure | procedures performed | procedure performed | procedures done | in office procedures
        | procedures this visit | procedures today""",
    "orders": """order | new orders | orders placed | orders today | orders this visit | orders this encounter""",
    "patient_instructions": """instructions | instruction | patient instruction | instructions to patient
        | instructions for patient | instructions to the patient | discharge instructions | aftercare instructions
        | patient education and instructions | instructions given""",
    "follow_up": """followup | f u | follow ups | return to clinic | return visit | next appointment
        | follow up appointment | follow up visit""",
    "problem_list": """problems | active problems | active problem list | problems list | current problems""",
    "hospitalizations": """hospitalization | hospitalisations | hospitalisation | hospitalization history
        | past hospitalizations | prior hospitalizations | previous hospitalizations | hospital admissions
        | hospitalization major diagnostic procedures | hospitalizations major diagnostic procedures
        | hospitalization history major diagnostic procedures""",
    "ob_gyn_history": """gynhx | obgynhx | obhx | ob gyn | ob history | gyn history | obgyn history
        | gynecologic history | gynecological history | gynaecological history | gynecology history
        | obstetric history | obstetrical history | obstetric and gynecologic history
        | obstetric and gynecological history | obstetrics and gynecology history | ob and gyn history""",
    "birth_history": """birthhx | history of birth | neonatal and birth history | birth and neonatal history""",
    "developmental_history": """development history | devhx | dev history | history of development
        | developmental milestones history""",
    "goals": """goal | patient goals | health goals | treatment goals | goals of treatment""",
    "reason_for_referral": """referral reason | reason for the referral | indication for referral""",
}

_ENUMERATION = re.compile(r"^\s*(?:\d{1,2}|[ivx]{1,4})[.)]\s+(?=\S)", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")


def normalise(title: str) -> str:
    """A heading without case, punctuation, numbering and spaces: "2. Past Medical Hx:" is "past medical history"."""
    plain = unicodedata.normalize("NFKC", title).casefold().replace("&", " and ").replace("+", " and ")
    words = _WORD.findall(_ENUMERATION.sub("", plain))
    return " ".join("history" if word == "hx" else word for word in words)


def _vocabulary() -> dict[str, str]:
    known = {normalise(name): code for code in CODES for name in (code, SECTIONS[code].name)}
    for code, headings in _HEADINGS.items():
        for heading in headings.split("|"):
            words = normalise(heading)
            if known.setdefault(words, code) != code:
                raise ValueError(f"the heading {words!r} is claimed by {known[words]} and {code}")
    return known


_KNOWN = _vocabulary()


def known_headings() -> Mapping[str, str]:
    """Every heading with one meaning, normalised, and the code it means."""
    return MappingProxyType(_KNOWN)


def resolve_title(title: str) -> str:
    """The code a heading means, or "" where it means none for certain."""
    return _KNOWN.get(normalise(title[:200]), "")


def is_code(code: str) -> bool:
    """Whether a posted code can stand: one of the contract's, or a practice's own of the same shape."""
    return OWN_CODE.fullmatch(code) is not None


def code_for(code: str, title: str) -> str:
    """What a posted section counts as: its code where it has one, else what its title means, else ""."""
    return code if is_code(code) else resolve_title(title)


def name_of(code: str) -> str:
    """The display name of a code; a practice's own code reads as itself."""
    known = SECTIONS.get(code)
    return known.name if known else code.replace("_", " ").capitalize()
