"""A message field by field, by the addresses its standard gives."""

import json

import pytest

from delivery.message_tree import LONGEST, MOST, tree
from tests.delivery.rows import make_delivery

HL7 = [
    r"MSH|^~\&|SCRIBE|CLINIC|ECW||20260319||ORU^R01|C1|P|2.3",
    "PID|1||P1001||Okafor^Lena||19810719|F",
    "OBX|1|TX|NF-01^Chief Complaint||Cough for nine days.",
    "OBX|2|TX|NF-02||Dry cough",
]


def test_hl7_by_segment_field_and_component_with_repeated_segments_numbered():
    rows = dict(tree("application/hl7-v2", HL7))
    assert (rows["MSH-1"], rows["MSH-2"]) == ("|", r"^~\&")
    assert (rows["MSH-9.1"], rows["MSH-9.2"], rows["MSH-10"]) == ("ORU", "R01", "C1")
    assert (rows["PID-3"], rows["PID-5.1"], rows["PID-5.2"]) == ("P1001", "Okafor", "Lena")
    assert (rows["OBX-3.1"], rows["OBX[2]-3"], rows["OBX[2]-5"]) == ("NF-01", "NF-02", "Dry cough")
    assert "PID-2" not in rows, "empty"


def test_json_by_its_paths():
    said = {"resourceType": "Bundle", "entry": [{"resource": {"status": "current", "n": 1, "no": None}}]}
    assert tree("application/fhir+json", [json.dumps(said)]) == [
        ("resourceType", "Bundle"),
        ("entry[0].resource.status", "current"),
        ("entry[0].resource.n", "1"),
        ("entry[0].resource.no", "null"),
    ]


def test_xml_by_its_elements_without_namespaces_comments_or_entities():
    text = '<a xmlns="urn:x"><!-- no --><b code="1">one</b><b>two</b><c/></a>'
    assert tree("text/xml", [text]) == [("a/b[1]/@code", "1"), ("a/b[1]", "one"), ("a/b[2]", "two")]
    evil = '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>'
    assert "root" not in str(tree("text/xml", [evil]))


def test_what_is_long_is_cut_and_says_its_length_and_a_message_of_megabytes_its_beginning():
    ((_, value),) = tree("application/json", [json.dumps({"data": "x" * 5000})])
    assert len(value) < LONGEST + 40
    assert "5,000 characters" in value
    assert len(tree("application/json", [json.dumps(list(range(MOST + 9)))])) == MOST


@pytest.mark.parametrize(
    "kind, text", [("text/plain", "x"), ("application/json", "{"), ("text/xml", "<a>"), ("application/hl7-v2", "")]
)
def test_what_is_broken_or_of_no_known_kind_has_no_rows(kind, text):
    assert [row for row in tree(kind, [text]) if row[1]] == []


@pytest.mark.django_db
def test_it_stands_folded_below_the_message(cast, client):
    one = make_delivery(cast)
    client.force_login(cast.dana)
    page = client.post(f"/deliveries/{one.pk}/content/message/").content.decode()
    assert "Field by field" in page
