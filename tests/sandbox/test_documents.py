"""Documents (OBX of type ED) at the simulated eCW: every spelling is read, what is broken is refused, none is a field."""

import base64

import pytest

from sandbox.hl7 import read
from sandbox.oru import Refusal, check_header, read_note

DATA = base64.b64encode(b"synthetic").decode()
HEAD = "MSH|^~\\&|S||ECW|NORTH|20260319||ORU^R01|C1|T|2.5.1\rPID|||P1||Roe^Sam\rOBR|1|E1|N1|DOCUMENT^Documents^L\r"


def message(*obx: str):
    found = read((HEAD + "".join(f"{line}\r" for line in obx)).encode())
    check_header(found)
    return read_note(found)


def refused(*obx: str) -> str:
    with pytest.raises(Refusal) as caught:
        message(*obx)
    assert caught.value.code == "AE"
    return caught.value.text


@pytest.mark.parametrize(
    "spelled, content_type",
    [
        ("^application^pdf^Base64", "application/pdf"),
        ("^AP^PDF^Base64", "application/pdf"),
        ("^^PDF^Base64", "application/pdf"),
        ("^Application^PDF^BASE64", "application/pdf"),
        ("^IM^JPEG^base64", "image/jpeg"),
        ("^TEXT^plain^Base64", "text/plain"),
        ("SENDER^image^png^Base64", "image/png"),
    ],
)
def test_every_spelling_of_a_type_is_read(spelled, content_type):
    [found] = message(f"OBX|1|ED|DOC^Scan^L||{spelled}^{DATA}||||||F").documents
    assert (found.content_type, found.content, found.title, found.field_id) == (
        content_type,
        b"synthetic",
        "Scan",
        "DOC",
    )


def test_several_stand_in_their_order_and_none_is_an_observation():
    note = message(*(f"OBX|{place}|ED|D{place}||^AP^PDF^Base64^{DATA}||||||F" for place in (1, 2, 3)))
    assert [one.field_id for one in note.documents] == ["D1", "D2", "D3"]
    assert note.observations == ()


@pytest.mark.parametrize(
    "obx, words",
    [
        (f"OBX|1|ED|D||^AP^PDF^A^{DATA}||||||F", "no Base64 document"),
        ("OBX|1|ED|D||^AP^PDF^Base64||||||F", "no Base64 document"),
        ("OBX|1|ED|D||^AP^PDF^Base64^||||||F", "OBX-5 is empty"),
        ("OBX|1|ED|D||^AP^PDF^Base64^Q||||||F", "cannot be decoded"),
        ("OBX|1|ED|D||^AP^PDF^Base64^QQ=*||||||F", "cannot be decoded"),
        (f"OBX|2|ED|D||^AP^PDF^Base64^{DATA}||||||F", "not numbered"),
        (f"OBX|1|ED|||^AP^PDF^Base64^{DATA}||||||F", "OBX-3 is empty"),
        (f"OBX|1|ED|D||^AP^PDF^Base64^{DATA}", "OBX-11 is empty"),
    ],
)
def test_what_is_broken_is_refused_with_its_reason(obx, words):
    assert words in refused(obx)


def test_texts_and_documents_are_not_mixed_in_one_message():
    mixed = refused("OBX|1|FT|NF-01||text||||||F", f"OBX|2|ED|D||^AP^PDF^Base64^{DATA}||||||F")
    assert "OBX-2 is none of FT, ST, TX" in mixed
