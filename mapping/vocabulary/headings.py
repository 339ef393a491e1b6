"""Per section code the labels that mean it: surely, surely unless a better one is there, and perhaps.

The contract's own headings (mapping/sections.py) are the start; here is what templates say besides. After the usage of
US practices: the headings of progress notes in eCW, section names of C-CDA R2.1, and the terms SecTag lists.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Headings:
    """Phrases, divided by bars. `second` yields to `said` where a template has both; `perhaps` is only a candidate."""

    said: str = ""
    second: str = ""
    perhaps: str = ""


HEADINGS: dict[str, Headings] = {
    "chief_complaint": Headings(
        said="""chief concern
            | presenting problem | presenting concern | main complaint | main concern | primary complaint
            | primary concern | purpose of visit | reason for coming | presenting symptom
            | chief complaint and reason for appointment | primary reason for visit | main reason for visit""",
        second="complaint",
        perhaps="""parental concern | parent concern | patient concern | concern | what brings you in
            | reason for consultation | reason for exam | reason seen | reason for evaluation | presenting history
            | symptom | reason""",
    ),
    "history_of_present_illness": Headings(
        said="""illness history | history of illness | history of presenting problem | history of present problem
            | history of presenting concern | history of current problem | history of present condition""",
        second="interval history | interim history | present history | narrative history | history since last visit",
        perhaps="""history | current history | pain history | clinical history | injury description
            | injury history | wound history | interval event | general history | mechanism of injury | symptom
            | hospital course | sleep history | oncologic history | history of injury | current symptom
            | subjective history | presenting history | current status | events since last visit""",
    ),
    "review_of_systems": Headings(
        said="review of body systems | systems reviewed | functional inquiry",
        perhaps="symptom checklist | constitutional symptom | pertinent negative",
    ),
    "physical_exam": Headings(
        said="physical exam by system | physical assessment | full physical exam",
        second="""physical | general exam | general physical exam | focused exam | focused physical exam
            | virtual exam | telehealth exam | exam by system | objective findings | video exam""",
        perhaps="""mental status exam | findings | exam general | joint exam | extremity exam
            | physical and mental exam | wound exam | observation""",
    ),
    "assessment": Headings(
        said="""assessment impression | impression assessment | assessment summary | medical assessment
            | assessment and impression | physician assessment""",
        second="""final impression | overall impression | initial impression | working impression
            | diagnostic assessment | assessment discussion | diagnostic impression""",
        perhaps="""discussion | medical decision making | summary | conclusion | formulation | case formulation
            | clinical formulation | differential diagnosis | differential | analysis | evaluation
            | clinical reasoning | diagnosis | opinion""",
    ),
    "plan": Headings(
        said="""plan and recommendation | recommendation and plan | plan recommendation | treatment and plan
            | medical plan | therapeutic plan | clinical plan""",
        second="""treatment | recommendation | management | treatment recommendation | plan and management
            | treatment and management | treatment and recommendation""",
        perhaps="""next step | intervention | action plan | discharge plan | medication plan | therapy plan
            | therapy | diagnostic plan | task | medical decision making""",
    ),
    "assessment_and_plan": Headings(
        said="""impression and recommendation | assessment and recommendation | assessment and treatment
            | impression and treatment plan | impression and management plan | assessment and management
            | assessment and management plan | assessment and plan by problem | impression and plan of care
            | assessment plan and recommendation | plan and impression | problem based assessment and plan
            | assessment impression and plan | assessment treatment plan""",
        second="ap | diagnosis and plan | diagnosis and treatment plan",
        perhaps="medical decision making | problem and plan | impression and disposition | discussion and plan",
    ),
    "diagnoses": Headings(
        said="""icd 10 | icd | icd code | icd 10 code | icd 10 diagnosis | icd 10 cm | todays diagnosis
            | diagnosis icd 10 | diagnosis and icd 10 code""",
        second="""preoperative diagnosis | primary diagnosis | principal diagnosis | working diagnosis
            | provisional diagnosis | current diagnosis | clinical diagnosis | billing diagnosis""",
        perhaps="""differential diagnosis | postoperative diagnosis | admitting diagnosis | admission diagnosis
            | discharge diagnosis | secondary diagnosis | diagnostic impression | past diagnosis""",
    ),
    "medications": Headings(
        said="""active medication | present medication | medication currently taking | medication regimen
            | current prescription | prescription medication | rx list | medication taken
            | prescription and over the counter medication | current medication and supplement
            | medication and supplement | current drug | home medication list | medication profile | rx and meds""",
        second="prescription | drug",
        perhaps="""rx | current rx | psychotropic medication | current psychotropic medication | supplement
            | medication reconciliation | discharge medication | admission medication | medication administered
            | new medication | medication change | over the counter medication | systemic medication
            | prior medication | medication trial | antibiotic | infusion | med history | medication prescribed
            | home infusion""",
    ),
    "allergies": Headings(
        said="""allergic reaction | allergy and intolerance | allergy intolerance | allergy and sensitivity
            | allergy sensitivity | allergy and reaction | allergy reaction | adverse reaction
            | adverse drug reaction | allergy to medication | drug sensitivity | allergy and alert
            | allergy and adverse reaction | drug intolerance | med allergy | allergy and adverse drug reaction
            | drug reaction | medication intolerance""",
        second="all",
        perhaps="food allergy | environmental allergy | latex allergy | sensitivity | intolerance | seasonal allergy",
    ),
    "past_medical_history": Headings(
        said="""past illness | history of past illness | past medical problem | past medical condition
            | past med history | prior medical problem | previous medical problem | significant medical history
            | personal health history | prior illness | significant past medical history | past medical illness""",
        second="past health history | health history | general medical history | chronic medical history",
        perhaps="""history | medical problem | chronic condition | comorbidity | medical condition | medical
            | med history | past psychiatric history | psychiatric history | clinical history | past diagnosis
            | underlying condition | chronic illness | chronic problem | past cardiac history | medical surgical
            | patient history""",
    ),
    "past_surgical_history": Headings(
        said="""past operation | prior operation | previous operation | past surgical procedure
            | operative history | surgical procedure history | history of surgery | past surg history
            | surgical and procedure history | surgical procedure and history""",
        second="surgery | operation",
        perhaps="""past procedure | prior procedure | procedure history | surgical | surgical procedure | shx
            | invasive procedure history | anesthesia history""",
    ),
    "family_history": Headings(
        said="""past family history | past family medical history | family health | history of family
            | family history of disease | family illness history | fam med history""",
        second="genetic and family history | hereditary history",
        perhaps="""genetic history | family | family psychiatric history | maternal history | paternal history
            | heredity | family genetic history""",
    ),
    "social_history": Headings(
        said="""past social history | social and lifestyle history | social history and lifestyle
            | social and personal history | personal and social history | social habit
            | social and occupational history | social information""",
        second="social and behavioral history | lifestyle history | social and sexual history",
        perhaps="""psychosocial history | lifestyle | habit | tobacco | tobacco use | tobacco history
            | alcohol use | smoking history | smoking status | smoking | alcohol | substance use
            | substance use history | substance abuse | substance abuse history | substance history
            | occupational history | sexual history | travel history | exposure history | exposure travel history
            | environmental history | personal history | living situation | social | shx | occupation
            | employment history | education history | drug use""",
    ),
    "vital_signs": Headings(
        said="vital sign and measurement | vital sign measurement | vital sign and biometric | vital sign and weight",
        perhaps="""bmi | blood pressure | height and weight | weight | measurement | biometric | temperature
            | pulse | body measurement""",
    ),
    "immunizations": Headings(
        said="immunization list | immunization and vaccine | immunization log | immunization vaccination",
        second="immunization and injection",
        perhaps="""immunization given | immunization due | immunization administered | immunization today
            | immunization order | immunization needed | flu immunization""",
    ),
    "results": Headings(
        said="""test result | diagnostic result | diagnostic data | diagnostic study | diagnostic test | study
            | diagnostic | data review | data | investigation | lab and imaging | lab and diagnostic
            | lab and test | lab and radiology | lab and diagnostic study | lab and study | lab imaging and study
            | ancillary data | lab and diagnostic data | lab radiology | diagnostic finding | testing result
            | review of data | test | diagnostic test result | test and study | lab and diagnostic result
            | diagnostic testing | testing""",
        perhaps="""pathology | ekg | urinalysis | microbiology | spirometry | pulmonary function test
            | echocardiogram | ultrasound | mri | ct | xray interpretation | point of care testing
            | lab interpretation | biopsy | cytology | audiogram | eeg | emg | in house lab | toxicology
            | vascular lab | procedure result | genetic testing | special study""",
    ),
    "procedures": Headings(
        said="""office procedure | procedure in office | procedure in clinic | procedure completed
            | procedure note and detail | clinic procedure | in clinic procedure | operation performed
            | operative procedure""",
        perhaps="""procedure note | planned procedure | procedure detail | procedure history | past procedure
            | description of procedure | procedure description | intervention | injection | scope finding
            | surgical procedure | treatment today | prior procedure | special procedure""",
    ),
    "orders": Headings(
        said="order and referral | order placed today | order list | todays order",
        second="test ordered | order requisition",
        perhaps="""referral | lab order | imaging order | medication order | therapy order | diagnostic order
            | lab ordered | standing order | future order | consultation order | work up | nursing order""",
    ),
    "patient_instructions": Headings(
        said="""home instruction | home care instruction | care instruction | patient discharge instruction
            | patient instruction and education | after care instruction | aftercare | self care instruction
            | patient handout and instruction | after visit instruction | instruction and education""",
        second="advice | patient advice | instruction and counseling",
        perhaps="""patient education | education | health education | counseling | anticipatory guidance
            | after visit summary | home exercise program | self care | patient handout | patient counseling
            | discharge summary""",
    ),
    "follow_up": Headings(
        said="""return appointment | return to office | return | next visit | follow up plan | follow up interval
            | follow up recommendation | return in | follow up timeframe | follow up care""",
        second="follow up instruction | follow up and disposition | return instruction",
        perhaps="""follow up date | return date | recall | return precaution | scheduling | next step
            | disposition | recall date""",
    ),
    "problem_list": Headings(
        said="ongoing problem | active problem | current problem list | patient problem | active diagnosis list",
        perhaps="""chronic problem | medical problem | comorbidity | health concern | past medical problem
            | chronic condition | active diagnosis | current diagnosis list""",
    ),
    "hospitalizations": Headings(
        said="""prior admission | previous admission | hospital stay | past admission | past hospitalization
            | hospitalization and major diagnostic procedure | recent hospitalization | admission history
            | hospitalization and er visit | hospitalization er visit""",
        second="hospital history | inpatient history | hospital visit",
        perhaps="hospital course | emergency visit | emergency room visit | admission",
    ),
    "ob_gyn_history": Headings(
        said="""obgyn | past obgyn history | obstetric gynecologic history | obgyn and menstrual history
            | women health history | gynecologic and obstetric history | gynecologic obstetric history""",
        perhaps="""menstrual history | pregnancy history | reproductive history | last menstrual period | lmp
            | pregnancy | gravida para | contraceptive history""",
    ),
    "birth_history": Headings(
        said="""perinatal history | neonatal history | newborn history | birth | prenatal and birth history
            | delivery history | prenatal birth history | pregnancy and birth history | birth and delivery history
            | birth delivery history | pregnancy and delivery history | perinatal and birth history""",
        perhaps="""neonatal course | prenatal history | pregnancy history | maternal history | gestational age
            | prenatal""",
    ),
    "developmental_history": Headings(
        said="""developmental | developmental milestone | milestone | growth and developmental
            | developmental and milestone | growth and developmental history | developmental behavioral history
            | developmental status""",
        perhaps="developmental screening | growth | school history | behavior | developmental surveillance",
    ),
    "goals": Headings(
        said="""care goal | stated goal | goal and objective | goal of therapy | treatment objective
            | patient stated goal | goal objective | therapy goal | short term goal | long term goal
            | short and long term goal | goal and plan of care goal""",
        perhaps="aim | goal of care | expected outcome | outcome",
    ),
    "reason_for_referral": Headings(
        said="""reason for consultation | consultation reason | indication for consultation | referral indication
            | reason for referral and consultation | reason for referral or consultation""",
        perhaps="referral question | consultation question | indication | referral | question",
    ),
}

# Results are often kept in two fields, and OB/GYN history in two. Where no field is for the whole, the parts are it.
PARTS: dict[str, tuple[str, str]] = {
    "results": (
        """lab | lab result | lab data | lab finding | lab study | lab test | lab review | lab reviewed
            | lab report | lab value | recent lab | blood work | bloodwork | pertinent lab | cbc and lab
            | lab work""",
        """imaging | imaging result | imaging study | imaging review | radiology | radiology result
            | radiology report | xray | imaging report | diagnostic imaging | radiologic study | imaging finding
            | radiology study | imaging data | neuroimaging | radiographic study | xray result""",
    ),
    "ob_gyn_history": (
        "gynecologic history | gynecologic | past gynecologic history",
        "obstetric history | obstetric | past obstetric history",
    ),
}
# A part that may stand for the whole: a template with labs alone takes all results, one with imaging alone does not.
ALONE = {"results": (0,), "ob_gyn_history": (0, 1)}

# Several sections in one label that no sign divides; what signs divide is read part by part.
JOINT: dict[str, tuple[str, ...]] = {
    "past medical surgical history": ("past_medical_history", "past_surgical_history"),
    "medical surgical history": ("past_medical_history", "past_surgical_history"),
    "past med surg history": ("past_medical_history", "past_surgical_history"),
    "past medical family social history": ("past_medical_history", "family_history", "social_history"),
    "past family social history": ("past_medical_history", "family_history", "social_history"),
    "family social history": ("family_history", "social_history"),
    "medication allergy list": ("medications", "allergies"),
    "diagnosis and plan": ("diagnoses", "plan"),
    "diagnosis and treatment plan": ("diagnoses", "plan"),
    "assessment plan follow up": ("assessment", "plan", "assessment_and_plan", "follow_up"),
}

SUBJECTIVE, OBJECTIVE = "subjective", "objective"
CONTAINERS = {
    SUBJECTIVE: "subjective | subjective finding | subjective information | subjective data",
    OBJECTIVE: "objective | objective data | objective information",
}
