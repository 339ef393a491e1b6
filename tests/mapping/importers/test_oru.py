"""A template from a sample ORU^R01: its OBX segments, and nothing of what they say about a patient."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.importers import limited, read_file
from mapping.importers.base import ImportedField, ImportRefused
from mapping.importers.reading import templates_of
from tests.mapping.importers.workbooks import outcome

SAMPLE = (
    "MSH|^~\\&|ECW|NORTHFAC|SCRIBE|LAKE|20260319101500||ORU^R01^ORU_R01|MSG1|P|2.5.1\r"
    "PID|1||P1001||Quackenbush^Zephyrine||19570213|F\r"
    "OBR|1|E5001||FM-PROGRESS^Family Medicine Progress Note|||20260319\r"
    "OBX|1|TX|NF-01^Chief Complaint^L||Xylophonic cough.||||||F\r"
    "OBX|2|FT|NF-02^HPI \\T\\ Course^L||Nine days.||||||F\r"
    "OBX|3|CWE|NF-03^Diagnosis^L||I10^Hypertension^I10||||||F\r"
)


def one(text, name="sample.hl7"):
    (template,) = read_file(name, text.encode())
    return template


def refusal(text, name="sample.hl7"):
    with pytest.raises(ImportRefused) as refused:
        read_file(name, text.encode())
    return str(refused.value)


def test_identifiers_labels_types_and_order_come_from_the_obx_segments():
    template = one(SAMPLE)
    assert (template.code, template.name) == ("FM-PROGRESS", "Family Medicine Progress Note")
    assert template.fields == (
        ImportedField("NF-01", "Chief Complaint", 1, "free_text"),
        ImportedField("NF-02", "HPI & Course", 2, "free_text"),
        ImportedField("NF-03", "Diagnosis", 3, "structured"),
    )


def test_nothing_of_the_patient_or_of_the_texts_is_kept():
    kept = repr(templates_of(limited.read("sample.hl7", SAMPLE.encode())))
    assert [
        word for word in ("Quackenbush", "P1001", "1957", "Xylophonic", "Nine days", "I10", "E5001") if word in kept
    ] == []
    assert "texts of the sample were not kept" in kept


def test_what_a_sample_cannot_show_is_said():
    notes = " ".join(one(SAMPLE).notes)
    assert "only the fields it fills" in notes
    assert "site NORTHFAC" in notes


@pytest.mark.parametrize("ending", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("frame", [("", ""), ("\x0b", "\x1c\r")])
@pytest.mark.parametrize("name", ["sample.hl7", "sample.txt"])
def test_line_ends_and_framing_do_not_matter(ending, frame, name):
    assert len(one(frame[0] + SAMPLE.replace("\r", ending) + frame[1], name).fields) == 3


def test_other_encoding_characters_are_those_of_msh():
    text = SAMPLE.replace("\\T\\", "and").replace("^", "$").replace("|$~", "|^~", 0)
    assert [field.field_id for field in one(text).fields] == ["NF-01", "NF-02", "NF-03"]


def test_lines_of_one_text_are_one_field():
    more = "OBX|4|TX|NF-07^Notes||First line.\rOBX|5|TX|NF-07^Notes||Second line.\r"
    assert [field.field_id for field in one(SAMPLE + more).fields][3:] == ["NF-07"]


def test_a_field_that_comes_again_later_is_a_refused_row():
    template = one(SAMPLE + "OBX|4|TX|NF-01^Chief Complaint||Again.\r")
    assert [(row.place, row.reason) for row in template.refused] == [
        ("OBX 4", "the field identifier NF-01 stands already in OBX 1")
    ]


def test_an_obx_without_identifier_is_a_refused_row():
    assert [row.reason for row in one(SAMPLE + "OBX|4|TX|^Plan||Rest.\r").refused] == ["it has no field identifier"]


def test_a_file_of_several_messages_has_several_templates():
    second = SAMPLE.replace("FM-PROGRESS^Family Medicine", "KNEE^Knee").replace("NF-", "K-")
    first, other = read_file("samples.hl7", (SAMPLE + second).encode())
    assert (first.code, other.code) == ("FM-PROGRESS", "KNEE")


def test_the_same_template_twice_is_refused():
    assert "FM-PROGRESS twice" in refusal(SAMPLE + SAMPLE)


@pytest.mark.parametrize(
    "text, said",
    [
        (SAMPLE.replace("ORU^R01^ORU_R01", "ADT^A01"), "Message 1 is ADT: a sample must be an ORU^R01"),
        (SAMPLE[: SAMPLE.index("OBX")], "has no OBX segment"),
        ("PID|1\r" + SAMPLE, "does not begin with an MSH segment"),
        ("MSH|", "a sample must be an ORU^R01"),
        (SAMPLE.replace("OBR|1|E5001||FM-PROGRESS", "OBR|1|E5001||FM-PROGRESS") * 51, "51 messages; 50 are the most"),
    ],
)
def test_what_is_no_sample_is_refused(text, said):
    assert said in refusal(text) or "cannot be read as HL7" in refusal(text)


def test_a_refusal_repeats_nothing_of_the_message():
    said = refusal(SAMPLE.replace("ORU^R01", "ADT^A08"))
    assert "Quackenbush" not in said
    assert "P1001" not in said


@given(st.text(max_size=200))
def test_whatever_follows_msh_is_a_template_or_a_refusal(noise):
    assert outcome("t.hl7", ("MSH|^~\\&|" + noise).encode())


@given(st.lists(st.text(alphabet="|^~\\&\rOBX1TX", max_size=30), max_size=6))
def test_whatever_segments_follow_is_a_template_or_a_refusal(segments):
    assert outcome("t.hl7", (SAMPLE + "\r".join(segments)).encode())
