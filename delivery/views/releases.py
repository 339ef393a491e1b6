"""Letting notes go: ask for an export of one patient or everything, and the register of requests for information."""

from typing import TYPE_CHECKING

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from audit.record import record
from audit.when_called import when_called
from delivery.release.exceptions import CHECKED_ON, in_force, said
from delivery.release.forms import AnswerForm, ReleaseForm, RequestForm
from delivery.release.register import BeforeReceipt, NotInForce, answer, enter, rows
from delivery.release.tables import EhiRequest
from portal import crypto
from portal.access import practice_for
from portal.exports.asking import A_DAY, TooMany, begin, own
from portal.models import Role
from portal.requests import PortalRequest
from portal.views.exports import SHOWN, row

if TYPE_CHECKING:
    from delivery.release.archive import public_key
else:
    public_key = when_called("delivery.release.archive.public_key")

READS = frozenset({Role.DIRECTOR, Role.AUDITOR})


def releases(request: PortalRequest) -> HttpResponse:
    """The form for an export, and one's own exports; for a director of every location."""
    practice_for(request.user, Role.DIRECTOR)
    form = ReleaseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        typed = form.cleaned_data["patient"]
        patient = crypto.blind_index("patient", typed) if typed else ""
        try:
            job = begin(request.user, "ehi", {"format": "zip", "patient": patient})
            return redirect("portal:export", pk=job.pk)
        except TooMany:
            form.add_error(None, f"Everything was asked for {A_DAY} times in 24 hours. One patient can be exported.")
    context = {"form": form, "jobs": [row(job) for job in own(request.user, "ehi")[:SHOWN]], "key": public_key()}
    return render(request, "delivery/release/exports.html", context | {"tab": "exports"})


def register(request: PortalRequest) -> HttpResponse:
    """The register; directors write into it, auditors read it. Names are shown: that it was looked at is recorded."""
    practice = practice_for(request.user, *READS)
    if request.method == "POST":
        practice = practice_for(request.user, Role.DIRECTOR)
    form = RequestForm(request.POST or None)
    if form.is_valid():
        enter(practice, form.entered(), request.user)
        messages.success(request, "The request stands in the register.")
        return redirect("delivery:ehi-requests")
    today = timezone.now().date()
    found = rows(practice, today)
    with transaction.atomic():
        record("ehi.view", practice=practice.code, detail={"shown": len(found)})
    context = {
        "rows": found,
        "form": form,
        "answer_form": AnswerForm(today),
        "exceptions": in_force(today),
        "said": said(today),
        "checked_on": CHECKED_ON,
        "directs": Role.DIRECTOR in request.selection.wide,
        "tab": "register",
    }
    return render(request, "delivery/release/register.html", context)


@require_POST
def answer_request(request: PortalRequest, pk: int) -> HttpResponse:
    """Write down how a request was answered."""
    practice = practice_for(request.user, Role.DIRECTOR)
    one = EhiRequest.objects.select_related("practice").filter(pk=pk, practice=practice).first()
    if one is None:
        raise Http404("no such request")
    form = AnswerForm(timezone.now().date(), request.POST)
    if not form.is_valid():
        words = [error for errors in form.errors.values() for error in errors]
        messages.error(request, f"Nothing was written down. {' '.join(map(str, words))}")
    else:
        try:
            answer(one, form.answered())
            messages.success(request, "The answer stands in the register.")
        except NotInForce:
            messages.error(request, "Nothing was written down: this exception was not in force on that day.")
        except BeforeReceipt:
            messages.error(
                request, f"Nothing was written down: the request came in on {one.received_on}, after that day."
            )
    return redirect("delivery:ehi-requests")
