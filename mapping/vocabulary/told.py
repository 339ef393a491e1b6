"""Per section code of the visit and the histories the labels that mean it."""

from mapping.vocabulary.wording import Headings

HEADINGS: dict[str, Headings] = {
    "chief_complaint": Headings(
        said="""chief concern | presenting problem | presenting concern | main complaint | main concern
            | primary complaint | primary concern | purpose of visit | reason for coming | presenting symptom
            | chief complaint and reason for appointment | primary reason for visit | main reason for visit
            | reason for office visit | reason for todays visit | nature of visit | chief reason for visit
            | main reason for appointment | patient stated reason for visit | primary reason for appointment
            | concern today | primary concern today | reason for presentation
            | presenting complaint and reason for visit | reason for urgent care visit | reason for uc visit
            | reason for telehealth visit | reason for telemedicine visit | reason for follow up
            | reason for clinic visit | reason for evaluation today | chief problem | complaint of patient
            | reason for call | visit complaint | chief complaint of patient | presenting issue
            | visit reason and complaint | main problem | injury complaint | reason for injury visit
            | purpose of appointment | purpose of encounter | reason for consult visit | reason for admission
            | reason for hospitalization | chief complaint reported | presents for | presents with
            | patient presents for | patient presents with | presenting for | presenting with | here for
            | patient here for | here today for | reason patient is here | reason seen
            | what brings you in | what brings you in today""",
        second="complaint",
        only="""parental concern | parent concern | patient concern
            | reason for evaluation | concern | parent or patient concern
            | caregiver concern | agenda | visit concern | problem for todays visit | reason | reason for exam""",
        perhaps="reason for consultation | presenting history | symptom",
    ),
    "history_of_present_illness": Headings(
        said="""nldocat | oldcart | oldcarts | opqrst | pqrst
            | illness history | history of illness | history of presenting problem | history of present problem
            | history of presenting concern | history of current problem | history of present condition
            | history of injury or present illness | history of chief complaint | onset hpi | hpi story
            | hpi narrative | history of current episode | history of current concern
            | history of presenting symptom | history of present concern | history of present pain
            | describe problem | describe current problem | describe present problem
            | details of present illness | hpi update | illness narrative | history of current complaint
            | history of this injury | history of onset | summary of present illness""",
        second="""interval history | interim history | present history | narrative history
            | history since last visit | interval hpi | interim history and update | interval update
            | interim update | interval change | interim hpi | interval events | interval history since last visit
            | interval history and update | patient story | history since last seen | current history
            | history of current condition | subjective history | update since last visit | patient narrative
            | interval history or concern | story""",
        only="""current pregnancy | pregnancy course | current pregnancy course
            | interval event | events since last visit | injury history | history of injury | current symptom
            | interim event | mechanism of injury | history of accident | course of illness | symptom history
            | progress since last visit | pain history | headache history | seizure history | wound history""",
        perhaps="""history | response to treatment | clinical history | injury description
            | general history | symptom | hospital course | sleep history | oncologic history | presenting history
            | current status | description problem""",
    ),
    "review_of_systems": Headings(
        said="""review of body systems | systems reviewed | functional inquiry | ros and symptom
            | system review and symptom | pertinent ros | ros positive and negative""",
        second="pertinent positive and negative | systemic review",
        only="system | constitutional symptom | other symptom | symptom checklist | pertinent negative",
    ),
    "medications": Headings(
        said="""current medication and adherence | medication list and adherence | rx over the counter
            | medication you take | medication you are taking
            | medication patient take | medication and how taken | active rx | rx medication | home rx
            | active medication | present medication | medication currently taking | medication regimen
            | current prescription | prescription medication | rx list | medication taken
            | prescription and over the counter medication | current medication and supplement
            | medication and supplement | current drug | current drug therapy | home medication list | rx and meds
            | medication reviewed and reconciled | rx and over the counter medication | medication and vitamin
            | medication list and supplement | medication vitamin and supplement
            | current medication list and dose | rx currently taking | current rx and over the counter medication
            | prescription and over the counter | prescription drug | medication currently prescribed
            | active outpatient medication | outpatient medication list | daily medication | medication and dose
            | current therapy medication | regular medication | medication taking | meds over the counter
            | patient medication | current daily medication | all current medication
            | medication including over the counter | meds list active | medication reconciliation list
            | current med regimen | chronic medication | maintenance medication | current outpatient medication
            | history of medication use | home med list | home med""",
        second="""prescription | drug | current rx | medication review | medication profile
            | reconciled medication | medication reconciliation note""",
        only="""psychotropic medication | psychotropic | current psychotropic | current psychotropic medication
            | systemic medication
            | medication reconciliation | prescription history""",
        perhaps="""rx | supplement | discharge medication | admission medication | medication administered
            | new medication | medication change | over the counter medication | prior medication
            | medication given | medication trial | antibiotic | infusion | med history | medication prescribed
            | home infusion""",
    ),
    "allergies": Headings(
        said="""allergic reaction | allergy and intolerance | allergy intolerance | allergy and sensitivity
            | allergy sensitivity | allergy and reaction | allergy reaction | adverse reaction
            | adverse drug reaction | allergy to medication | drug sensitivity | allergy and alert
            | allergy and adverse reaction | drug intolerance | med allergy | allergy and adverse drug reaction
            | drug reaction | medication intolerance | allergy and side effect | drug allergy and reaction
            | medication allergy and reaction | allergy to food and drug | allergy and drug sensitivity
            | medication reaction | known drug allergy | allergy and contraindication | allergy status
            | allergy list and reaction | allergies all | allergy adverse event | drug allergy list | allergen
            | allergen and reaction""",
        second="all",
        only="intolerance | sensitivity",
        perhaps="food allergy | environmental allergy | latex allergy | seasonal allergy",
    ),
    "past_medical_history": Headings(
        said="""past illness | history of past illness | past medical problem | past medical condition
            | past med history | prior medical problem | previous medical problem | significant medical history
            | personal health history | prior illness | significant past medical history | past medical illness
            | pmh comorbidity | previous med history | prior med history
            | medical history and comorbidity | medical history and chronic condition
            | pertinent past medical history | pmh and chronic condition | medical history update
            | medical problem history | chronic illness and past medical history | past health problem
            | medical illness history | pmh precaution comorbidity | personal history of disease
            | past and current medical problem | past medical condition and comorbidity
            | past medical history non psychiatric | systemic medical history | past medical history checklist
            | previous medical condition""",
        second="""past health history | health history | general medical history | chronic medical history
            | other medical problem | other medical condition | other medical history | other medical illness
            | other illness | other chronic illness | other chronic condition""",
        only="""major illness | adult illness | illness and injury | ongoing medical condition
            | ongoing medical problem | childhood illness | significant medical problem
            | comorbidity and precaution | past related injury | medical condition | medical problem
            | chronic condition | medical issue | medical comorbidity | comorbidity | underlying condition
            | systemic illness | systemic disease | chronic illness | chronic disease
            | current medical condition | current medical problem | health problem | medical illness
            | disease padece""",
        perhaps="""history | medical | med history
            | past psychiatric history | psychiatric history | clinical history | past diagnosis
            | chronic problem | past cardiac history | medical surgical
            | patient history""",
    ),
    "past_surgical_history": Headings(
        said="""past operation | prior operation | previous operation | past surgical procedure
            | operative history | surgical procedure history | history of surgery | past surg history
            | surgical and procedure history | surgical procedure and history | past surgery and procedure
            | surgical hx and anesthesia
            | history of operation | prior surgical procedure | previous operation and surgery
            | past surgical procedure history | past surgery and operation | surgery and procedure""",
        second="surgery | operation | other surgery | other operation",
        only="""past procedure | prior procedure | procedure history | surgical | surgical procedure
            | past invasive procedure""",
        perhaps="shx | invasive procedure history | anesthesia history",
    ),
    "family_history": Headings(
        said="""past family history | past family medical history | family health | history of family
            | family history of disease | family illness history | fam med history | family medical problem
            | relevant family history | family hx pedigree | family health problem
            | history of family member disease | family member history""",
        second="genetic and family history | hereditary history",
        only="""family psychiatric history | genetic history | family genetic history | family | heredity
            | family mental health history | pedigree | hereditary disease | hereditary illness
            | hereditary condition""",
        perhaps="maternal history | paternal history",
    ),
    "social_history": Headings(
        said="""past social history | social and lifestyle history | social history and lifestyle
            | social and personal history | personal and social history | social habit
            | social and occupational history | social information | social habit and lifestyle
            | social and environment history | social home environment | social determinant and history
            | social background | tobacco alcohol and drug use | social history tobacco alcohol drug
            | home and social history | social and family situation | social home situation
            | social and living situation | social and substance use history | home environment and social history
            | social and functional history | social and functional""",
        second="""social and behavioral history | lifestyle history | social and sexual history
            | psychosocial history | habit | lifestyle | social situation | psychosocial
            | social situation and support""",
        only="""tobacco alcohol and substance use | substance use history | personal habit | substance use
            | personal history | social support | home environment | living situation | home and school
            | substance abuse history | substance history | social | home life
            | headss | headdsss | heeadsss""",
        perhaps="""tobacco | tobacco use | tobacco history | alcohol use | smoking history | smoking status
            | smoking | alcohol | substance abuse | occupational history | sexual history | travel history
            | exposure history | exposure travel history | environmental history | shx | occupation
            | employment history | education history | drug use""",
    ),
    "immunizations": Headings(
        said="""immunization list | immunization and vaccine | immunization log | immunization vaccination
            | immunization history and record | immunization summary | immunization utd
            | immunization status and history | shot record | immunization up date | immunization review
            | immunization received | immunization data""",
        second="immunization and injection",
        only="""immunization offered given | immunization due given | immunization offered
            | immunization needed given | immunization due and given today
            | immunization given | immunization administered | immunization today | immunization given today
            | immunization administered today | vaccine this visit""",
        perhaps="immunization order | flu immunization | immunization due | immunization needed",
    ),
    "problem_list": Headings(
        said="""medical problem list | active medical issue | active issue list | ongoing problem
            | active problem | current problem list | patient problem | active diagnosis list
            | active medical problem list | problem list update | active problem and diagnosis
            | current and chronic problem | active and chronic problem | chronic problem list
            | active medical problem | current active problem | patient problem list
            | problem list and risk factor | active medical condition | active condition | current diagnosis list
            | problem list and diagnosis""",
        only="""active issue | chronic problem | health concern | active diagnosis | ongoing condition
            | current condition""",
        perhaps="medical problem | comorbidity | past medical problem | chronic condition",
    ),
    "hospitalizations": Headings(
        said="""prior admission | previous admission | hospital stay | past admission | past hospitalization
            | hospitalization and major diagnostic procedure | recent hospitalization | admission history
            | hospitalization and er visit | hospitalization er visit
            | inpatient stay | past inpatient stay | admission and er visit | recent hospital stay
            | recent admission | recent hospitalization and ed visit | hospitalization last year
            | hospitalization in past year | inpatient admission | prior hospital stay | hospital and er visit
            | hospitalization major illness | past hospital stay""",
        second="hospital history | inpatient history | hospital visit",
        only="emergency visit | past psychiatric hospitalization | psychiatric hospitalization",
        perhaps="hospital course | emergency room visit | admission",
    ),
    "ob_gyn_history": Headings(
        said="""obgyn | past obgyn history | obstetric gynecologic history | obgyn and menstrual history
            | women health history | gynecologic and obstetric history | gynecologic obstetric history
            | gynecologic and menstrual history | menstrual and obstetric history | reproductive and obgyn history
            | womens health | menstrual obstetric gynecologic history""",
        only="""menstrual history | pregnancy history | reproductive history | contraceptive history
            | sexual and reproductive history | menstrual gynecologic | pregnancy and menstrual history
            | lmp and menstrual history""",
        perhaps="last menstrual period | lmp | pregnancy | gravida para",
    ),
    "birth_history": Headings(
        said="""perinatal history | neonatal history | newborn history | birth | prenatal and birth history
            | delivery history | prenatal birth history | pregnancy and birth history | birth and delivery history
            | birth delivery history | pregnancy and delivery history | perinatal and birth history
            | birth and neonatal | pregnancy and birth | pregnancy birth and delivery history
            | birth complication | birth problem | delivery complication
            | birth and postnatal history | prenatal and perinatal history | birth details | perinatal
            | neonatal and perinatal history | birth and nicu history""",
        only="neonatal course | prenatal history | gestational history | postnatal history",
        perhaps="pregnancy history | maternal history | gestational age | prenatal",
    ),
    "developmental_history": Headings(
        said="""developmental | developmental milestone | milestone | growth and developmental
            | developmental and milestone | growth and developmental history | developmental behavioral history
            | developmental status | growth and milestone | developmental assessment and milestone
            | developmental stage | developmental progress | developmental review | developmental behavior
            | developmental concern | childhood developmental | childhood developmental history
            | milestones reached | developmental milestone review""",
        only="developmental surveillance | school and developmental | growth",
        perhaps="developmental screening | school history | behavior",
    ),
    "reason_for_referral": Headings(
        said="""reason for consultation | consultation reason | indication for consultation
            | referral indication | reason for referral and consultation | reason for referral or consultation
            | reason for referral and diagnosis | referral reason and question | reason for consult request
            | reason patient was referred | reason referred | reason for specialist referral
            | reason for cardiology consultation | clinical question and reason for referral | purpose of referral
            | reason for outside referral | why referred | reason for being referred | referral source and reason
            | referring provider and reason | reason and referring provider | reason and referral source
            | consultation requested for""",
        only="""referring diagnosis | referral diagnosis | consultation question | referral question
            | referring question | referring clinician question
            | referring provider question | referring physician question | clinical question
                | question for consultant""",
        perhaps="indication | referral | question",
    ),
}
