"""Per section code of findings and decisions the labels that mean it."""

from mapping.vocabulary.wording import Headings

HEADINGS: dict[str, Headings] = {
    "physical_exam": Headings(
        said="""physical exam by system | physical assessment | full physical exam | physical exam observation
            | exam note | clinical finding on exam | full body exam | full body skin exam | total body skin exam
            | head to toe exam | hands on exam | physician exam | provider exam | physical exam detail""",
        second="""physical | general exam | general physical exam | focused exam | focused physical exam
            | virtual exam | telehealth exam | exam by system | objective findings | video exam | clinical finding
            | remote exam | telemedicine exam | exam via video | limited exam | targeted exam
            | physical and mental status exam | objective physical exam | objective measure
            | objective measurement""",
        only="""mental status exam | tbse finding | tbse | exam fbse | fbse finding | findings | joint exam
            | extremity exam
            | wound exam | observation
            | exam general | mental state exam | observation via video | visual exam | inspection
            | range of motion and strength | ocular exam | neurological exam""",
        perhaps="physical and mental exam",
    ),
    "assessment": Headings(
        said="""assessment impression | impression assessment | assessment summary | medical assessment
            | assessment and impression | physician assessment | assessment diagnosis discussion
            | clinical assessment and impression | assessment note | provider assessment | clinician assessment
            | assessment of patient | assessment by problem | overall clinical impression
            | problem assessment | evaluation note""",
        second="""case formulation | final impression | overall impression | initial impression | working impression
            | diagnostic assessment | assessment discussion | diagnostic impression | clinical conclusion""",
        only="""clinical formulation | formulation | medical decision making | discussion
            | analysis | clinical reasoning | summary and impression | evaluation | clinical summary
            | biopsychosocial formulation | diagnostic formulation | conclusion
            | differential and medical decision making
            | medical decision making and differential diagnosis | decision making | clinical decision making
            | clinical synthesis | synthesis""",
        perhaps="summary | diagnosis | opinion",
    ),
    "plan": Headings(
        said="""plan and recommendation | recommendation and plan | plan recommendation | treatment and plan
            | medical plan | therapeutic plan | clinical plan | treatment plan and recommendation
            | treatment plan and intervention | plan and management | plan for today | plan and order
            | plan and next step
            | plan and intervention | patient plan | plan by problem | care plan and recommendation
            | plan and medical management | plan and care coordination | plan and goal | provider plan""",
        second="""treatment | recommendation | management | treatment recommendation
            | treatment and management | treatment and recommendation | management and recommendation
            | treatment and intervention""",
        only="next step | action plan | therapy plan | intervention | medication plan",
        perhaps="discharge plan | therapy | diagnostic plan | task | medical decision making",
    ),
    "assessment_and_plan": Headings(
        said="""impression and recommendation | assessment and recommendation | assessment and treatment
            | impression and treatment plan | impression and management plan | assessment and management
            | assessment and management plan | assessment and plan by problem | impression and plan of care
            | assessment plan and recommendation | plan and impression | problem based assessment and plan
            | assessment impression and plan | assessment treatment plan | a and p by problem
            | assessment plan and mdm | diagnosis assessment and plan | problem list assessment and plan
            | clinical impression and plan | summary and plan | evaluation and plan
            | evaluation and treatment plan | evaluation and management plan""",
        second="ap | diagnosis and plan | diagnosis and treatment plan",
        perhaps="medical decision making | problem and plan | impression and disposition | discussion and plan",
    ),
    "diagnoses": Headings(
        said="""icd 10 | icd | icd code | icd cm code | icd 10 code | icd 10 diagnosis | icd 10 cm | todays diagnosis
            | diagnosis icd 10 | diagnosis and icd 10 code | dsm diagnosis | diagnostic code
            | problem and diagnosis today | current visit diagnosis | assessment diagnosis code | dsm tr diagnosis
            | medical diagnosis | treating diagnosis | primary and secondary diagnosis | treatment diagnosis
            | final dx code | diagnosis code icd | assessment icd | assessment code""",
        second="""preoperative diagnosis | primary diagnosis | principal diagnosis | working diagnosis
            | provisional diagnosis | current diagnosis | clinical diagnosis | psychiatric diagnosis
            | assessment diagnosis | discharge diagnosis | associated diagnosis | diagnostic impression code""",
        only="diagnosis for claim | postoperative diagnosis | differential diagnosis list",
        perhaps="""differential diagnosis | admitting diagnosis | admission diagnosis | secondary diagnosis
            | diagnostic impression | past diagnosis | billing diagnosis""",
    ),
    "vital_signs": Headings(
        said="""vital sign and measurement | vital sign measurement | vital sign and biometric
            | vital sign and weight | vital sign reported | self reported vital sign | patient reported vital sign
            | triage vital sign | vital sign today | vital sign height weight | vital sign and growth
            | vital sign and pain | vital sign and bmi | home vital sign | vital sign by patient
            | vital sign and anthropometric | vital sign and measurement reviewed | vital sign taken
            | vital sign and growth parameter | height and weight""",
        only="""biometric | anthropometric | body measurement | orthostatic | orthostatic vital sign
            | home blood pressure log | measurement | sign | vital statistic | growth parameter | growth measurement""",
        perhaps="bmi | blood pressure | weight | temperature | pulse",
    ),
    "results": Headings(
        said="""test result | diagnostic result | diagnostic data | diagnostic study | diagnostic test | study
            | diagnostic | data review | data | investigation | lab and imaging | lab and diagnostic
            | lab and test | lab and radiology | lab and diagnostic study | lab and study | lab imaging and study
            | ancillary data | lab and diagnostic data | lab radiology | diagnostic finding | testing result
            | review of data | test | diagnostic test result | test and study | lab and diagnostic result
            | diagnostic testing | testing | result and data | test result and data | lab imaging and diagnostic
            | data and result reviewed | lab and diagnostic review | lab and imaging reviewed
            | lab imaging and test | investigation result | relevant result | relevant data
            | objective data and result | lab and study result | diagnostic testing and result
            | data reviewed today | review of external record and data | outside data | recent result
            | imaging and emg | lab imaging procedure result | work up result | lab and ekg | lab ekg and imaging
            | diagnostic result and data | pertinent data | lab and pathology | lab pathology and imaging
            | point of care testing and lab | diagnostic work up | data reviewed
            | outside result | external result
            | relevant diagnostic test lab data | review of data and result | external data reviewed""",
        second="past result | previous result | prior result",
        only="""pathology result | ekg | echocardiogram | pulmonary function test | urinalysis | audiogram
            | spirometry | point of care testing | pathology | ekg interpretation | test interpretation
            | screening result | in house lab | microbiology | procedure result | cardiac testing | ocular testing
            | special testing | ekg echocardiogram | special test result | cardiac study | rapid test result
            | biopsy result | pathology report | study review""",
        perhaps="""ultrasound | mri | ct | xray interpretation | lab interpretation | biopsy | cytology | eeg
            | outside record | external record | emg | toxicology | vascular lab | genetic testing | special study""",
    ),
    "procedures": Headings(
        said="""office procedure | procedure in office | procedure in clinic | procedure completed
            | procedure note and detail | clinic procedure | in clinic procedure | operation performed
            | operative procedure | procedure done today | procedure and intervention
            | in office procedure performed | procedure note | biopsy and procedure note | procedure and injection
            | minor procedure | procedure performed and detail | procedure documentation
            | procedure done in office | procedure and treatment performed | procedure or injection performed
            | procedure performed today | bedside procedure | procedure during visit | procedure this encounter
            | history of procedure document | in clinic treatment | in office treatment | treatment in clinic
            | treatment in office""",
        only="""joint injection | trigger point injection | laceration repair | incision drainage | wound repair
            | wound closure | foreign body removal | suture removal | splinting | cryotherapy | procedure detail
            | procedure description | description of procedure | intervention performed
            | treatment provided | injection | intervention provided | treatment rendered
            | treatment performed | other procedure""",
        perhaps="""planned procedure | procedure history | past procedure | intervention | scope finding
            | surgical procedure | treatment today | prior procedure | special procedure""",
    ),
    "orders": Headings(
        said="""order and referral | order placed today | order list | todays order | lab and imaging order
            | order entered | order and prescription | test and referral ordered | order and test
            | order placed this encounter | order and follow up test | new order and referral
            | medication and order | erx and order | order and e prescription | procedure and lab order
            | physician order | lab rx and referral order | order set | diagnostic and lab order""",
        second="""test ordered | work up ordered | order requisition | lab and test ordered | order requested
            | ordered today | order and consultation""",
        only="diagnostic order | requisition | procedure order",
        perhaps="""referral | medication order | therapy order | standing order | future order
            | consultation order | work up | nursing order""",
    ),
    "patient_instructions": Headings(
        said="""home instruction | home care instruction | care instruction | patient discharge instruction
            | patient instruction and education | after care instruction | aftercare | self care instruction
            | patient handout and instruction | after visit instruction | instruction and education
            | discharge instruction and precaution | instruction to caregiver | instruction to parent
            | after visit summary instruction | avs patient instruction | take home instruction
            | self management instruction | health advice and instruction | instruction to family
            | patient directions | wound care instruction | post procedure instruction | postoperative instruction
            | patient advice and instruction | home instruction and precaution | instruction precaution
            | patient guidance | medication instruction and education | patient care instruction
            | post care instruction | home exercise and instruction | hospital discharge instruction
            | additional instruction | home exercise and precaution""",
        second="""advice | patient advice | instruction and counseling | guidance | patient and family education
            | patient education and action plan | education and action plan
            | advice given | patient counseling and education | education and counseling""",
        only="""patient education | education | anticipatory guidance | after visit summary | patient counseling
            | home exercise program | counseling | education provided | patient handout | self care
            | homework assigned | homework given
            | return and emergency precaution | health education | education and handout | home care""",
        perhaps="discharge summary",
    ),
    "follow_up": Headings(
        said="""return appointment | return to office | return | next visit | follow up plan | follow up interval
            | follow up recommendation | return in | follow up timeframe | follow up care
            | next visit and follow up | next follow up | recheck | recheck appointment | follow up schedule
            | follow up timing | next session | return for follow up | next scheduled visit | follow up visit plan
            | return to see | when to return | next office visit | follow up needed | follow up return visit
            | next encounter | next scheduled appointment | next prenatal visit | return ob visit
            | return to office or clinic | planned follow up | next well visit | next well child check
            | return to practice | return to care | when follow up | when to follow up | when return
            | follow up when | next check | next checkup | next appointment
            | next visit due | next appointment due""",
        second="""follow up instruction | follow up and disposition | return instruction
            | disposition and return | return precaution and follow up | recall | scheduling | follow up order
                | next care appointment""",
        only="next step and follow up",
        perhaps="""return precaution | next step | disposition | follow up date | return date | recall date
            | reevaluation date""",
    ),
    "goals": Headings(
        said="""care goal | stated goal | goal and objective | goal of therapy | treatment objective
            | patient stated goal | goal objective | therapy goal | short term goal | long term goal
            | short and long term goal | goal and plan of care goal | stg and ltg | goals of care and treatment
            | patient centered goal | patient specific goal | functional goal | goal set | goal progress
            | health goal discussed | rehab goal | recovery goal | patient goal and preference | goal and priority
            | goal and barrier | patient and family goal | resident and family goal | family goal
            | goal discussed""",
        only="expected outcome | target outcome | patient priority",
        perhaps="aim | goal of care | outcome",
    ),
}
