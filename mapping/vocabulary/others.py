"""Labels that are none of the contract's sections, however alike, and words that change no meaning."""

_OTHERS = """
    datos | datos generales | datos personales | datos del paciente | datos de identificacion | datos de filiacion |
    datos demograficos | datos de identidad | datos clinicos | datos adicionales | otros datos | datos familiares |
    vision exam | ficha de identificacion | filiacion | source of information | reliability | place of origin |
    other history | other | additional note | additional information | miscellaneous | misc | comment | note |
    remark | provider note | nursing note | nurse note | triage note | addendum | scratchpad | free text note |
    preventive medicine | prevention plan | health maintenance | preventive care | preventive screening |
    wellness plan | personalized prevention plan | screening | depression screening | risk factor |
    cardiac risk factor | fall risk | risk assessment | health risk assessment | pain assessment |
    functional assessment | nutrition assessment | nutritional assessment | nursing assessment |
    fall risk assessment | suicide risk assessment | safety plan | nutrition plan | diet plan | exercise plan |
    discharge planning | crisis plan | birth plan | transition plan | visit code | procedure code | cpt code |
    billing | billing information | billing code | charge | claim | em level | level of service | time spent |
    total time | payer | insurance | coverage | medical equipment | implant | device | advance directive |
    code status | consent | informed consent | consent to telehealth | anesthesia | anesthesia type | disposition |
    disposition and communication | communication | care coordination | care team | referring physician |
    referring provider | attending | provider | signature | electronic signature | attestation |
    scribe attestation | indication for surgery | indication for procedure | complication | estimated blood loss |
    specimen | operative finding | surgeon | assistant | drain | hospital discharge | emergency course |
    emergency department course | demographic | identifying data | patient identification | informant |
    history source | source of history | language | interpreter | encounter | visit type | visit information |
    visit | encounter date | service date | functional status | mental status | cognitive status |
    performance status | level of function | prior level of function | work status | work restriction | disability |
    employer | school | activity | diet | nutrition | nutrition diet | sleep | exercise | feeding history |
    weight history | growth chart | flowsheet | transfusion history | allergy testing | skin testing |
    immunotherapy | contraception | family planning | visual acuity | intraocular pressure | refraction | hearing |
    staging | tumor staging | prognosis | social determinant of health | social determinant of health screening |
    quality measure | care gap | reminder | therapeutic injection | injection given | past order | pending result |
    pending test | lab pending | discontinued medication | discontinued | prior treatment | past treatment |
    treatment history | treatment summary | medication refill | pharmacy | opioid agreement |
    controlled substance agreement | pain score | pain scale | partner history | mother history |
    maternal information | caregiver | guardian | attachment | image | photo | document | history and physical |
    progress note | letter | patient portal message | questionnaire | intake form | checklist | growth percentile |
    body surface area | intake output | telemetry | technique | comparison | procedure date | date | time |
    location | patient location | signature date | reason for discharge | discharge condition | goal of surgery |
    operative plan | surgical plan | equipment | mobility | environment | spiritual | culture | elimination |
    hydration | appetite | nutrition feeding | feeding | voiding | stooling | bowel and bladder |
    hearing screening | vision screening | hearing vision screening | vision and hearing screening |
    lead screening | developmental screening score | autism screening | percentile | bmi percentile | phq | gad |
    audit | cage | moca | mmse | minicog | ace score | edinburgh score | epds | asq score | questionnaire score |
    screening score | score | anxiety screening | alcohol screening | tobacco screening | substance use screening |
    domestic violence screening | safety screening | suicide screening | suicide risk | risk level | safety |
    abuse screening | intimate partner violence | crisis | advance care planning | advance care plan |
    advance directive discussion | health care proxy | living will | chaperone | chaperone present |
    interpreter used | interpreter needed | consent obtained | verbal consent | telehealth consent |
    telehealth platform | platform | technical issue | connection quality | patient identity | identity verified |
    originating site | modality | start time | stop time | end time | start stop time | time in | time out |
    duration of visit | total minute | minute | face to face time | counseling time | date of service | time stamp |
    timestamp | created date | last modified | modified by | entered by | locked by | cosignature |
    provider signature | signed by | scribe statement | scribe signature | supervising physician |
    attending attestation | teaching physician statement | resident attestation | pcp | primary care provider |
    other provider | current provider | current provider and supplier | supplier | specialist | external provider |
    internal note | internal comment | staff note | staff message | front desk note | office use only |
    do not print | private note | sticky note | confidential note | psychotherapy note | phone note |
    telephone encounter | nurse comment | medical assistant note | rooming note | intake note | reconciled by |
    reconciliation | reconciliation date | reconciliation status | reconciled date | no known | reviewed by |
    reviewed date | last reviewed | mark as reviewed | nothing to report | none reported | employer claim number |
    claim number | adjuster | case manager | nurse case manager | attorney | employer name | date of injury |
    body part injured | causation | apportionment | maximum medical improvement | impairment rating |
    disability status | return to work | work excuse | school excuse | excuse note | work note | school note |
    work school excuse | mmi status | prior treatment response | prior authorization | authorization number |
    referral number | copay | balance | modifier | place of service | rendering provider | cpt | hcpcs |
    procedure code and modifier | evaluation and management code | e m level | diagnosis pointer | units billed |
    units | billing comment | coding note | hcc code | hcc | raf score | quality | meaningful use | mips | pqrs |
    hedis | gap in care | care gap closure | care management | chronic care management | transitional care |
    care team member | pharmacy name | preferred pharmacy | pharmacy note | refill request | refill |
    prior medication | past medication | failed medication | medication adherence |
    medication tolerance | pdmp | pdmp reviewed | opioid risk | urine drug screen | pill count | allergy shot |
    allergen immunotherapy | allergy test | skin test | serum dose | vaccine lot number | lot number |
    expiration date | injection site | vis date | vfc eligibility | vaccine consent | vaccine refusal |
    durable medical equipment | dme | orthotics | prosthesis | brace | photo taken | body diagram | diagram |
    drawing | scanned document | upload | image link | va sc | va cc | iop | manifest refraction |
    glasses prescription | contact lens | contact lens prescription | keratometry | pupil | tonometry | pachymetry |
    audiometry | tympanometry | gravida para | edd | estimated due date | gestational age | fundal height |
    fetal heart rate | pain level | pain location | pain rating | numeric pain scale | functional ability | adl |
    iadl | activity of daily living | home safety | fall history | assistive device | precaution | rehab potential |
    frequency and duration | treatment frequency | time based code | timed code | exercise flowsheet |
    patient demographic | patient name | age | sex | gender | race | ethnicity | address | phone | email |
    emergency contact | mrn | account number | insurance name | insurance id | subscriber | member id |
    preferred language | religion | marital status | screening schedule | preventive screening schedule |
    preventive service | prevention | health maintenance due | health maintenance plan | genetic screening |
    genetic counseling | carrier screening | birth control | research study | clinical trial | study id | protocol |
    ecog | karnofsky | cancer stage | tnm stage | pathologic stage | chemotherapy regimen | cycle number |
    radiation history | chemo order | infusion flowsheet | vascular access | dialysis prescription | dry weight |
    device check | pacemaker settings | inr | ejection fraction | chads vasc score | heart score | ascvd risk |
    framingham score | nyha class | patient satisfaction | survey | patient stated pharmacy |
    reason for cancellation | reason for no show | no show | cancellation reason | visit status | checkout note |
    check out | checkin note | appointment note | appointment time | appointment type | appointment status |
    next appointment time | transportation | reason for medication | reason for discontinuation | reason for order |
    reason for test | order status | order date | result status | collection date | specimen source |
    procedure location | procedure time | procedure start time | procedure consent | sedation | sponge count |
    surgical booking | surgical consent | anesthesia plan | asa class | mallampati | npo status | family contact |
    family meeting | family planning plan | family member present | accompanied by | social work |
    social work note | social service | social worker | social need | sdoh screening | goal of care discussion |
    goal date | goal status | goal met | problem status | problem onset date | diagnosis date | diagnosis status |
    encounter type | encounter id | visit id | visit reason code | plan of benefit | health plan | insurance plan |
    plan name | plan type | payment plan | retirement plan | safety plan review | emergency plan |
    asthma action plan | diet and exercise | discharge time | discharge date | admission date |
    discharge disposition | transfer | transport | patient education code | education level | highest education |
    learning need | barrier to learning | teach back | instruction given by | allergy reviewed by |
    medication reviewed by | vital sign time | vital sign taken by | exam time | exam room | room number |
    exam code | risk score | risk stratification | test date | lab date | lab name | lab requisition number |
    surgery date | date of surgery | clinic operation | operation hour | imaging date | imaging facility |
    imaging order number | next of kin | plan id | plan number | immunization registry | present at visit |
    person present | others present | work school note | school work note | work school form | work school letter |
    uds result | nurse assessment | nurse exam | nurse plan | historian | complaint form | patient complaint form |
    physical exam form | physical form | exam form | order form |
    dme order form | exam type | diagnosis code type | code type | procedure type | order type | allergy type |
    medication type | family present | triage assessment | triage level | triage category | triage acuity |
    triage plan | triage exam |
    triage history | work or school excuse note | school form | work form | camp form | sport form
"""
OTHERS = tuple(phrase.strip() for phrase in _OTHERS.split("|"))

# They say when it was written, or that it is text; the label means the same without them.
_NEUTRAL = """
    week weeks month months day around wk wks english spanish current currently today todays note comment
    narrative text free field section detail documentation documented reviewed review update updated list
    clinical general brief complete comprehensive pertinent relevant dictation dictated scribe ambient ai
    summary all full adult pediatric office clinic encounter visit entry box established s required optional
    additional information known pn txt ft fld nt narr rtf tb ecw emr ehr pnl panel blk block soap frm tmpl memo
    str val html rich desc description main initial subsequent new return routine annual extended limited
    expanded detailed focused short long standard default smart macro template unstructured typed transcribed
    imported entered verified confirmed reconciled obtained recorded noted stated reported self per see include
    included describe enter please provide specify discussed given provided done performed here applicable any
    etc line multi item element data record log sheet tab page form view print edit display rev outpatient
    ambulatory person virtual video telehealth telemedicine remote well sick final overall significant specific
    related during recent present existing utd up nkda unremarkable prn selected copy forward auto autopopulated
    carried chart charted intake area hdr header heading title label content body observed based recommended
    medicare child infant geriatric male female dose dosage wk wks x xx available sent issued grid table pick picklist
    lookup triage
"""
# Before a heading they say whose words it holds; after it they make another thing of it ("Follow-up provider").
_PERSONS = """
    patient provider physician doctor clinician md surgeon therapist counselor psychiatrist psychologist practitioner
    examiner evaluator athlete student employee member nurse ma rn
"""
# They only join other words.
_STOP = "of the for to a an in on with at or and from this any your my is are if"
# In brackets behind a heading they make another thing of it: such a label is never a suggestion.
_CHANGING = """
    discontinued stopped inpatient reason unit lot scale schedule scheduled request status completed cancelled level
    insurance billed internal questionnaire signature consent prior previous planned pending due administered
    declined risk code date history family order discharge admission education screening score preventive
    nutrition nursing historical old inactive resolved past billing refill checkbox tick flag unknown yes yn
    count hidden deprecated unused legacy
"""
# In a list they only name one of its items: "Education (kick counts, PTL precautions)".
_ITEMS = "count date family education nutrition screening score scale risk admission discharge"
# They say no more than that there is text.
_GENERIC = """
    note comment narrative text free detail description list current dictation summary entry field box documentation
    txt ft fld memo content body narr
"""
# What a table of a section has as its columns.
_COLUMNS = """
    date reason year type detail procedure onset age relation severity reaction name dose frequency route surgeon
    hospital status lot site vis manufacturer expiration
"""
# Of two lists of the social history, the one of these alone is the narrower.
_SUBSTANCES = """
    tobacco smoking smoke smoker nicotine vaping vape cigarette alcohol drinking cannabis marijuana thc opioid caffeine
    illicit recreational street iv drug drugs substance abuse use history status screening and other none
"""
NEUTRAL, PERSONS, STOP, CHANGING, GENERIC, SUBSTANCES, ITEMS, COLUMNS = (
    frozenset(words.split())
    for words in (_NEUTRAL, _PERSONS, _STOP, _CHANGING, _GENERIC, _SUBSTANCES, _ITEMS, _COLUMNS)
)
# Below a heading or beside one they say nothing: "Treatment > Notes".
IDLE = GENERIC - {"current", "list"}
LASTING = frozenset({"chronic", "active", "current"})
