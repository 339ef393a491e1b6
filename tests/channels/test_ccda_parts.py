"""Every element of a C-CDA R2.1 Progress Note at its place: header, encounter, sections, and what is refused.

Expected values are those of the C-CDA R2.1 templates (2015-08-01), of the HL7 v3 code systems they name, and of LOINC.
"""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from lxml import etree

from delivery.channels import ccda
from delivery.channels.base import CannotExpress, OutgoingNote
from mapping.note import Contribution, FieldValue
from tests.channels.notes import CONTROL_ID, VISIT, for_patient, for_visit, note

V3 = {"v": "urn:hl7-org:v3"}


def made(of: OutgoingNote | None = None) -> etree._Element:
    return etree.fromstring(ccda.document(of or note()))


def attributes(path: str, of: OutgoingNote | None = None) -> list[dict[str, str]]:
    """The attributes of every element at a path, in the document's order."""
    return [dict(each.attrib) for each in made(of).xpath(path, namespaces=V3)]


def words(path: str, of: OutgoingNote | None = None) -> list[str]:
    return [each.text or "" for each in made(of).xpath(path, namespaces=V3)]


def field(label: str, text: str, *codes: str, place: int = 1) -> FieldValue:
    contributions = tuple(Contribution(index, code, "", text) for index, code in enumerate(codes))
    return FieldValue(f"F-{place}", label, place, text, contributions)


def refused(of: OutgoingNote) -> str:
    with pytest.raises(CannotExpress) as caught:
        ccda.document(of)
    assert caught.value.__cause__ is None
    return caught.value.reason_code


class TestTheHeader:
    def test_begins_with_the_declaration_of_utf_8(self):
        assert ccda.document(note()).startswith(b"<?xml version='1.0' encoding='UTF-8'?>")

    def test_is_of_the_us_realm(self):
        assert attributes("/v:ClinicalDocument/v:realmCode") == [{"code": "US"}]

    def test_is_of_cdas_own_type(self):
        assert attributes("/v:ClinicalDocument/v:typeId") == [
            {"root": "2.16.840.1.113883.1.3", "extension": "POCD_HD000040"}
        ]

    def test_claims_the_us_realm_header_and_the_progress_note_of_2015(self):
        assert attributes("/v:ClinicalDocument/v:templateId") == [
            *templates("2.16.840.1.113883.10.20.22.1.1", "2015-08-01"),
            *templates("2.16.840.1.113883.10.20.22.1.9", "2015-08-01"),
        ]

    def test_calls_itself_a_progress_note_by_loinc(self):
        assert attributes("/v:ClinicalDocument/v:code") == [
            {
                "code": "11506-3",
                "codeSystem": "2.16.840.1.113883.6.1",
                "codeSystemName": "LOINC",
                "displayName": "Progress note",
            }
        ]

    def test_is_titled_with_the_templates_name(self):
        assert words("/v:ClinicalDocument/v:title") == ["Family Medicine Progress Note"]

    def test_is_titled_progress_note_where_the_template_has_no_name(self):
        assert words("/v:ClinicalDocument/v:title", note(template_name="")) == ["Progress note"]

    def test_is_of_normal_confidentiality(self):
        assert attributes("/v:ClinicalDocument/v:confidentialityCode") == [
            {"code": "N", "codeSystem": "2.16.840.1.113883.5.25"}
        ]

    def test_is_in_american_english(self):
        assert attributes("/v:ClinicalDocument/v:languageCode") == [{"code": "en-US"}]

    def test_says_its_version(self):
        assert attributes("/v:ClinicalDocument/v:versionNumber", note(version=4)) == [{"value": "4"}]

    def test_stands_in_the_order_of_the_schema(self):
        names = [etree.QName(each).localname for each in made()]
        assert names == [
            "realmCode", "typeId", *["templateId"] * 4, "id", "code", "title", "effectiveTime",
            "confidentialityCode", "languageCode", "setId", "versionNumber", "recordTarget", "author", "custodian",
            "documentationOf", "componentOf", "component",
        ]  # fmt: skip


class TestItsIdentity:
    def test_is_made_of_the_control_id(self):
        expected = str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:scribeport:message:{CONTROL_ID}"))
        assert attributes("/v:ClinicalDocument/v:id") == [{"root": expected}]

    def test_is_another_for_another_message(self):
        other = note(control_id="ZZZZZZZZZZZZZZZZZZZZ")
        assert attributes("/v:ClinicalDocument/v:id") != attributes("/v:ClinicalDocument/v:id", other)

    def test_is_the_same_when_it_is_made_again(self):
        assert ccda.document(note()) == ccda.document(note())

    def test_shares_its_set_with_another_version_of_the_note(self):
        path = "/v:ClinicalDocument/v:setId"
        amended = note(version=2, control_id="ZZZZZZZZZZZZZZZZZZZZ")
        assert attributes(path) == attributes(path, amended)

    def test_does_not_share_its_set_with_another_note(self):
        path = "/v:ClinicalDocument/v:setId"
        assert attributes(path) != attributes(path, note(note_id="another"))


class TestItsTimes:
    PATH = "/v:ClinicalDocument/v:effectiveTime"

    def test_is_when_the_note_came_in_utc(self):
        assert attributes(self.PATH) == [{"value": "20260319151502+0000"}]

    def test_keeps_the_zone_it_was_given_in(self):
        moment = datetime(2026, 3, 19, 10, 15, 2, tzinfo=timezone(timedelta(hours=-5)))
        assert attributes(self.PATH, note(created_at=moment)) == [{"value": "20260319101502-0500"}]

    def test_without_a_zone_is_read_as_utc(self):
        moment = datetime(2026, 3, 19, 10, 15, 2)
        assert attributes(self.PATH, note(created_at=moment)) == [{"value": "20260319101502+0000"}]

    def test_of_the_author_is_that_of_the_document(self):
        assert attributes("//v:author/v:time") == attributes(self.PATH)

    def test_of_the_visit_is_its_start(self):
        assert attributes("//v:encompassingEncounter/v:effectiveTime/v:low") == [{"value": "20260319101500-0500"}]

    def test_of_a_visit_without_a_start_is_unknown(self):
        path = "//v:encompassingEncounter/v:effectiveTime/v:low"
        assert attributes(path, for_visit(start=None)) == [{"nullFlavor": "UNK"}]


class TestThePatient:
    def test_has_an_id_whose_system_is_not_known(self):
        assert attributes("//v:patientRole/v:id") == [{"nullFlavor": "UNK", "extension": "P1001"}]

    def test_has_given_and_family_name_in_that_order(self):
        assert words("//v:patient/v:name/*") == ["Lena", "Okafor"]

    def test_without_a_given_name_has_an_unknown_one(self):
        assert words("//v:patient/v:name/*", for_patient(given="")) == ["", "Okafor"]
        assert attributes("//v:patient/v:name/*", for_patient(given="")) == [{"nullFlavor": "UNK"}, {}]

    def test_without_any_name_has_an_unknown_one(self):
        nameless = for_patient(given="", family="")
        assert attributes("//v:patient/v:name", nameless) == [{"nullFlavor": "UNK"}]

    @pytest.mark.parametrize("sex, code", [("F", "F"), ("M", "M"), ("O", "UN")])
    def test_has_the_gender_of_the_hl7_v3_system(self, sex, code):
        assert attributes("//v:administrativeGenderCode", for_patient(sex=sex)) == [
            {"code": code, "codeSystem": "2.16.840.1.113883.5.1"}
        ]

    @pytest.mark.parametrize("sex", ["U", ""])
    def test_of_unknown_sex_has_an_unknown_gender(self, sex):
        assert attributes("//v:administrativeGenderCode", for_patient(sex=sex)) == [{"nullFlavor": "UNK"}]

    def test_was_born_on_eight_digits(self):
        assert attributes("//v:birthTime") == [{"value": "19810719"}]

    def test_without_a_birth_date_has_an_unknown_one(self):
        assert attributes("//v:birthTime", for_patient(birth_date="")) == [{"nullFlavor": "UNK"}]

    def test_has_a_race_and_an_ethnic_group_that_nobody_told_us(self):
        assert attributes("//v:patient/v:raceCode") == [{"nullFlavor": "UNK"}]
        assert attributes("//v:patient/v:ethnicGroupCode") == [{"nullFlavor": "UNK"}]

    def test_has_neither_address_nor_telephone_since_none_was_sent(self):
        assert attributes("//v:patientRole/v:addr") == [{"nullFlavor": "NI"}]
        assert attributes("//v:patientRole/v:telecom") == [{"nullFlavor": "NI"}]

    def test_whose_name_looks_like_markup_is_a_name(self):
        assert words("//v:patient/v:name/v:family", for_patient(family="<b>O'Neil & Sons</b>")) == [
            "<b>O'Neil & Sons</b>"
        ]


class TestTheAuthor:
    def test_is_named_by_npi_where_there_is_one(self):
        assert attributes("//v:assignedAuthor/v:id") == [{"root": "2.16.840.1.113883.4.6", "extension": "1234567893"}]

    def test_is_named_by_the_local_id_where_there_is_no_npi(self):
        assert attributes("//v:assignedAuthor/v:id", for_visit(provider_npi="")) == [
            {"nullFlavor": "UNK", "extension": "DR7"}
        ]

    def test_without_any_id_has_none_to_give(self):
        nobody = for_visit(provider_npi="", provider_id="")
        assert attributes("//v:assignedAuthor/v:id", nobody) == [{"nullFlavor": "NI"}]

    def test_has_given_and_family_name(self):
        assert words("//v:assignedPerson/v:name/*") == ["Ann", "Lee"]

    def test_without_names_is_a_person_of_unknown_name(self):
        nameless = for_visit(provider_family="", provider_given="")
        assert attributes("//v:assignedPerson/v:name", nameless) == [{"nullFlavor": "UNK"}]


class TestTheEncounter:
    def test_has_the_visits_id(self):
        assert attributes("//v:encompassingEncounter/v:id") == [{"nullFlavor": "UNK", "extension": "E5001"}]

    def test_has_a_facility_of_which_nothing_is_known(self):
        assert attributes("//v:encompassingEncounter/v:location/v:healthCareFacility/v:id") == [{"nullFlavor": "NI"}]

    def test_has_a_custodian_of_which_nothing_is_known(self):
        found = made().xpath("//v:representedCustodianOrganization/*", namespaces=V3)
        assert [(etree.QName(each).localname, dict(each.attrib)) for each in found] == [
            ("id", {"nullFlavor": "NI"}),
            ("name", {"nullFlavor": "NI"}),
            ("telecom", {"nullFlavor": "NI"}),
            ("addr", {"nullFlavor": "NI"}),
        ]


# Section code of the note contract: LOINC, and the C-CDA section template that binds this code, with its version.
SECTIONS = [
    ("chief_complaint", "10154-3", "1.3.6.1.4.1.19376.1.5.3.1.1.13.2.1", ""),
    ("history_of_present_illness", "10164-2", "1.3.6.1.4.1.19376.1.5.3.1.3.4", ""),
    ("review_of_systems", "10187-3", "1.3.6.1.4.1.19376.1.5.3.1.3.18", ""),
    ("physical_exam", "29545-1", "2.16.840.1.113883.10.20.2.10", "2015-08-01"),
    ("vital_signs", "8716-3", "2.16.840.1.113883.10.20.22.2.4", "2015-08-01"),
    ("assessment", "51848-0", "2.16.840.1.113883.10.20.22.2.8", ""),
    ("plan", "18776-5", "2.16.840.1.113883.10.20.22.2.10", "2014-06-09"),
    ("assessment_and_plan", "51847-2", "2.16.840.1.113883.10.20.22.2.9", "2014-06-09"),
    ("past_medical_history", "11348-0", "2.16.840.1.113883.10.20.22.2.20", "2015-08-01"),
    ("past_surgical_history", "10167-5", "", ""),
    ("family_history", "10157-6", "2.16.840.1.113883.10.20.22.2.15", "2015-08-01"),
    ("social_history", "29762-2", "2.16.840.1.113883.10.20.22.2.17", "2015-08-01"),
    ("problem_list", "11450-4", "2.16.840.1.113883.10.20.22.2.5", "2015-08-01"),
    ("medications", "10160-0", "2.16.840.1.113883.10.20.22.2.1", "2014-06-09"),
    ("allergies", "48765-2", "2.16.840.1.113883.10.20.22.2.6", "2015-08-01"),
    ("immunizations", "11369-6", "2.16.840.1.113883.10.20.22.2.2", "2015-08-01"),
    ("results", "30954-2", "2.16.840.1.113883.10.20.22.2.3", "2015-08-01"),
    ("procedures", "47519-4", "2.16.840.1.113883.10.20.22.2.7", "2014-06-09"),
    ("patient_instructions", "69730-0", "", ""),
]
FILLED = "//v:section[not(@nullFlavor)]"
NOTHING_SAID = "//v:section[@nullFlavor='NI']"


def templates(root: str, extension: str) -> list[dict[str, str]]:
    """As a section names its template: R1.1 without an extension, beside it R2.1 where that has one."""
    plain = [{"root": root}] if root else []
    return plain + ([{"root": root, "extension": extension}] if extension else [])


class TestASection:
    @pytest.mark.parametrize("code, loinc, root, extension", SECTIONS)
    def test_of_each_kind_has_its_loinc_code_and_its_template(self, code, loinc, root, extension):
        one = note(values=(field("Field", "Text.", code),))
        assert attributes(f"{FILLED}/v:code", one) == [
            {"code": loinc, "codeSystem": "2.16.840.1.113883.6.1", "codeSystemName": "LOINC"}
        ]
        assert attributes(f"{FILLED}/v:templateId", one) == templates(root, extension)

    def test_of_a_kind_that_stands_there_twice_claims_its_template_once(self):
        two = note(values=(field("Plan", "Rest.", "plan"), field("Follow-up", "In a week.", "plan", place=2)))
        root = "2.16.840.1.113883.10.20.22.2.10"
        assert attributes(f"{FILLED}/v:templateId", two) == templates(root, "2014-06-09")
        assert [each["code"] for each in attributes(f"{FILLED}/v:code", two)] == ["18776-5", "18776-5"]

    def test_that_is_all_there_is_of_assessment_and_plan_is_the_section_of_both(self):
        one = note(values=(field("A/P", "Text.", "assessment", "plan"),))
        assert [each["code"] for each in attributes("//v:section/v:code", one)] == ["51847-2"]

    def test_of_assessment_and_plan_beside_another_of_either_has_no_code(self):
        two = note(values=(field("A/P", "Text.", "assessment", "plan"), field("Plan", "Rest.", "plan", place=2)))
        assert [each.get("code") for each in attributes(f"{FILLED}/v:code", two)] == [None, "18776-5"]

    def test_of_a_practices_own_code_has_no_code(self):
        one = note(values=(field("Field", "Text.", "our_own_section"),))
        assert attributes(f"{FILLED}/v:code", one) == [{"nullFlavor": "UNK"}]

    def test_into_which_two_kinds_flow_has_no_code_of_either(self):
        one = note(values=(field("Field", "Text.", "chief_complaint", "medications"),))
        assert attributes(f"{FILLED}/v:code", one) == [{"nullFlavor": "UNK"}]
        assert attributes(f"{FILLED}/v:templateId", one) == []

    def test_into_which_one_kind_flows_twice_keeps_its_code(self):
        one = note(values=(field("Field", "Text.", "results", "results"),))
        assert attributes(f"{FILLED}/v:code", one)[0]["code"] == "30954-2"

    def test_of_a_default_that_no_section_brought_has_no_code(self):
        assert attributes(f"{FILLED}/v:code", note(values=(field("Field", "Text."),))) == [{"nullFlavor": "UNK"}]

    def test_is_titled_with_the_fields_label(self):
        assert words(f"{FILLED}/v:title", note(values=(field("Exam & Vitals", "Text."),))) == ["Exam & Vitals"]

    def test_stands_in_the_order_of_the_template(self):
        two = note(values=(field("Z", "first", place=1), field("A", "second", place=2)))
        assert words(f"{FILLED}/v:title", two) == ["Z", "A"]

    def test_has_its_text_in_one_paragraph(self):
        assert words("//v:section/v:text/v:paragraph", note(values=(field("F", "Rest."),))) == ["Rest."]

    def test_has_a_br_for_each_line_break(self):
        one = made(note(values=(field("F", "one\n\nthree"),)))
        (paragraph,) = one.xpath("//v:paragraph", namespaces=V3)
        assert (paragraph.text, [each.tail for each in paragraph]) == ("one", [None, "three"])

    def test_keeps_spaces_and_tabs(self):
        assert words("//v:paragraph", note(values=(field("F", "  a\tb  "),))) == ["  a\tb  "]

    def test_carries_markup_as_text(self):
        assert words("//v:paragraph", note(values=(field("F", "<script>1 < 2 & 3</script>"),))) == [
            "<script>1 < 2 & 3</script>"
        ]


class TestWhatAProgressNoteMustHave:
    """CONF:1198-30657: assessment and plan, in one section or in two; what did not come is said to be without information."""

    @pytest.mark.parametrize(
        "brought, missing",
        [
            ((), ["51848-0", "18776-5"]),
            (("results",), ["51848-0", "18776-5"]),
            (("assessment",), ["18776-5"]),
            (("plan",), ["51848-0"]),
            (("assessment", "plan"), []),
            (("assessment_and_plan",), []),
        ],
    )
    def test_is_added_without_information_where_it_did_not_come(self, brought, missing):
        filled = tuple(field(code, "Text.", code, place=place) for place, code in enumerate(brought or ("",), start=1))
        assert [each["code"] for each in attributes(f"{NOTHING_SAID}/v:code", note(values=filled))] == missing

    def test_stands_after_the_notes_own_sections_and_holds_no_word(self):
        one = made(note(values=(field("HPI", "Cough.", "history_of_present_illness"),)))
        flavors = [each.get("nullFlavor") for each in one.xpath("//v:section", namespaces=V3)]
        assert flavors == [None, "NI", "NI"]
        assert one.xpath(f"string({NOTHING_SAID}/v:text)", namespaces=V3) == ""

    def test_is_not_read_back_as_a_field(self):
        assert ccda.texts(ccda.document(note(values=(field("HPI", "Cough."),)))) == {"HPI": "Cough."}

    def test_is_read_where_somebody_wrote_into_it(self):
        raw = (
            b'<ClinicalDocument xmlns="urn:hl7-org:v3"><section nullFlavor="NI"><title>Plan</title><text>Rest.</text>'
            b"</section></ClinicalDocument>"
        )
        assert ccda.texts(raw) == {"Plan": "Rest."}


class TestTheService:
    PATH = "//v:documentationOf/v:serviceEvent"

    def test_is_the_care_of_this_visit(self):
        assert attributes(self.PATH) == [{"classCode": "PCPR"}]
        assert attributes(f"{self.PATH}/v:templateId") == [{"root": "2.16.840.1.113883.10.20.21.3.1"}]

    def test_begins_with_the_visit_and_ends_when_nobody_told_us(self):
        assert attributes(f"{self.PATH}/v:effectiveTime/v:low") == [{"value": "20260319101500-0500"}]
        assert attributes(f"{self.PATH}/v:effectiveTime/v:high") == [{"nullFlavor": "UNK"}]


class TestWhatIsRefused:
    def test_assessment_and_plan_in_one_and_the_plan_apart(self):
        both = note(values=(field("A", "a", "assessment_and_plan"), field("B", "b", "plan", place=2)))
        assert refused(both) == "ccda_both_forms"

    def test_assessment_and_plan_in_one_and_the_assessment_apart(self):
        both = note(values=(field("A", "a", "assessment_and_plan"), field("B", "b", "assessment", place=2)))
        assert refused(both) == "ccda_both_forms"

    def test_both_forms_within_one_field(self):
        assert refused(note(values=(field("A", "a", "assessment_and_plan", "plan"),))) == "ccda_both_forms"

    def test_but_not_assessment_and_plan_apart(self):
        apart = note(values=(field("A", "a", "assessment"), field("B", "b", "plan", place=2)))
        assert len(attributes("//v:section", apart)) == 2

    def test_a_note_without_an_encounter(self):
        assert refused(for_visit(encounter_id="")) == "fhir_encounter_missing"

    def test_a_note_without_a_patient(self):
        assert refused(for_patient(id="")) == "fhir_patient_missing"

    @pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1c", "\x1f", "\ufffe", "\uffff"])
    def test_a_character_that_xml_has_no_place_for(self, character):
        assert refused(note(values=(field("F", f"a{character}b"),))) == "ccda_character"

    def test_half_a_character(self):
        assert refused(note(values=(field("F", "a\ud800b"),))) == "ccda_character"

    def test_such_a_character_in_a_name(self):
        assert refused(for_patient(family="Oka\x00for")) == "ccda_character"


class TestReadingOneBack:
    def test_gives_each_title_its_text(self):
        two = note(values=(field("HPI", "Cough.\nNo fever.", place=1), field("Plan", " Rest. ", place=2)))
        assert ccda.texts(ccda.document(two)) == {"HPI": "Cough.\nNo fever.", "Plan": " Rest. "}

    def test_of_what_is_no_xml_says_so_without_showing_it(self):
        with pytest.raises(ValueError, match=r"^This is no XML document\.$") as caught:
            ccda.texts(b"Okafor <")
        assert "Okafor" not in str(caught.value)

    def test_of_a_document_without_sections_is_nothing(self):
        assert ccda.texts(b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>') == {}

    def test_of_a_section_without_a_text_is_empty(self):
        raw = b'<ClinicalDocument xmlns="urn:hl7-org:v3"><section><title>HPI</title></section></ClinicalDocument>'
        assert ccda.texts(raw) == {"HPI": ""}

    def test_of_a_section_without_a_title_is_kept_under_none(self):
        raw = (
            b'<ClinicalDocument xmlns="urn:hl7-org:v3"><section><text><paragraph>x</paragraph></text></section>'
            b"</ClinicalDocument>"
        )
        assert ccda.texts(raw) == {"": "x"}


def test_a_visit_at_another_facility_changes_no_byte_of_the_document():
    there = note(visit=replace(VISIT, facility="WEST"))
    assert ccda.document(there) == ccda.document(note(visit=VISIT))


def test_a_note_of_now_is_made_without_a_clock():
    moment = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert b"20261231235959+0000" in ccda.document(note(created_at=moment))
