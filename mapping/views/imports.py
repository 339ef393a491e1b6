"""The pages of an import: choose a file, say what unknown columns hold, look at what was read from it, save."""

from collections.abc import Sequence
from dataclasses import replace

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from mapping.access import EDITORS
from mapping.carrying import CannotCarry, packed, packed_reading, unpacked, unpacked_reading
from mapping.columns import Asked, CannotMatch, asked, matched, remember, remembered
from mapping.import_forms import ColumnsForm, PreviewForm, UploadForm
from mapping.importers.base import ImportedTemplate, ImportRefused
from mapping.importers.headers import Known
from mapping.importers.reading import ColumnsUnknown, Reading, templates_of
from mapping.imports import Saved, save_all
from mapping.models import ColumnMeaning
from portal.access import location_for
from portal.models import Location
from portal.requests import PortalRequest

TOO_OLD = "This preview is too old or not yours; nothing was saved. Choose the file again."


@require_http_methods(["GET", "HEAD", "POST"])
def import_page(request: PortalRequest, code: str) -> HttpResponse:
    """The form for the file; posted, the preview of what was read, or the question what its columns hold."""
    location = location_for(request.user, code, *EDITORS)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method != "POST" or not form.is_valid():
        return _upload(request, location, form, 200 if request.method != "POST" else 422)
    known = remembered(location.practice)
    source = form.cleaned_data["file"].name
    try:
        reading = form.reading(known)
        if form.cleaned_data["match"] and any(sheet.rows for sheet in reading.sheets):
            return _match(request, location, reading, source, known)
        return _read(request, location, reading, source, known)
    except ImportRefused as refused:
        return _upload(request, location, form, 422, str(refused))


@require_POST
def match_page(request: PortalRequest, code: str) -> HttpResponse:
    """What a person said the columns hold: remembered for the practice, and the preview of what the file then says."""
    location = location_for(request.user, code, *EDITORS)
    try:
        reading, source = unpacked_reading(request.POST.get("token", ""), location, request.user)
    except CannotCarry:
        return _upload(request, location, UploadForm(), 422, TOO_OLD)
    known = remembered(location.practice)
    form = ColumnsForm(request.POST)
    under = asked(reading, known, form.row)
    if form.only_row:
        return _match(request, location, reading, source, known, under)
    try:
        headed, named = matched(reading, under, form.said)
        templates = templates_of(headed, {**known, **named})
    except (CannotMatch, ImportRefused) as refused:
        chosen = replace(under, columns=form.filled(under.columns))
        return _match(request, location, reading, source, known, chosen, str(refused))
    if under.named:
        remember(location.practice, named)
    return show_preview(request, location, templates, source)


@require_POST
def save_page(request: PortalRequest, code: str) -> HttpResponse:
    """Save what the preview showed."""
    location = location_for(request.user, code, *EDITORS)
    token = request.POST.get("token", "")
    try:
        templates, source = unpacked(token, location, request.user)
    except CannotCarry:
        return _upload(request, location, UploadForm(), 422, TOO_OLD)
    with transaction.atomic():
        Location.objects.select_for_update(no_key=True).get(pk=location.pk)  # what is compared is what is saved over
        form = PreviewForm(templates, location, request.POST)
        if not form.is_valid():
            return _preview(request, location, form, token, source, 422)
        saved = save_all(location, form.chosen(), user=request.user, source=source, renamed=form.renamed())
    for item in saved:
        messages.success(request, _said(item))
    if len(saved) == 1:
        return redirect("mapping:template", pk=saved[0].template.pk)
    return redirect("mapping:templates")


def show_preview(
    request: PortalRequest, location: Location, templates: Sequence[ImportedTemplate], source: str
) -> HttpResponse:
    """What was read, for the person to save or leave. Raises ImportRefused where it is too large to be shown."""
    token = packed(templates, source, location, request.user)
    return _preview(request, location, PreviewForm(templates, location), token, source, 200)


def _read(request: PortalRequest, location: Location, reading: Reading, source: str, known: Known) -> HttpResponse:
    """The preview; where no column of identifiers is known, the question which it is. Raises ImportRefused."""
    try:
        return show_preview(request, location, templates_of(reading, known), source)
    except ColumnsUnknown as unknown:
        return _match(request, location, reading, source, known, refused=str(unknown))


def _match(
    request: PortalRequest,
    location: Location,
    reading: Reading,
    source: str,
    known: Known,
    under: Asked | None = None,
    refused: str = "",
) -> HttpResponse:
    """The page that asks what the columns hold. Raises ImportRefused where the file is too large to be asked about."""
    context = {
        "location": location,
        "asked": under or asked(reading, known),
        "meanings": ColumnMeaning.choices,
        "token": packed_reading(reading, source, location, request.user),
        "source": source,
        "refused": refused,
        "first": under is None,
    }
    return render(request, "mapping/import_columns.html", context, status=422 if refused and under else 200)


def _said(item: Saved) -> str:
    if item.created:
        return f"{item.template.code}: saved as version {item.version.number}."
    return f"{item.template.code}: its fields equal version {item.version.number}, so there is no new version."


def _upload(
    request: PortalRequest, location: Location, form: UploadForm, status: int, refused: str = ""
) -> HttpResponse:
    context = {"location": location, "form": form, "refused": refused}
    return render(request, "mapping/import.html", context, status=status)


def _preview(
    request: PortalRequest, location: Location, form: PreviewForm, token: str, source: str, status: int
) -> HttpResponse:
    context = {"location": location, "form": form, "token": token, "source": source}
    return render(request, "mapping/import_preview.html", context, status=status)
