"""Renders the documents of a note as one ORU^R01 with an OBX of type ED for each, and reads it again. Pure."""

import base64

from delivery.channels import hl7, lint
from delivery.channels.base import CannotExpress, OutgoingDocuments, OutgoingNote, Rendered
from delivery.channels.hl7_settings import Hl7Settings

NAME = "Documents"


def render(outgoing: OutgoingDocuments, settings: Hl7Settings) -> Rendered:
    """One message, unframed. Raises CannotExpress."""
    if not outgoing.documents:
        raise CannotExpress("hl7_nothing_to_send")
    note = head_of(outgoing, settings)
    segments = hl7.header(note, settings)
    for number, document in enumerate(outgoing.documents, start=1):
        try:
            content = document.content
        except ValueError:
            content = b""
        if not content:
            raise CannotExpress("hl7_document", f"/attachments/{number - 1}/data")
        what = f"{hl7.escape(settings.document_field)}^{hl7.escape(document.title)}^L"
        data = base64.b64encode(content).decode()  # without line breaks, which would end the segment
        segments.append(f"OBX|{number}|ED|{what}||{encapsulated(document.content_type, settings, data)}||||||F")
    rendered = Rendered(hl7.encode(segments, note), hl7.CONTENT_TYPE)
    lint.check_documents(rendered.body, note, [_wanted(one.title, one.content, settings) for one in outgoing.documents])
    return rendered


def _wanted(title: str, content: bytes, settings: Hl7Settings) -> tuple[list[str], bytes]:
    return [settings.document_field, title, "L"], content


def head_of(outgoing: OutgoingDocuments, settings: Hl7Settings) -> OutgoingNote:
    """What MSH, PID, PV1 and OBR say: OBR-4 is the connection's word for documents instead of a template."""
    return OutgoingNote(
        control_id=outgoing.control_id,
        note_id=outgoing.note_id,
        version=1,
        visit=outgoing.visit,
        template_code=settings.document_code,
        template_name=NAME,
        values=(),
        correction=False,
        created_at=outgoing.created_at,
    )


def encapsulated(content_type: str, settings: Hl7Settings, data: str) -> str:
    """OBX-5 of type ED: source application (none), type of data, subtype, encoding, data; in the spelling agreed on.

    HL7 2.5.1's tables 0191 and 0291 know no application/pdf; receivers take one spelling or another.
    """
    kind, _, subtype = content_type.partition("/")
    spelled = {
        "mime": (kind, subtype),
        "table": ({"text": "TEXT", "image": "IM"}.get(kind, "AP"), subtype.upper()),
        "short": ("", subtype.upper()),
    }[settings.document_form]
    return "^".join(["", *map(hl7.escape, spelled), "Base64", data])
