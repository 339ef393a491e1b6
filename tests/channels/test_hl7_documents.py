"""Documents as ED in HL7: read again by two other parsers, in every spelling and version, bytes for bytes."""

import base64
from dataclasses import replace

import hl7 as python_hl7
import pytest
from hl7apy.parser import parse_message
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from delivery.channels import hl7_documents, lint
from delivery.channels.base import CannotExpress, OutgoingDocuments
from delivery.channels.hl7_settings import DOCUMENT_FORMS, VERSIONS, Hl7Settings
from delivery.documents import Document, decoded, documents_of
from delivery.failures import failure
from tests.channels.notes import CONTROL_ID, VISIT, note

PDF = b"%PDF-1.7\n" + bytes(range(256))


def document(
    content: bytes = PDF, content_type: str = "application/pdf", title: str = "After-visit summary"
) -> Document:
    return Document(content_type, title, base64.b64encode(content).decode())


def outgoing(*documents: Document, **changes) -> OutgoingDocuments:
    return OutgoingDocuments(CONTROL_ID, "0198-note", VISIT, documents or (document(),), note().created_at, **changes)


def own(**changes) -> Hl7Settings:
    return Hl7Settings.read({"host": "ecw.test", "port": 1, "receiving_facility": "NORTH", **changes}, {}, "sandbox")


def segments(body: bytes) -> list[list[str]]:
    """Split by hand, as a reader would who has neither library."""
    return [line.split("|") for line in body.decode().removesuffix("\r").split("\r")]


def test_one_document_is_one_obx_of_type_ed_whose_bytes_come_back():
    rows = segments(hl7_documents.render(outgoing(), own()).body)
    assert [row[0] for row in rows] == ["MSH", "PID", "PV1", "OBR", "OBX"]
    assert rows[4][1:5] == ["1", "ED", "DOCUMENT^After-visit summary^L", ""]
    *words, data = rows[4][5].split("^")
    assert words == ["", "application", "pdf", "Base64"]
    assert base64.b64decode(data, validate=True) == PDF
    assert (rows[4][11], len(rows[4])) == ("F", 12)


def test_obr_4_is_the_connections_word_for_documents_and_the_control_id_the_deliverys():
    rows = segments(hl7_documents.render(outgoing(), own(document_code="SCAN", document_field="PD.DOC")).body)
    assert rows[3][4] == "SCAN^Documents^L"
    assert rows[4][3] == "PD.DOC^After-visit summary^L"
    assert rows[0][9] == CONTROL_ID


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("form", DOCUMENT_FORMS)
def test_every_version_and_spelling_is_read_by_a_parser_that_has_not_seen_our_code(version, form):
    body = hl7_documents.render(outgoing(document(), document(b"GIF89a", "image/gif", "Wound")), own(
        version=version, document_form=form
    )).body  # fmt: skip
    read = python_hl7.parse(body.decode())
    found = [base64.b64decode(str(obx[5][0][4][0])) for obx in read.segments("OBX")]
    assert found == [PDF, b"GIF89a"]
    assert str(read["MSH.F12.R1"]) == version
    assert [str(obx[1]) for obx in read.segments("OBX")] == ["1", "2"]


def test_hl7apy_reads_the_ed_of_version_2_5_1_too():
    message = parse_message(hl7_documents.render(outgoing(), own()).body.decode(), find_groups=False)
    assert message.obx.obx_2.value == "ED"
    assert message.obx.obx_3.obx_3_2.value == "After-visit summary"
    *words, data = message.obx.obx_5.to_er7().split("^")
    assert words == ["", "application", "pdf", "Base64"]
    assert base64.b64decode(data) == PDF


@pytest.mark.parametrize(
    "content_type, form, wanted",
    [
        ("application/pdf", "mime", "^application^pdf^Base64^"),
        ("application/pdf", "table", "^AP^PDF^Base64^"),
        ("application/pdf", "short", "^^PDF^Base64^"),
        ("image/jpeg", "table", "^IM^JPEG^Base64^"),
        ("text/plain", "table", "^TEXT^PLAIN^Base64^"),
        ("application/vnd.ms-excel", "mime", "^application^vnd.ms-excel^Base64^"),
    ],
)
def test_a_type_is_spelled_as_agreed(content_type, form, wanted):
    body = hl7_documents.render(outgoing(document(content_type=content_type)), own(document_form=form)).body
    assert f"||{wanted}".encode() in body


@pytest.mark.parametrize("title", ["a|b^c&d~e\\f", "Übergabe – für Ann", "", "x" * 200, "(^_^) | & done"])
def test_a_title_of_any_characters_comes_back(title):
    body = hl7_documents.render(outgoing(document(title=title)), own()).body
    assert lint.Reading(body.decode()).components(4, 3) == ["DOCUMENT", title, "L"]


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=4))
@hypothesis_settings(max_examples=25)
def test_any_bytes_come_back_in_their_order(contents):
    body = hl7_documents.render(outgoing(*map(document, contents)), own()).body
    found = [base64.b64decode(row[5].split("^")[4]) for row in segments(body) if row[0] == "OBX"]
    assert found == contents


def test_equal_documents_have_equal_bytes_whatever_line_breaks_the_scribe_put_into_base64():
    broken = replace(document(), data=base64.encodebytes(PDF).decode())
    assert hl7_documents.render(outgoing(broken), own()) == hl7_documents.render(outgoing(), own())
    assert b"\n" not in hl7_documents.render(outgoing(broken), own()).body


@pytest.mark.parametrize(
    "made, reason",
    [
        (OutgoingDocuments(CONTROL_ID, "n", VISIT, (), note().created_at), "hl7_nothing_to_send"),
        (outgoing(document(b"")), "hl7_document"),
        (outgoing(replace(document(), data="no base64!")), "hl7_document"),
        (outgoing(document(title="bad \ud800")), "hl7_lone_surrogate"),
        (outgoing(document(title="two\rlines")), "hl7_control_character"),
        (replace(outgoing(), control_id="short"), "hl7_control_id"),
        (replace(outgoing(), visit=replace(VISIT, encounter_id="")), "hl7_encounter_missing"),
    ],
)
def test_what_cannot_be_said_is_refused_with_a_reason_that_is_explained(made, reason):
    with pytest.raises(CannotExpress, match=reason) as caught:
        hl7_documents.render(made, own())
    assert failure(caught.value.reason_code).happened
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: body.replace(b"|ED|", b"|FT|"),
        lambda body: body.replace(b"^Base64^", b"^A^"),
        lambda body: body.replace(b"OBX|1|", b"OBX|2|"),
        lambda body: body.replace(b"JVBERi", b"JVBERj"),
        lambda body: body.replace(b"||||||F\r", b"||||||P\r"),
        lambda body: body.replace(b"DOCUMENT^After", b"DOCUMENT^Before"),
        lambda body: body.replace(CONTROL_ID.encode(), b"Z" * 20),
        lambda body: body + b"OBX|2|ED|x^^L||^a^b^Base64^QQ==||||||F\r",
    ],
)
def test_a_message_that_is_not_what_was_meant_does_not_leave(spoil):
    settings, made = own(), outgoing()
    body = hl7_documents.render(made, settings).body
    assert spoil(body) != body
    wanted = [(["DOCUMENT", "After-visit summary", "L"], PDF)]
    lint.check_documents(body, hl7_documents.head_of(made, settings), wanted)
    with pytest.raises(CannotExpress, match="lint_"):
        lint.check_documents(spoil(body), hl7_documents.head_of(made, settings), wanted)


@pytest.mark.parametrize("changes", [{"document_form": "xml"}, {"document_code": "A|B"}, {"document_field": "A^B"}])
def test_settings_that_cannot_be_used_are_named(changes):
    with pytest.raises(ValueError, match="document"):
        own(**changes)


class TestWhatWasPosted:
    def test_documents_come_in_the_notes_order_with_lower_case_types(self):
        rows = [
            {"content_type": "Application/PDF", "title": "A", "data": "QQ=="},
            {"content_type": "text/plain", "data": "Qg=="},
        ]
        found = documents_of({"attachments": rows})
        assert [(one.content_type, one.title, one.content) for one in found] == [
            ("application/pdf", "A", b"A"),
            ("text/plain", "", b"B"),
        ]
        assert documents_of({}) == documents_of({"attachments": None}) == ()

    @pytest.mark.parametrize("wrong", ["QQ=", "Q", "QQ==QQ==", "Q-_=", "QQ== x", "é"])
    def test_what_is_no_base64_is_refused_without_showing_it(self, wrong):
        with pytest.raises(ValueError, match=r"^not Base64$") as caught:
            decoded(wrong)
        assert caught.value.__context__ is None

    def test_line_breaks_in_base64_are_no_part_of_it(self):
        assert decoded("Q\r\nQ =\t=\n") == b"A"

    def test_no_content_is_shown_by_a_repr(self):
        assert "QQ==" not in repr(Document("text/plain", "A", "QQ=="))
