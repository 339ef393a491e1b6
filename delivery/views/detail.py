"""One delivery's page, and its content for those who may read it: every such view is recorded with it."""

from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from audit.queries import Search
from audit.queries import page as found_events
from audit.record import filter_detail, record
from delivery import contents, filters
from delivery.chart_documents import comparable
from delivery.comparison import Compared, compare, seen
from delivery.deeds import caution_of, deeds_for, ways_for
from delivery.detail import detail_of, neighbours
from delivery.doors import ACTS, READS_AUDIT, READS_CONTENT, REVIEWS, delivery_for, may, scope_for
from delivery.entry_rows import entry_rows
from delivery.envelope import msh, request_of
from delivery.message_tree import tree
from delivery.models import Delivery
from delivery.pilot import feedback
from delivery.reviewing import reviewable
from delivery.views.forms import RevealForm
from delivery.why import about
from portal import crypto
from portal.models import Part
from portal.requests import PortalRequest
from portal.trail import rows
from portal.trail import scope_for as audit_scope_for

TABS = {
    "timeline": ("Timeline", "list-bullet"),
    "sections": ("Sections", "document-text"),
    "message": ("Message", "code-bracket"),
    "attempts": ("Attempts", "arrow-path"),
    "why": ("Why", "question-mark-circle"),
    "audit": ("Audit", "shield-check"),
}
CANNOT_OPEN = "This content cannot be opened here: another key sealed it, or it was altered. Your IT can check the key."


def delivery(request: PortalRequest, pk: int) -> HttpResponse:
    """The page of one delivery. Nothing of the note's content stands on it."""
    return page(request, delivery_for(request.user, pk), request.GET.get("tab", ""))


@require_POST
def content(request: PortalRequest, pk: int, tab: str) -> HttpResponse:
    """A tab with its texts: what was sent and charted, the message, the receiver's answers. Recorded."""
    one = delivery_for(request.user, pk, *READS_CONTENT)
    if tab not in OPEN:
        raise Http404("no such tab")
    with transaction.atomic():
        shown = _opened(one, tab)
        record_view(one, tab)
    if request.htmx:
        return render(request, f"delivery/tabs/{tab}.html", tab_context(request, one, tab) | shown)
    return page(request, one, tab, shown)


@require_http_methods(["GET", "POST"])
def reveal(request: PortalRequest, pk: int) -> HttpResponse:
    """The patient in clear, for a reason that is recorded. Got, not posted: the question for the reason (of a row)."""
    one = delivery_for(request.user, pk, *READS_CONTENT)
    if request.method == "GET":
        if not request.htmx:  # nothing is opened by following a link
            return HttpResponseNotAllowed(["POST"])
        return render(request, "delivery/row_patient.html", {"reveal": RevealForm(), "delivery": one, "may_read": True})
    form = RevealForm(request.POST)
    context: dict[str, Any] = {"reveal": form, "delivery": one, "may_read": True}
    if form.is_valid():
        with transaction.atomic():
            context |= _patient(one)
            record_view(one, "patient", form.cleaned_data["reason"])
    if request.htmx:
        return render(request, "delivery/patient.html", context)
    return page(request, one, "", context)


def page(request: PortalRequest, one: Delivery, tab: str, more: dict[str, Any] | None = None) -> HttpResponse:
    tab = tab if tab in TABS else "timeline"
    chosen = filters.read(request.GET)
    newer, older = neighbours(one, scope_for(request), chosen)
    context = (
        tab_context(request, one, tab)
        | {
            "query": chosen.query(),
            "newer": newer,
            "older": older,
            "tabs": TABS,
            "reveal": RevealForm(),
        }
        | _actions(request, one)
        | feedback_context(request, one)
    )
    return render(request, "delivery/detail.html", context | (more or {}))


def _actions(request: PortalRequest, one: Delivery) -> dict[str, Any]:
    """The buttons, each with its caution; none for those who may only look."""
    if not may(request.user, one.location, ACTS):
        return {"actions": []}
    deeds = deeds_for(one)
    return {
        "actions": [(deed, caution_of(deed, one)) for deed in deeds],
        "ways": ways_for(one) if any(deed.verb == "other-way" for deed in deeds) else [],
        "reason_used": any(deed.verb != "verify" for deed in deeds),
        "reason_needed": all(deed.reason_needed for deed in deeds),
    }


def feedback_context(request: PortalRequest, one: Delivery) -> dict[str, Any]:
    """What clinicians said of the note, without their words; and whether this person may say something."""
    return {
        "feedback": feedback.given(one),
        "aspects": feedback.ASPECTS,
        "may_say": one.part == Part.NOTE and may(request.user, one.location, REVIEWS),
    }


def tab_context(request: PortalRequest, one: Delivery, tab: str) -> dict[str, Any]:
    return {
        "answer": about(one, scope_for(request)) if tab == "why" else None,
        **(audit_context(request, one) if tab == "audit" else {}),
        "delivery": one,
        "detail": detail_of(one),
        "comparable": tab == "message" and comparable(one),
        "tab": tab,
        "tab_template": f"delivery/tabs/{tab}.html",
        "may_read": may(request.user, one.location, READS_CONTENT),
        "may_review": reviewable(one) and may(request.user, one.location, REVIEWS),
    }


def audit_context(request: PortalRequest, one: Delivery) -> dict[str, Any]:
    """What the audit log holds of this delivery, newest first; nothing for those whose roles do not open the log.

    To look is recorded, as on the log's own pages.
    """
    if not may(request.user, one.location, READS_AUDIT):
        return {"trail": None}
    scope = audit_scope_for(request.user, one.location)
    found = found_events(Search(scope, object_type="delivery", object_id=str(one.pk)))
    chosen = f"object_type=delivery&object_id={one.pk}"
    with transaction.atomic():
        record(
            "audit.view",
            practice=scope.practice,
            location=one.location.code,
            detail={"shown": len(found.events), "filter": filter_detail(chosen)},
        )
    log = reverse("portal:audit")
    return {
        "trail": rows(found.events, scope.practice, one.location.time_zone),
        "audit_url": f"{log}?{chosen}",
        "course_url": f"{log}?trace={one.note_version.correlation_id}",
        "more_events": found.older is not None,
    }


def record_view(one: Delivery, what: str, reason: str = "") -> None:
    """That this person saw this content, in the transaction that opened it."""
    record(
        "note.view",
        practice=one.location.practice.code,
        location=one.location.code,
        subject_bidx=one.note_version.patient_bidx,
        encounter_bidx=one.encounter_bidx,
        object_type="delivery",
        object_id=str(one.pk),
        data_category=("patient",) if what == "patient" else ("transcribed_note",),
        purpose_of_use="HOPERAT",
        correlation_id=one.note_version.correlation_id,
        reason=reason,
        detail={"delivery_id": one.pk, "what": what},
    )


def _patient(one: Delivery) -> dict[str, Any]:
    try:
        return {"patient": contents.patient(one.note_version)}
    except crypto.CannotOpen:
        return {"cannot_open": CANNOT_OPEN}


def _opened(one: Delivery, tab: str) -> dict[str, Any]:
    """The content of a tab; where it cannot be opened, the words for that."""
    try:
        return {"opened": True} | OPEN[tab](one)
    except crypto.CannotOpen:
        return {"cannot_open": CANNOT_OPEN}


def _sections(one: Delivery) -> dict[str, Any]:
    if one.part != Part.NOTE:
        return {"entries": entry_rows(one)}
    wire, reading = contents.wire_of(one), contents.last_reading(one)
    compared: list[Compared] = []
    if wire is not None:
        read = contents.sections_read(reading) if reading else []
        compared = compare(contents.plan(wire), read)
    return {"compared": compared, "posted": [] if compared else contents.posted_sections(one.note_version)}


def message_of(one: Delivery) -> dict[str, Any]:
    """The message as it went, in segments; raises CannotOpen."""
    wire = contents.wire_of(one)
    if wire is None:
        return {"message": None}
    message = contents.message(wire)
    rows = [(address, seen(value)) for address, value in tree(message.content_type, message.lines)]
    segments = [(seen(line[:3]), seen(line[3:])) for line in message.lines]
    return {
        "message": message,
        "segments": segments,
        "tree": rows,
        "msh": msh(message.content_type, [seen(line) for line in message.lines]),
        "request_lines": request_of(one.connection, message.content_type),
    }


def _attempts(one: Delivery) -> dict[str, Any]:
    rows = one.attempt_rows.order_by("-number")
    return {"answers": {row.number: [seen(line) for line in contents.answer(row)] for row in rows}}


OPEN = {"sections": _sections, "message": message_of, "attempts": _attempts}
