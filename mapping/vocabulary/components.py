"""What sections consist of, and what they are of: "Ht/Wt/BMI" are vital signs, a "Knee Exam" is one kind of exam."""

from mapping.vocabulary.words import stems

# Two of these together stand for the section ("Tobacco / Alcohol / Drugs"); one alone is only a part of it.
_COMPONENTS = {
    "vital_signs": """blood pressure | height | weight | bmi | body mass index | temperature | pulse | heart rate | hr
        | respiratory rate | rr | respiration | spo | spo2 | o2 | o2 saturation | o2 sat | oxygen saturation | sao2
        | oxygen | saturation | pulse ox | pulse oximetry | blood pressure pulse | waist | waist circumference
        | head circumference | hc | respiratory | rate | sat | t | p | cardiac rate | fc | fr | pa | ta | heart
        | length | r | percentile""",
    "social_history": """tobacco | tobacco use | alcohol | alcohol use | drug | drug use | substance | substance use
        | smoking | smoking status | occupation | employment | work | marital status | living situation | sexual
        | sexual history | caffeine | lifestyle | illicit drug | recreational drug | vaping | tobacco history
        | social | occupational | housing | education | exercise | hobby | alcohol intake | smoker | travel
        | relationship | legal""",
    "results": """xray | mri | ct | ultrasound | ekg | echo | echocardiogram | stress test | cath | dexa | mammogram
        | lab | pathology | biopsy result | culture | urinalysis | pulmonary function test | spirometry | emg | ncs
        | eeg | doppler | angiogram | holter | event monitor | cbc | cmp | a1c | lipid | endoscopy result | audiogram
        | oct | visual field | imaging | radiology | test | diagnostic test | point of care testing | pet | bone scan
        | radiograph | polysomnogram | microbiology | cytology | study | rapid test | point of care lab""",
    "goals": "short term goal | long term goal | stg | ltg",
    "ob_gyn_history": """lmp | last menstrual period | menstrual history | menses | menarche | contraception | pap
        | gravida | para | gravida para | pregnancy | pregnancy history | last pap | menopause | menstrual""",
    "birth_history": """birth weight | gestational age | delivery | delivery type | delivery mode | nicu | apgar
        | birth | prenatal | neonatal | gestation""",
}
COMPONENTS: dict[str, frozenset[str]] = {
    code: frozenset(form for phrase in phrases.split("|") for form in (phrase.strip(), " ".join(stems(phrase))))
    for code, phrases in _COMPONENTS.items()
}

_SPECIALTY = """
    cardiac cardiology heart vascular orthopedic musculoskeletal joint spine spinal back neck knee shoulder hip hand
    wrist elbow ankle foot feet extremity podiatric urologic urological urology ocular eye visual vision ophthalmic
    dermatology dermatologic dermatological skin wound lesion neurological neurology psychiatric psych psychological
    behavioral pulmonary respiratory gastrointestinal gi abdominal abdomen genitourinary gu gynecologic obstetric
    pelvic breast ent ear nose throat oral dental endocrine renal nephrology rheumatologic rheumatology oncologic
    oncology hematologic pediatric newborn infant sports sport pain sleep headache body motor gait balance general
    head thyroid chest lung musculo skeletal cranial spinal nasal rectal prostate genital testicular lymph thoracic
    lumbar cervical upper hernia vein venous arterial peripheral anterior posterior segment retina retinal corneal
    dermatologist urogyn neuropsychiatric bariatric obstetrical
    gastroenterology pulm sinus voice swallow airway nevus acne rash mole gyn extremities
    slit lamp fundus dilated external diabetic lower upper limb scalp nail hair systemic specialty focused
    axillary axilla extraoral intraoral psychotropic biomechanical neurovascular podiatry gynecology ob msk arthritis
"""
_FOCUSED = """
    chief_complaint history_of_present_illness physical_exam diagnoses results medications family_history
    past_surgical_history review_of_systems follow_up problem_list
"""
# Where on the body an exam looks; of other sections they make another thing ("Procedure site").
_WHERE = "site area region side part injured affected involved l r left right od os ou toe by"
# A specialty or a part of the body before a heading makes it one kind of the section; in these sections the heading
# stays in force, if nothing else in the template may be for it, and in those of PLAINLY whatever else there is.
WHERE = frozenset(_WHERE.split())
SPECIALTY, FOCUSED = frozenset(_SPECIALTY.split()), frozenset(_FOCUSED.split())
PLAINLY = frozenset({"chief_complaint", "history_of_present_illness"})
