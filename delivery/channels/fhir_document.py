"""Renders a note as one document beside the Progress Note: plain text, PDF or C-CDA. Pure.

What remains where eCW has not opened section-wise writing: nothing is routed to a field (docs/channels/fhir.md).
"""

from contextlib import suppress

from delivery.channels import ccda, hl7, letter
from delivery.channels.base import CannotExpress, OutgoingNote, Rendered
from delivery.channels.fhir_bundle import bundle
from delivery.channels.fhir_settings import FhirSettings

TYPES = {"text": "text/plain; charset=utf-8", "pdf": "application/pdf", "ccda": "application/xml"}


def render(note: OutgoingNote, settings: FhirSettings) -> Rendered:
    """The transaction Bundle with the document in the settings' form. Raises CannotExpress."""
    return bundle(note, TYPES[settings.document_form], document(note, settings.document_form))


def document(note: OutgoingNote, form: str) -> bytes:
    """The document alone: "text", "pdf" or "ccda"."""
    hl7.refuse_values(note.values)
    if form == "ccda":
        return ccda.document(note)
    return pdf(note) if form == "pdf" else plain(note)


def plain(note: OutgoingNote) -> bytes:
    """Each field's label on a line of its own, its text below exactly as it is."""
    text = "\n\n".join(f"{value.label}:\n{value.text}" for value in note.values) + "\n"
    with suppress(UnicodeEncodeError):  # it carries the text
        return text.encode()
    raise CannotExpress("hl7_lone_surrogate", *hl7.unwritable(note))


def pdf(note: OutgoingNote) -> bytes:
    """The same on letter pages, equal bytes for equal notes; refuses what the PDF's own fonts cannot show."""
    hidden = [hl7.field_place(value) for value in note.values if not _shown(value.label + value.text)]
    if hidden:
        raise CannotExpress("pdf_characters", *hidden)
    parts = [((value.label, letter.HEADING), (value.text, letter.BODY)) for value in note.values]
    return letter.pages("Progress note", [part for both in parts for part in both])


def _shown(text: str) -> bool:
    """Whether the PDF's own fonts can show it; the codec's error, which carries the text, goes no further."""
    try:
        text.encode(letter.CODEC)
    except UnicodeEncodeError:
        return False
    return True
