"""What one written word stands for: abbreviations, British spellings, other forms of the same word."""

# Written together with a sign, so that they must be seen before the sign divides a label.
SIGNED = {
    r"a\s*[/&+]\s*p": "assessment and plan",
    r"c\s*/\s*c": "chief complaint",
    r"f\s*/\s*u": "follow up",
    r"o\s*/\s*e": "exam",
    r"p\s*/\s*e": "physical exam",
    r"h\s*[/&]\s*p": "history and physical",
    r"ob\s*[/&-]\s*gyn(?:e|ec|ecologic|ecology|ecological)?": "obgyn",
    r"w\s*/\s*u": "work up",
    r"i\s*[/&]\s*o": "intake output",
    r"follow-?\s?ups?": "follow up",
    r"pre-?\s?op(?:erative)?": "preoperative",
    r"post-?\s?op(?:erative)?": "postoperative",
    r"work-?\s?up": "work up",
    r"x-?\s?rays?": "xray",
    r"to-?\s?do": "task",
    r"check-?\s?in": "checkin",
}

_TABLE = """
    cc = chief complaint | hpi = history of present illness | hopi = history of presenting illness
    hpc = history of presenting complaint | genhx = history of present illness | ros = review of systems
    pe = physical exam | phys = physical | pmh = past medical history | pmhx = past medical history
    mhx = medical history | psh = past surgical history | pshx = past surgical history
    pmsh = past medical surgical history | pmshx = past medical surgical history
    pfsh = past medical family social history | pfshx = past medical family social history | fh = family history
    fhx = family history | famhx = family history | fmh = family history | fmhx = family history | fam = family
    sh = social history | sochx = social history | soc = social | hx = history | hist = history
    histories = history | dx = diagnosis | dxs = diagnosis | dxes = diagnosis | diag = diagnosis
    diagnoses = diagnosis | diagnostics = diagnostic | ddx = differential diagnosis | tx = treatment
    txs = treatment | trt = treatment | tmt = treatment | rxs = rx | vs = vital sign | vitals = vital sign
    vital = vital sign | imp = impression | impr = impression | meds = medication | medicines = medication
    imm = immunization | imms = immunization | immz = immunization | vax = immunization | vaxes = immunization
    vacc = immunization | vaccs = immunization | vaccine = immunization | vaccines = immunization
    vaccination = immunization | vaccinations = immunization | shots = immunization | proc = procedure
    procs = procedure | surg = surgical | surghx = surgical history | surgeries = surgery | hosp = hospitalization
    hosps = hospitalization | hospitalizations = hospitalization | admissions = admission | dev = developmental
    devel = developmental | devt = developmental | development = developmental | gyn = gynecologic
    gyne = gynecologic | gynec = gynecologic | gynecological = gynecologic | gynecology = gynecologic
    gynhx = gynecologic history | ob = obstetric | obstetrical = obstetric | obstetrics = obstetric
    obhx = obstetric history | obgynhx = obgyn history | birthhx = birth history | instr = instruction
    instrs = instruction | appt = appointment | appts = appointment | apptmt = appointment | rtc = return to clinic
    rto = return to office | ret = return | fu = follow up | followup = follow up | followups = follow up
    pt = patient | pts = patient | patients = patient | prob = problem | probs = problem | rfv = reason for visit
    rfr = reason for referral | rfc = reason for consultation | consult = consultation | consults = consultation
    mgmt = management | mgt = management | recs = recommendation | rec = recommendation | reccs = recommendation
    exam = exam | exams = exam | examination = exam | examinations = exam | px = exam | eval = evaluation
    labs = lab | laboratory = lab | laboratories = lab | nkda = allergy | nka = allergy | adr = adverse reaction
    adrs = adverse reaction | mdm = medical decision making | mse = mental status exam | ua = urinalysis | ecg = ekg
    electrocardiogram = ekg | xr = xray | xrays = xray | radiographs = xray | ult = ultrasound | ctscan = ct
    sono = ultrasound | pfts = pulmonary function test | pft = pulmonary function test | path = pathology
    avs = after visit summary | hep = home exercise program | etoh = alcohol | otc = over the counter | rfx = reason
    gen = general | summ = summary | cmt = comment | cmts = comment | demog = demographic
    demographics = demographic | ins = insurance | hcm = health maintenance | sdoh = social determinant of health
    bp = blood pressure | ht = height | wt = weight | temp = temperature | ref = referral | refs = referral
    scr = screening | screen = screening | screenings = screening | edu = education | educ = education
    ed = emergency | er = emergency | poh = past ocular history | neuro = neurological | neurologic = neurological
    psych = psychiatric | psychiatry = psychiatric | cardio = cardiac | cardiovascular = cardiac
    cardiology = cardiac | cv = cardiac | resp = respiratory | pulm = pulmonary | msk = musculoskeletal
    ortho = orthopedic | orthopaedic = orthopedic | derm = dermatology | peds = pediatric | paed = pediatric
    paeds = pediatric | obj = objective | subj = subjective | assmt = assessment | asmt = assessment
    assess = assessment | assessments = assessment | preventative = preventive | asst = assessment
    medhx = med history | preg = pregnancy | objectives = aim | obs = observation | sx = symptom | sxs = symptom
    hab = habit | milestones = milestone | dob = birth date
"""
ABBREVIATIONS = {
    short.strip(): long.split()
    for entry in _TABLE.replace("\n", " | ").split("|")
    if entry.strip()
    for short, long in [entry.split("=")]
}

# British spellings, as a beginning or inside of a word.
BRITISH = {
    "aemia": "emia",
    "anaes": "anes",
    "gynaec": "gynec",
    "haem": "hem",
    "isation": "ization",
    "oedema": "edema",
    "paed": "ped",
    "programme": "program",
    "counsell": "counsel",
    "behaviour": "behavior",
}
