"""Exports that take a while: ask for one of the audit log, follow it, cancel it, fetch it."""

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_POST

from audit.log_file import PROVES
from audit.record import filter_detail
from portal.access import roles_everywhere
from portal.exports.approving import SamePerson, approve, decline, to_decide
from portal.exports.asking import OPEN, begin, cancel, export_for, fetch, fetchable, maker, own
from portal.exports.audit_files import part_of
from portal.exports.tables import ExportJob, ExportState
from portal.forms.audit import AuditSearchForm
from portal.forms.exports import AuditExportForm
from portal.requests import PortalRequest
from portal.trail import READERS, people_of, reads_installation, scope_for

SHOWN = 20
BACK = {  # the page from which each kind is asked for
    "audit": "portal:audit-exports",
    "ehi": "delivery:releases",
    "deliveries": "delivery:list-exports",
}
TONES = {
    ExportState.ASKED: "wait",
    ExportState.WAITING: "wait",
    ExportState.RUNNING: "wait",
    ExportState.DONE: "ok",
    ExportState.FAILED: "act",
    ExportState.CANCELLED: "off",
    ExportState.EXPIRED: "off",
}
TROUBLES = {
    "not_covered": "This month has no signed list of patients yet. The sealer makes one every minute: ask again.",
    "declined": "The second person declined it. Speak with them, and ask again.",
    "not_allowed": "Your rights no longer cover what you asked for.",
    "filter": "A person or filter you chose is no longer there. Search anew, and ask again.",
    "too_many": "More than 100,000 rows match. Narrow the list, by time for instance, and ask again.",
    "tries": "The worker ended three times while making it. Narrow it, or tell whoever runs the server.",
    "error": "Something went wrong that the server’s log names. Ask again; if it fails again, tell whoever runs it.",
}


def listing(request: PortalRequest) -> HttpResponse:
    """The form for an export of what a search finds, and one's own exports."""
    chosen = request.selection.chosen
    scope = scope_for(request.user, chosen)
    search = AuditSearchForm(request.GET, people_of(scope.practice), reads_installation(request.user))
    if not search.is_valid():  # never everything instead; the search says what is wrong
        return redirect(f"{reverse('portal:audit')}?{request.GET.urlencode()}")
    query = search.query()
    form = AuditExportForm(query, bool(roles_everywhere(request.user) & READERS), request.POST or None)
    if form.is_valid():
        asked = {
            "format": form.cleaned_data["format"],
            "query": query,
            "location": chosen.code if chosen else "",
        }
        return redirect("portal:export", pk=begin(request.user, "audit", asked).pk)
    context = {
        "form": form,
        "query": query,
        "filters": filter_detail(query),
        "location": chosen,
        "proves": PROVES[part_of(query, chosen.code if chosen else "")],
        "jobs": [row(job) for job in own(request.user, "audit")[:SHOWN]],
    }
    return render(request, "portal/audit/exports.html", context)


def row(job: ExportJob) -> dict[str, object]:
    """One export as the pages show it."""
    making = maker(job.kind)
    return {
        "job": job,
        "name": making.name(job),
        "says": making.says(job),
        "tone": TONES[ExportState(job.state)],
        "goes_on": job.state in OPEN,
        "alone": job.everything and job.approved_by is None and job.state != ExportState.ASKED,
        "fetchable": fetchable(job),
        "trouble": TROUBLES.get(job.trouble, TROUBLES["error"]) if job.trouble else "",
        "back": BACK[job.kind],
    }


@require_GET
def progress(request: PortalRequest, pk: int) -> HttpResponse:
    """How far it is, and the file once it is ready."""
    job = export_for(request.user, pk)
    template = "portal/exports/progress.html" if request.htmx else "portal/exports/job.html"
    return render(request, template, {"row": row(job)})


@require_POST
def cancel_it(request: PortalRequest, pk: int) -> HttpResponse:
    """End it; the file, where there was one, is deleted."""
    job = export_for(request.user, pk)
    if cancel(job):
        messages.success(request, "The export is cancelled; nothing of it is kept.")
    else:
        messages.warning(request, "Nothing was changed: the export had ended already.")
    return redirect("portal:export", pk=pk)


@require_POST
def decide(request: PortalRequest, pk: int, verb: str) -> HttpResponse:
    """The second person's word on an export of everything."""
    if verb not in ("approve", "decline"):
        raise Http404("no such verb")
    try:
        job = to_decide(request.user, pk)
        done = approve(job, request.user) if verb == "approve" else decline(job)
    except SamePerson:
        messages.error(request, "Whoever asked cannot decide: it takes a second person.")
    else:
        word = "Approved: the file is made for whoever asked." if verb == "approve" else "Declined: nothing is made."
        messages.success(request, word) if done else messages.warning(request, "It had been decided already.")
    return redirect("portal:home")


@require_GET
def file(request: PortalRequest, pk: int) -> HttpResponseBase:
    """The file, opened piece by piece while it is sent."""
    job = export_for(request.user, pk)
    answer = StreamingHttpResponse(fetch(job), content_type="application/octet-stream")
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=maker(job.kind).name(job))
    answer["Content-Length"] = str(job.size)
    answer["Cache-Control"] = "no-store"
    return answer
