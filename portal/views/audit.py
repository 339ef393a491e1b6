"""The audit log's pages, for auditors and directors: search, one event, export. Looking is itself recorded."""

import tempfile
import uuid
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from audit.exports import Export, write_csv
from audit.queries import Key, Page, Scope, every, found, page
from audit.record import filter_detail, record
from audit.sentences import details, spaced
from audit.standing import place_of, standing
from audit.verification import entry_is_right, mac_is_right
from portal import crypto
from portal.forms.audit import AuditSearchForm, PatientForm
from portal.requests import PortalRequest
from portal.trail import (
    changes_of,
    entry_of,
    home_zone,
    people_of,
    readable,
    reads_installation,
    rows,
    scope_for,
    zones_of,
)

MOST_ROWS = 1_000_000
BY_LINK = ("object_type", "object_id", "trace", "subject")  # filters that have no control on the page


@require_GET
def search_page(request: PortalRequest) -> HttpResponse:
    chosen = request.selection.chosen
    scope = scope_for(request.user, chosen)
    zone = home_zone(zones_of(scope.practice), chosen)
    form = AuditSearchForm(request.GET, people_of(scope.practice), reads_installation(request.user))
    shown = Page(())
    if form.is_valid():
        shown = page(form.search(scope, ZoneInfo(zone)), Key.read(request.GET.get("before", "")))
        _record_look(request, scope, form, len(shown.events))
    context = {
        "form": form,
        "rows": rows(shown.events, scope.practice, zone),
        "standing": standing(scope.practice),
        "older": shown.older,
        "paging": "before" in request.GET,
        "zone": zone,
        "patient_form": PatientForm(),
        "query": form.query() if form.is_valid() else "",
        "chips": _chips(form) if form.is_valid() else [],
        "kept": [(name, value) for name, value in form.given().items() if name in BY_LINK] if form.is_valid() else [],
    }
    return render(request, "portal/audit/search.html", context)


def _chips(form: AuditSearchForm) -> list[tuple[str, str]]:
    """Label, and the query without it, of the filters that came by link."""
    given = form.given()
    chips = []
    if "object_type" in given or "object_id" in given:
        label = f"{spaced(given.get('object_type', 'object'))} {given.get('object_id', '')}"
        chips.append((label, form.query("object_type", "object_id")))
    if "trace" in given:
        chips.append((f"one course of events: {given['trace'][:8]}", form.query("trace")))
    if "subject" in given:
        chips.append(("one patient", form.query("subject")))
    return chips


def _record_look(request: PortalRequest, scope: Scope, form: AuditSearchForm, shown: int) -> None:
    with transaction.atomic():
        record(
            "audit.view",
            practice=scope.practice,
            location=_location(request),
            subject_bidx=form.cleaned_data["subject"],
            detail={"shown": shown, "filter": filter_detail(form.query())},
        )


def _location(request: PortalRequest) -> str:
    return request.selection.chosen.code if request.selection.chosen else ""


@require_POST
def patient(request: PortalRequest) -> HttpResponse:
    """What was typed becomes a blind index; only that stands in the address."""
    scope_for(request.user, request.selection.chosen)
    form = PatientForm(request.POST)
    if not form.is_valid():
        messages.error(request, "That is no patient id.")
        return redirect("portal:audit")
    return redirect(f"{reverse('portal:audit')}?subject={crypto.blind_index('patient', form.cleaned_data['patient'])}")


@require_GET
def event_page(request: PortalRequest, key: uuid.UUID) -> HttpResponse:
    scope = scope_for(request.user)
    event = get_object_or_404(readable(request.user), pk=key)
    with transaction.atomic():
        record(
            "audit.view",
            practice=scope.practice,
            location=event.location,
            object_type="audit_event",
            object_id=str(event.pk),
            detail={"shown": 1},
        )
    entry = entry_of(event) if event.event == "config.change" else None
    (row,) = rows([event], scope.practice, home_zone(zones_of(scope.practice), None))
    context = {
        "row": row,
        "event": event,
        "details": details(event),
        "object": spaced(event.object_type),
        "kind": spaced(event.actor_type),
        "categories": spaced(", ".join(event.data_category)),
        "unchanged": mac_is_right(event),
        "place": place_of(event),
        "entry": entry,
        "changes": changes_of(entry) if entry else [],
        "entry_unchanged": entry is not None and entry_is_right(entry),
    }
    return render(request, "portal/audit/event.html", context)


@require_GET
def export(request: PortalRequest) -> HttpResponseBase:
    chosen = request.selection.chosen
    scope = scope_for(request.user, chosen)
    form = AuditSearchForm(request.GET, people_of(scope.practice), reads_installation(request.user))
    if not form.is_valid():
        return redirect(f"{reverse('portal:audit')}?{request.GET.urlencode()}")
    search = form.search(scope, ZoneInfo(home_zone(zones_of(scope.practice), chosen)))
    if found(search)[MOST_ROWS : MOST_ROWS + 1].exists():
        messages.error(request, f"More than {MOST_ROWS:,} events: narrow the dates and export in parts.")
        return redirect(f"{reverse('portal:audit')}?{form.query()}")
    # Written out first, so that the record can tell the rows and the file's hash before the first byte leaves.
    file = tempfile.TemporaryFile()  # noqa: SIM115 (FileResponse closes it; it has no name on the disk)
    _record_export(request, scope, form, write_csv(every(search), file))
    file.seek(0)
    name = f"audit-{scope.practice}-{timezone.now():%Y-%m-%d-%H%M%S}.csv"
    return FileResponse(file, as_attachment=True, filename=name, content_type="text/csv; charset=utf-8")


def _record_export(request: PortalRequest, scope: Scope, form: AuditSearchForm, made: Export) -> None:
    with transaction.atomic():
        record(
            "audit.export",
            practice=scope.practice,
            location=_location(request),
            subject_bidx=form.cleaned_data["subject"],
            detail={"rows": made.rows, "filter": filter_detail(form.query()), "format": "csv", "sha256": made.sha256},
        )
