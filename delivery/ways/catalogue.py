"""What each way into eCW needs, can do and cannot do: facts of the way, the same at every location."""

from dataclasses import dataclass

from delivery.channels.registry import LEAVES_FILES
from delivery.words import GRADES
from portal.models import Connection, ConnectionKind


@dataclass(frozen=True)
class Way:
    """One way in. `proves` is the highest grade a reader of this kind can give to what this way sent."""

    key: str
    label: str
    needs: str
    does: tuple[str, ...]
    does_not: tuple[str, ...]
    proves: dict[str, str]  # kind of the reading connection -> grade
    assumed: str  # what of it eCW has not documented


WAYS: tuple[Way, ...] = (
    Way(
        "hl7",
        "HL7 v2 over MLLP",
        "An interface at eCW, and a VPN or TLS on the way to it.",
        (
            "Sends each section into its own field, by the template's field ids, in the template's order.",
            "Sends attached files as Base64 documents.",
        ),
        ("It cannot say what was charted: only another way can read it back, or a person attest it.",),
        {ConnectionKind.OPENAPI: "field"},
        "That eCW files by OBX-3 and by the order of the template.",
    ),
    Way(
        "clinical-notes",
        "FHIR Clinical Notes",
        "An app registered at eCW, and its write contract for this practice.",
        (
            "Sends each section by its name into the visit's Progress Note.",
            "Sends attached files as documents beside it, and coded entries.",
            "Reads back each section's text, and attached files byte for byte.",
        ),
        ("It cannot prove in which field a section stands.",),
        {ConnectionKind.FHIR: "section", ConnectionKind.OPENAPI: "field"},
        "The names of sections (OBR-4), and whether an unsigned note can be read.",
    ),
    Way(
        "fhir-document",
        "FHIR document",
        "An app registered at eCW, and its write contract for this practice.",
        (
            "Sends the whole note as one document: plain text or PDF.",
            "Sends attached files as documents of their own, and coded entries.",
            "Reads it back: text by section, attached files byte for byte.",
        ),
        ("It fills no field: clinicians find a document beside the Progress Note.", "Of a PDF no section is proved."),
        {ConnectionKind.FHIR: "section"},
        "Which document types the practice accepts.",
    ),
    Way(
        "openapi",
        "Open API",
        "A contract with eCW and a token; there is no public specification.",
        (
            "Fills the practice's template for the visit, then writes each section into its field.",
            "Reads back the visit's template and every field.",
            "Lists the location's templates.",
        ),
        ("It carries no attached files: they are held, or go by another way.",),
        {ConnectionKind.OPENAPI: "field"},
        "All of it: docs/openapi/ecw-open-api.yaml is our own assumption.",
    ),
    Way(
        "ccda",
        "C-CDA",
        "An exchange partner that takes files from a folder or an SFTP server, or the FHIR document way.",
        (
            "Sends a coded document that other systems can read too.",
            "A file is left whole or not at all, and never twice.",
            "By FHIR it is read back by section.",
        ),
        (
            "One direction only, no field: a person takes it over in eCW.",
            "A file carries no attached files: they are held, or go by another way.",
            "Of a file only that it was left can be proved, not that eCW took it.",
        ),
        {ConnectionKind.FHIR: "section"},
        "Which sections eCW shows of it.",
    ),
)
BY_KEY = {way.key: way for way in WAYS}


def way_of(connection: Connection) -> Way:
    """The way that a connection sends by, from its kind and settings."""
    own = connection.settings
    if connection.kind in LEAVES_FILES:
        return BY_KEY["ccda"]
    if connection.kind != ConnectionKind.FHIR:
        return BY_KEY["hl7" if connection.kind == ConnectionKind.HL7_MLLP else "openapi"]
    if own.get("profile") != "document":
        return BY_KEY["clinical-notes"]
    return BY_KEY["ccda" if own.get("document_form") == "ccda" else "fhir-document"]


def best_grade(connection: Connection, reader: Connection | None) -> str:
    """The grade of proof that a location's reading connection can give to what this connection sends."""
    if connection.kind in LEAVES_FILES:
        return "none"
    grade = way_of(connection).proves.get(reader.kind, "none") if reader else "none"
    is_pdf = connection.settings.get("profile") == "document" and connection.settings.get("document_form") == "pdf"
    return "document" if is_pdf and grade == "section" else grade


def grade_words(grade: str) -> str:
    return GRADES.get(grade, "nothing proved yet")
