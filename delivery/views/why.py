"""The page that answers why a note is not in the chart. What is asked is posted, so that no address holds it."""

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render

from audit.record import record
from delivery.doors import scope_for
from delivery.queries import Scope
from delivery.views.forms import WhyForm
from delivery.why import Answer, Asked, answer
from portal.requests import PortalRequest


def why(request: PortalRequest) -> HttpResponse:
    """The form, and below it the answer; each asking is recorded with the blind indexes of what was asked."""
    scope = scope_for(request)
    form = WhyForm(request.POST or None)
    context: dict[str, object] = {"form": form}
    if request.method == "POST" and form.is_valid():
        asked = Asked(**form.cleaned_data)
        with transaction.atomic():
            found = answer(asked, scope)
            _record(asked, found, scope)
        context["answer"] = found
    return render(request, "delivery/why_page.html", context)


def _record(asked: Asked, found: Answer, scope: Scope) -> None:
    fields = [name for name in ("patient", "encounter", "provider", "day") if getattr(asked, name)]
    record(
        "note.search",
        practice=scope.locations[0].practice.code if scope.locations else "",
        location=scope.locations[0].code if len(scope.locations) == 1 else "",
        subject_bidx=asked.patient_bidx,
        encounter_bidx=asked.encounter_bidx,
        object_type="delivery",
        object_id=str(found.detail.delivery.pk) if found.detail else "",
        detail={"shown": int(found.detail is not None), "fields": ["why", *fields]},
    )
