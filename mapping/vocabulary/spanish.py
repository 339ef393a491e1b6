"""Spanish as it stands in the templates of US practices: single words, and headings that say more than their words."""

from mapping.vocabulary.wording import Headings

# Word by word, without accents and in the singular; a phrase of such words then reads as its English one would.
_WORDS = """
    motivo = reason | razon = reason | queja = complaint | consulta = visit | visita = visit | cita = appointment
    molestia = complaint | preocupacion = concern | inquietud = concern | interconsulta = consultation
    referencia = referral | referido = referral | remision = referral | derivacion = referral | enfermedad = illness
    padecimiento = illness | dolencia = illness | actual = current | presente = present | historia = history
    historial = history | historico = history | antecedente = past history | anamnesis = anamnesis
    medico = medical | medica = medical | pasado = past | pasada = past | previo = previous | previa = previous
    anterior = previous | quirurgico = surgical | quirurgica = surgical | cirugia = surgery | operacion = operation
    familiar = family | heredofamiliar = family | heredo = hereditary | familia = family | hereditario = hereditary
    hereditaria = hereditary | social = social | habito = habit | estilo = lifestyle | ocupacion = occupation
    tabaquismo = tobacco | tabaco = tobacco | alcoholismo = alcohol | droga = drug use | sustancia = substance
    medicamento = medication | medicina = medication | medicacion = medication | farmaco = medication
    medicamentoso = medication | medicamentosa = medication | receta = prescription | farmacologico = pharmacologic
    farmacologica = pharmacologic | suplemento = supplement | casa = home | lista = list | listado = list
    alergia = allergy | alergico = allergy | alergica = allergy | reaccion = reaction | adverso = adverse
    adversa = adverse | intolerancia = intolerance | vacuna = immunization | vacunacion = immunization
    inmunizacion = immunization | inmunizaciones = immunization | registro = record | esquema = record
    cartilla = record | revision = review | interrogatorio = review | sistema = system | aparato = system
    organo = system | sintoma = symptom | signo = sign | constante = sign | vitale = vital sign
    presion = blood pressure | tension = blood pressure | arterial = blood | peso = weight | talla = height
    estatura = height | altura = height | temperatura = temperature | pulso = pulse | imc = bmi | frecuencia = rate
    saturacion = saturation | oxigeno = oxygen | cardiaca = cardiac | cardiaco = cardiac
    respiratoria = respiratory | somatometria = measurement | antropometria = measurement | medida = measurement
    examen = exam | exploracion = exam | fisico = physical | fisica = physical | hallazgo = finding
    resultado = result | laboratorio = lab | analitica = lab | estudio = study | imagen = imaging
    imagenologia = imaging | gabinete = imaging | radiografia = xray | radiologia = radiology | rayo = xray
    prueba = test | complementario = complementary | complementaria = complementary | sangre = blood
    diagnostico = diagnosis | diagnostica = diagnostic | presuntivo = provisional | cie = icd
    evaluacion = assessment | valoracion = assessment | apreciacion = assessment | analisis = analysis
    impresion = impression | juicio = judgment | clinico = clinical | clinica = clinical | tratamiento = treatment
    cuidado = care | atencion = care | manejo = management | terapeutico = therapeutic | terapeutica = therapeutic
    conducta = conduct | instruccion = instruction | indicaciones = instruction | educacion = education
    consejo = advice | consejeria = counseling | orientacion = counseling | recomendacion = recommendation
    paciente = patient | seguimiento = follow up | proximo = next | proxima = next | siguiente = next
    regresar = return | regreso = return | retorno = return | volver = return | procedimiento = procedure
    realizado = performed | realizada = performed | efectuado = performed | hoy = today | consultorio = office
    orden = order | solicitado = ordered | problema = problem | activo = active | activa = active
    cronico = chronic | cronica = chronic | hospitalizacion = hospitalization | internacion = hospitalization
    ingreso = admission | internamiento = hospitalization | hospitalario = hospital | hospitalaria = hospital
    gineco = gynecologic | ginecologico = gynecologic | ginecologica = gynecologic | obstetrico = obstetric
    obstetrica = obstetric | ginecoobstetrico = gynecologic obstetric | ginecoobstetrica = gynecologic obstetric
    embarazo = pregnancy | menstruacion = menstrual | ginecologia = gynecologic | obstetricia = obstetric
    nacimiento = birth | parto = delivery | perinatale = perinatal | neonatale = neonatal | prenatale = prenatal
    desarrollo = developmental | psicomotor = psychomotor | hito = milestone | crecimiento = growth | metas = goal
    meta = goal | subjetivo = subjective | subjetiva = subjective | objetivo = objective | objetiva = objective
    objetivos = aim | dato = datos | nota = note | comentario = comment | texto = text | libre = free
    interno = internal | interna = internal | firma = signature | facturacion = billing | seguro = insurance
    consentimiento = consent | informado = informed | interprete = interpreter | fecha = date | hora = time
    nombre = name | codigo = code | deteccion = screening | tamizaje = screening | cribado = screening
    riesgo = risk | dolor = pain | escala = scale | puntaje = score | nutricion = nutrition
    alimentacion = nutrition | dieta = diet | alta = discharge | egreso = discharge | cuestionario = questionnaire
    proveedor = provider | doctor = provider | farmacia = pharmacy | trabajo = work | escuela = school
    preventivo = preventive | preventiva = preventive | salud = health | mental = mental | necesario = needed
    adicionale = additional | adicional = additional | otro = other | otra = other | pendiente = pending
    reciente = recent | pertinente = pertinent | relevante = relevant | importante = significant
    actualizado = updated | breve = brief | completo = complete | completa = complete | detalle = detail
    descripcion = description | resumen = summary | nino = child | patologico = pathological
    patologica = pathological | nopatologico = nonpathological | nopatologica = nonpathological | tipo = type
    nutricional = nutrition | ginecobstetrico = gynecologic obstetric | casos = case | piel = skin | ojo = eye
    vista = vision | pecho = chest | espalda = back | pelvico = pelvic | pelvica = pelvic | mama = breast
    mamas = breast | psiquiatrico = psychiatric | psiquiatrica = psychiatric | psicologico = psychological
    edad = age | sexo = sex | relato = narration | repaso = review | condicion = condition | conocido = known
    conocida = known | toma = taken | tomado = taken | ordenado = ordered | ordenada = ordered
    revisita = return visit | estado = state | hecho = done | hecha = done | vivienda = housing | alimento = food
    recetado = prescribed | observacion = note | recomendado = recommended | recomendada = recommended
    solicitud = ordered | intervencion = intervention | dia = day | espanol = spanish | ingles = english
    mot = reason | cons = visit | enf = illness | act = current | pers = personale | qx = surgical | sist = system
    fis = physical | ex = exam | pac = patient | seguim = follow up | alerg = allergy | ant = past history
    antec = past history | quir = surgical | tto = treatment | trat = treatment | indic = instruction | prox = next
    expl = exam | explor = exam | obst = obstetric | nac = birth | desarr = developmental | padec = illness
    sint = symptom | aler = allergy | vac = immunization | resul = result | labo = lab | recom = recommendation
    medic = medication | exam = exam | evol = evolution | madre = mother | padre = parent | padres = parent
    comida = food | comunicacion = communication | lugar = place | lesion = injury | accidente = accident
    inicio = onset | telefono = phone | direccion = address | licencia = license | incapacidad = disability
    tutor = guardian | enfermedades = disease | diario = daily | diaria = daily | recibido = received
    recibida = received | paraclinico = paraclinical | paraclinica = paraclinical | comorbilidad = comorbidity
    comorbilidades = comorbidity | cuestion = question | molestias = symptom | hogar = home | vive = lives
    biopsia = biopsy | suero = serum | cultivo = culture | terapia = therapy | exploratorio = exam
    trastorno = disorder | afeccion = condition | dosis = dose | recetas = prescription | gestacion = pregnancy
    gestacional = gestational | caida = fall | sueno = sleep | ejercicio = exercise | radiologico = radiology
    radiologica = radiology | tomografia = ct | resonancia = mri | ultrasonido = ultrasound | ecografia = ultrasound
    electrocardiograma = ekg | ecocardiograma = echocardiogram | patologia = pathology | traumatico = trauma
    traumatica = trauma | transfusional = transfusion | solicitar = ordered | ordenar = ordered | pedir = ordered
    aplicado = given | aplicada = given | administrado = given | administrada = given | puesta = given
    palabra = said | cuidador = caregiver | acompanante = caregiver | bienestar = wellness | ejercicios = exercise
    papas = parent | papa = parent | ultima = last | ultimo = last | guarderia = daycare | fumador = smoker
    gripe = influenza | gripa = influenza | fuma = smoke | hermano = sibling | abuelo = grandparent
    infarto = infarction | muerte = death | piden = ordered | pide = ordered
    laboral = occupational | ocupacional = occupational | conductual = behavioral | corazon = heart | pulmon = lung
    pulmones = lung | pulmonar = pulmonary | rodilla = knee | hombro = shoulder | cadera = hip | pie = foot
    pies = foot | mano = hand | manos = hand | cabeza = head | cuello = neck | oido = ear | nariz = nose
    garganta = throat | columna = spine | cardiologico = cardiology | cardiologica = cardiology
    endocrino = endocrine | endocrina = endocrine | endocrinologico = endocrine | tiroides = thyroid
    tiroideo = thyroid | tiroidea = thyroid | neurologico = neurological | neurologica = neurological
    oftalmologico = ocular | oftalmologica = ocular | dermatologico = dermatologic | dermatologica = dermatologic
    urologico = urologic | urologica = urologic | digestivo = gi | respiratorio = respiratory | articular = joint
    extremidad = extremity | extremidades = extremity | renale = renal | aplica = applicable | chequeo = exam
    psicotropico = psychiatric | lesiones = injury | ahora = current | concomitante = concomitant
    acordado = agreed | acordada = agreed | cardiologo = cardiology | cardiologia = cardiology
    neurologo = neurological | neurologia = neurological | dermatologo = dermatologic | dermatologia = dermatologic
    urologo = urologic | urologia = urologic | ortopeda = orthopedic | ortopedia = orthopedic
    psiquiatra = psychiatric | psiquiatria = psychiatric | ginecologo = gynecologic | pediatra = pediatric
    pediatria = pediatric | oftalmologo = ocular | oftalmologia = ocular | neumologo = pulmonary
    neumologia = pulmonary | endocrinologo = endocrine | endocrinologia = endocrine | gastroenterologo = gi
    gastroenterologia = gi | especialista = specialist | cafe = caffeine | reconciliacion = reconciliation
    semana = week | semanas = week | mes = month | meses = month | dias = day | oficina = office | llegada = arrival
    actualmente = currently | llegar = arrival | triaje = triage | vigilancia = monitoring | pronostico = prognosis
"""
# What is spelled alike in English is read as English: "revision" and "presente" are rare there, "plan" is the same.
# They show that what they stand in is Spanish: a gloss on an English heading.
_FUNCTION_WORDS = "de del la el los las y en con para por al desde que su sus un una u o se lo le"
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
WORDS: dict[str, list[str]] = {
    short.strip(): long.split()
    for entry in _WORDS.replace("\n", " | ").split("|")
    if entry.strip()
    for short, long in [entry.split("=")]
}
# Letters that stand for Spanish words.
LETTERS = {
    "hea": "history current illness",
    "sv": "vital sign",
    "fum": "last menstrual period",
    "rxs": "review system",
    "idx": "diagnostic impression",
    "aqx": "past surgical history",
    "aqs": "past surgical history",
}
JOINTS = "desde de del la el los las y en con para por su al segun cuanto cuantos"

HEADINGS: dict[str, Headings] = {
    "chief_complaint": Headings(
        said="""complaint principal | reason principal | reason principal visit | problem principal
            | reason principal appointment | concern principal | que viene today | que lo trae today
            | que trae today | reason visit current | que vino | que viene | reason que vino | reason que viene
            | complaint reason | que pasa | que le pasa | que le pasa today | reason que trae | que trae nino""",
        perhaps="symptom principal | que le trae hoy",
    ),
    "history_of_present_illness": Headings(
        said="""current illness | history complaint | evolution illness | description illness
            | history clinical current | narration illness | history illness | history illness current evolution
            | evolution illness current | history problem""",
        second="anamnesis | evolution current | clinical picture current | cuadro clinical | cuadro clinical current",
        perhaps="evolution | illness | anamnesis proxima | cuadro",
    ),
    "review_of_systems": Headings(
        said="review organ system | symptom system | review symptom system",
        perhaps="anamnesis system",
    ),
    "physical_exam": Headings(
        said="exam clinical physical | exam physical general | exam physical segmentary | exam physical system",
        second="exam general | exam system | finding aim",
    ),
    "assessment": Headings(
        said="""clinical judgment | medical impression | judgment diagnostic | impression diagnosis
            | impression diagnostic clinical | assessment clinical | analysis clinical""",
    ),
    "plan": Headings(
        said="""plan therapeutic | plan management | plan work | plan a seguir | plan medical | plan seguir
            | plan indicated | treatment indicated | plan action""",
        second="conduct | conduct seguir | conduct therapeutic | management treatment",
    ),
    "assessment_and_plan": Headings(
        said="analysis plan | assessment plan problem",
        second="diagnosis management plan",
    ),
    "diagnoses": Headings(
        said="diagnosis provisional | diagnosis principal | diagnosis clinical | diagnosis definitive",
    ),
    "medications": Headings(
        said="""treatment pharmacologic current | treatment pharmacologic | medication home
            | medication taken today | medication in use | medication uso current | medication que toma
            | medication toma currently | medication habitual | treatment habitual | medication uso
            | medication concomitant | medication que toma currently | medication que usa
            | medication que usa currently | medication usado currently
            | medication concomitant current""",
        second="treatment current | pharmacologic history | pharmacologic",
        perhaps="toma",
    ),
    "allergies": Headings(
        said="allergy drug use | allergy and intolerance known",
    ),
    "past_medical_history": Headings(
        said="""history personales | history pathological | history pathological personales
            | history personal pathological | history medical personales | history personales medical
            | history clinical past | previous illness | chronic illness past | history illness chronic
            | illness chronic history | illness past chronic | history illness previous | app | past disease
            | previous disease | history disease | history past disease | disease history chronic | medical disease
            | pathological previous | history pathological previous | condition medical chronic
            | condition medical previous | disease suffered | disease and condition""",
        second="history personal past",
        perhaps="diagnosis previous | diagnosis past previous",
        only="illness chronic | disease chronic | disease | comorbidity and disease | disease concomitant",
    ),
    "past_surgical_history": Headings(
        said="""intervention surgical | intervention surgical previous | surgery previous
            | history intervention surgical | history surgical traumatic | surgical traumatic""",
    ),
    "family_history": Headings(
        said="""history hereditary family | illness family | illness hereditary | disease family | disease hereditary
            | history disease family | ahf | apf""",
    ),
    "social_history": Headings(
        said="""history social personal | history nonpathological | history personales nonpathological
            | history personal nonpathological | history social personales | psychosocial history social
            | habit social | apnp | lifestyle vida | habit lifestyle vida | habit lifestyle | lifestyle habit
            | habit history""",
        second="toxic habit | history toxic | habit toxic history | history psychosocial",
        perhaps="toxic | toxicomania",
    ),
    "vital_signs": Headings(
        said="signature vital sign",
    ),
    "immunizations": Headings(said="immunization state"),
    "results": Headings(
        said="""diagnosis study | study diagnosis result | exam complementary | study complementary
            | test diagnosis | exam auxiliary | lab exam imaging | datos lab | paraclinical | paraclinical exam
            | paraclinical study | result paraclinical
            | lab analysis | test complementary | exam lab
            | result exam | result study | lab imaging study""",
    ),
    "procedures": Headings(
        said="procedure medical | procedure office",
    ),
    "orders": Headings(
        said="order medical | study ordered | lab ordered",
    ),
    "patient_instructions": Headings(
        said="""instruction home | instruction medical | instruction general | recommendation patient
            | patient education instruction | instruction discharge | recommendation discharge | instruction caregiver
            | instruction family | advice parent | instruction parent | instruction patient family""",
        perhaps="education",
    ),
    "follow_up": Headings(
        said="""next control | next control medical | control follow up | appointment follow | control appointment
            | follow up medical | next assessment | next revision""",
        second="control | follow up pcp | control month",
    ),
    "ob_gyn_history": Headings(
        said="history gynecologic obstetric past | ago",
    ),
    "birth_history": Headings(
        said="history perinatal past | history birth past | pregnancy delivery | history delivery",
    ),
    "developmental_history": Headings(
        said="developmental psychomotor | developmental child",
    ),
    "goals": Headings(
        said="treatment aim | patient aim | therapeutic aim | goal agreed",
    ),
    "reason_for_referral": Headings(
        said="reason referral medical",
    ),
}
