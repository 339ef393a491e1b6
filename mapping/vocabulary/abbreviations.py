"""What one written word stands for: abbreviations, British spellings, other forms of the same word."""

# Written together with a sign, so that they must be seen before the sign divides a label.
SIGNED = {
    r"a(?:\s*[/&+]\s*|\s+(?:and\s+)?)p": "assessment and plan",
    r"pm\s*/\s*s\s*/\s*f\s*/\s*s": "past medical surgical family social",
    r"pm\s*/\s*f\s*/\s*s": "past medical family social",
    r"c\s*/\s*c": "chief complaint",
    r"(?:h\s*/\s*o|hx\s+of|history\s+of)\s+p\s*/?\s*i": "history of present illness",
    r"h\s*/\s*o": "history of",
    r"s\s*/\s*p": "status post",
    r"f\s*/\s*u": "follow up",
    r"o\s*/\s*e": "exam",
    r"p\s*/\s*e": "physical exam",
    r"h\s*[/&]\s*p": "history and physical",
    r"ob\s*[/&-]\s*gyn(?:e|ec|ecologic|ecology|ecological)?": "obgyn",
    r"w\s*/\s*u": "work up",
    r"w\s*/\s*o": "without",
    r"w\s*/": "with",
    r"f\s*/?\s*up": "follow up",
    r"^n\s*/\s*v$": "next visit",
    r"n\s*/\s*v(?:\s*/\s*d)?": "nausea vomiting",
    r"\+\s*(?:and|/|&)\s*-": "positive negative",
    r"^med(?:ication)?s?\s+rec(?:on)?$": "medication reconciliation note",
    r"meds?\s+rec(?:on)?": "medication reconciled",
    r"allerg(?:y|ies)\s+rec(?:on)?": "allergy reconciled",
    r"f-?\s?codes?": "icd code",
    r"med(?:ication)?s?\s*[/&+,]\s*alls?": "medication / allergy",
    r"lower\s+ext": "lower extremity",
    r"upper\s+ext": "upper extremity",
    r"v\s*/\s*s": "vital sign",
    r"y\s*/\s*n": "checkbox",
    r"(?:pt|patient)s?\.?\s*(?:/\s*fam(?:ily)?\s*)?ed(?:uc)?": "patient education",
    r"b\s*/\s*p": "blood pressure",
    r"c\s*/\s*o": "complaint",
    r"r\s*/\s*v": "return visit",
    r"d\s*/\s*c": "discharge",
    r"r\s*/\s*o\s*/\s*s": "review of systems",
    r"h\s*/\s*p\s*/\s*i": "history of present illness",
    r"s\s*/\s*o\s*/\s*a\s*/\s*p": "soap",
    r"no\s+patologic[oa]s?": "nonpathological",
    r"non-?\s?pathological": "nonpathological",
    r"non-?\s?psych(?:iatric)?": "",
    r"non-?\s?onc(?:ologic|ology)?(?=\s+(?:past\s+)?medical)": "",
    # Not "Referred to": "for" says why.
    r"^ref+er+ed\s+for(?=\s*:?$)": "reason for referral",
    r"^ref+er+ed\s+by\s*[-–—:/,&]\s*(?:reason|for\b)": "reason for referral",
    # What one is allergic to is no medication list: "Allergies to foods or medicines" is read as "Allergies (…)".
    r"(allerg(?:y|ies|ic)|intolerances?|reactions?)\s+to\s+([^?()]*(?:,|/|\bor\b|\band\b)[^?()]*)": r"\1 (\2)",
    r"int\.?\s+(?:hx|hist(?:ory)?)": "interval history",
    r"(?:fu|f\s*/\s*u|rtc|follow\s*up)\s+int": "follow up interval",
    r"dx\s+(data|procedures?|stud(?:y|ies)|tests?|testing|imaging|results?|labs?)": r"diagnostic \1",
    r"(?:going\s+to|will\s+we|we\s+will)\s+do": "willdo",
    r"(with|to|by)\s+(?:patient|client|parent)s?\s*(?:and|or|/|&)\s*(?:famil(?:y|ies)|caregivers?)": r"\1 patient",
    r"s[xg]\s+(?:hx|hist(?:ory)?)": "surgical history",
    r"(?:drug|med|food|env)\s+alls?": "drug allergy",
    r"icd-?\s?1[01]": "icd",
    r"pap\s?smears?": "pap",
    r"i\s*[/&]\s*o": "intake output",
    r"follow-?\s?ups?": "follow up",
    r"pre-?\s?op(?:erative)?": "preoperative",
    r"post-?\s?op(?:erative)?": "postoperative",
    r"work-?\s?up": "work up",
    r"x-?\s?rays?": "xray",
    r"to-?\s?do": "task",
    r"ant\.?\s+seg(?:ment)?\.?": "anterior segment",
    r"i\s*&\s*d": "incision drainage",
    r"g\s*/\s*p(?:\s*/\s*a(?:b)?(?:\s*/\s*l)?)?": "gravida para",
    r"after-?\s?care": "aftercare",
    r"check-?\s?in": "checkin",
    r"co-?\s?morbid(?:s|it(?:y|ies))?": "comorbidity",
    r"home-?going": "home",
    r"p[xr](?=\s+(?:done|performed|consent)(?:\s|$))": "procedure",
    r"^us(?=\s+(?:findings?|results?|reports?|reviewed)$)": "ultrasound",
    r"ed\s*&\s*c": "electrodesiccation",
    r"well\s+do": "willdo",
    r"med(?=\s+(?:list|reconciliation|review|names?|doses?|regimen|changes?|profile|table)(?:\s|$))": "medication",
    r"proc\s+note": "procedure note",
    r"reason\s+for\s+cons": "reason for consultation",
    r"f\s*/\s*hx": "family history",
    r"pm[.\s]\s?hx": "past medical history",
    r"ps[.\s]\s?hx": "past surgical history",
    r"med(?:ication)?s?\s*[/&+,]\s*vits?": "medication / vitamin",
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
    medhx = med history | preg = pregnancy | objectives = aim | sx = symptom | sxs = symptom
    hab = habit | milestones = milestone | dob = birth date | compl = complaint | cmpl = complaint
    cmplt = complaint | compt = complaint | complnt = complaint | sys = system | syst = system | symp = symptom
    symps = symptom | allerg = allergy | alg = allergy | algy = allergy | allg = allergy | alrg = allergy
    algs = allergy | allrg = allergy | immun = immunization | immuniz = immunization | vaccin = immunization
    cur = current | curr = current | prev = previous | hospitaliz = hospitalization | assesmt = assessment
    assessmt = assessment | assm = assessment | assmnt = assessment | asses = assessment | assmts = assessment
    asmnt = assessment | asmts = assessment | diags = diagnosis | diagn = diagnosis | diagnos = diagnosis
    pln = plan | treatmt = treatment | rxn = reaction | rxns = reaction | procd = procedure | instruct = instruction
    instructs = instruction | instrux = instruction | instrn = instruction | inst = instruction
    ptinst = patient instruction | dvlp = developmental | dvlpmt = developmental | mstones = milestone
    bhx = birth history | bth = birth | soch = social history | famly = family | fmly = family | medl = medical
    surgs = surgery | sxhx = surgical history | surgicalhx = surgical history | sgx = surgery
    ghx = gynecologic history | wcc = well child check | awv = annual wellness visit | mh = medical history
    ph = past history | phx = past history | pmhsx = past medical surgical history
    pfmh = past family medical history | pmhh = past medical history | pysch = psychiatric | eent = ent
    heent = ent | hosphx = hospitalization history | ords = order | ord = order | coded = icd
    insp = inspection | palp = palpation | intv = interval
    intvl = interval | vasc = vascular | abd = abdominal | refl = referral | refer = referral
    rfl = referral | rsn = reason | reas = reason | vst = visit | vis = visit | enc = encounter
    complaints = complaint | res = result | rslt = result | rslts = result | rad = radiology | img = imaging
    imag = imaging | lbs = lab | invx = investigation | ix = investigation | mx = management | xam = exam
    phy = physical | phex = physical exam | physexam = physical exam | pex = physical exam | prblm = problem
    probl = problem | stg = short term goal | ltg = long term goal | stgs = short term goal | ltgs = long term goal
    rev = review | revw = review | rvw = review | poct = point of care testing | poc = point of care
    erx = prescription | script = prescription | scripts = prescription | ekgs = ekg | impress = impression
    impn = impression | narr = narrative | pmhs = past medical history | sdh = social determinant of health
    nv = next visit | rov = return visit | rv = return visit | flwup = follow up | folup = follow up
    fup = follow up | apt = appointment | apts = appointment | lifestyles = lifestyle | vitl = vital sign
    vit = vital sign | vts = vital sign | vtls = vital sign | vss = vital sign | tprbp = vital sign
    hpx = history and physical | ccs = chief complaint | cco = chief complaint | rfe = reason for encounter
    rfa = reason for appointment | goalz = goal | tob = tobacco | occ = occupation | mva = accident | mvc = accident
    doi = injury date | preop = preoperative | postop = postoperative | cosign = signature | esign = signature
    esig = signature | sig = signature | sigs = signature | tele = telehealth | telemed = telehealth
    sched = schedule | hcp = provider | allx = allergy | alls = allergy | inv = investigation | invs = investigation
    interp = interpretation | interps = interpretation | formln = formulation | psychotropics = psychotropic
    pmfsh = past medical family social history | pmfshx = past medical family social history
    pmsfsh = past medical surgical family social history | pmsfshx = past medical surgical family social history
    le = lower extremity | ue = upper extremity | ble = lower extremity | bue = upper extremity
    allergic = allergy | client = patient | clients = patient | session = visit | sessions = visit | avail = available
    lv = last visit | ov = office visit | lov = last office visit | cxr = xray | circ = circumference | sibs = sibling
    sib = sibling | siblings = sibling | pna = pneumonia
    biomech = biomechanical | subst = substance | gpal = gravida para | gtpal = gravida para
    ill = illness | pres = present | iz = immunization | izs = immunization | clin = clinical | dz = disease
    dzs = disease | outpt = outpatient | inpt = inpatient | revd = reviewed | guid = guidance | ops = operation
    inj = injection | injs = injection | lac = laceration | lacs = laceration | bx = biopsy | bxs = biopsy
    admits = admission | ile = percentile | refd = referred | nebs = neb
    icd10s = icd | lst = list | tbl = table | ctl = field | intol = intolerance | intols = intolerance
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
