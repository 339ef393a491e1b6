"""What labels mean: usual spellings, several headings in one, what is alike and something else, misspelt words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.labels import read_label
from mapping.sections import CODES, known_headings
from mapping.vocabulary.phrases import Rung


def surely(label: str) -> set[str]:
    return {meaning.code for meaning in read_label(label).meanings if meaning.sure}


def perhaps(label: str) -> set[str]:
    """What is not chosen, or only where nothing else in the template may be for it."""
    return {meaning.code for meaning in read_label(label).meanings if meaning.rung >= Rung.ONLY}


CC, HPI, ROS, PE = "chief_complaint", "history_of_present_illness", "review_of_systems", "physical_exam"
PMH, PSH, FH, SH = "past_medical_history", "past_surgical_history", "family_history", "social_history"
A, P, AP, DX = "assessment", "plan", "assessment_and_plan", "diagnoses"


@pytest.mark.parametrize(
    "label, code",
    [
        # abbreviations, dotted, run together, with numbers and colons
        ("CC", CC),
        ("c/c:", CC),
        ("C.C.", CC),
        ("1. Chief complaint(s)", CC),
        ("GENHX", HPI),
        ("H.P.I.", HPI),
        ("PASTMEDICALHX", PMH),
        ("PMHx:", PMH),
        ("MHx", PMH),
        ("PastSurgicalHistory", PSH),
        ("Fam. Hx.", FH),
        ("SocHx", SH),
        ("A/P", AP),
        ("A & P", AP),
        ("IMP", A),
        ("Tx Plan", P),
        ("F/U", "follow_up"),
        ("RTC", "follow_up"),
        ("Pt Instr.", "patient_instructions"),
        ("review_of_systems", ROS),
        ("ros_general", ROS),
        # eCW's own headings
        ("Reason for Appointment", CC),
        ("Examination", PE),
        ("Assessments", A),
        ("Treatment", P),
        ("Plan - Treatment", P),
        ("Hospitalization/Major Diagnostic Procedures", "hospitalizations"),
        ("Allergies/Intolerances", "allergies"),
        # words in another order, with words that change nothing, or with the same said twice
        ("History, Past Medical", PMH),
        ("Past Hx - Medical", PMH),
        ("Exam - Physical", PE),
        ("Patient's Chief Complaint", CC),
        ("HPI Notes", HPI),
        ("MEDS (current)", "medications"),
        ("PMH - Past Medical History", PMH),
        ("ROS (Review of symptoms)", ROS),
        ("Hx (HPI)", HPI),
        ("Allergies (drug)", "allergies"),
        ("Paediatric Examination", PE),
        ("Gynaecological History", "ob_gyn_history"),
    ],
)
def test_usual_spellings_are_understood(label, code):
    assert surely(label) == {code}


@pytest.mark.parametrize(
    "label, codes",
    [
        ("Fam/SocHx", {FH, SH}),
        ("FAM/SOCHX", {FH, SH}),
        ("FHx/SHx:", {FH, SH}),
        ("PMH/PSH", {PMH, PSH}),
        ("Past Medical/Surgical History", {PMH, PSH}),
        ("Past Medical, Family & Social History", {PMH, FH, SH}),
        ("PMH, PSH, FH, SH", {PMH, PSH, FH, SH}),
        ("PFSH", {PMH, FH, SH}),
        ("CC / HPI", {CC, HPI}),
        ("Meds/Allergies", {"medications", "allergies"}),
        ("Plan/Follow-up", {P, "follow_up"}),
        ("Assessment, Plan, Follow-up", {A, P, AP, "follow_up"}),
        ("Assessment / Dx", {A, DX}),
        ("Labs/Imaging", {"results"}),
    ],
)
def test_several_headings_in_one_label_are_taken_apart(label, codes):
    assert surely(label) == codes


@pytest.mark.parametrize(
    "label",
    [
        *("Plan - Preventative Medicine", "Visit Codes", "Payers", "Implants", "DISPOSITION", "OTHER_HISTORY"),
        *("Risk factors", "INFORMED CONSENT", "ANESTHESIA", "INDICATIONS FOR SURGERY", "Family Planning", "Notes"),
        *("Fall Risk Assessment", "Nutrition Plan", "Past Orders", "Procedure Codes", "Discontinued Medications"),
        *("Medications (discontinued)", "Referring Provider", "Follow Up Provider", "Exam Room", "Birth Date"),
        *(
            "Goals Met",
            "Result Date",
            "Treatment Team",
            "Reason for Cancellation",
            "Allergy Testing",
            "Advance Directives",
        ),
        *("Hx", "History", "SHx", "Med Hx", "", "???", "12345", "Plan (Labs)", "Social Work Assessment"),
        *("Referral #", "Vitals taken by", "Procedure consent", "Elimination", "Billing Dx", "Follow-up call made"),
        *("BP Systolic", "Weight (lbs)", "PHQ-9 Total", "Internal comments", "Allergies reviewed by", "Meds (Y/N)"),
        *("Firma del médico", "Notas internas", "Seguro médico", "Riesgo de caídas", "Escala de dolor", "Peso"),
        *("Tipo de consulta", "Evaluación nutricional", "Consentimiento informado", "Fecha de nacimiento"),
    ],
)
def test_what_is_alike_and_something_else_means_no_section_surely(label):
    assert surely(label) == set()


@pytest.mark.parametrize(
    "label, code",
    [
        ("Hx", HPI),
        ("Hx", PMH),
        ("Skin Exam", PE),
        ("Family Ocular History", FH),
        ("Patient Education", "patient_instructions"),
        ("Discharge Medications", "medications"),
        ("SHx", SH),
        ("SHx", PSH),
    ],
)
def test_what_only_may_be_meant_is_named(label, code):
    assert code in perhaps(label)


@pytest.mark.parametrize("label, container", [("Subjective", "subjective"), ("OBJECTIVE:", "objective")])
def test_containers_are_no_sections(label, container):
    assert read_label(label).container == container
    assert surely(label) == set()


def test_a_section_beside_a_container_is_what_is_meant():
    assert surely("Subjective/HPI") == {HPI}
    assert surely("OBJECTIVE (VIRTUAL EXAM)") == {PE}
    assert not read_label("Subjective/HPI").container


@pytest.mark.parametrize(
    "label, code",
    [
        ("Cheif Complaint", CC),
        ("Histroy of Present Ilness", HPI),
        ("Alergies", "allergies"),
        ("Medicatons", "medications"),
        ("Soical History", SH),
        ("Asessment & Plan", AP),
        ("Imunizations", "immunizations"),
    ],
)
def test_misspelt_words_are_read_as_the_one_near_them(label, code):
    read = read_label(label)
    assert surely(label) == {code}
    assert all(meaning.rung >= Rung.SPELLED for meaning in read.meanings)
    assert "reads as" in read.meanings[0].why


@pytest.mark.parametrize(
    "label, code",
    [
        ("PN_HPI_TXT", HPI),
        ("ROS_FT", ROS),
        ("hx_pmh", PMH),
        ("cc1", CC),
        ("HPIText", HPI),
        ("rosNotes", ROS),
        ("VS_PANEL", "vital_signs"),
        ("ROS - 12 pt", ROS),
        ("ROS (10-point)", ROS),
        ("ROS as per HPI", ROS),
        ("Allergies incl. latex/lidocaine", "allergies"),
        ("Ht/Wt/BMI/BP", "vital_signs"),
        ("Tobacco / Alcohol / Occupation", SH),
        ("Chief Urologic Complaint", CC),
        ("Cardiac HPI", HPI),
        ("Past Medical", PMH),
        ("Histories - Past Medical", PMH),
        ("Reason For Visit/Appointment", CC),
        ("Data notes", "results"),
        ("Evaluation note", A),
    ],
)
def test_identifiers_counts_and_words_that_only_narrow_change_nothing(label, code):
    assert code in surely(label)


@pytest.mark.parametrize(
    "label, codes",
    [
        ("Past Medical/Surgical", {PMH, PSH}),
        ("Medical, Surgical, Family", {PMH, PSH, FH}),
        ("Family Ocular & Medical Hx", {FH}),
        ("Plan & Counseling", {P}),
        ("Discussion/Plan", {P}),
        ("Orders/Referrals/Labs", {"orders"}),
        ("Evaluation + Plan", {A, P, AP} - {A, P}),
    ],
)
def test_parts_of_a_list_take_the_noun_that_goes_without_saying_and_no_more(label, codes):
    assert codes <= surely(label) <= codes | {A, P, AP}


@pytest.mark.parametrize(
    "label, code",
    [
        ("Motivo de Consulta", CC),
        ("Chief Complaint / Motivo de Consulta", CC),
        ("Razón de la visita", CC),
        ("Queja principal:", CC),
        ("Historia de la Enfermedad Actual (HPI)", HPI),
        ("PADECIMIENTO ACTUAL", HPI),
        ("Antecedentes Personales", PMH),
        ("Antecedentes patológicos personales", PMH),
        ("Historia Médica Pasada", PMH),
        ("Cirugías previas", PSH),
        ("Antecedentes heredofamiliares", FH),
        ("Hx familiar", FH),
        ("Antecedentes personales no patológicos", SH),
        ("Hábitos", SH),
        ("Medicamentos Actuales", "medications"),
        ("Alergias y reacciones adversas", "allergies"),
        ("Esquema de vacunación", "immunizations"),
        ("Revisión por Sistemas", ROS),
        ("Signos vitales (PA, FC, Temp, Peso)", "vital_signs"),
        ("Exploración física", PE),
        ("Resultados de Laboratorio", "results"),
        ("Diagnósticos (CIE-10)", "diagnoses"),
        ("Impresión diagnóstica", A),
        ("Evaluación", A),
        ("Valoración y Plan", AP),
        ("Plan de Tratamiento", P),
        ("Instrucciones para el paciente", "patient_instructions"),
        ("Próxima Cita", "follow_up"),
        ("Antecedentes Gineco-Obstétricos", "ob_gyn_history"),
        ("Historia de nacimiento", "birth_history"),
        ("Desarrollo psicomotor", "developmental_history"),
        ("Metas del paciente", "goals"),
        ("Motivo de referencia", "reason_for_referral"),
        ("Lista de problemas", "problem_list"),
        ("Hospitalizaciones previas", "hospitalizations"),
        ("Procedimientos realizados", "procedures"),
        ("Órdenes médicas", "orders"),
        ("Próxima cita recomendada", "follow_up"),
        ("Observaciones de seguimiento", "follow_up"),
        ("ANT_FAM", FH),
        ("¿Qué lo trae hoy?", CC),
        ("Relato de la enfermedad", HPI),
        ("HPI - Enfermedad Actual", HPI),
        ("Repaso de sistemas", ROS),
        ("Sistemas (ROS)", ROS),
        ("PMH / Antecedentes Médicos", PMH),
        ("Cirugías (PSH)", PSH),
        ("Estilo de vida", SH),
        ("Tabaco / Alcohol / Drogas", SH),
        ("Meds / Medicamentos", "medications"),
        ("Alergias a drogas", "allergies"),
        ("Hallazgos objetivos", PE),
        ("Análisis de laboratorio", "results"),
        ("Laboratorios ordenados", "orders"),
        ("Análisis y plan", AP),
        ("Conducta a seguir", P),
        ("Cartilla de vacunación", "immunizations"),
        ("Próximo control médico", "follow_up"),
    ],
)
def test_spanish_headings_and_mixed_ones_are_understood(label, code):
    assert code in surely(label)
    assert surely(label) <= {code, A, P}


@pytest.mark.parametrize("label, container", [("Subjetivo", "subjective"), ("Datos objetivos", "objective")])
def test_the_containers_have_spanish_names_too(label, container):
    assert read_label(label).container == container


def test_a_short_word_is_never_corrected():
    assert surely("Plab") == set()
    assert surely("Pain") == set()


@given(st.sampled_from(sorted(known_headings())), st.data())
def test_a_slip_in_a_long_word_never_leads_to_another_section(heading, data):
    words = heading.split()
    long = [place for place, word in enumerate(words) if len(word) >= 6 and word.isalpha()]
    if not long:
        return
    place = data.draw(st.sampled_from(long))
    at = data.draw(st.integers(1, len(words[place]) - 2))
    word = words[place]
    slips = [
        word[:at] + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at - 1 :],
    ]
    words[place] = data.draw(st.sampled_from(slips))
    meant = surely(heading) | perhaps(heading)
    assert surely(" ".join(words)) <= meant | {A, P, AP}


def test_every_heading_of_the_contract_is_read_alike_in_a_template():
    otherwise = {
        heading: read_label(heading)
        for heading, code in known_headings().items()
        if read_label(heading).of(code) is None
    }
    assert otherwise == {}


@given(st.text(max_size=300))
def test_any_label_is_read_without_a_fault(label):
    read = read_label(label)
    assert {meaning.code for meaning in read.meanings} <= set(CODES)
    assert len({meaning.code for meaning in read.meanings}) == len(read.meanings)


@given(
    st.lists(st.sampled_from([*known_headings(), "/", "&", ",", "(", ")", " - ", ":", "and", "A/P", "x"]), max_size=12)
)
def test_any_pile_of_headings_and_signs_is_read_without_a_fault(pieces):
    read = read_label(" ".join(pieces))
    assert all(meaning.why for meaning in read.meanings)


def test_the_reason_quotes_the_label_as_it_stands():
    assert read_label(" PMHx: ").meanings[0].why == "“ PMHx: ” stands for Past medical history."
