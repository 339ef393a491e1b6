"""The live preview beside the mapping form: the message as the form stands, saved or not."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from audit.record import record
from delivery import preview as previews
from delivery.preview import Example
from mapping.access import EDITORS, template_for
from mapping.forms import DraftInvalid, draft_spec
from mapping.models import Template
from mapping.note import MappingSpec
from mapping.queries import published_spec
from portal import crypto
from portal.requests import PortalRequest


@require_POST
def preview(request: PortalRequest, template_pk: int) -> HttpResponse:
    """A fragment of HTML. `preview_note` names a stored note; without it, an invented one is used."""
    template = template_for(request.user, template_pk, *EDITORS)
    return render(request, "delivery/preview.html", in_form(template, request.POST))


def in_form(template: Template, data: Mapping[str, Any]) -> dict[str, Any]:
    """The preview of the mapping as it stands in the page's form, saved or not."""
    try:
        draft = draft_spec(template, data)
    except DraftInvalid as error:
        return _beside(template) | {"invalid": str(error)}
    return of_draft(template, draft, data.get("preview_note", ""))


def of_draft(template: Template, draft: MappingSpec, asked: str = "") -> dict[str, Any]:
    """The preview of a mapping, with a stored note where one is asked for; raises Http404 where there is no such."""
    published = published_spec(template)
    try:
        example = _stored(template, asked, draft) if asked else previews.synthetic(draft, published)
    except crypto.CannotOpen:
        return _beside(template) | {"invalid": "That note cannot be opened here."}
    shown = previews.preview(draft, template.location, example, published)
    return _beside(template) | {"preview": shown, "example": example, "drafted": bool(draft.rules)}


def _beside(template: Template) -> dict[str, Any]:
    return {"template": template, "offered": previews.offered(template.location)}


def _stored(template: Template, asked: str, draft: MappingSpec) -> Example:
    """A stored note, and the record that this person saw it, in one transaction."""
    try:
        pk = UUID(asked)
    except ValueError:
        raise Http404("no such note") from None
    with transaction.atomic():
        example = previews.stored(template, pk)
        if example is None or example.version is None:
            raise Http404("no such note")
        record(
            "note.preview",
            practice=template.location.practice.code,
            location=template.location.code,
            subject_bidx=example.version.patient_bidx,
            encounter_bidx=example.version.encounter_bidx,
            object_type="note",
            object_id=str(example.version.note_id),
            data_category=("transcribed_note",),
            purpose_of_use="HOPERAT",
            correlation_id=example.version.correlation_id,
            detail={"mapping_version": draft.mapping_version_id or 0},  # 0: not saved
        )
    return example
