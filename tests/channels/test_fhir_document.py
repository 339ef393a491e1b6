"""A note as one document: plain text, PDF, C-CDA. Every word of it comes back, or nothing is sent."""

from dataclasses import replace

import pytest
from hypothesis import given
from lxml import etree

from delivery.channels import ccda, fhir_document
from delivery.channels.base import CannotExpress
from mapping.note import Contribution
from tests.channels.fhir_notes import SCHEMAS, attachment, settings
from tests.channels.notes import NASTY, PATIENT, VISIT, WILD_NOTES, note, values

N = {"v": "urn:hl7-org:v3"}


def coded(*codes: str):
    made = values([f"Text of {code}." for code in codes])
    return note(
        values=tuple(
            replace(value, contributions=(Contribution(0, code, "", value.text),))
            for value, code in zip(made, codes, strict=True)
        )
    )


@pytest.mark.parametrize(
    "form, kind", [("text", "text/plain; charset=utf-8"), ("pdf", "application/pdf"), ("ccda", "application/xml")]
)
def test_each_form_travels_under_its_type_with_equal_bytes(form, kind):
    one, two = (fhir_document.render(note(), settings(document_form=form)).body for _ in range(2))
    assert one == two
    assert attachment(one)[0] == kind


@given(WILD_NOTES)
def test_plain_text_holds_every_text_as_it_is(made):
    text = fhir_document.plain(made).decode()
    assert text == "\n\n".join(f"{value.label}:\n{value.text}" for value in made.values) + "\n"


@given(WILD_NOTES)
def test_every_wild_text_comes_back_from_a_ccda_or_is_refused(made):
    try:
        raw = ccda.document(made)
    except CannotExpress as refused:
        assert refused.reason_code == "ccda_character"  # noqa: PT017
        return
    # XML reads CR as a line end and knows no other C1 controls than itself; the API lets neither CR nor C0 in.
    assert ccda.texts(raw) == {value.label: value.text for value in made.values}


def test_nasty_texts_come_back_from_a_ccda():
    kept = [text for text in NASTY if "\U0010ffff" not in text]
    assert list(ccda.texts(ccda.document(note(*kept))).values()) == kept


def test_a_pdf_is_one_and_refuses_what_its_fonts_cannot_show():
    raw = fhir_document.pdf(note())
    assert raw.startswith(b"%PDF-")
    assert raw.rstrip().endswith(b"%%EOF")
    with pytest.raises(CannotExpress, match="pdf_characters"):
        fhir_document.pdf(note("SpO₂ 98 %"))


def schema() -> etree.XMLSchema:
    path = SCHEMAS / "cda" / "infrastructure" / "cda" / "CDA_SDTC.xsd"
    if not path.exists():
        pytest.skip("no CDA schema of HL7 here: name a folder with cda/infrastructure in SCRIBEPORT_SCHEMAS")
    return etree.XMLSchema(etree.parse(str(path)))


@pytest.mark.parametrize(
    "made",
    [
        note(),
        coded("chief_complaint", "history_of_present_illness", "assessment", "plan"),
        coded("assessment_and_plan"),
        note("one", visit=replace(VISIT, start=None, provider_npi="", provider_family="", provider_given="")),
        note("one", visit=replace(VISIT, patient=replace(PATIENT, sex="", birth_date="", given=""))),
    ],
    ids=["golden", "coded", "joined", "no start or author", "bare patient"],
)
def test_a_ccda_is_valid_by_hl7s_schema(made):
    check = schema()
    assert check.validate(etree.fromstring(ccda.document(made))), check.error_log


def test_the_schema_would_notice():
    check = schema()
    assert not check.validate(etree.fromstring(ccda.document(note()).replace(b"realmCode", b"kingdomCode")))


def test_a_ccda_is_a_progress_note_of_2015():
    root = etree.fromstring(ccda.document(coded("assessment", "plan")))
    templates = [(each.get("root"), each.get("extension")) for each in root.findall("v:templateId", N)]
    assert templates == [
        ("2.16.840.1.113883.10.20.22.1.1", "2015-08-01"),
        ("2.16.840.1.113883.10.20.22.1.9", "2015-08-01"),
    ]
    assert root.find("v:code", N).get("code") == "11506-3"
    assert root.find("v:componentOf/v:encompassingEncounter/v:effectiveTime/v:low", N) is not None
    assert root.find("v:componentOf//v:healthCareFacility/v:id", N) is not None
    assert [each.get("code") for each in root.findall(".//v:section/v:code", N)] == ["51848-0", "18776-5"]


def test_assessment_and_plan_never_stand_in_both_forms():
    with pytest.raises(CannotExpress, match="ccda_both_forms"):
        ccda.document(coded("assessment_and_plan", "plan"))


def test_a_document_of_others_cannot_reach_files_or_grow_without_end():
    bomb = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x xmlns="urn:hl7-org:v3"><section><title>t</title><text>&a;</text></section></x>'
    assert "root" not in str(ccda.texts(bomb))
    with pytest.raises(ValueError):
        ccda.texts(b"<html>not closed")
