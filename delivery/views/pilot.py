"""The page of a location's pilot, its plan, and its steps; and the feedback of clinicians on a note."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from delivery.doors import READS_CONTENT, REVIEWS, delivery_for
from delivery.pilot import feedback, steps
from delivery.pilot.cohort import cohort_at
from delivery.pilot.forms import FeedbackForm, PlanForm, StepForm
from delivery.pilot.page import context_of, known_at
from delivery.pilot.tables import Pilot
from delivery.reviewing import reviewable
from delivery.views.detail import CANNOT_OPEN, page, record_view
from portal import crypto
from portal.access import location_for, roles_at
from portal.models import Location, Part, Role
from portal.requests import PortalRequest

READS = frozenset({Role.DIRECTOR, Role.OPERATOR, Role.AUDITOR, Role.CLINICIAN})


def pilot(request: PortalRequest, code: str) -> HttpResponse:
    location = location_for(request.user, code, *READS)
    return _page(request, location)


def _page(request: PortalRequest, location: Location, form: PlanForm | None = None) -> HttpResponse:
    row = pilot_of(location)
    may_act = Role.DIRECTOR in roles_at(request.user, location)
    context: dict[str, Any] = {"location": location, "pilot": row, "may_act": may_act}
    if row is not None:
        context |= context_of(row)
    if may_act:
        context["form"] = form or PlanForm.of(row, known_at(location))
    status = 422 if form is not None else 200
    return render(request, "delivery/pilot/page.html", context, status=status)


def pilot_of(location: Location) -> Pilot | None:
    return Pilot.objects.filter(location=location).select_related("location__practice").first()


@require_POST
def plan(request: PortalRequest, code: str) -> HttpResponse:
    """Begin a pilot, or change the plan of the one under way."""
    location = location_for(request.user, code, Role.DIRECTOR)
    form = PlanForm(request.POST, known=known_at(location))
    if not form.is_valid():
        return _page(request, location, form)
    row = pilot_of(location)
    try:
        if row is not None and cohort_at(row) is not None:
            steps.change(row, form.plan())
            messages.success(request, "Kept. The window goes on counting: nothing was reset.")
        else:
            steps.begin(location, form.plan())
            messages.success(request, "The pilot has begun: the named providers’ notes go, everybody else’s wait.")
    except steps.CannotStep as reason:
        form.add_error(None, str(reason))
        return _page(request, location, form)
    return redirect("delivery:pilot", code)


Deed = Callable[[Pilot, int, str], Pilot]
DEEDS: dict[str, tuple[str, Deed]] = {
    "promote": ("One step further. A new window begins.", steps.promote),
    "narrow": ("One step back: what waits of those who left is held.", steps.narrow),
    "window": ("Counted anew from now on.", steps.begin_window),
}


@require_POST
def step(request: PortalRequest, code: str, verb: str) -> HttpResponse:
    location = location_for(request.user, code, Role.DIRECTOR)
    row, form = pilot_of(location), StepForm(request.POST)
    if row is None or verb not in DEEDS:
        raise Http404("no such step")
    done, deed = DEEDS[verb]
    if not form.is_valid():
        messages.error(request, "Which step was looked at is not said. Nothing was changed.")
        return redirect("delivery:pilot", code)
    try:
        deed(row, form.cleaned_data["step"], form.cleaned_data["reason"].strip())
        messages.success(request, done)
    except steps.CannotStep as reason:
        messages.error(request, str(reason))
    return redirect("delivery:pilot", code)


@require_POST
def give_feedback(request: PortalRequest, pk: int) -> HttpResponse:
    """A clinician says what a note is worth; back to the page it was said on."""
    one = delivery_for(request.user, pk, *REVIEWS)
    form = FeedbackForm(request.POST)
    if one.part != Part.NOTE or not form.is_valid():
        messages.error(request, "That is too long, or holds characters that cannot be kept. Nothing was kept.")
    else:
        feedback.give(one, request.user, form.said())
        messages.success(request, "Thank you: kept with the note.")
    back = "delivery:review" if request.POST.get("from") == "review" and reviewable(one) else "delivery:delivery"
    return redirect(back, pk=pk)


@require_POST
def read_feedback(request: PortalRequest, pk: int) -> HttpResponse:
    """The delivery's page with what clinicians wrote, opened. Recorded."""
    one = delivery_for(request.user, pk, *READS_CONTENT)
    with transaction.atomic():
        try:
            more: dict[str, Any] = {"feedback": feedback.opened(feedback.given(one))}
        except crypto.CannotOpen:
            more = {"feedback_sealed": CANNOT_OPEN}
        record_view(one, "feedback")
    return page(request, one, "", more)
