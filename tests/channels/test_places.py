"""What FHIR, Clinical Notes and C-CDA cannot say has a place: the field, the entry, or the line of the note's header."""

from dataclasses import replace

import pytest

from delivery.channels import ccda, clinical_notes, fhir_bundle, fhir_document
from delivery.channels.base import CannotExpress
from delivery.unsayable import problems
from mapping.note import Contribution, FieldValue
from tests.channels.notes import for_patient, for_visit, note
from tests.channels.test_clinical_notes import settings as clinical_settings
from tests.channels.test_fhir_entries import ICD, PULSE, rendered


def field(field_id: str, text: str, *codes: str, label: str = "", place: int = 1) -> FieldValue:
    """A field filled by sections of these codes, in their order in the note."""
    parts = tuple(Contribution(place - 1 + at, code, "", text) for at, code in enumerate(codes or ("plan",)))
    return FieldValue(field_id, label or f"Label of {field_id}", place, text, parts)


def places(render, *arguments) -> tuple[str, tuple[str, ...]]:
    with pytest.raises(CannotExpress) as caught:
        render(*arguments)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None, "what raised it holds the note"
    return caught.value.reason_code, caught.value.places


class TestSectionsOfOneName:
    def shown(self, *values: FieldValue) -> tuple[str, tuple[str, ...]]:
        return places(clinical_notes.render, note(values=values), clinical_settings())

    def test_are_all_named_and_no_other(self):
        twice = [
            field(f"F{at}", "text", label=label, place=at) for at, label in enumerate(("Notes", "Plan", "Notes"), 1)
        ]
        assert self.shown(*twice) == ("fhir_section_name_twice", ("/fields/F1", "/fields/F3"))

    def test_are_of_one_name_whatever_stands_around_it(self):
        found = self.shown(field("F1", "a", label="Notes"), field("F2", "b", label=" Notes ", place=2))
        assert found == ("fhir_section_name_twice", ("/fields/F1", "/fields/F2"))


class TestANoteTooLarge:
    @pytest.mark.parametrize("longest", [0, 1, 2])
    def test_is_named_by_its_longest_field(self, monkeypatch, longest):
        monkeypatch.setattr(fhir_bundle, "LARGEST", 50)
        values = [field(f"F{at}", "word " * (9 if at == longest else 3), place=at + 1) for at in range(3)]
        found = places(fhir_bundle.bundle, note(values=tuple(values)), "text/plain", b"x" * 51)
        assert found == ("fhir_too_large", (f"/fields/F{longest}",))

    def test_says_so_of_the_section_to_be_shortened(self, monkeypatch):
        monkeypatch.setattr(fhir_bundle, "LARGEST", 50)
        values = (field("F1", "short"), field("F2", "long " * 20, "assessment", place=2))
        with pytest.raises(CannotExpress) as caught:
            fhir_document.render(note(values=values), clinical_settings())
        (problem,) = problems(caught.value, values)
        assert (problem.pointer, problem.section_code, problem.field_id) == ("/sections/1", "assessment", "F2")
        assert problem.message.startswith("The field Label of F2 (F2), from section 2 of the note: ")
        assert "shorter" in problem.message


class TestWhatFhirFaults:
    def test_in_an_entry_is_named_by_the_entry(self):
        assert places(rendered, PULSE, replace(ICD, code="I 10 ")) == ("fhir_invalid", ("/any/1",))

    def test_in_several_entries_is_named_by_each_of_them_once(self):
        bad = replace(ICD, code="I 10 ", text=" ")
        assert places(rendered, bad, ICD, bad) == ("fhir_invalid", ("/any/0", "/any/2"))

    def test_as_half_a_character_is_named_by_the_entry(self):
        assert places(rendered, ICD, replace(ICD, text="half \ud800")) == ("fhir_invalid", ("/any/1",))

    @pytest.mark.parametrize(
        "element, value, place",
        [
            ("subject", {"reference": ""}, ("/patient/id",)),
            ("author", [{"reference": ""}], ("/provider/id",)),
            ("context", {"encounter": [{"reference": ""}]}, ("/encounter/id",)),
            ("context", {"period": {"start": "yesterday"}}, ("/encounter/start",)),
            ("date", "yesterday", ()),
        ],
    )
    def test_in_a_note_is_named_by_what_the_element_is_made_of(self, element, value, place):
        resource = fhir_bundle.reference(note(), "text/plain", b"text") | {element: value}
        assert places(fhir_bundle.transaction, [("ID", resource)]) == ("fhir_invalid", place)

    def test_of_two_elements_names_both(self):
        resource = fhir_bundle.reference(note(), "text/plain", b"text")
        resource |= {"subject": {"reference": ""}, "author": [{"reference": ""}]}
        code, found = places(fhir_bundle.transaction, [("ID", resource)])
        assert (code, set(found)) == ("fhir_invalid", {"/patient/id", "/provider/id"})


class TestADocumentInCda:
    def test_of_both_forms_of_the_plan_names_the_fields_that_hold_them(self):
        values = (
            field("F1", "a", "chief_complaint"),
            field("F2", "b", "assessment_and_plan", place=2),
            field("F3", "c", "plan", place=3),
        )
        assert places(ccda.document, note(values=values)) == ("ccda_both_forms", ("/fields/F2", "/fields/F3"))

    def test_of_both_forms_in_one_field_names_it_once(self):
        values = (field("F1", "a", "assessment_and_plan", "assessment"), field("F2", "b", "history", place=3))
        assert places(ccda.document, note(values=values)) == ("ccda_both_forms", ("/fields/F1",))

    @pytest.mark.parametrize("bad", ["\x00", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
    def test_of_a_character_xml_has_no_place_for_names_its_field(self, bad):
        values = (field("F1", "well"), field("F2", f"a{bad}b", place=2), field("F3", "c", label=f"L{bad}", place=3))
        assert places(ccda.document, note(values=values)) == ("ccda_character", ("/fields/F2", "/fields/F3"))

    @pytest.mark.parametrize("good", ["\t", "\n", "\r", "\x7f", "\x85", "\ud7ff", "\ue000", "\ufffd", "\U0001f642"])
    def test_of_any_other_character_is_written(self, good):
        assert ccda.document(note(values=(field("F1", f"a{good}b"),))).startswith(b"<?xml")
        assert ccda.unwritable(note(values=(field("F1", f"a{good}b"),))) == []

    @pytest.mark.parametrize(
        "made, place",
        [
            (for_patient(family="Oka\x00for"), "/patient/family"),
            (for_patient(given="Le\x01na"), "/patient/given"),
            (for_patient(id="P\x021"), "/patient/id"),
            (for_patient(birth_date="1981-07-1\x03"), "/patient/birth_date"),
            (for_visit(encounter_id="E\x041"), "/encounter/id"),
            (for_visit(provider_id="DR\x05", provider_npi=""), "/provider/id"),
            (for_visit(provider_family="Le\x06e"), "/provider/family"),
            (replace(note(), template_name="Visit\x07"), "/template"),
        ],
    )
    def test_of_such_a_character_in_the_header_names_its_line(self, made, place):
        assert places(ccda.document, made) == ("ccda_character", (place,))
