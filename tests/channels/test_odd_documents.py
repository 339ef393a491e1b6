"""Documents as others give them back, and messages that say too much: what counts as there, and what never leaves."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.channels import (
    ccda,
    clinical_notes,
    fhir_attachments,
    fhir_document,
    hl7,
    hl7_documents,
    in_document,
    lint,
)
from delivery.channels.base import CannotExpress, Chart, ChartNote, OutgoingDocuments
from delivery.channels.compare import compare
from delivery.documents import Document
from delivery.failures import CATALOGUE
from mapping.note import Contribution, FieldValue
from tests.channels.fhir_notes import settings as fhir_settings
from tests.channels.notes import CONTROL_ID, SETTINGS, VISIT, WILD, for_patient, for_visit, note, values

OPEN = '<ClinicalDocument xmlns="urn:hl7-org:v3">'
CLOSE = "</ClinicalDocument>"


def section(title: str, text: str) -> str:
    return f"<section><title>{title}</title><text>{text}</text></section>"


def read(inside: str, before: str = "") -> dict[str, str]:
    return ccda.texts(f"{before}{OPEN}{inside}{CLOSE}".encode())


def outgoing(*documents: Document, visit=VISIT) -> OutgoingDocuments:
    return OutgoingDocuments(CONTROL_ID, "note-1", visit, documents, datetime(2026, 3, 19, 15, 20, tzinfo=UTC))


def document(content: bytes = b"%PDF-1.7", kind: str = "application/pdf", title: str = "Summary") -> Document:
    return Document(kind, title, base64.b64encode(content).decode())


def reason_of(call, *args) -> str:
    with pytest.raises(CannotExpress) as caught:
        call(*args)
    assert caught.value.__cause__ is None
    return caught.value.reason_code


class TestACdaDocumentReadAgain:
    def test_with_two_sections_of_one_title_loses_neither(self):
        assert read(section("Plan", "Rest.") + section("Plan", "Fluids.")) == {"Plan": "Rest.\n\nFluids."}

    def test_of_a_note_with_two_fields_of_one_label_proves_both(self):
        two = tuple(replace(value, label="Plan") for value in values(["Rest for two days.", "Fluids, plenty of them."]))
        found = ccda.texts(ccda.document(note(values=two)))
        text = "\n\n".join(f"{title}:\n{each}" for title, each in found.items())
        assert compare(two, Chart((ChartNote(CONTROL_ID, {}, text),), {}, "section"), CONTROL_ID).verified

    def test_does_not_find_what_somebody_commented_out(self):
        assert read(section("Plan", "Rest.<!-- and fluids --> Sleep.")) == {"Plan": "Rest. Sleep."}
        assert read(f"<!-- {section('Plan', 'Rest.')} -->") == {}

    def test_does_not_find_what_stands_in_an_instruction(self):
        assert read(section("Plan", "Rest.<?note and fluids?> Sleep.")) == {"Plan": "Rest. Sleep."}

    def test_reads_what_is_marked_as_characters_as_the_text_it_is(self):
        assert read(section("Plan", "<![CDATA[a < b & c]]> &lt;br/&gt; &#13;&#10;")) == {"Plan": "a < b & c <br/> \r\n"}

    def test_reads_a_text_through_whatever_marks_it_up(self):
        marked = "<paragraph>Cough <content ID='a'>for <sub>nine</sub></content> days<br/>No fever</paragraph>."
        assert read(section("HPI", marked)) == {"HPI": "Cough for nine days\nNo fever."}

    def test_reads_sections_within_sections_each_by_its_own_title(self):
        inner = (
            f"<section><title>Outer</title><text>One.</text><component>{section('Inner', 'Two.')}</component></section>"
        )
        assert read(inner) == {"Outer": "One.", "Inner": "Two."}

    def test_takes_no_section_of_another_namespace_for_one(self):
        assert read('<section xmlns="urn:other"><title>Plan</title><text>Rest.</text></section>') == {}

    @pytest.mark.parametrize(
        "definition",
        [
            '<!ENTITY a "Rest.">',
            '<!ENTITY a SYSTEM "file:///etc/hostname">',
            '<!ENTITY a SYSTEM "http://127.0.0.1:9/x">',
        ],
    )
    def test_never_puts_the_text_of_an_entity_in_its_place(self, definition):
        found = read(section("Plan", "Before &a; after"), f"<!DOCTYPE ClinicalDocument [{definition}]>")
        assert "Rest." not in found["Plan"]
        assert found["Plan"].startswith("Before ")

    def test_never_grows_by_entities_within_entities(self):
        nested = "".join(f'<!ENTITY e{at} "{f"&e{at - 1};" * 10 if at else "x" * 10}">' for at in range(12))
        try:
            found = read(section("Plan", "&e11;"), f"<!DOCTYPE ClinicalDocument [{nested}]>")["Plan"]
        except ValueError:  # as newer parsers refuse it by themselves
            found = ""
        assert len(found) < 100

    @pytest.mark.parametrize("cut", range(1, 60, 7))
    def test_cut_at_its_end_is_no_document(self, cut):
        raw = ccda.document(note())
        with pytest.raises(ValueError, match=r"^This is no XML document\.$"):
            ccda.texts(raw[:-cut])

    @pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "utf-8-sig"])
    def test_in_another_encoding_that_it_declares_is_read(self, encoding):
        name = {"utf-8-sig": "utf-8"}.get(encoding, encoding)
        text = f'<?xml version="1.0" encoding="{name}"?>{OPEN}{section("Plan", "Größe")}{CLOSE}'
        assert ccda.texts(text.encode(encoding)) == {"Plan": "Größe"}

    def test_in_another_encoding_than_it_declares_is_no_document(self):
        text = f'<?xml version="1.0" encoding="utf-8"?>{OPEN}{section("Plan", "Größe")}{CLOSE}'
        with pytest.raises(ValueError, match=r"^This is no XML document\.$"):
            ccda.texts(text.encode("iso-8859-1"))

    @given(st.binary(max_size=80))
    def test_of_any_bytes_is_read_or_no_document(self, raw):
        try:
            assert isinstance(ccda.texts(raw), dict)
        except ValueError as error:
            assert str(error) == "This is no XML document."  # noqa: PT017


class TestASectionInADocument:
    SENT = "HPI:\nDry cough, worse at night.\n\nPlan:\nRest."

    @pytest.mark.parametrize(
        "section, text, outcome",
        [
            ("Dry cough, worse at night.", "HPI: Dry cough, worse at night.", "verified"),
            ("Dry cough, worse at night.", "HPI: Dry cough, worse", "altered"),
            ("Dry cough, worse at night.", "Dry cough", "missing"),
            ("Dry cough, worse at night.", "dry cough, worse at night.", "missing"),
            ("Dry cough, worse at night.", "Dry cough, worse at night. Dry cough, worse at night.", "duplicated"),
            ("Rest.", "Plan: Rest.", "verified"),
            ("Rest.", "Plan: Resting.", "missing"),
            ("Rest.", "Arrest.", "missing"),
            ("Rest.", "Rest. Rest.", "duplicated"),
            ("Rest.", "", "missing"),
        ],
    )
    def test_is_there_once_there_twice_changed_or_not_there(self, section, text, outcome):
        assert in_document.outcome(section, self.SENT, text) == outcome

    def test_that_was_sent_twice_has_to_stand_there_twice(self):
        sent = "Normal findings.\n\nNormal findings."
        assert in_document.outcome("Normal findings.", sent, sent) == "verified"
        assert in_document.outcome("Normal findings.", sent, "Normal findings.") == "missing"
        assert in_document.outcome("Normal findings.", sent, "Normal findings. " * 3) == "duplicated"

    @given(st.lists(WILD.filter(lambda one: len(one.strip()) >= 12), min_size=1, max_size=4, unique=True))
    def test_of_a_plain_document_as_sent_is_never_called_lost(self, texts):
        made = note(*texts)
        seen = in_document.look(made.values, fhir_document.plain(made).decode())
        assert {outcome for _, _, outcome in seen} <= {"verified", "duplicated"}

    def test_of_a_field_without_contributions_is_the_field(self):
        (row,) = in_document.look([FieldValue("NF-01", "HPI", 1, "Dry cough, worse.", ())], "Dry cough, worse.")
        assert (row[1].title, row[2]) == ("HPI", "verified")

    def test_of_each_contribution_is_looked_for_alone(self):
        parts = (Contribution(0, "a", "A", "First section text."), Contribution(1, "b", "B", "Second section text."))
        value = FieldValue("NF-01", "HPI", 1, "First section text.\nSecond section text.", parts)
        outcomes = [row[2] for row in in_document.look([value], "Second section text.")]
        assert outcomes == ["missing", "verified"]


class TestAttachedDocumentsReadBack:
    BODY = fhir_attachments.render(outgoing(document(), document(b"second", "text/plain", ""))).body

    def outcomes(self, chart: dict[str, list[bytes]]) -> list[str]:
        return [row.outcome for row in fhir_attachments.compare(self.BODY, chart).sections]

    def test_swapped_with_each_other_are_both_not_as_sent(self):
        chart = {f"{CONTROL_ID}.1": [b"second"], f"{CONTROL_ID}.2": [b"%PDF-1.7"]}
        assert self.outcomes(chart) == ["altered", "altered"]

    def test_under_a_number_that_only_begins_alike_are_not_there(self):
        assert self.outcomes({f"{CONTROL_ID}.10": [b"%PDF-1.7"], f"{CONTROL_ID}": [b"second"]}) == [
            "missing",
            "missing",
        ]

    def test_there_twice_are_duplicated_though_one_of_them_differs(self):
        assert self.outcomes({f"{CONTROL_ID}.1": [b"%PDF-1.7", b"other"], f"{CONTROL_ID}.2": [b"second"]}) == [
            "duplicated",
            "verified",
        ]

    @pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n", b"%PDF-1.", b"%pdf-1.7", b"\xef\xbb\xbf%PDF-1.7"])
    def test_of_one_byte_more_or_less_are_altered(self, content):
        assert self.outcomes({f"{CONTROL_ID}.1": [content], f"{CONTROL_ID}.2": [b"second"]}) == ["altered", "verified"]

    def test_with_something_of_nobodys_beside_them_are_as_sent(self):
        chart = {f"{CONTROL_ID}.1": [b"%PDF-1.7"], f"{CONTROL_ID}.2": [b"second"], f"{CONTROL_ID}.3": [b"third"]}
        assert self.outcomes(chart) == ["verified", "verified"]

    @given(st.binary(min_size=1, max_size=60), st.data())
    def test_with_any_one_byte_changed_are_altered(self, content, data):
        body = fhir_attachments.render(outgoing(document(content))).body
        at = data.draw(st.integers(0, len(content) - 1))
        other = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        (row,) = fhir_attachments.compare(body, {f"{CONTROL_ID}.1": [other]}).sections
        assert row.outcome == "altered"
        assert row.sent != row.in_chart


class TestAClinicalNote:
    def message(self, of, **changes) -> str:
        return clinical_notes.message(of, fhir_settings(**changes)).decode()

    @pytest.mark.parametrize("label", ["", " ", "x" * 201, "two\nlines"])
    def test_whose_section_has_no_name_that_ecw_could_know_names_its_field(self, label):
        bad = replace(values(["a"])[0], label=label)
        with pytest.raises(CannotExpress) as caught:
            self.message(note(values=(bad,)))
        assert (caught.value.reason_code, caught.value.places) == ("fhir_section_name", ("/fields/NF-01",))

    def test_whose_name_has_exactly_two_hundred_characters_passes(self):
        long = replace(values(["a"])[0], label="x" * 200)
        assert f"||{'x' * 200}^{'x' * 200}\r" in self.message(note(values=(long,)))

    @pytest.mark.parametrize("name", ["A|B", "A^B", "A&B", "A~B", "A\\B", "A\\F\\B"])
    def test_escapes_a_name_with_a_separator_in_both_components(self, name):
        row = replace(values(["a"])[0], label=name)
        obr = self.message(note(values=(row,))).split("\r")[2]
        first, second = obr.split("|")[4].split("^")
        assert first == second
        assert lint.decode(first) == name

    @pytest.mark.parametrize("encounter", ["E|1", "E^1", "E\\1"])
    def test_of_a_visit_that_fhir_cannot_name_never_leaves(self, encounter):
        assert reason_of(clinical_notes.render, for_visit(encounter_id=encounter), fhir_settings()) == "fhir_id"

    @pytest.mark.parametrize(
        "found, reason",
        [
            (("E5001", "E5002"), "lint_obr_2"),
            (("||P1001", "||P9999"), "lint_pid_3"),
            ((CONTROL_ID, CONTROL_ID[::-1]), "lint_msh_10"),
            (("Chief Complaint^", "Chief Complain^"), "lint_obr_4"),
            (("nine days", "nine day"), "lint_obx_5"),
            (("OBX|1|TX", "NTE|1|TX"), "lint_segments"),
            (("Cough", "Cough\rOBX|1|TX|||"), "lint_segments"),
            (("Cough", "Cough\\Z\\"), "lint_escape"),
        ],
    )
    def test_that_says_anything_else_than_the_note_is_caught(self, found, reason):
        of = note()
        names = [value.label for value in of.values]
        text = self.message(of)
        clinical_notes._check(text, of, names)
        assert reason_of(clinical_notes._check, text.replace(*found, 1), of, names) == reason

    def test_is_a_test_in_a_sandbox_and_says_so(self):
        assert self.message(note()).split("\r")[0].split("|")[10:12] == ["T", "2.4"]

    def test_carries_nothing_of_the_patient_but_the_id(self):
        text = self.message(note())
        assert "P1001" in text
        assert not [word for word in ("Okafor", "Lena", "1981", "19810719", "Ann") if word in text]


class TestDocumentsByHl7:
    def body(self) -> str:
        return hl7_documents.render(outgoing(document(), document(b"x", "image/png", "Scan")), SETTINGS).body.decode()

    def checked(self, text: str) -> None:
        head = hl7_documents.head_of(outgoing(), SETTINGS)
        wanted = [(["DOCUMENT", title, "L"], content) for title, content in (("Summary", b"%PDF-1.7"), ("Scan", b"x"))]
        lint.check_documents(text.encode(), head, wanted)

    def test_pass_the_second_parser_as_they_are(self):
        self.checked(self.body())

    @pytest.mark.parametrize(
        "found, reason",
        [
            (("eA==", "eQ=="), "lint_obx_5"),
            (("eA==", "eA="), "lint_obx_5"),
            (("eA==", "e!A=="), "lint_obx_5"),
            (("eA==", "größe"), "lint_obx_5"),
            (("eA==", ""), "lint_obx_5"),
            (("^Base64^eA==", "^base64^eA=="), "lint_obx_3"),
            (("^Base64^eA==", "^Base64"), "lint_obx_3"),
            (("Scan", "Scam"), "lint_obx_3"),
            (("OBX|2|ED", "OBX|3|ED"), "lint_obx_fields"),
            (("OBX|2|ED", "OBX|2|FT"), "lint_obx_fields"),
            (("||||||F\r", "||||||P\r"), "lint_obx_fields"),
            (("||||||F\r", "|||||||F\r"), "lint_obx_fields"),
            (("P1001", "P1002"), "lint_pid_3"),
            (("^Base64^eA==", "^Base64^eA==~eA=="), "lint_repetition"),
            (("^Base64^eA==", "^Base64^eA==&x"), "lint_subcomponent"),
        ],
    )
    def test_changed_anywhere_never_leave(self, found, reason):
        text = self.body()
        at = text.rindex(found[0])
        assert reason_of(self.checked, text[:at] + text[at:].replace(*found, 1)) == reason

    @pytest.mark.parametrize("data", ["", " \n", "no base64!", "QQ", "QQ===="[:3] + "\x00"])
    def test_without_bytes_are_named_by_their_place(self, data):
        with pytest.raises(CannotExpress) as caught:
            hl7_documents.render(outgoing(document(), Document("application/pdf", "", data)), SETTINGS)
        assert (caught.value.reason_code, caught.value.places) == ("hl7_document", ("/attachments/1/data",))

    def test_of_a_visit_without_a_patient_are_named_by_what_is_missing(self):
        visit = replace(VISIT, patient=replace(VISIT.patient, id="", family=""))
        with pytest.raises(CannotExpress) as caught:
            hl7_documents.render(outgoing(document(), visit=visit), SETTINGS)
        assert caught.value.places == ("/patient/id", "/patient/family")


class TestABirthDate:
    @pytest.mark.parametrize(
        "born", ["١٩٨١-٠٧-١٩", "１９８１-07-19", "1981-07-19\n", " 1981-07-19", "1981-7-19", "19810719"]
    )
    def test_in_other_digits_or_another_form_never_leaves(self, born):
        with pytest.raises(CannotExpress) as caught:
            hl7.render(for_patient(birth_date=born), SETTINGS)
        assert (caught.value.reason_code, caught.value.places) == ("hl7_birth_date", ("/patient/birth_date",))


class TestAPlaceInTheNote:
    @pytest.mark.parametrize(
        "of, place",
        [
            (for_patient(given="a\x0bb"), "/patient/given"),
            (for_patient(family="a\nb"), "/patient/family"),
            (for_visit(provider_given="\x1c"), "/provider/given"),
            (for_visit(provider_id="DR\r7"), "/provider/id"),
            (for_visit(encounter_id="E\x005"), "/encounter/id"),
            (replace(note(), template_name="a\x08b"), "/template"),
            (replace(note(), template_code="a\nb"), "/template"),
        ],
    )
    def test_of_a_control_character_is_named_and_its_text_is_not(self, of, place):
        with pytest.raises(CannotExpress) as caught:
            hl7.render(of, SETTINGS)
        assert (caught.value.reason_code, caught.value.places) == ("hl7_control_character", (place,))
        assert str(caught.value) == "hl7_control_character"

    def test_of_several_are_all_named_in_the_order_of_the_message(self):
        row = replace(values(["a\x01"])[0], label="b\x02")
        of = replace(for_patient(given="a\x0b"), template_name="\x03", values=(row,))
        assert hl7.unwritable(of) == ["/patient/given", "/template", "/fields/NF-01"]

    @given(st.sampled_from(["id", "family", "given"]), st.integers(0, 31) | st.just(127))
    def test_of_every_control_character_in_every_part_of_a_patient_is_found(self, part, number):
        character = chr(number)
        found = hl7.unwritable(for_patient(**{part: f"a{character}b"}))
        assert found == ([] if character == "\t" else [f"/patient/{part}"])


class TestAPdf:
    @pytest.mark.parametrize("text", ["<b>bold</b>", "a & b", "&lt;", "<br/>", "</para>", "<img src='file:///etc/x'/>"])
    def test_of_a_text_that_looks_like_markup_is_made_and_fetches_nothing(self, text):
        assert fhir_document.pdf(note(text)).startswith(b"%PDF-")

    def test_names_every_field_its_fonts_cannot_show_and_no_other(self):
        with pytest.raises(CannotExpress) as caught:
            fhir_document.pdf(note("good", "漢", "é – “quoted” €", "🫁"))
        assert caught.value.places == ("/fields/NF-02", "/fields/NF-04")

    def test_of_another_note_has_other_bytes(self):
        assert fhir_document.pdf(note("one")) != fhir_document.pdf(note("two"))


def test_every_reason_of_the_second_parser_is_explained():
    assert "lint" in CATALOGUE


@given(st.text("\\EFSTR.brXZ|^", max_size=12))
def test_any_play_of_escapes_is_read_or_refused_as_one(text):
    try:
        read_as = lint.decode(text)
    except CannotExpress as error:
        assert error.reason_code == "lint_escape"  # noqa: PT017
    else:
        assert hl7.escape(read_as).replace("\n", "\\.br\\").count("\\") >= text.count("\\")


@given(st.lists(WILD, min_size=1, max_size=3))
def test_a_clinical_note_in_its_bundle_is_the_message_and_nothing_else(texts):
    made = note(*texts)
    (entry,) = json.loads(clinical_notes.render(made, fhir_settings()).body)["entry"]
    attachment = entry["resource"]["content"][0]["attachment"]
    assert base64.b64decode(attachment["data"]) == clinical_notes.message(made, fhir_settings())
