"""Labels that say more than their heading: what it is about, the same in Spanish, a list; and where caution is right."""

import pytest

from mapping.importers.base import ImportedField
from mapping.labels import read_label
from mapping.matching import suggest
from mapping.suggestion import CONFIDENCE, THRESHOLD
from mapping.vocabulary.phrases import Rung

CC, HPI, ROS, PE = "chief_complaint", "history_of_present_illness", "review_of_systems", "physical_exam"
PMH, PSH, FH, SH = "past_medical_history", "past_surgical_history", "family_history", "social_history"


def surely(label: str) -> set[str]:
    return {meaning.code for meaning in read_label(label).meanings if meaning.sure}


def chosen(*labels: str) -> dict[str, tuple[str, ...]]:
    """What a template of these labels is suggested to take, the labels as identifiers."""
    fields = [ImportedField(label, label, place) for place, label in enumerate(labels, start=1)]
    return {code: found.field_ids for code, found in suggest(fields).items() if found.field_ids}


@pytest.mark.parametrize(
    "label, code",
    [
        ("PE: corazón, pulmones, extremidades", PE),
        ("Exam - heart, lungs, abdomen", PE),
        ("ROS: CV, resp", ROS),
        ("Signos vitales: PA FC FR T Sat", "vital_signs"),
        ("Past surgical history: tiroidectomía, bariátrica", PSH),
        ("Family: diabetes, cáncer, corazón", FH),
        ("Past medical: diabetes, asthma", PMH),
        ("Plan: meds, labs", "plan"),
        ("Plan (tratamiento, indicaciones)", "plan"),
        ("Orders: labs and studies", "orders"),
        ("Medicación: nombre, dosis", "medications"),
    ],
)
def test_a_list_after_a_heading_says_what_the_heading_is_about(label, code):
    assert surely(label) == {code}
    assert read_label(label).of(code).rung in (Rung.PARTLY, Rung.COMPOSED, Rung.NAME)


@pytest.mark.parametrize(
    "label",
    [
        "Assessment: fall risk",
        "Plan: preventive medicine",
        "Evaluación: caídas, memoria screening",
        "Exam: left knee",
        "Medications: discontinued, stopped",
        "Consent: risks, benefits",
        "PMH: Diabetes",
    ],
)
def test_a_list_makes_nothing_sure_where_it_may_change_the_meaning(label):
    assert all(meaning.rung >= Rung.ONLY for meaning in read_label(label).meanings)


@pytest.mark.parametrize(
    "label, code",
    [
        ("Relato del padre o madre (HPI)", HPI),
        ("Queja / Chief complaint (motivo)", CC),
        ("HPI con cronología", HPI),
        ("Vitals con O2 sat", "vital_signs"),
        ("Follow-up con PCP", "follow_up"),
        ("CC - falta de aire u otro", CC),
        ("SHx (social)", SH),
        ("S: Motivo de consulta", CC),
    ],
)
def test_a_gloss_in_the_other_language_leaves_the_heading_sure(label, code):
    assert surely(label) == {code}


@pytest.mark.parametrize("label", ["Evaluación para discapacidad", "Consentimiento en español", "Plan de seguridad"])
def test_a_heading_that_goes_on_is_not_the_section_where_the_rest_makes_another_thing_of_it(label):
    assert surely(label) == set()


@pytest.mark.parametrize(
    "label, container",
    [
        ("Subjective (lo que dice el paciente)", "subjective"),
        ("Objective (hallazgos)", "objective"),
        ("O — Objetivo (exploración, signos)", "objective"),
        ("S — Subjetivo (motivo, síntomas)", "subjective"),
        ("Datos subjetivos", "subjective"),
    ],
)
def test_a_container_with_a_gloss_is_the_container(label, container):
    read = read_label(label)
    assert (read.container, [meaning for meaning in read.meanings if meaning.sure]) == (container, [])


def test_a_container_with_one_section_in_brackets_is_that_section():
    assert surely("OBJECTIVE (VIRTUAL EXAM)") == {PE}


@pytest.mark.parametrize(
    "label",
    ["Datos generales", "Datos personales", "2.- DATOS GENERALES.", "Datos de filiación", "Otros datos", "Datos"],
)
def test_spanish_data_alone_are_none_of_the_sections(label):
    assert read_label(label).meanings == ()


@pytest.mark.parametrize("label", ["Datos de laboratorio", "Lab data", "Data"])
def test_data_of_the_laboratory_are_results(label):
    assert surely(label) == {"results"}


@pytest.mark.parametrize(
    "label, code",
    [("Historial de enfermedades", PMH), ("Historia de la enfermedad", HPI), ("Enfermedades en la familia", FH)],
)
def test_illnesses_are_the_past_and_the_illness_is_the_present(label, code):
    assert surely(label) == {code}


def test_procedures_beside_surgeries_are_the_past_ones():
    assert surely("Surgical hx y procedimientos") == {PSH}
    assert "procedures" not in chosen("Surgical hx y procedimientos", "HPI")


def test_a_score_beside_a_screening_makes_no_result_of_it():
    assert surely("Resultado de tamizaje / Screening score") == set()


def test_hospitalizations_and_surgeries_in_one_label_are_both():
    assert surely("Surgeries & hospitalizations / Cirugías y hospitalizaciones") == {PSH, "hospitalizations"}


def test_what_stands_for_one_half_for_want_of_a_better_is_no_half_of_assessment_and_plan():
    whole = chosen("Assessment", "Plan")
    assert whole["assessment_and_plan"] == ("Assessment", "Plan")
    assert "assessment_and_plan" not in chosen("Assessment", "Treatment given")


def test_two_of_a_kind_with_different_lists_are_the_section_together():
    assert chosen("Exam: heart, lungs", "Exam: knee, hip")[PE] == ("Exam: heart, lungs", "Exam: knee, hip")


def test_a_heading_without_a_list_is_preferred_to_one_with_a_list():
    assert chosen("Exam: heart, lungs", "Physical exam")[PE] == ("Physical exam",)


@pytest.mark.parametrize("label", [":", "Exam:", ": heart, lungs", "Exam: ,", "Plan:,,,", "- , -", "(,)", "S:", "P -"])
def test_an_empty_side_of_a_list_is_read_without_a_fault(label):
    assert all(meaning.why for meaning in read_label(label).meanings)


def test_nothing_of_this_is_surer_than_a_heading_beside_words_that_nobody_knows():
    assert THRESHOLD <= CONFIDENCE[Rung.PARTLY] < CONFIDENCE[Rung.SECOND]
