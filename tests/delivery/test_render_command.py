"""`manage.py render` within one process: which field each section takes, the bytes of each way, what it refuses."""

import base64
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import hl7 as python_hl7
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from delivery.channels import ccda, lint
from delivery.channels.base import CannotExpress, OutgoingNote
from delivery.management.commands import render as command
from delivery.management.commands.render import (
    attached,
    by_headings,
    fields_of,
    mapped,
    outgoing,
    rendered,
    rendered_documents,
)
from mapping.note import FieldSpec, RuleSpec, Section
from tests.channels.fhir_notes import attachment, sections
from tests.delivery.conftest import a_note

TEMPLATE = "Order,Field ID,Label,Type,Max Length,Required,Group\n1,A1,Chief complaint,Free text,,,\n2,A2,Plan,Free text,,,\n3,A3,Notes,Free text,,,\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def note_file(folder: Path, **changes) -> Path:
    path = folder / "note.json"
    path.write_text(json.dumps(a_note(**changes)), encoding="utf-8")
    return path


def template_file(folder: Path, text: str = TEMPLATE, name: str = "knee.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def mapping_file(folder: Path, pairs: object) -> Path:
    path = folder / "mapping.json"
    path.write_text(pairs if isinstance(pairs, str) else json.dumps(pairs), encoding="utf-8")
    return path


def section(code: str, text: str = "text", title: str = "", index: int = 0) -> Section:
    return Section(index, code, title, text)


def placed(note: OutgoingNote) -> list[tuple[str, str]]:
    return [(value.field_id, value.text) for value in note.values]


class TestWithoutAMapping:
    def test_each_known_section_is_a_field_of_its_own_name(self):
        spec = by_headings([section("chief_complaint"), section("plan", index=1)], None)
        assert spec.fields == (
            FieldSpec("chief_complaint", "Chief complaint", 1),
            FieldSpec("plan", "Plan", 2),
            FieldSpec("OTHER", "Other", 3),
        )

    def test_each_known_section_has_a_rule(self):
        spec = by_headings([section("chief_complaint"), section("plan", index=1)], None)
        assert spec.rules == (
            RuleSpec("chief_complaint", "chief_complaint", position=1),
            RuleSpec("plan", "plan", position=2),
        )

    def test_a_section_that_stands_twice_has_one_field(self):
        spec = by_headings([section("plan"), section("plan", index=1)], None)
        assert [field.field_id for field in spec.fields] == ["plan", "OTHER"]

    def test_what_has_no_code_goes_to_the_field_for_others(self):
        spec = by_headings([section("", title="Parking")], None)
        assert (spec.catch_all_field_id, spec.rules) == ("OTHER", ())

    def test_a_practices_own_code_is_a_field_too(self):
        assert by_headings([section("sleep_diary")], None).fields[0] == FieldSpec("sleep_diary", "Sleep diary", 1)

    def test_a_note_of_no_sections_has_the_field_for_others_alone(self):
        assert [field.field_id for field in by_headings([], None).fields] == ["OTHER"]


class TestWithATemplateAlone:
    def test_a_section_takes_the_field_that_is_called_like_it(self, folder):
        spec = by_headings([section("plan")], template_file(folder))
        assert spec.rules == (RuleSpec("plan", "A2", position=1),)

    def test_capitals_of_a_label_do_not_matter(self, folder):
        shouting = template_file(folder, TEMPLATE.replace("Chief complaint", "CHIEF COMPLAINT"))
        assert by_headings([section("chief_complaint")], shouting).rules[0].field_id == "A1"

    def test_a_section_without_such_a_field_has_no_rule(self, folder):
        assert by_headings([section("medications")], template_file(folder)).rules == ()

    def test_what_has_no_rule_goes_to_the_templates_last_field(self, folder):
        assert by_headings([section("medications")], template_file(folder)).catch_all_field_id == "A3"

    def test_no_field_is_added_to_the_template(self, folder):
        spec = by_headings([section("medications"), section("plan")], template_file(folder))
        assert [field.field_id for field in spec.fields] == ["A1", "A2", "A3"]


class TestWithAMapping:
    def test_each_pair_is_a_rule_in_the_files_order(self, folder):
        spec = mapped(template_file(folder), mapping_file(folder, {"plan": "A1", "chief_complaint": "A2"}))
        assert spec.rules == (RuleSpec("plan", "A1", position=1), RuleSpec("chief_complaint", "A2", position=2))

    def test_the_empty_name_says_where_everything_else_goes(self, folder):
        spec = mapped(template_file(folder), mapping_file(folder, {"plan": "A1", "": "A3"}))
        assert spec.catch_all_field_id == "A3"
        assert [rule.section_code for rule in spec.rules] == ["plan"]

    def test_without_the_empty_name_nothing_else_goes_anywhere(self, folder):
        assert mapped(template_file(folder), mapping_file(folder, {"plan": "A1"})).catch_all_field_id == ""

    def test_a_field_id_that_is_a_number_is_the_text_of_it(self, folder):
        spec = mapped(template_file(folder), mapping_file(folder, {"plan": 7}))
        assert spec.rules[0].field_id == "7"

    def test_the_template_is_called_by_its_file(self, folder):
        spec = mapped(template_file(folder), mapping_file(folder, {}))
        assert (spec.template_code, spec.template_name) == ("RENDER", "knee")

    @pytest.mark.parametrize("wrong", ["", "{", "[1, 2]", "7", '"plan"'])
    def test_a_file_that_is_none_is_refused_without_its_content(self, folder, wrong):
        with pytest.raises(CommandError, match=r"^The mapping cannot be read \(\w+\)\.$"):
            mapped(template_file(folder), mapping_file(folder, wrong))

    def test_a_file_that_is_not_there_is_refused(self, folder):
        with pytest.raises(CommandError, match=r"^The mapping cannot be read \(FileNotFoundError\)\.$"):
            mapped(template_file(folder), folder / "nowhere.json")


class TestATemplate:
    def test_has_its_fields_in_order_numbered_anew(self, folder):
        assert fields_of(template_file(folder)) == (
            FieldSpec("A1", "Chief complaint", 1),
            FieldSpec("A2", "Plan", 2),
            FieldSpec("A3", "Notes", 3),
        )

    def test_keeps_limits_kinds_and_what_is_required(self, folder):
        rows = "Order,Field ID,Label,Type,Max Length,Required,Group\n1,B1,CC,Free text,200,yes,Subjective\n"
        assert fields_of(template_file(folder, rows)) == (
            FieldSpec("B1", "CC", 1, "free_text", 200, True, "Subjective"),
        )

    def test_that_is_not_there_is_refused(self, folder):
        with pytest.raises(CommandError, match=r"^The template cannot be read: "):
            fields_of(folder / "nowhere.csv")

    def test_that_is_none_is_refused(self, folder):
        with pytest.raises(CommandError, match=r"^The template cannot be read: "):
            fields_of(template_file(folder, "just some words"))


class TestANote:
    def test_is_given_the_id_and_time_of_an_example(self, folder):
        note = outgoing(note_file(folder), None, None)
        assert (note.control_id, note.note_id) == ("RENDERED000000000000", "nt-000417")
        assert note.created_at.isoformat() == "2026-01-01T12:00:00+00:00"
        assert note.correction is False

    def test_has_its_sections_in_the_scribes_order(self, folder):
        assert placed(outgoing(note_file(folder), None, None)) == [
            ("chief_complaint", "Cough for nine days."),
            ("history_of_present_illness", "Worse at night.\nNo fever."),
            ("plan", "Rest & fluids | return if fever."),
        ]

    def test_has_its_sections_where_the_mapping_says(self, folder):
        pairs = {"plan": "A1", "chief_complaint": "A2", "history_of_present_illness": "A3"}
        note = outgoing(note_file(folder), template_file(folder), mapping_file(folder, pairs))
        assert placed(note) == [
            ("A1", "Rest & fluids | return if fever."),
            ("A2", "Cough for nine days."),
            ("A3", "Worse at night.\nNo fever."),
        ]

    def test_whose_section_has_no_place_is_refused_with_its_pointer(self, folder):
        with pytest.raises(CommandError, match=r"/sections/1"):
            outgoing(
                note_file(folder), template_file(folder), mapping_file(folder, {"chief_complaint": "A1", "plan": "A2"})
            )

    def test_with_a_mapping_and_no_template_is_refused(self, folder):
        with pytest.raises(CommandError, match=r"^A mapping needs its template\.$"):
            outgoing(note_file(folder), None, mapping_file(folder, {}))

    @pytest.mark.parametrize("wrong", [b"", b"{", b"[]", b"null", b'{"sections": 7}', b'{"a": 1, "a": 2}', b"\xff\xfe"])
    def test_that_is_none_is_refused_without_its_content(self, folder, wrong):
        path = folder / "note.json"
        path.write_bytes(wrong)
        with pytest.raises(CommandError, match=r"^The note cannot be read \(\w+\)\.$"):
            outgoing(path, None, None)

    def test_that_is_not_there_is_refused(self, folder):
        with pytest.raises(CommandError, match=r"^The note cannot be read \(FileNotFoundError\)\.$"):
            outgoing(folder / "nowhere.json", None, None)


class TestTheBytes:
    def note(self, folder: Path, text: str = "Rest & fluids.") -> OutgoingNote:
        rows = [{"code": "plan", "title": "Plan", "text": text}]
        return outgoing(note_file(folder, sections=rows), None, None)

    def test_of_hl7_are_an_unframed_message(self, folder):
        body = rendered("hl7", self.note(folder))
        assert body.startswith(b"MSH|^~\\&|SCRIBEPORT||ECW|RENDER|20260101120000+0000||ORU^R01^ORU_R01|RENDERED0000")
        assert body.endswith(b"OBX|1|FT|plan^Plan^L||Rest \\T\\ fluids.||||||F\r")
        assert b"\x0b" not in body

    def test_of_hl7_say_by_a_second_reader_what_the_note_says(self, folder):
        assert lint.Reading(rendered("hl7", self.note(folder)).decode()).value(4, 5) == "Rest & fluids."

    def test_of_clinical_notes_are_a_transaction_with_hl7_within(self, folder):
        body = rendered("clinical-notes", self.note(folder))
        assert json.loads(body)["type"] == "transaction"
        assert attachment(body)[0] == "text/hl7v2"
        assert sections(body) == [("Plan", "Rest & fluids.")]

    def test_of_a_document_are_plain_text_where_nothing_is_said(self, folder):
        kind, content = attachment(rendered("fhir-document", self.note(folder)))
        assert (kind, content) == ("text/plain; charset=utf-8", b"Plan:\nRest & fluids.\n")

    def test_of_a_document_are_a_pdf_where_that_is_asked_for(self, folder):
        kind, content = attachment(rendered("fhir-document", self.note(folder), "pdf"))
        assert (kind, content[:5]) == ("application/pdf", b"%PDF-")

    def test_of_a_document_are_a_ccda_where_that_is_asked_for(self, folder):
        kind, content = attachment(rendered("fhir-document", self.note(folder), "ccda"))
        assert kind == "application/xml"
        assert ccda.texts(content) == {"Plan": "Rest & fluids."}

    def test_of_ccda_are_the_document_itself(self, folder):
        assert ccda.texts(rendered("ccda", self.note(folder))) == {"Plan": "Rest & fluids."}

    @pytest.mark.parametrize("channel", ["hl7", "clinical-notes", "fhir-document", "ccda"])
    def test_of_each_way_are_the_same_when_made_again(self, folder, channel):
        assert rendered(channel, self.note(folder)) == rendered(channel, self.note(folder))

    def test_of_the_open_api_are_json_with_each_text(self, folder):
        assert "Rest & fluids." in json.dumps(json.loads(rendered("openapi", self.note(folder))))

    def test_are_for_each_way_that_the_command_offers(self):
        assert command.CHANNELS == ("hl7", "clinical-notes", "fhir-document", "openapi", "ccda")


class TestWhatCannotBeSaid:
    def refused(self, folder: Path, channel: str, **changes) -> str:
        options = {"channel": channel, "note": note_file(folder, **changes), "template": None, "mapping": None}
        with pytest.raises(CommandError) as caught:
            command.Command().handle(form="text", documents=False, **options)
        return str(caught.value)

    def test_in_hl7_is_told_with_its_code(self, folder):
        said = self.refused(folder, "hl7", patient={"id": "P1", "family": "", "given": ""})
        assert said.endswith("(hl7_patient_missing)")

    def test_in_a_ccda_is_told_with_its_code(self, folder):
        both = [
            {"code": "assessment_and_plan", "title": "A/P", "text": "Rest."},
            {"code": "plan", "title": "Plan", "text": "Fluids."},
        ]
        assert self.refused(folder, "ccda", sections=both).endswith("(ccda_both_forms)")

    def test_by_fhir_is_told_with_its_code(self, folder):
        assert self.refused(folder, "clinical-notes", provider={"id": ""}).endswith("(fhir_author_missing)")

    def test_is_told_without_a_word_of_the_note(self, folder):
        said = self.refused(folder, "clinical-notes", provider={"id": ""})
        assert "Cough" not in said
        assert "Okafor" not in said


HARD = [
    "Cough | nine ^ days & nights ~ \\ end",
    "first line\nsecond line\n\n  third, indented",
    "“curly” SpO₂ 98 % über 肺 🫁",
    "\\.br\\ written out; OBX|9|TX|||not a segment",
]


class TestAnIndependentParser:
    """python-hl7 decodes every text; nothing of ours reads what it says."""

    def note(self, folder: Path) -> OutgoingNote:
        codes = ["chief_complaint", "history_of_present_illness", "assessment", "plan"]
        rows = [{"code": code, "title": code, "text": text} for code, text in zip(codes, HARD, strict=True)]
        return outgoing(note_file(folder, sections=rows), None, None)

    def test_reads_each_text_of_hl7_as_it_was(self, folder):
        message = python_hl7.parse(rendered("hl7", self.note(folder)).decode())
        assert [row.extract_field(field_num=5).replace("\r", "\n") for row in message.segments("OBX")] == HARD

    def test_reads_each_text_within_clinical_notes_as_it_was(self, folder):
        _, content = attachment(rendered("clinical-notes", self.note(folder)))
        message = python_hl7.parse(content.decode())
        assert [row.extract_field(field_num=5).replace("\r", "\n") for row in message.segments("OBX")] == HARD
        assert [str(row[4][0][0]) for row in message.segments("OBR")] == [
            "Chief complaint", "History of present illness", "Assessment", "Plan",
        ]  # fmt: skip

    def test_reads_each_text_of_the_open_api_as_it_was(self, folder):
        body = json.loads(rendered("openapi", self.note(folder)))
        assert [row["text"] for row in body["fields"]] == HARD

    def test_reads_each_text_of_a_plain_document_as_it_was(self, folder):
        _, content = attachment(rendered("fhir-document", self.note(folder)))
        assert [text for text in HARD if text not in content.decode()] == []

    @pytest.mark.parametrize("channel", ["ccda", "fhir-document"])
    def test_reads_each_text_of_a_ccda_as_it_was(self, folder, channel):
        body = rendered(channel, self.note(folder), "ccda")
        raw = body if channel == "ccda" else attachment(body)[1]
        sections = ElementTree.fromstring(raw).iter("{urn:hl7-org:v3}section")
        found = [text for section in sections if (text := section.find("{urn:hl7-org:v3}text")) is not None]
        assert [lines(text).strip("\n") for text in found] == HARD


def lines(narrative) -> str:
    """The text of a CDA narrative, by its own rules: <br/> and the end of a paragraph end a line."""
    said = narrative.text or ""
    for child in narrative:
        broken = "\n" if child.tag.endswith("}br") else ""
        said += broken + lines(child) + (child.tail or "")
    return said


class TestTheFilesAttached:
    FILES = [
        ("application/pdf", b"%PDF-1.7\n" + bytes(range(256)), "After-visit | summary ^ & ~ \\ über"),
        ("text/plain", "Ruhe • 肺".encode(), ""),
    ]

    def documents(self, folder: Path):
        rows = [
            {"content_type": kind, "title": title, "data": base64.b64encode(content).decode()}
            for kind, content, title in self.FILES
        ]
        return attached(note_file(folder, attachments=rows))

    def test_come_out_of_hl7_by_an_independent_parser_byte_for_byte(self, folder):
        message = python_hl7.parse(rendered_documents("hl7", self.documents(folder)).decode())
        rows = list(message.segments("OBX"))
        assert [str(row[2]) for row in rows] == ["ED", "ED"]
        assert [base64.b64decode(str(row[5][0][4][0]), validate=True) for row in rows] == [one[1] for one in self.FILES]
        assert [row.extract_field(field_num=3, component_num=2) for row in rows] == [one[2] for one in self.FILES]

    def test_have_no_line_break_in_their_base64(self, folder):
        assert rendered_documents("hl7", self.documents(folder)).count(b"\r") == 6
        assert b"\n" not in rendered_documents("hl7", self.documents(folder))

    @pytest.mark.parametrize("channel", ["clinical-notes", "fhir-document"])
    def test_are_documents_of_their_own_by_fhir(self, folder, channel):
        entries = json.loads(rendered_documents(channel, self.documents(folder)))["entry"]
        found = [entry["resource"]["content"][0]["attachment"] for entry in entries]
        assert [base64.b64decode(one["data"]) for one in found] == [one[1] for one in self.FILES]

    @pytest.mark.parametrize("channel", ["openapi", "ccda"])
    def test_are_refused_by_ways_that_carry_none(self, folder, channel):
        with pytest.raises(CannotExpress, match="part_not_supported"):
            rendered_documents(channel, self.documents(folder))

    @pytest.mark.parametrize("channel", ["hl7", "fhir-document"])
    def test_of_a_note_without_any_are_said_to_be_none(self, folder, channel):
        with pytest.raises(CannotExpress, match="hl7_nothing_to_send"):
            rendered_documents(channel, attached(note_file(folder)))

    def test_are_written_by_the_command(self, folder, capfdbinary):
        rows = [{"content_type": "application/pdf", "data": base64.b64encode(b"%PDF-1.7").decode()}]
        call_command("render", channel="hl7", note=note_file(folder, attachments=rows), documents=True)
        assert b"^application^pdf^Base64^" + base64.b64encode(b"%PDF-1.7") in capfdbinary.readouterr().out

    def test_are_refused_by_the_command_in_words(self, folder):
        with pytest.raises(CommandError, match=r"\(part_not_supported\)"):
            call_command("render", channel="ccda", note=note_file(folder), documents=True)
