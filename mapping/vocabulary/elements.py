"""What the sections are about, by kind: vaccines, operations, habits, tests. A list of one kind names its section."""

from mapping.vocabulary.words import plain, stems

_KINDS = {
    "vital": """blood pressure | height | weight | bmi | body mass index | temperature | pulse | heart rate | hr
        | rr | respiratory rate | respiration | spo2 | spo | o2 | o2 sat | saturation | pulse ox | oxygen |
        waist | hc | head circumference | circumference | percentile | p | t | r | glucose | orthostatic |
        orthostatic blood pressure | pain | fc | fr | ta | pa | pc | sat | length | growth | pvr | rate | blood
        pressure both arm | both arm | room air | ra | exertion | prepregnancy weight | fingerstick | glucometry""",
    "habit": """tobacco | alcohol | drug | drug use | drug abuse | substance | substance use | substance abuse |
        smoke | smoking | smoker | smoked | vape | vaping | cannabis | marijuana | thc | opioid | nicotine |
        cigarette | drink | drinking | drinker | caffeine | occupation | job | job demand | work | employment |
        employed | school | education | daycare | day care | household | home | home life | home set up | home
        setup | living | living situation | living arrangement | lives | live | who lives | who lives home |
        partner | spouse | marital | marital status | married | relationship | support | social support | legal
        | legal issue | housing | exercise | diet | sleep | sport | hobby | driving | drives | travel | pet |
        exposure | sun | sun exposure | tanning | tan | safety | safety home | violence | domestic violence |
        ipv | abuse | gun | firearm | military | veteran | religion | noise | noise exposure | shoe | shoe gear
        | footwear | handedness | dominance | stressor | stress | recreation | recreational | activity |
        activity level | seatbelt | sexual activity | sexually active | child | children | environment | home
        environment | school environment | lifestyle | occupational | illicit | finance | transportation | pack
        year | pack yr | fluid | water intake | habit | social | sex | gambling | disability | retired |
        insurance | interest | cohabitant | vice | stairs | language | work status | smoking status""",
    "vaccine": """immunization | flu | influenza | covid | covid19 | tdap | td | tetanus | dtap | hpv | gardasil
        | pneumo | pneumonia | pneumococcal | pneumovax | prevnar | shingrix | shingle | zoster | mmr |
        varicella | rubella | rubella immune | hep a | hep b | hepatitis a | hepatitis b | hepatitis | hep |
        meningococcal | menb | meningitis | rsv | polio | ipv | hib | rotavirus | measles | booster | bcg |
        rabies""",
    "lab": """bili | bilirubin | nbs | upt | bmp | ef | 6mwt | lab | cbc | cmp | lipid | a1c | hba1c | tsh | ft4
        | urinalysis | psa | cr | creatinine | bun | lft | egfr | gfr | culture | urine culture | glucose | hgb
        | hemoglobin | hct | microalb | microalbumin | inr | bnp | troponin | esr | crp | strep | rapid strep |
        mono | flu | covid | rsv | pregnancy test | hcg | uhcg | vitamin d | ferritin | iron | path | pathology
        | cytology | biopsy | biopsy result | hpv | pap | drug screen | uds | blood work | lab work | serology | hiv |
        hepatitis | cholesterol | lead | stool | csf | lp | genetic test | hormone | testosterone | psa trend |
        wet prep | wet mount | koh | gc | chlamydia | ige | tumor marker | marker | tft | renal | ana |
        rheumatoid factor | rf | ccp
        | uric acid | uacr | acr | d dimer | h pylori | fit test | cologuard | rpr | quantiferon | tb test | titer | pth
        | phosphorus | electrolyte | psa velocity | magnesium | b12 | folate | micro | microbiology | pvr |
            sputum | blood gas | abg | lead level""",
    "image": """ekg | echo | echocardiogram | stress | stress test | nuclear stress | cath | catheterization |
        holter | event monitor | monitor | mri | ct | cta | mra | xray | ultrasound | us | imaging | image |
        radiograph | radiology | film | scan | pet | bone scan | mammogram | mammo | dexa | bone density | oct |
        hvf | visual field | photo | fundus photo | fluorescein | fa | eeg | emg | ncs | ncv | evoked potential
        | audio | audiogram | audiometry | tymp | tympanogram | pft | pulmonary function test | spirometry |
        colonoscopy | egd | endoscopy | sleep study | polysomnogram | abi | duplex | doppler | angiogram |
        topography | biometry | view | dxa | kub | tte | tee | study | test | testing | diagnostic | ct sinus |
        urodynamic | uroflow | vng | hida | capsule endoscopy | manometry | nst | bpp | anatomy scan | psg | hst
        | fibroscan | tilt test | ambulatory blood pressure | breath test | device interrogation | cpap download""",
    "body": """eye | ear | nose | throat | neck | heent | ent | heart | lung | chest | abdomen | abdominal | abd
        | gu | gi | skin | musculoskeletal | neurological | breast | pelvic | pelvis | rectal | knee | hip |
        shoulder | hand | wrist | elbow | ankle | foot | feet | leg | arm | back | spine | spinal | lumbar |
        cervical | extremity | head | face | mouth | oral | dental | genital | genitalia | prostate | scrotum |
        testis | testicular | penis | lymph | lymph node | node | vascular | peripheral vascular | cardiac | cv
        | pulmonary | respiratory | dermatology | thyroid | nail | hair | scalp | joint | muscle | limb |
        constitutional | general | psychiatric | cranial nerve | nerve | cn | brain | kidney | bladder | renal |
        uterus | cervix | ovary | vagina | vulva | adnexa | fundus | axilla | axillary | extraoral | intraoral |
        lid | cornea | lens | retina | optic nerve
        | conjunctiva | anterior segment | liver | spleen | bowel | sinus | tonsil | larynx | neurovascular |
        fontanelle | external ear | tm | canal | turbinate | septum | gynecologic | obstetric | obgyn |
        extremities | carotid | jvp | edema | eyelid | lesion site | toe | finger | jaw | tmj | rib | sternum |
        lower extremity | upper extremity | soft tissue | urologic | const""",
    "maneuver": """ms | inspection | palpation | rom | arom | prom | range motion | strength | mmt | manual
        muscle test | posture | special test | auscultation | percussion | gait | balance | coordination |
        cerebellar | motor | sensory | sensation | reflex | dtr | tone | dre | sle | slit lamp | dfe | dilated
        fundus exam | dilated exam | dilated fundus | eom | confrontation | stability | alignment | tenderness |
        swelling | effusion | deformity | appearance | general appearance | orientation | mental status | mental
        status exam | affect | flexibility | joint mobility | monofilament | capillary refill | murmur | swab |
        bimanual | speculum | fundal height | fetal heart tone | anterior segment | fht | otoscopy | dermoscopy
        | tinel | phalen | straight leg raise | slr | drawer | lachman | mcmurray | sphincter tone""",
    "condition": """ovarian | cardiomyopathy | scd | hypertension | htn | hta | diabetes | diabetic | diabete |
        dm | cad | chf | hf | copd | asthma | ckd | cva | stroke | tia | mi | heart attack | afib | arrhythmia |
        cancer | ca | malignancy | tumor | melanoma | bcc | scc | glaucoma | amd | macular degeneration |
        blindness | cataract | seizure | epilepsy | ms | dementia | migraine | headache | alzheimer | parkinson
        | depression | anxiety | bipolar | schizophrenia | suicide | mental illness | mental health |
        psychiatric | hyperlipidemia | cholesterol | lipid | hld | thyroid | thyroid disease | arthritis | gout
        | neuropathy | pad | pvd | osteoporosis | sleep apnea | osa | gerd | ibd | crohn | colitis | celiac |
        polyp | cirrhosis | hepatitis | autoimmune | lupus | dz | disease | disorder | illness | condition |
        problem | issue | comorbidity | bleeding | clot | clotting | dvt | anemia | obesity | sti | std |
        fibroid | endometriosis | pcos | deformity | birth defect | defect | genetic | twin | congenital |
        hearing loss | deafness | anesthesia problem | anesthesia reaction | malignant hyperthermia | anesthesia
        | eczema | psoriasis | atopy | sudden death | early death | death | tb | tuberculosis | hiv | addiction
        | head injury | concussion | injury | stone | kidney stone | infection | heart disease | kidney disease
        | hereditary | inherited | medical | chronic | abortion | aneurysm | retinal detachment | strabismus |
        amblyopia | substance abuse | alcoholism | adhd | autism | learning disability | preeclampsia | hernia |
        ulcer | failure | heart failure | neuropathic | breast | ovary | colon | prostate | uterine | kidney |
        bladder | liver | lung | heart | cardiac | renal | retinal | blood | skin | eye | mental | bone |
        stomach | nerve | brain""",
    "operation": """cath | catheterization | stent | cabg | bypass | device | pacemaker | ppm | icd |
        defibrillator | valve | valve replacement | ablation | pci | angioplasty | joint replacement |
        replacement | tka | tha | arthroscopy | fusion | laminectomy | tonsil | tonsillectomy | adenoid |
        adenoidectomy | tube | ear tube | septoplasty | appendix | appendectomy | gallbladder | cholecystectomy
        | hysterectomy | c section | csection | cesarean | tubal | tubal ligation | hernia repair | bariatric |
        thyroidectomy | lasik | vasectomy | turp | prostatectomy | colectomy | mastectomy | lumpectomy | implant
        | transplant | amputation | nephrectomy | cataract surgery | circumcision | myomectomy | oophorectomy |
        orif | port placement | fistula""",
    "done": """iud | insertion | implant insertion | iud insertion | injection | joint injection | biopsy |
        shave biopsy | punch biopsy | cryo | cryotherapy | excision | suture | laceration repair | incision
        drainage | laceration | staple | splint | splinting | cast | casting | neb | nebulizer | debridement |
        nail avulsion | avulsion | matrixectomy | laser | drainage | cysto | cystoscopy | scope | npl | nasal
        endoscopy | laryngoscopy | aspiration | arthrocentesis | irrigation | cerumen removal | iud placement |
        cautery | electrodesiccation | strapping | unna boot | taping | manual therapy | modality | therapeutic
        exercise | colposcopy | endometrial biopsy | vasectomy | pnbx | prostate biopsy | epidural | block |
        trigger point injection | fna | shave | punch | botox | wound closure | foreign body removal | iv fluid |
        curettage | peel |
        nexplanon | reduction | fracture reduction | repair | nebulizer treatment |
        circumcision | frenotomy | tympanostomy | implant | epley | dressing change""",
    "drug": """nsaid | ppi | anticoagulant | anticoag | blood thinner | thinner | antiplatelet | statin |
        insulin | oral | oral med | aed | psychotropic | birth control | ocp | contraceptive | vitamin |
        supplement | herbal | herb | drop | eye drop | spray | nasal spray | inhaler | cream | topical | opioid
        | antibiotic | abx | pnv | prenatal vitamin | steroid | aspirin | over the counter | otc | biologic |
        ace | beta blocker | injectable | hormone | patch | immunosuppressant | chemo | diuretic |
        antihypertensive | antidepressant | stimulant | pain med | psych med | dmard | glp1 | medication | rx |
        prescription | med | allergy med | eyedrop | remedy""",
    "allergen": """latex | iodine | contrast | dye | tape | adhesive | lidocaine | local anesthetic | food |
        environmental | env | environment | seasonal | pollen | egg | soy | propofol | penicillin | pcn | sulfa
        | shellfish | nut | peanut | bee | bee sting | insect | drug | med | medication | animal | dust | mold |
        nickel | metal | betadine | antibiotic | abx | anesthesia | reaction | rash | allergy | intolerance |
        pet | bandage | nsaid | milk | dairy | gluten | statin | ace | aspirin | environmental factor | side
        effect | neosporin | topical""",
    "birth": """bw | labor | gestational age | gestation | delivery | nicu | stay | birth weight | weight birth |
        weight al nacer | nacer | nace | apgar | pregnancy | prenatal | newborn | neonatal | term | preterm |
        birth | birth complication | nursery | nursery course | maternal | complication | birth length |
        jaundice | newborn screen |
        pregnancy complication""",
    "growing": """milestone | developmental | gross motor | fine motor | motor | language | speech | social |
        walk | walking | talk | talking | crawl | sitting | sat | cognitive | toilet training | potty | school |
        puberty | play | adaptive | camina | habla | gatea | early intervention | grade""",
    "obgyn": """lmp | last menstrual period | menses | menstrual | menstruation | menarche | period | cycle |
        flow | gravida | para | gtpal | tpal | pregnancy | delivery | pap | sti | fibroid | contraception |
        menopause | miscarriage | abortion | outcome | pregnancy outcome | c section | live birth | hrt |
        abnormal pap | dysmenorrhea | birth control | sexual | obstetric | gynecologic | edd""",
    "symptom": """fever | chill | weight loss | nausea | vomiting | nausea vomiting | bleeding | pain | cough |
        dyspnea | sob | shortness breath | chest pain | palpitation | edema | dizziness | headache | fatigue |
        rash | diarrhea | constipation | luts | hematuria | stone | swelling | numbness | weakness | itching |
        discharge | symptom | wheeze | syncope | heartburn | reflux | flash | floater | congestion | hearing
        loss | tinnitus | weight gain | incontinence | dysuria | nocturia | cramp | spotting""",
    "story": """injury occurred | occurred | onset | duration | course | mechanism | mechanism injury | severity
        | location | quality | timing | modifying factor | aggravating factor | alleviating factor | relieving
        factor | aggravating | alleviating | relieving | treatment tried | prior treatment | previous treatment
        | treatment | treatment so far | tried | injury date | date injury | nldocat | oldcart | oldcarts |
        opqrst | moi | progression | radiation | character | associated symptom | symptom | trigger | frequency
        | laterality | what happened | how happened | alarm feature | current episode | pqrst | evolution |
        tried so far""",
    "instructed": """homework | coping skill | coping | technique | inhaler | diet | exercise | warning sign |
        red flag | precaution | return precaution | safety | driving | wound | wound care | activity | activity
        limit | activity restriction | weight bearing | home care | home exercise | medication | drop | drug |
        foot care | nasal rinse | skin care | sun protection | prep | home | care | restriction | er precaution
        | when call | counseling | education | handout | teaching | nutrition | smoking | cessation |
        contraception | breastfeeding | kick count | sleep | feeding | fluid | dressing | bathing | cast |
        splint | brace | crutch | stretching | lifting | bowel | prep and diet | limitation | hygiene""",
    "place": """cardiac | cardiology | cardiovascular | orthopedic | eye | ocular | ophthalmic | retina |
        glaucoma | dermatology | dermatologic | urologic | uro | urology | gi | gastroenterology | ent |
        endocrine | endo | neurological | neuro | podiatric | podiatry | foot | ankle | foot ankle | psychiatric
        | obgyn | obstetric | gynecologic | prenatal | urgent care | uc | physical therapy | ot | slp |
        therapist | clinical | medical | spine | hand | sport | rheum | rheumatology | pulmonary | nephrology |
        renal | oncology | hem onc | allergy | pediatric | surgical | vascular | vein | wound | pain | sleep |
        primary | behavioral | bh | ortho | allergist | telehealth | video | specialist | consultant | consult |
        hematology | infectious disease | id | bariatric | geriatric | msk | musculoskeletal | hearing |
        diabetes | diabetic | thyroid | injury | injured | injured part | hepatology | skin | internal medicine
        | family medicine | cv | pulm | peds | fertility | lymphedema | chiropractic""",
}


def _by_words() -> dict[tuple[str, ...], frozenset[str]]:
    found: dict[tuple[str, ...], set[str]] = {}
    for kind, phrases in _KINDS.items():
        for phrase in phrases.split("|"):
            found.setdefault(stems(plain(phrase)), set()).add(kind)
    found.pop((), None)
    return {words: frozenset(kinds) for words, kinds in found.items()}


KINDS = _by_words()
LONGEST_PHRASE = max(map(len, KINDS))
