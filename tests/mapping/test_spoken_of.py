"""Labels that say what a section is about, in a clinic's own words; and labels that only speak of the same things."""

import pytest

from mapping.elements import enumerated, phrased, signed
from mapping.labels import read_label
from mapping.matching import suggest
from mapping.vocabulary.elements import KINDS
from mapping.vocabulary.phrases import Rung
from mapping.vocabulary.signs import SIGNS
from mapping.vocabulary.words import plain, stems
from tests.mapping.test_matching import fields

SPOKEN = {
    "chief_complaint": [
        "Why is pt here",
        "What brings pt in today?",
        "Pt c/o",
        "Presenting complaint(s)",
        "Cc / reason for OV",
        "Visit reason",
        "Main issue today",
        "Skin complaint",
        "Hand complaint",
        "Today's concern",
        "Patient's main concern",
        "Reason for follow-up visit",
        "Primary symptom",
        "Motivo de la visita",
        "Molestia principal",
        "Por qué viene",
    ],
    "history_of_present_illness": [
        "Onset/location/duration/severity",
        "HPI (OLDCARTS)",
        "Interim history since last seen",
        "Hx of injury: how, when, where",
        "What has happened since last visit",
        "History since last OV",
        "Events since last appointment",
        "Current episode",
        "Injury mechanism & details",
        "Historia del problema actual",
    ],
    "past_medical_history": [
        "Medical history (DM, HTN, CAD)",
        "Past illnesses/conditions",
        "Other PMH/comorbid conditions",
        "Significant medical problems",
        "Ongoing medical conditions",
        "Major illnesses",
        "Adult illnesses",
        "Childhood illnesses / chronic illnesses",
        "PMH incl. psych",
        "Illnesses & injuries",
        "General health/medical conditions",
        "Enfermedades crónicas",
        "Antecedentes médicos",
    ],
    "past_surgical_history": [
        "Previous surgeries / hospital procedures",
        "Surgeries (type & year)",
        "Major operations",
        "Past surgeries incl. cosmetic",
        "Surgeries/stents/pacemaker",
        "T&A, tubes, other surgery",
        "Cardiac surgery/PCI/device",
        "Eye surgery/laser hx",
        "Spine surgeries or injections",
        "Any operations?",
        "Prior abdominal surgery",
        "Orthopedic surgeries",
        "Operaciones y fechas",
    ],
    "family_history": [
        "FH cancer/heart/DM",
        "Family hx (parents, sibs, children)",
        "Mother/father/siblings health",
        "Family medical problems",
        "Hx of cancer in family",
        "Relatives with diabetes or heart disease",
        "Family history of glaucoma",
        "FHx - psych",
        "Diseases in parents/grandparents",
        "Heart disease in family",
        "Familiares con diabetes, cáncer",
        "Historia familiar de enfermedades",
        "Padres, hermanos: enfermedades",
    ],
    "social_history": [
        "Tobacco, alcohol, drugs",
        "Smoking / ETOH / drugs / caffeine",
        "Occupation & hobbies",
        "Marital status, children, job",
        "Lives with / support",
        "Social: work, home, habits",
        "Smoker? Alcohol? Drugs?",
        "Employment/education/living situation",
        "Habits (tob, etoh, drugs)",
        "Lifestyle (diet, exercise, smoking)",
        "Home & school environment",
        "Substance use (tobacco/alcohol/other)",
        "Trabajo y hábitos",
    ],
    "medications": [
        "Medications/supplements/OTC",
        "Current Rx, OTC, herbals",
        "Meds (name/dose/freq)",
        "Prescription + OTC meds",
        "What medicines do you take?",
        "Home med list",
        "Heart medications",
        "Inhalers and other meds",
        "Eye meds and systemic meds",
        "Psych meds/other meds",
        "Daily medications",
        "Blood thinners & other meds",
        "Medicamentos que usa",
        "Lista de medicinas actuales",
    ],
    "allergies": [
        "Drug allergies & reactions",
        "Allergies/intolerances/reactions",
        "Any allergies?",
        "Allergies - meds, food, environmental",
        "Latex/iodine/shellfish allergy",
        "Rx allergies",
        "Medication allergies/side effects",
        "ADRs",
        "Allergies (NKDA?)",
        "Allergies to meds, latex, tape",
        "Alergias a medicinas",
        "Es alérgico a",
    ],
    "immunizations": [
        "Flu, pneumonia, shingles, COVID vaccines",
        "Immunizations UTD?",
        "Vaccine history",
        "Tdap / flu / COVID-19",
        "Shots (flu, PNA, Tdap)",
        "Immunization hx (childhood, adult)",
        "Vaccines received",
        "Childhood vaccines",
        "Vacunas",
        "Vacunas de la gripe, COVID",
    ],
    "review_of_systems": [
        "ROS - all systems",
        "Review of systems (14 systems)",
        "System review",
        "Symptoms review",
        "ROS: constitutional, CV, resp, GI",
        "Other symptoms (ROS)",
        "ROS +/-",
        "Gyn ROS",
        "Cardiac ROS",
        "Neuro ROS",
        "Revisión por sistemas",
    ],
    "vital_signs": [
        "BP, HR, RR, Temp, SpO2",
        "Ht / Wt / BMI",
        "Vitals - BP P R T O2",
        "Vital signs & pain",
        "Weight, height, head circ",
        "BP/pulse/weight",
        "Vitals at check-in",
        "Vital signs (self-reported)",
        "Signos vitales (TA, FC, FR)",
        "Peso, talla, temperatura, presión",
    ],
    "physical_exam": [
        "PE: gen, HEENT, CV, resp, abd",
        "Exam findings by system",
        "General/HEENT/neck/chest/CV/abd/ext exam",
        "Inspection/palpation/ROM/strength",
        "Ortho exam: ROM, strength, stability",
        "Cranial nerves, motor, sensory, reflexes, gait",
        "Slit lamp & fundus exam",
        "Pelvic/breast exam",
        "Skin exam (head, trunk, extremities)",
        "Ear/nose/throat exam",
        "Physical (pertinent)",
        "Objective exam findings",
        "MSK and neuro exam",
        "Exploración física (cabeza, tórax, abdomen)",
    ],
    "results": [
        "Labs/EKG/imaging",
        "CBC, CMP, A1c, lipids",
        "X-rays, MRI, CT",
        "Test results since last visit",
        "Diagnostics reviewed (labs, imaging)",
        "EKG / echo / stress test",
        "Labs & path",
        "PFT / CXR / CT chest",
        "MRI/EMG/EEG results",
        "Lab values",
        "Imaging reviewed today",
        "Results of tests",
        "Audiogram & tympanogram",
        "Laboratorios, imágenes, EKG",
        "Resultados de estudios",
    ],
    "assessment": [
        "Clinical impression",
        "Ortho assessment",
        "Neurologic impression",
        "Cardiology impression",
        "Dermatologic impression",
        "Impression/differential",
        "Provider impression",
        "Assessment (by problem)",
        "Assessment & differential dx",
        "Psychiatric impression",
        "GI impression",
        "Impression - ocular",
        "Medical impression",
        "Impresión del médico",
        "Valoración clínica",
    ],
    "plan": [
        "Plan of treatment",
        "Treatment plan by problem",
        "Ortho plan",
        "Cardiac plan",
        "Plan/next steps",
        "Mgmt plan",
        "Plan for today",
        "Plan: meds, tests, referrals",
        "Therapy plan of care",
        "Treatment & recommendations",
        "Recommendations/plan",
        "Plan by diagnosis",
        "Plan a seguir",
        "Plan de manejo",
    ],
    "diagnoses": [
        "Diagnosis codes (ICD-10)",
        "Dx today",
        "Visit dx",
        "Ortho diagnosis",
        "Treating dx",
        "Encounter dx list",
        "Eye diagnosis",
        "Final dx",
        "PT diagnosis",
        "Diagnósticos CIE-10",
        "Dx de hoy",
    ],
    "orders": [
        "Orders: labs, imaging, referrals",
        "Labs ordered",
        "Tests & imaging ordered",
        "Orders placed/referrals",
        "Imaging requested",
        "Rx / orders",
        "Labs and imaging orders",
        "Referrals and orders",
        "X-ray/MRI orders",
        "Órdenes de laboratorio",
        "Estudios solicitados",
    ],
    "patient_instructions": [
        "Patient education/handouts",
        "Home instructions",
        "Home exercise program / instructions",
        "Instructions given to pt",
        "Diet & activity instructions",
        "Wound care instructions",
        "Teaching provided",
        "Education/counseling",
        "Advice to patient",
        "After-care",
        "Discharge instructions given",
        "ER precautions / instructions",
        "Instrucciones para casa",
        "Educación al paciente",
    ],
    "follow_up": [
        "RTC in",
        "Follow up in weeks",
        "Return to clinic (wks)",
        "F/U appointment",
        "Next appt",
        "When to come back",
        "Return visit in",
        "Follow-up w/ specialist/PCP",
        "Return prn / in",
        "Regresar en semanas",
        "Próximo control",
    ],
    "procedures": [
        "Procedures performed today",
        "In-office procedures",
        "Procedure note(s)",
        "Injections / procedures today",
        "Biopsy/excision/cryotherapy done",
        "Laceration repair / I&D",
        "Office procedures done",
        "Treatment performed today (laser, cryo)",
        "Procedimientos realizados",
    ],
    "problem_list": [
        "Active problems",
        "Problem list (active/chronic)",
        "Current problems",
        "Chronic problem list",
        "Lista de problemas",
    ],
    "hospitalizations": [
        "Hospitalizations/ER visits",
        "Hospital admissions",
        "Recent ER/hospital visits",
        "Hospitalizaciones",
    ],
    "ob_gyn_history": [
        "OB/GYN history",
        "Pregnancies (G/P/A/L)",
        "Obstetric history: G P",
        "Gyn history: menarche, LMP, Pap",
        "Menstrual/OB history",
        "Antecedentes gineco-obstétricos",
    ],
    "birth_history": [
        "Birth hx: GA, weight, delivery",
        "Birth history/NICU",
        "Prenatal and birth history",
        "Gestation, birth weight, complications",
        "Antecedentes perinatales",
    ],
    "developmental_history": [
        "Development/milestones",
        "Developmental milestones",
        "Milestones: motor, speech, social",
        "Motor/language/social development",
        "Desarrollo psicomotor",
    ],
    "goals": [
        "Patient goals",
        "Goals of treatment",
        "Short-term / long-term goals",
        "Treatment goals & targets",
        "Therapy goals",
        "Metas del paciente",
    ],
    "reason_for_referral": [
        "Reason for referral",
        "Referral question",
        "Reason for consult",
        "Motivo de interconsulta",
    ],
}

OTHERS = [
    "Referring MD",
    "Insurance plan",
    "Date of surgery",
    "Surgeon/assistant",
    "Pharmacy",
    "Fall risk",
    "PHQ-9 score",
    "Consent for procedure",
    "Consent for telehealth",
    "Pain scale",
    "Time spent",
    "CPT codes",
    "Exam room",
    "Vaccine lot #",
    "Allergy shots",
    "Family contact",
    "Family meeting",
    "Emergency contact",
    "Discharge date",
    "Work restrictions",
    "Return to work date",
    "Imaging facility",
    "Lab name",
    "Plan type",
    "Payment plan",
    "Order status",
    "Referral status",
    "Surgery date",
    "Anesthesia consent",
    "Interpreter",
    "Prior authorization",
    "Medication refill request",
    "Medication prior auth",
    "Test ordered by",
    "Ordered by",
    "Reviewed by",
    "Result date",
    "Follow-up provider",
    "Exercise prescription log",
    "Diet plan",
    "Safety plan",
    "Birth control consent",
    "Relative contraindications",
    "Parent/guardian name",
    "School note",
    "Vision",
    "Hearing",
    "Home address",
    "Household income",
    "Smoking cessation counseling time",
    "Exam code",
    "Diagnosis date",
    "Height of table",
    "Weight bearing status",
    "Pulse oximeter serial no",
    "Physical therapy referral date",
    "Impression of imaging",
    "MRI impression",
    "Radiology impression",
    "Goal date",
    "Plan of benefits",
    "Care plan oversight",
    "Allergy test results",
    "Skin test",
    "Drug screen",
    "Immunization consent",
    "Vaccine information sheet date",
    "Problem onset date",
    "Chief complaint code",
    "Return address",
    "Return call number",
    "Recheck fee",
    "Education level",
    "Job title",
    "Device serial number",
    "Stent card on file",
    "Operation hours",
    "Clinic operations",
    "Order number",
    "Instruction language",
    "Teaching physician",
    "Teaching physician attestation",
    "Surgical clearance",
    "Surgical plan",
    "Planned procedure",
    "Procedure consent",
    "Laboratory address",
    "Exam chaperone",
    "Physical therapy visits authorized",
    "Target date",
    "Milestone payment",
    "Story time",
    "Relative value units",
]


def surely(label: str) -> set[str]:
    return {meaning.code for meaning in read_label(label).meanings if meaning.sure}


@pytest.mark.parametrize("code, label", [(code, label) for code, labels in SPOKEN.items() for label in labels])
def test_a_label_in_a_clinics_own_words_is_read_as_its_section(code, label):
    assert code in surely(label)


@pytest.mark.parametrize("label", OTHERS)
def test_a_label_that_only_speaks_of_the_same_things_names_none(label):
    assert surely(label) == set()


def entry(text: str) -> tuple[str, int | None]:
    (found,) = signed(stems(plain(text)))
    return found.code, found.part


@pytest.mark.parametrize(
    "text, code",
    [
        ("MRI and labs ordered", "orders"),  # not results
        ("Anesthesia reactions in relatives", "family_history"),  # not allergies, not surgery
        ("Drug allergy: antibiotics", "allergies"),  # not medications
        ("Drop instructions", "patient_instructions"),  # not medications
        ("Knee surgeries", "past_surgical_history"),
        ("Skin biopsy performed", "procedures"),
    ],
)
def test_of_several_signs_the_one_that_says_what_the_field_is_for_counts(text, code):
    assert entry(text)[0] == code


def test_results_know_whether_they_are_labs_or_images():
    assert entry("CBC result") == ("results", 0)
    assert entry("MRI result") == ("results", 1)
    assert entry("CBC and MRI result") == ("results", None)


@pytest.mark.parametrize("word", ["plan", "radiology", "mri"])
def test_a_word_that_makes_another_thing_of_a_sign_bars_it(word):
    assert signed(stems(plain(f"{word} impression"))) == ()


@pytest.mark.parametrize(
    "label", ["Impression code", "Surgeries score", "Immunizations declined", "Family history consent"]
)
def test_a_word_that_changes_a_heading_changes_a_sign(label):
    assert signed(stems(plain(label))) == ()


def codes(text: str) -> list[str]:
    return [found.code for found in enumerated(text)]


@pytest.mark.parametrize(
    "text, code",
    [
        ("stents, cabg, pacemaker", "past_surgical_history"),
        ("tdap / hpv / shingrix", "immunizations"),
        ("tobacco, occupation & exercise", "social_history"),
        ("nsaids, ppi, statins", "medications"),
        ("rom, strength, special tests", "physical_exam"),
        ("eyes, ears, rom, gait", "physical_exam"),
        ("psa, creatinine, ct", "results"),
        ("nicu, apgar, birth weight", "birth_history"),
    ],
)
def test_two_and_more_of_one_kind_name_its_section(text, code):
    assert codes(text) == [code]


@pytest.mark.parametrize(
    "text",
    [
        "stents",  # one thing is no list
        "tdap, tobacco",  # two kinds
        "flu, covid",  # vaccines, or tests
        "heart, lungs, abdomen",  # examined, asked about, or operated on
        "tobacco, alcohol, zebra, giraffe",  # as much unknown as known
        "stents, cabg planned",
        "a1c, psa due",
    ],
)
def test_a_list_that_leaves_a_doubt_names_none(text):
    assert codes(text) == []


def test_a_list_of_one_kind_outdoes_one_known_word_in_it():
    assert surely("Smoke/drink/drugs") == {"social_history"}


def test_what_a_label_names_outright_outdoes_what_it_is_about():
    found = suggest(fields("Stents, CABG", "Past surgical history"))["past_surgical_history"]
    assert found.field_ids == ("Past surgical history",)
    assert [candidate.label for candidate in found.candidates] == ["Stents, CABG"]


def test_two_lists_of_operations_are_those_of_the_past_together():
    found = suggest(fields("Stents, CABG", "Tonsils, hernia repair"))["past_surgical_history"]
    assert (found.field_ids, found.mode) == (("Stents, CABG", "Tonsils, hernia repair"), "split")


def test_the_reason_says_that_the_label_names_what_belongs_to_the_section():
    found = suggest(fields("HPV / flu / Tdap status"))["immunizations"]
    assert found.reason == "“HPV / flu / Tdap status” names what belongs to it."
    assert found.confidence == 0.92


def test_the_longest_phrase_counts_and_idle_words_do_not():
    assert [phrase for phrase, _ in phrased(stems("the heart rate and heart"))[0]] == [("heart", "rate"), ("heart",)]
    assert phrased(stems("zebra list"))[1] == {"zebra"}


def test_every_sign_has_a_head_and_names_kinds_that_there_are():
    kinds = frozenset().union(*KINDS.values())
    for sign in SIGNS:
        assert all(sign.heads), sign.code
        assert (sign.beside | sign.needs) <= kinds, sign.code
        assert sign.rung in (Rung.CONTENT, Rung.SECOND), sign.code
