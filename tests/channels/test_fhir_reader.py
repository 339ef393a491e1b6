"""Reading by FHIR: our documents by their identifier, sections in their text; nothing else passes for "not there"."""

import base64
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.channels import ccda, fhir_document
from delivery.channels.base import Chart, ChartNote, Unavailable
from delivery.channels.compare import compare
from delivery.channels.fhir_reader import FhirReader
from delivery.channels.fhir_search import SEPARATING, TYPES, FhirClient
from delivery.failures import CATALOGUE
from mapping.note import Contribution
from tests.channels.fhir_notes import Given, here, settings
from tests.channels.notes import CONTROL_ID, OTHER_ID, VISIT, note

BASE = "/fhir/r4/LAKESI"


def planned():
    return tuple(
        replace(value, contributions=(Contribution(place, f"s{place}", value.label, value.text),))
        for place, value in enumerate(note().values)
    )


def client(httpserver, credentials=None) -> FhirClient:
    return FhirClient(settings(base_url=httpserver.url_for(BASE)), credentials or Given(), here)


def document(url: str, control_id: str = CONTROL_ID, patient: str = "P1001") -> dict:
    return {
        "resourceType": "DocumentReference",
        "id": "doc.1",
        "masterIdentifier": {"system": "urn:scribeport:message", "value": control_id},
        "subject": {"reference": f"Patient/{patient}"},
        "content": [{"attachment": {"contentType": "text/plain", "url": url}}],
    }


def bundle(*resources: dict, **more) -> dict:
    entries = [{"resource": each} for each in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **more}


def binary(content: bytes, kind: str = "text/plain; charset=utf-8") -> dict:
    return {"resourceType": "Binary", "contentType": kind, "data": base64.b64encode(content).decode()}


def charted(httpserver, content: bytes, kind: str = "text/plain; charset=utf-8") -> Chart:
    httpserver.expect_request(f"{BASE}/Binary/doc.1").respond_with_json(binary(content, kind))
    found = bundle(document(httpserver.url_for(f"{BASE}/Binary/doc.1")))
    httpserver.expect_request(f"{BASE}/DocumentReference").respond_with_json(found)
    return FhirReader(client(httpserver)).read(VISIT)


def fails(made: FhirClient) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        FhirReader(made).read(VISIT)
    assert caught.value.reason_code in CATALOGUE
    return caught.value


def outcomes(chart: Chart) -> list[str]:
    return [section.outcome for section in compare(planned(), chart, CONTROL_ID).sections]


def test_a_document_as_sent_verifies_every_section_at_section_grade(httpserver):
    back = compare(planned(), charted(httpserver, fhir_document.plain(note())), CONTROL_ID)
    assert back.verified
    assert back.grade == "section"
    assert [section.found_in for section in back.sections] == [""] * 4  # which field cannot be said
    asked = httpserver.log[0][0].args.to_dict()
    assert asked == {"patient": "P1001", "encounter": "E5001"}


def test_a_ccda_is_read_section_by_section(httpserver):
    chart = charted(httpserver, ccda.document(note(values=planned())), "application/xml")
    assert compare(planned(), chart, CONTROL_ID).verified


def test_a_pdf_proves_that_the_document_is_there_and_no_more(httpserver):
    back = compare(planned(), charted(httpserver, b"%PDF-1.4", "application/pdf"), CONTROL_ID)
    assert (back.found, back.grade, back.sections) == (True, "document", ())


def test_A19_a_dropped_section_is_missing(httpserver):
    text = fhir_document.plain(note()).replace(b"Lungs clear. SpO2 98 % | pulse 72.", b"")
    assert outcomes(charted(httpserver, text)) == ["verified", "verified", "missing", "verified"]


def test_A21_a_cut_section_is_altered(httpserver):
    text = fhir_document.plain(note()).replace(b" SpO2 98 % | pulse 72.", b"")
    assert outcomes(charted(httpserver, text)) == ["verified", "verified", "altered", "verified"]


def test_a_section_that_stands_twice_is_duplicated(httpserver):
    text = fhir_document.plain(note()) + b"\nCough for nine days.\n"
    assert outcomes(charted(httpserver, text))[0] == "duplicated"


def test_a_note_filed_twice_is_duplicated_as_a_whole():
    twice = (ChartNote(CONTROL_ID, {}, fhir_document.plain(note()).decode()),) * 2
    assert set(outcomes(Chart(twice, {}, "section"))) == {"duplicated"}


def test_what_is_not_ours_is_not_found(httpserver):
    httpserver.expect_request(f"{BASE}/Binary/x").respond_with_json(binary(fhir_document.plain(note())))
    found = bundle(document("Binary/x", OTHER_ID), {**document("Binary/x"), "masterIdentifier": None})
    httpserver.expect_request(f"{BASE}/DocumentReference").respond_with_json(found)
    back = compare(planned(), FhirReader(client(httpserver)).read(VISIT), CONTROL_ID)
    assert (back.found, back.grade) == (False, "section")


def test_an_encounter_without_documents_is_an_empty_chart(httpserver):
    httpserver.expect_request(f"{BASE}/DocumentReference").respond_with_json(bundle())
    assert FhirReader(client(httpserver)).read(VISIT) == Chart((), {}, "section")


@pytest.mark.parametrize("url", ["http://attacker.example/Binary/1", "//attacker.example/x", "../../other/Binary/1"])
def test_A14_a_document_elsewhere_is_not_fetched(httpserver, url):
    httpserver.expect_request(f"{BASE}/DocumentReference").respond_with_json(bundle(document(url)))
    assert fails(client(httpserver)).reason_code == "read_elsewhere"
    assert len(httpserver.log) == 1


def test_A14_a_next_page_elsewhere_is_not_fetched_and_one_of_ours_is(httpserver):
    link = [{"relation": "next", "url": httpserver.url_for(f"{BASE}?page=2")}]
    httpserver.expect_request(f"{BASE}/DocumentReference").respond_with_json(bundle(link=link))
    httpserver.expect_request(BASE).respond_with_json(bundle())
    assert FhirReader(client(httpserver)).read(VISIT).filings == ()
    httpserver.clear()
    away = [{"relation": "next", "url": "http://attacker.example/fhir"}]
    httpserver.expect_request(f"{BASE}/DocumentReference").respond_with_json(bundle(link=away))
    assert fails(client(httpserver)).reason_code == "read_elsewhere"


def test_pages_without_end_are_cut(httpserver):
    link = [{"relation": "next", "url": httpserver.url_for(f"{BASE}/DocumentReference")}]
    httpserver.expect_request(f"{BASE}/DocumentReference").respond_with_json(bundle(link=link))
    assert fails(client(httpserver)).code == "pages"


def test_another_patients_document_never_passes(httpserver):
    found = bundle(document("Binary/1", patient="P9999"))
    httpserver.expect_request(f"{BASE}/DocumentReference").respond_with_json(found)
    assert fails(client(httpserver)).code == "patient"


@pytest.mark.parametrize(
    "status, reason",
    [
        (401, "read_unauthorized"),
        (403, "read_forbidden"),
        (404, "read_not_found"),
        (429, "rate_limited"),
        (500, "read_unavailable"),
        (302, "read_unreadable"),
    ],
)
def test_no_status_but_200_is_a_chart(httpserver, status, reason):
    httpserver.expect_request(f"{BASE}/DocumentReference").respond_with_json(bundle(), status)
    assert fails(client(httpserver)).reason_code == reason


@pytest.mark.parametrize(
    "body", [{}, {"resourceType": "OperationOutcome"}, {"resourceType": "Bundle", "type": "batch"}, []]
)
def test_what_is_no_search_is_unreadable(httpserver, body):
    httpserver.expect_request(f"{BASE}/DocumentReference").respond_with_json(body)
    assert fails(client(httpserver)).reason_code == "read_unreadable"


def test_the_calls_of_a_reading_are_counted(httpserver):
    credentials = Given()
    credentials.calls_left = 0
    found = bundle(document("Binary/doc.1"))
    httpserver.expect_request(f"{BASE}/DocumentReference").respond_with_json(found)
    error = fails(client(httpserver, credentials))
    assert (error.reason_code, error.retry_after > 0) == ("rate_limited", True)


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_type_is_searched_by_opaque_id_and_never_counted(httpserver, kind):
    wanted = {"resourceType": kind, "id": "a.b_c-1"}
    httpserver.expect_request(f"{BASE}/{kind}").respond_with_json(bundle(wanted, {**wanted, "id": "other"}))
    assert client(httpserver).one(kind, "a.b_c-1") == wanted
    assert httpserver.log[0][0].args.to_dict() == {"_id": "a.b_c-1"}
    assert client(httpserver).one(kind, "nobody") is None


@pytest.mark.parametrize(
    "value, asked",
    [
        ("P1,P2", "P1\\,P2"),
        ("P1|x", "P1\\|x"),
        ("$everything", "\\$everything"),
        ("P\\1", "P\\\\1"),
        ("a.b_c-1", "a.b_c-1"),
    ],
)
def test_S17_a_value_of_a_search_is_one_value_and_never_two(httpserver, value, asked):
    httpserver.expect_request(f"{BASE}/DocumentReference").respond_with_json(bundle())
    client(httpserver).search("DocumentReference", patient=value)
    assert httpserver.log[0][0].args.to_dict() == {"patient": asked}


@pytest.mark.parametrize("value", ["../Patient/2", "1?_id=2", "1&patient=2", "1#x", "%2e%2e/2", "a b", "é"])
def test_S17_an_id_changes_neither_path_nor_parameters(httpserver, value):
    httpserver.expect_request(f"{BASE}/Encounter").respond_with_json(bundle())
    assert client(httpserver).one("Encounter", value) is None
    asked, _ = httpserver.log[0]
    assert (asked.path, asked.args.to_dict()) == (f"{BASE}/Encounter", {"_id": value})


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30))
def test_S17_no_separator_of_fhir_stands_bare_in_a_value(value):
    escaped = SEPARATING.sub(r"\\\g<0>", value)
    assert re.sub(r"\\(.)", r"\1", escaped, flags=re.DOTALL) == value
    assert not re.search(r"(?<!\\)(?:\\\\)*[,$|]", escaped)


def test_other_types_are_not_read(httpserver):
    with pytest.raises(ValueError, match="not read here"):
        client(httpserver).search("Binary")


IN_THIS_VISIT = [
    {"encounter": [{"reference": "Encounter/E5001"}]},
    {"encounter": [{"reference": "https://ecw.example/fhir/Encounter/E5001"}]},
    {"encounter": [{"reference": "E5001"}]},
    {"encounter": [{"reference": "Encounter/E4999"}, {"reference": "Encounter/E5001"}]},
    {"encounter": {"reference": "Encounter/E5001"}},
    {"period": {"start": "2026-11-02T10:00:00Z"}},
    None,
]
IN_ANOTHER = [
    {"encounter": [{"reference": "Encounter/E4999"}]},
    {"encounter": [{"reference": "Encounter/E50011"}]},
    {"encounter": [{"reference": "Encounter/e5001"}]},
    {"encounter": [{"reference": "EpisodeOfCare/E5001"}]},
    {"encounter": [{"display": "E5001"}]},
    {"encounter": [{"reference": 5001}]},
    {"encounter": ["Encounter/E5001"]},
    {"encounter": []},
    {"encounter": "Encounter/E5001"},
]


def in_visit(httpserver, context: object, control_id: str = CONTROL_ID) -> FhirClient:
    text = fhir_document.plain(note())
    httpserver.expect_request(f"{BASE}/Binary/doc.1").respond_with_json(binary(text))
    one = {**document(httpserver.url_for(f"{BASE}/Binary/doc.1"), control_id), "context": context}
    httpserver.expect_request(f"{BASE}/DocumentReference").respond_with_json(bundle(one))
    return client(httpserver)


@pytest.mark.parametrize("context", IN_THIS_VISIT)
def test_a_document_of_this_visit_or_of_none_named_is_read(httpserver, context):
    assert compare(planned(), FhirReader(in_visit(httpserver, context)).read(VISIT), CONTROL_ID).verified


@pytest.mark.parametrize("context", IN_ANOTHER)
def test_our_document_in_another_visit_is_neither_there_nor_not_there(httpserver, context):
    """Verified it stood in the wrong place; not found it would be sent a second time."""
    error = fails(in_visit(httpserver, context))
    assert (error.reason_code, error.code) == ("read_unreadable", "encounter")
    assert len(httpserver.log) == 1, "its text is not fetched"


@pytest.mark.parametrize("context", IN_ANOTHER)
def test_an_attached_document_in_another_visit_is_neither_there_nor_not_there(httpserver, context):
    made = in_visit(httpserver, context, f"{CONTROL_ID}.1")
    with pytest.raises(Unavailable, match="read_unreadable encounter"):
        FhirReader(made).compare_documents(VISIT, CONTROL_ID, b"{}")


def test_somebody_elses_document_of_another_visit_says_nothing_of_ours(httpserver):
    httpserver.expect_request(f"{BASE}/Binary/doc.1").respond_with_json(binary(fhir_document.plain(note())))
    ours = {**document(httpserver.url_for(f"{BASE}/Binary/doc.1")), "context": IN_THIS_VISIT[0]}
    theirs = {**ours, "id": "doc.2", "masterIdentifier": None, "context": IN_ANOTHER[0]}
    httpserver.expect_request(f"{BASE}/DocumentReference").respond_with_json(bundle(theirs, ours))
    assert compare(planned(), FhirReader(client(httpserver)).read(VISIT), CONTROL_ID).verified
