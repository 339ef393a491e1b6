"""Settings: the registration as a partner of eClinicalWorks."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from portal.access import practice_for
from portal.forms.partner import PartnerForm
from portal.models import PartnerStep, Role
from portal.partner import document, rows, write_down
from portal.requests import PortalRequest


@require_GET
def partner(request: PortalRequest) -> HttpResponse:
    """Every step with its state."""
    practice = practice_for(request.user, Role.DIRECTOR)
    context = {"rows": rows(practice, timezone.now().date()), "tab": "partner"}
    return render(request, "portal/settings/partner.html", context)


def partner_step(request: PortalRequest, kind: str) -> HttpResponse:
    """One step: what is known of it, and the form that changes it."""
    practice = practice_for(request.user, Role.DIRECTOR)
    if kind not in PartnerStep.values:
        raise Http404("no such step")
    item = practice.partner_items.filter(step=kind).defer("sealed_file").first()
    known = {name: getattr(item, name) for name in PartnerForm.base_fields if name != "file"} if item else {}
    form = PartnerForm(request.POST or None, request.FILES or None, initial=known)
    if request.method == "POST" and form.is_valid():
        write_down(practice, kind, form.facts(), form.document())
        messages.success(request, f"{PartnerStep(kind).label}: written down.")
        return redirect("portal:partner")
    return render(request, "portal/settings/partner_step.html", {"form": form, "step": PartnerStep(kind), "item": item})


@require_GET
def partner_file(request: PortalRequest, kind: str) -> HttpResponse:
    """The document of a step; that it was fetched is recorded."""
    practice = practice_for(request.user, Role.DIRECTOR)
    item = practice.partner_items.select_related("practice").filter(step=kind).exclude(file_sha256="").first()
    if item is None:
        raise Http404("no document")
    answer = HttpResponse(document(item), content_type="application/octet-stream")
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=item.file_name)
    answer["Cache-Control"] = "no-store"
    return answer
