"""The words in which US practices label the fields of a progress note: what stands in which file.

The contract's own headings (mapping/sections.py) are the start; here is what templates say besides. After the usage of
US practices: the headings of progress notes in eCW, section names of C-CDA R2.1, and the terms SecTag lists.
"""

from mapping.vocabulary.decided import HEADINGS as DECIDED
from mapping.vocabulary.told import HEADINGS as TOLD
from mapping.vocabulary.wording import Headings

HEADINGS: dict[str, Headings] = TOLD | DECIDED

# Results are often kept in two fields, and OB/GYN history in two. Where no field is for the whole, the parts are it.
PARTS: dict[str, tuple[str, str]] = {
    "results": (
        """lab | point of care test | rapid test | lab result | lab data | lab finding | lab study | lab test
            | lab review | lab reviewed
            | lab report | lab value | recent lab | blood work | bloodwork | pertinent lab | cbc and lab
            | lab work | laboratory value | blood test | lab report reviewed | outside lab | previous lab
            | lab result reviewed | prenatal lab | prenatal lab result""",
        """imaging | imaging result | imaging study | imaging review | radiology | radiology result
            | radiology report | xray | imaging report | diagnostic imaging | radiologic study | imaging finding
            | radiology study | imaging data | neuroimaging | radiographic study | xray result | radiograph
            | radiographic finding | xray finding | imaging and radiology | diagnostic image | radiology finding
            | radiographic result | imaging reviewed | imaging interpretation | xray interpretation
            | imaging and xray | radiology and imaging | imaging result reviewed
            | ultrasound finding | ultrasound result | ultrasound report""",
    ),
    "orders": (
        "lab ordered | lab order | lab requisition | blood work ordered | lab test ordered | lab to order",
        """imaging order | imaging ordered | radiology order | xray order | diagnostic imaging order | xray ordered
            | radiology ordered""",
    ),
    "ob_gyn_history": (
        "gynecologic history | gynecologic | past gynecologic history",
        "obstetric history | obstetric | past obstetric history",
    ),
}
# A part by whose name the whole is meant: labs are what most call results. Imaging takes them where nothing else does.
ALONE = {"results": (0,), "orders": (0,), "ob_gyn_history": (0, 1)}

# Several sections in one label that no sign divides; what signs divide is read part by part.
JOINT: dict[str, tuple[str, ...]] = {
    "past medical surgical history": ("past_medical_history", "past_surgical_history"),
    "med surgical history": ("past_medical_history", "past_surgical_history"),
    "medical surgical history": ("past_medical_history", "past_surgical_history"),
    "past med surg history": ("past_medical_history", "past_surgical_history"),
    "past medical family social history": ("past_medical_history", "family_history", "social_history"),
    "past medical surgical family social history": (
        "past_medical_history",
        "past_surgical_history",
        "family_history",
        "social_history",
    ),
    "past family social history": ("past_medical_history", "family_history", "social_history"),
    "family social history": ("family_history", "social_history"),
    "medication allergy list": ("medications", "allergies"),
    "past hospitalization and surgery": ("hospitalizations", "past_surgical_history"),
    "hospitalization and surgery": ("hospitalizations", "past_surgical_history"),
    "diagnosis and plan": ("diagnoses", "plan"),
    "diagnosis and treatment plan": ("diagnoses", "plan"),
    "assessment plan follow up": ("assessment", "plan", "assessment_and_plan", "follow_up"),
}

SUBJECTIVE, OBJECTIVE = "subjective", "objective"
CONTAINERS = {
    SUBJECTIVE: "subjective | subjective finding | subjective information | subjective data | datos subjetivos",
    OBJECTIVE: "objective | objective data | objective information | datos objetivos",
}
