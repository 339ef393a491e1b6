"""Completeness: closed visits against notes, per day and location; what is missing, one by one; whose visit it is."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from audit.record import record
from delivery.completeness import tables, visits
from delivery.completeness.counting import count, never_met
from delivery.completeness.days import day_of, read_day, span
from delivery.completeness.tables import Table
from delivery.completeness.words import DayCount
from delivery.doors import READS_CONTENT, may, scope_for
from delivery.events.models import Event
from delivery.views.forms import RevealForm
from delivery.why import Answer, Asked, answer
from portal import crypto
from portal.access import WrongRole, location_for, locations_of, roles_at
from portal.models import Location
from portal.navigation import SEES_NOTES
from portal.requests import PortalRequest

LENGTHS = (7, 14, 31)
TYPES = {"csv": "text/csv; charset=utf-8", "pdf": "application/pdf"}
CANNOT_OPEN = "This visit cannot be opened here: another key sealed it, or it was altered. Your IT can check the key."
Counted = list[tuple[Location, list[DayCount]]]


@require_GET
def completeness(request: PortalRequest) -> HttpResponse:
    """The days of every location in view. Numbers only: no patient stands here."""
    counted, until, length = _counted(request)
    context = {
        "counted": [(location, counts, never_met(counts)) for location, counts in counted],
        "since": min((one.counted_at for _, counts in counted for one in counts if one.counted_at), default=None),
        "until": until,
        "length": length,
        "lengths": LENGTHS,
        "earlier": until - timedelta(days=length),
        "later": until + timedelta(days=length) if _is_past(request, until) else None,
    }
    return render(request, "delivery/completeness/list.html", context)


def _counted(request: PortalRequest) -> tuple[Counted, date, int]:
    scope, now = scope_for(request), timezone.now()
    today = day_of(now, scope.zone)
    until = min(read_day(request.GET.get("until", "")) or today, today)
    asked = request.GET.get("days", "")
    length = int(asked) if asked in map(str, LENGTHS) else 14
    return [(one, count(one, span(until, length), now)) for one in scope.locations], until, length


def _is_past(request: PortalRequest, until: date) -> bool:
    return until < day_of(timezone.now(), scope_for(request).zone)


@require_GET
def export(request: PortalRequest) -> HttpResponse:
    """The same numbers as a file."""
    counted, until, length = _counted(request)
    table = tables.of_days((location, one) for location, counts in counted for one in counts)
    place = counted[0][0] if len(counted) == 1 else None
    practice = counted[0][0].practice.code if counted else ""
    return exported(table, f"completeness-{until}-{length}d", "completeness", str(until), practice, place)


@require_GET
def day(request: PortalRequest, code: str, day: str) -> HttpResponse:
    """One day of one location: its counts, and each visit without a verified note. Recorded."""
    location, asked = _place(request, code, day)
    now = timezone.now()
    with transaction.atomic():
        rows = _listed(request, location, asked)
    context = {
        "location": location,
        "day": asked,
        "count": count(location, [asked], now, fresh=True)[0],
        "rows": rows[: visits.MOST],
        "more": max(0, len(rows) - visits.MOST),
        "earlier": asked - timedelta(days=1),
        "later": asked + timedelta(days=1) if asked < _today(location) else None,
        "may_read": may(request.user, location, READS_CONTENT),
        "reveal": RevealForm(),
    }
    return render(request, "delivery/completeness/day.html", context)


@require_GET
def day_export(request: PortalRequest, code: str, day: str) -> HttpResponse:
    """The visits of the day as a file, patients masked as on the page."""
    location, asked = _place(request, code, day)
    with transaction.atomic():
        table = tables.of_visits(location, _listed(request, location, asked))
    return exported(table, f"visits-{location.code}-{asked}", "visits", str(asked), location.practice.code, location)


def _place(request: PortalRequest, code: str, day: str) -> tuple[Location, date]:
    location, asked = location_for(request.user, code, *SEES_NOTES), read_day(day)
    if asked is None or asked > _today(location):
        raise Http404("no such day")
    return location, asked


def _today(location: Location) -> date:
    return day_of(timezone.now(), ZoneInfo(location.time_zone))


def _listed(request: PortalRequest, location: Location, asked: date) -> list[visits.VisitRow]:
    rows = visits.unfinished(location, asked, timezone.now(), may(request.user, location, READS_CONTENT))
    record(
        "visit.list",
        practice=location.practice.code,
        location=location.code,
        object_type="location",
        object_id=location.code,
        purpose_of_use="HOPERAT",
        detail={"shown": len(rows), "day": str(asked)},
    )
    return rows


def exported(
    table: Table, name: str, what: str, day: str, practice: str, location: Location | None, form: str = "csv"
) -> HttpResponse:
    """The file as an answer, recorded before its first byte leaves."""
    with transaction.atomic():
        record(
            "report.export",
            practice=practice,
            location=location.code if location else "",
            object_type="report",
            object_id=what,
            detail={"what": what, "day": day, "rows": table.rows, "format": form, "sha256": table.sha256},
        )
    disposition = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return HttpResponse(table.body, content_type=TYPES[form], headers=disposition)


@require_http_methods(["GET", "POST"])
def reveal(request: PortalRequest, pk: UUID) -> HttpResponse:
    """The ids of one visit in clear, for a reason that is recorded; before it, the form that asks for the reason."""
    event = _visit(request, pk, *READS_CONTENT)
    form = RevealForm(request.POST or None)
    context: dict[str, Any] = {"reveal": form, **_about(event)}
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            context |= _told(event)
            _record_view(event, "patient", form.cleaned_data["reason"])
    return render(request, "delivery/completeness/visit.html", context)


@require_GET
def why(request: PortalRequest, pk: UUID) -> HttpResponse:
    """Why this visit's note is not in the chart: asked by the visit's own ids, which stand in no address."""
    event = _visit(request, pk, *SEES_NOTES)
    scope = replace(scope_for(request), locations=(event.location,))
    with transaction.atomic():
        found = _answer(event, scope)
        _record_view(event, "why")
    return render(request, "delivery/completeness/why.html", {"answer": found, **_about(event)})


def _about(event: Event) -> dict[str, Any]:
    closed_at = event.happened_at.astimezone(ZoneInfo(event.location.time_zone))
    return {"event": event, "location": event.location, "closed_at": closed_at}


def _answer(event: Event, scope: Any) -> Answer | None:
    try:
        told = visits.opened(event)
    except crypto.CannotOpen:
        return None
    found = answer(Asked(told.patient_id, told.encounter_id), scope)
    if found.cause != "never_received":
        return found
    return answer(Asked(told.patient_id, told.encounter_id, "", day_of(event.happened_at, scope.zone)), scope)


def _visit(request: PortalRequest, pk: UUID, *roles: str) -> Event:
    event = visits.visit_for(locations_of(request.user), pk)
    if event is None:
        raise Http404("no such visit")
    if not roles_at(request.user, event.location) & set(roles):
        raise WrongRole(frozenset(roles), event.location.code)
    return event


def _told(event: Event) -> dict[str, Any]:
    try:
        return {"told": visits.opened(event)}
    except crypto.CannotOpen:
        return {"cannot_open": CANNOT_OPEN}


def _record_view(event: Event, what: str, reason: str = "") -> None:
    record(
        "visit.view",
        practice=event.location.practice.code,
        location=event.location.code,
        subject_bidx=event.patient_bidx,
        encounter_bidx=event.encounter_bidx,
        object_type="event",
        object_id=str(event.pk),
        data_category=("patient",) if what == "patient" else (),
        purpose_of_use="HOPERAT",
        correlation_id=event.correlation_id,
        reason=reason,
        detail={"event": str(event.pk), "what": what},
    )
