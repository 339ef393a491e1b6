"""Labels that are none of the contract's sections, however alike, and words that change no meaning."""

_OTHERS = """
    other history | other | additional note | additional information | miscellaneous | misc | comment | note |
    remark | provider note | nursing note | nurse note | triage note | addendum | scratchpad | free text note |
    preventive medicine | prevention plan | health maintenance | preventive care | preventive screening | wellness
    plan | personalized prevention plan | screening | depression screening | risk factor | cardiac risk factor |
    fall risk | risk assessment | health risk assessment | pain assessment | functional assessment | nutrition
    assessment | nutritional assessment | nursing assessment | fall risk assessment | suicide risk assessment |
    safety plan | nutrition plan | diet plan | exercise plan | discharge planning | crisis plan | birth plan |
    transition plan | visit code | procedure code | cpt code | billing | billing information | billing code |
    charge | claim | em level | level of service | time spent | total time | payer | insurance | coverage |
    medical equipment | implant | device | advance directive | code status | consent | informed consent | consent
    to telehealth | anesthesia | anesthesia type | disposition | disposition and communication | communication |
    care coordination | care team | referring physician | referring provider | attending | provider | signature |
    electronic signature | attestation | scribe attestation | indication for surgery | indication for procedure |
    complication | estimated blood loss | specimen | operative finding | surgeon | assistant | drain | hospital
    discharge | emergency course | emergency department course | demographic | identifying data | patient
    identification | informant | history source | source of history | language | interpreter | encounter | visit
    type | visit information | visit | encounter date | service date | functional status | mental status |
    cognitive status | performance status | level of function | prior level of function | work status | work
    restriction | disability | employer | school | activity | diet | nutrition | nutrition diet | sleep | exercise
    | feeding history | weight history | growth chart | flowsheet | transfusion history | allergy testing | skin
    testing | immunotherapy | contraception | family planning | visual acuity | intraocular pressure | refraction
    | hearing | staging | tumor staging | prognosis | social determinant of health | social determinant of health
    screening | quality measure | care gap | reminder | therapeutic injection | injection given | past order |
    pending result | pending test | lab pending | discontinued medication | discontinued | prior treatment | past
    treatment | treatment history | treatment summary | medication refill | pharmacy | opioid agreement |
    controlled substance agreement | pain score | pain scale | partner history | mother history | maternal
    information | caregiver | guardian | attachment | image | photo | document | history and physical | progress
    note | letter | patient portal message | questionnaire | intake form | checklist | growth percentile | body
    surface area | intake output | telemetry | technique | comparison | procedure date | date | time | location |
    patient location | signature date | reason for discharge | discharge condition | goal of surgery | operative
    plan | surgical plan | equipment | mobility | environment | spiritual | culture
"""
OTHERS = tuple(phrase.strip() for phrase in _OTHERS.split("|"))

# They say when it was written, or that it is text; the label means the same without them.
_NEUTRAL = """
    current currently today todays note comment narrative text free field section detail documentation documented
    reviewed review update updated list clinical general brief complete comprehensive pertinent relevant dictation
    dictated scribe ambient ai summary all full adult pediatric office clinic encounter visit entry box established s
    required optional additional information known
"""
# Before a heading they say whose words it holds; after it they make another thing of it ("Follow-up provider").
_PERSONS = "patient provider physician doctor clinician md"
# They only join other words.
_STOP = "of the for to a an in on with at by or and from this any your my is are if"
# In brackets behind a heading they make another thing of it: such a label is never a suggestion.
_CHANGING = """
    discontinued stopped inpatient prior previous planned pending due administered declined risk code date status
    history family order discharge admission education screening score preventive nutrition nursing historical old
    inactive resolved past billing refill
"""
NEUTRAL, PERSONS, STOP, CHANGING = (frozenset(words.split()) for words in (_NEUTRAL, _PERSONS, _STOP, _CHANGING))
