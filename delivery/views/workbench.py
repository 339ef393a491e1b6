"""The drug workbench: the codes that notes wait for, and the decision on one of them."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from delivery import workbench
from delivery.models import Delivery
from delivery.views.detail import record_view
from delivery.views.forms import DecisionForm
from delivery.workbench import DecidedMeanwhile, UnknownDrug
from mapping.codes.drugs import spelt
from mapping.views.diagnosis_codes import READERS
from portal.access import practice_for, practice_of, somewhere
from portal.models import Part, Practice, Role
from portal.requests import PortalRequest

DECIDERS = (Role.DIRECTOR, Role.OPERATOR)
REFUSED = ("ecw_2024", "ecw_2025", "ecw_2026", "ecw_2027")


@require_safe
def waiting(request: PortalRequest) -> HttpResponse:
    """Every unknown code with the number of notes that wait for it, and what eCW refused for its codes."""
    somewhere(request.user, *READERS)
    practice = practice_of(request.user)
    refused = Delivery.objects.filter(
        practice=practice, location__in=request.selection.in_view, part=Part.MEDICATIONS, state="rejected"
    )
    context = {
        "tab": "waiting",
        "queue": workbench.queue(practice),
        "refused": refused.filter(reason_code__in=REFUSED).select_related("location").order_by("-created_at")[:50],
        "may_decide": bool(request.selection.wide & set(DECIDERS)),
        "spelt": spelt,
    }
    return render(request, "codes/waiting.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: PortalRequest, pk: int, index: int) -> HttpResponse:
    """One unknown code: candidates, what a decision releases, and the decision."""
    practice = practice_for(request.user, *DECIDERS)
    unknown = _unknown(practice, pk, index)
    near = workbench.candidates(practice, unknown)
    form = DecisionForm(unknown, near, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            gone, left = workbench.decide(practice, unknown, form.row(), request.user)
        except DecidedMeanwhile:
            messages.error(request, "Nothing was changed: somebody has decided on this code meanwhile.")
        else:
            more = f" {left} more wait for another drug too." if left else ""
            messages.success(request, f"Decided. Released: {gone}.{more} Notes with this code pass from now on.")
        return redirect("workbench:waiting")
    return _page(request, practice, unknown, form, 422 if request.method == "POST" else 200)


@require_POST
def words(request: PortalRequest, pk: int, index: int) -> HttpResponse:
    """The same page with the words of the notes themselves; each look into a note is recorded."""
    practice = practice_for(request.user, *DECIDERS)
    unknown = _unknown(practice, pk, index)
    shown = {place.medication.text: place.delivery for place in reversed(unknown.places)}
    texts = dict(list(shown.items())[:5])
    with transaction.atomic():
        for delivery in texts.values():
            record_view(delivery, "medications")
    form = DecisionForm(unknown, workbench.candidates(practice, unknown))
    return _page(request, practice, unknown, form, 200, {"texts": list(texts)})


def _unknown(practice: Practice, pk: int, index: int) -> UnknownDrug:
    found = workbench.unknown_at(practice, pk, index)
    if found is None:
        raise Http404("no such drug waits")
    return found


def _page(
    request: PortalRequest,
    practice: Practice,
    unknown: UnknownDrug,
    form: DecisionForm,
    status: int,
    more: dict[str, Any] | None = None,
) -> HttpResponse:
    context = {
        "unknown": unknown,
        "code": unknown.found.code,
        "form": form,
        "candidates": form.candidates,
        "effect": workbench.effect(unknown, practice),
        "place": unknown.first,
    }
    return render(request, "codes/decide.html", context | (more or {}), status=status)
