"""A location's certification: what is proven, a run under way, the runs before, reports and artefacts."""

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from audit.record import MAX_TEXT, record
from audit.when_called import when_called
from delivery.attesting import attest
from delivery.certification import bundle
from delivery.certification import report as reports
from delivery.certification.attested import samples
from delivery.certification.evidence import open_artefact
from delivery.certification.models import CertificationArtefact, CertificationRun
from delivery.certification.page import context_of
from delivery.certification.plan import Plan
from delivery.certification.running import CannotCertify
from delivery.certification.running import request as ask_for_run
from portal.access import WrongRole, location_for, locations_of, roles_at
from portal.agreements import sha256_of
from portal.models import Role
from portal.requests import PortalRequest

READS = frozenset({Role.DIRECTOR, Role.AUDITOR, Role.OPERATOR})
FORMS: dict[str, tuple[str, Callable[[CertificationRun], bytes]]] = {
    "html": ("text/html; charset=utf-8", lambda run: bundle.as_html(run, "../artefacts/", "/").encode()),
    "pdf": ("application/pdf", when_called("delivery.certification.report_pdf.as_pdf")),
    "json": ("application/json", reports.as_json),
    "sig": ("text/plain; charset=utf-8", lambda run: run.signature.encode()),
}


class RunForm(forms.Form):
    """How much the load test sends, and how quickly each note must be proven."""

    notes = forms.IntegerField(
        min_value=1, max_value=2000, initial=Plan.load_notes, label="Notes in the load test",
        help_text="As many as are expected in the busiest minute.",
    )  # fmt: skip
    seconds = forms.FloatField(
        min_value=1, max_value=3600, initial=Plan.verified_within, label="Proven within (seconds)",
        help_text="95 of 100 must be read back by then.",
    )  # fmt: skip


def page(request: PortalRequest, code: str) -> HttpResponse:
    """The page, and the part of it that lives while a run is under way."""
    location = location_for(request.user, code, *READS)
    may_run = Role.DIRECTOR in roles_at(request.user, location)
    context = context_of(location) | {"form": RunForm(), "may_run": may_run}
    template = "progress.html" if request.htmx else "page.html"
    return render(request, f"delivery/certification/{template}", context)


@require_POST
def begin(request: PortalRequest, code: str) -> HttpResponse:
    """Ask for a run; a worker carries it out."""
    location = location_for(request.user, code, Role.DIRECTOR)
    form = RunForm(request.POST)
    if not form.is_valid():
        context = context_of(location) | {"form": form, "may_run": True}
        return render(request, "delivery/certification/page.html", context)
    try:
        ask_for_run(location, Plan(form.cleaned_data["notes"], form.cleaned_data["seconds"]))
        messages.success(request, "The run is asked for: a worker begins it within a second.")
    except CannotCertify as reason:
        messages.error(request, str(reason))
    return redirect("delivery:certification", code)


class SignForm(forms.Form):
    """The chart's printed page, of which the fingerprint is kept, and what was compared."""

    page = forms.FileField()
    reason = forms.CharField(min_length=5, max_length=200)


@require_POST
def sign_for(request: PortalRequest, code: str, pk: int) -> HttpResponse:
    """A director signs for a sample, with the printed page: where no chart can be read."""
    location = location_for(request.user, code, Role.DIRECTOR)
    sample = next((one.delivery for one in samples(location) if one.delivery and one.delivery.pk == pk), None)
    if sample is None:
        raise Http404("no such sample")
    form = SignForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, "Nothing was signed: choose the printed page, and say what you compared.")
        return redirect("delivery:certification", code)
    digest = sha256_of(form.cleaned_data["page"])
    with transaction.atomic():
        attest([sample.pk], form.cleaned_data["reason"], digest)
    messages.success(request, "Signed for, with your name and the date. Begin a run: it rests on your word.")
    return redirect("delivery:certification", code)


def run_for(request: PortalRequest, pk: int) -> CertificationRun:
    """The run, for those who may read it; 404 for strangers."""
    rows = CertificationRun.objects.select_related("location__practice")
    run = rows.filter(pk=pk, location__in=locations_of(request.user)).first()
    if run is None:
        raise Http404("no such run")
    if not roles_at(request.user, run.location) & READS:
        raise WrongRole(READS, run.location.code)
    return run


def report(request: PortalRequest, pk: int, kind: str) -> HttpResponse:
    """The report of a run that is over, in one of its forms; `sig` is the signature over the JSON."""
    run = run_for(request, pk)
    if kind not in FORMS or not run.is_over:
        raise Http404("no such report")
    content_type, made = FORMS[kind]
    answer = HttpResponse(made(run), content_type=content_type)
    if kind != "html":
        answer["Content-Disposition"] = f'attachment; filename="certification-{run.location.code}-{run.pk}.{kind}"'
    return answer


def artefact(request: PortalRequest, pk: int, name: str) -> HttpResponse:
    """One piece of evidence: of a synthetic patient, and the view is recorded all the same."""
    run = run_for(request, pk)
    row = CertificationArtefact.objects.filter(run=run, name=name).first()
    if row is None:
        raise Http404("no such artefact")
    with transaction.atomic():
        record(
            "certification.view",
            practice=run.location.practice.code,
            location=run.location.code,
            object_type="certification",
            object_id=str(run.pk),
            detail={"run": run.pk, "name": row.name[:MAX_TEXT]},
        )
        content = open_artefact(row)
    answer = HttpResponse(content, content_type="text/plain; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{row.name}"'
    return answer
