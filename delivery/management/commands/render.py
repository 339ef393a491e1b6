"""`manage.py render`: the bytes each way into eCW would carry for a note, for independent checkers. No database."""

import importlib
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from delivery.channels import hl7, hl7_documents, lint, openapi_sending
from delivery.channels.base import CannotExpress, OutgoingDocuments, OutgoingNote
from delivery.channels.fhir_settings import FhirSettings
from delivery.channels.hl7_settings import Hl7Settings
from delivery.failures import failure
from delivery.posted import BadJson, PostedNote, load, note_of
from mapping.apply import apply
from mapping.importers import read_file
from mapping.importers.base import ImportRefused
from mapping.note import FieldSpec, MappingSpec, RuleSpec, Section
from mapping.sections import name_of

CHANNELS = ("hl7", "clinical-notes", "fhir-document", "openapi", "ccda")
CONTROL_ID = "RENDERED000000000000"
CREATED = datetime(2026, 1, 1, 12, tzinfo=UTC)
CODE, CATCH_ALL = "RENDER", "OTHER"
HL7_SETTINGS = Hl7Settings("render.invalid", 1, "sandbox", "RENDER")


class Command(BaseCommand):
    help = "Writes to standard output what a channel would send for a note; HL7 without its MLLP frame."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--channel", choices=CHANNELS, required=True)
        parser.add_argument("--note", type=Path, required=True, metavar="FILE", help="a note as a scribe posts it")
        parser.add_argument("--template", type=Path, metavar="FILE", help="a template in any format the import takes")
        parser.add_argument(
            "--mapping", type=Path, metavar="FILE", help='JSON: {"section code": "field id", …}; needs --template'
        )
        parser.add_argument("--form", choices=("text", "pdf", "ccda"), default="text", help="of fhir-document")
        parser.add_argument(
            "--documents", action="store_true", help="the files attached to the note, in place of its sections"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["documents"]:
                body = rendered_documents(options["channel"], attached(options["note"]))
            else:
                note = outgoing(options["note"], options["template"], options["mapping"])
                body = rendered(options["channel"], note, options["form"])
        except CannotExpress as error:
            raise CommandError(f"{failure(error.reason_code).happened} ({error.reason_code})") from None
        sys.stdout.buffer.write(body)  # bytes, as they would leave: the command's own stream takes texts only
        sys.stdout.flush()


def rendered(channel: str, note: OutgoingNote, form: str = "text") -> bytes:
    """The bytes of one channel. Raises CannotExpress."""
    if channel == "openapi":
        return openapi_sending.render(note, "RENDER").body
    if channel == "hl7":
        body = hl7.render(note, HL7_SETTINGS).body
        lint.check(body, note)
        return body
    if channel == "ccda":
        made: bytes = importlib.import_module("delivery.channels.ccda").document(note)
        return made
    profile = "document" if channel == "fhir-document" else channel
    module = {"document": "fhir_document", "clinical-notes": "clinical_notes"}[profile]
    settings = FhirSettings(
        "http://render.invalid", "sandbox", "render", client_auth="client_secret_basic", client_secret="-",  # noqa: S106
        profile=profile, document_form=form,
    )  # fmt: skip
    body = importlib.import_module(f"delivery.channels.{module}").render(note, settings).body
    return bytes(body)


def rendered_documents(channel: str, documents: OutgoingDocuments) -> bytes:
    """The bytes of one channel for the files attached to a note. Raises CannotExpress, also where it carries none."""
    if channel == "hl7":
        return hl7_documents.render(documents, HL7_SETTINGS).body
    if channel in ("clinical-notes", "fhir-document"):  # by FHIR they are documents, whatever the note goes by
        return bytes(importlib.import_module("delivery.channels.fhir_attachments").render(documents).body)
    raise CannotExpress("part_not_supported")


def posted(path: Path) -> PostedNote:
    """The note of a file, as a scribe posts it. Raises CommandError."""
    try:
        return note_of(load(path.read_bytes()))
    except (OSError, BadJson, KeyError, TypeError, AttributeError, ValueError) as error:
        raise CommandError(f"The note cannot be read ({type(error).__name__}).") from None


def attached(path: Path) -> OutgoingDocuments:
    """A note's files as they would be handed to a channel. Raises CommandError."""
    note = posted(path)
    return OutgoingDocuments(CONTROL_ID, note.source_note_id, note.visit, note.documents, CREATED)


def outgoing(path: Path, template: Path | None, mapping: Path | None) -> OutgoingNote:
    """The note as it would be handed to a channel. Raises CommandError."""
    note = posted(path)
    if mapping is not None and template is None:
        raise CommandError("A mapping needs its template.")
    spec = mapped(template, mapping) if template and mapping else by_headings(note.sections, template)
    applied = apply(spec, note.sections, "catch-all")
    if applied.problems:
        raise CommandError("; ".join(f"{each.pointer}: {each.message}" for each in applied.problems))
    return OutgoingNote(
        control_id=CONTROL_ID,
        note_id=note.source_note_id,
        version=note.version,
        visit=note.visit,
        template_code=spec.template_code,
        template_name=spec.template_name,
        values=applied.values,
        correction=False,
        created_at=CREATED,
    )


def fields_of(template: Path) -> tuple[FieldSpec, ...]:
    """The fields of a template file's first template. Raises CommandError."""
    try:
        found = read_file(template.name, template.read_bytes())[0].fields
    except (OSError, ImportRefused) as error:
        raise CommandError(f"The template cannot be read: {error}") from None
    return tuple(
        FieldSpec(each.field_id, each.label, place, each.kind, each.max_length, each.required, each.group)
        for place, each in enumerate(found, start=1)
    )


def mapped(template: Path, mapping: Path) -> MappingSpec:
    """A mapping from a file of section codes and field ids; what it leaves out goes where the key "" says."""
    try:
        pairs = dict(json.loads(mapping.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise CommandError(f"The mapping cannot be read ({type(error).__name__}).") from None
    fields, catch_all = fields_of(template), str(pairs.pop("", ""))
    rules = [RuleSpec(code, str(field_id), position=place) for place, (code, field_id) in enumerate(pairs.items(), 1)]
    return MappingSpec(CODE, template.stem, fields, tuple(rules), catch_all)


def by_headings(sections: Sequence[Section], template: Path | None) -> MappingSpec:
    """Without a mapping: sections whose heading means a code go to a field of that name, others under their title."""
    codes = list(dict.fromkeys(section.code for section in sections if section.code))
    fields = list(fields_of(template)) if template else []
    named = {field.label.casefold(): field.field_id for field in fields}
    rules = []
    for place, code in enumerate(codes, start=1):
        field_id = named.get(name_of(code).casefold(), "")
        if not field_id and template is None:
            field_id = code
            fields.append(FieldSpec(code, name_of(code), len(fields) + 1))
        if field_id:
            rules.append(RuleSpec(code, field_id, position=place))
    if template is None:
        fields.append(FieldSpec(CATCH_ALL, "Other", len(fields) + 1))
    return MappingSpec(CODE, "Rendered note", tuple(fields), tuple(rules), fields[-1].field_id if fields else "")
