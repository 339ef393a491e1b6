"""What a channel refuses at rendering is named by its place: the section and field, or the line of the header."""

import json
from dataclasses import replace

import pytest

from delivery.channels import ccda, fhir_bundle, fhir_document, hl7, lint, openapi_sending
from delivery.channels.base import CannotExpress
from delivery.channels.hl7_settings import Hl7Settings
from delivery.failures import CATALOGUE
from delivery.models import Delivery
from delivery.states import State
from delivery.unsayable import NAMES, problems
from mapping.note import Contribution, FieldValue
from tests.channels.notes import note
from tests.delivery.conftest import NOTE
from tests.delivery.test_sending import post, run_lanes

HL7 = Hl7Settings("127.0.0.1", 1, "sandbox", "NORTH")


def values(*texts):
    return tuple(
        FieldValue(f"NF-{at:02}", f"Field {at}", at, text, (Contribution(at, f"code{at}", "", text),))
        for at, text in enumerate(texts, start=1)
    )


def refused(render, **changes):
    with pytest.raises(CannotExpress) as caught:
        render(note(**changes))
    assert caught.value.reason_code in CATALOGUE
    return caught.value.reason_code, caught.value.places


def by_hl7(**changes):
    return refused(lambda made: hl7.render(made, HL7), **changes)


def with_patient(**changes):
    visit = note().visit
    return replace(visit, patient=replace(visit.patient, **changes))


@pytest.mark.parametrize(
    "text, code",
    [
        ("x" * 65_537, "hl7_text_too_long"),
        ('""', "hl7_null_value"),
        ("  ", "hl7_empty_value"),
        ("half \ud83d", "hl7_lone_surrogate"),
        ("bell \x07", "hl7_control_character"),
    ],
)
def test_a_text_that_hl7_cannot_say_is_named_by_its_field(text, code):
    assert by_hl7(values=values("Cough.", text, "Rest.")) == (code, ("/fields/NF-02",))


@pytest.mark.parametrize(
    "changes, code, places",
    [
        ({"family": ""}, "hl7_patient_missing", ("/patient/family",)),
        ({"id": "", "family": ""}, "hl7_patient_missing", ("/patient/id", "/patient/family")),
        ({"birth_date": "19.7.1981"}, "hl7_birth_date", ("/patient/birth_date",)),
        ({"sex": "X"}, "hl7_sex", ("/patient/sex",)),
        ({"given": '""'}, "hl7_null_value", ("/patient/given",)),
        ({"given": "Le\nna"}, "hl7_control_character", ("/patient/given",)),
        ({"family": "Oka\udc00"}, "hl7_lone_surrogate", ("/patient/family",)),
    ],
)
def test_what_is_wrong_with_the_patient_is_named_by_its_place(changes, code, places):
    assert by_hl7(visit=with_patient(**changes)) == (code, places)
    assert set(places) <= set(NAMES)


def test_what_is_wrong_with_the_visit_the_location_or_the_template_is_named():
    visit = note().visit
    assert by_hl7(visit=replace(visit, encounter_id="")) == ("hl7_encounter_missing", ("/encounter/id",))
    assert by_hl7(visit=replace(visit, facility="A|B")) == ("hl7_facility", ("/location",))
    assert by_hl7(template_name="Family\x0bMedicine") == ("hl7_control_character", ("/template",))


def test_fields_out_of_order_or_twice_are_named():
    first, second = values("Cough.", "Rest.")
    assert by_hl7(values=(second, first)) == ("obx_order", ("/fields/NF-01",))
    assert by_hl7(values=(first, second, first)) == ("hl7_field_twice", ("/fields/NF-01",))


def test_the_second_parser_names_the_field_it_reads_otherwise():
    sent, meant = note(values=values("Cough.", "Rest.")), note(values=values("Cough.", "Exercise."))
    with pytest.raises(CannotExpress) as caught:
        lint.check(hl7.render(sent, HL7).body, meant)
    assert (caught.value.reason_code, caught.value.places) == ("lint_obx_5", ("/fields/NF-02",))


def test_the_other_ways_name_their_places_too():
    nobody, nowhere = with_patient(id=""), replace(note().visit, encounter_id="")
    assert refused(lambda made: openapi_sending.render(made, "N"), visit=nobody)[1] == ("/patient/id",)
    assert refused(lambda made: openapi_sending.render(made, "N"), visit=nowhere)[1] == ("/encounter/id",)
    assert refused(lambda made: openapi_sending.render(made, "N"), values=values("\ud83d"))[1] == ("/fields/NF-01",)
    assert refused(ccda.document, visit=nobody)[1] == ("/patient/id",)
    assert refused(ccda.document, visit=nowhere)[1] == ("/encounter/id",)
    assert refused(fhir_document.plain, values=values("a", "\ud83d"))[1] == ("/fields/NF-02",)
    assert refused(fhir_document.pdf, values=values("a", "\u05d0"))[1] == ("/fields/NF-02",)
    unnamed = replace(note().visit, provider_id="")
    assert refused(lambda made: fhir_bundle.reference(made, "text/plain", b"x"), visit=unnamed) == (
        "fhir_author_missing",
        ("/provider/id",),
    )
    strange = replace(note().visit, encounter_id="E 1")
    assert refused(lambda made: fhir_bundle.reference(made, "text/plain", b"x"), visit=strange) == (
        "fhir_id",
        ("/encounter/id",),
    )


class TestTheProblem:
    def test_names_field_and_section_and_says_what_to_do(self):
        error = CannotExpress("hl7_text_too_long", "/fields/NF-02")
        [problem] = problems(error, values("Cough.", "long"))
        assert (problem.code, problem.pointer, problem.field_id) == ("hl7_text_too_long", "/sections/2", "NF-02")
        assert problem.section_code == "code2"
        assert problem.message.startswith(
            "The field Field 2 (NF-02), from section 3 of the note: A field's text is too"
        )
        assert problem.message.endswith(CATALOGUE["hl7_text_too_long"].todo)
        assert "long" not in problem.message.split(": ")[0]

    def test_names_every_section_of_a_joined_field_and_none_where_the_mapping_wrote_the_text(self):
        [value] = values("a")
        joined = replace(value, contributions=(Contribution(0, "x", "", "a"), Contribution(2, "y", "", "b")))
        error = CannotExpress("hl7_null_value", "/fields/NF-01")
        assert "from section 1 and 3 of the note" in problems(error, [joined])[0].message
        default = replace(value, contributions=())
        assert problems(error, [default])[0].pointer == "/fields/NF-01"

    def test_names_a_place_of_the_header_in_words(self):
        [problem] = problems(CannotExpress("hl7_patient_missing", "/patient/family"), ())
        assert problem.pointer == "/patient/family"
        assert problem.message.startswith("The patient's family name: The patient's id or family name is missing.")

    def test_says_what_to_do_where_there_is_no_place(self):
        [problem] = problems(CannotExpress("lint_msh"), ())
        assert (problem.pointer, problem.message.endswith(CATALOGUE["lint"].todo)) == ("", True)


@pytest.mark.django_db(transaction=True)
def test_a_note_held_at_rendering_says_where_and_what_to_do_to_the_scribe_as_well(scribe, ecw):
    sections = json.loads(json.dumps(NOTE["sections"]))
    sections[1]["text"] = '""'
    held = post(scribe, sections=sections)
    run_lanes()
    row = Delivery.objects.get(pk=held)
    assert (row.state, row.reason_code) == (State.HELD, "hl7_null_value")
    [told] = scribe.get(f"notes/{row.note_id}").json()["deliveries"][0]["problems"]
    assert told["pointer"] == "/sections/1"
    assert "HPI (NF-02), from section 2 of the note" in told["message"]
