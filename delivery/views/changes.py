"""The page on which the daily probe's runs are compared, and the acceptance of what eCW does now as the base."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from delivery.views.forms import ReasonForm
from delivery.ways.changes import accept
from delivery.ways.changes_page import context_of
from delivery.ways.models import Deviation
from portal.access import location_for, roles_at
from portal.models import Role
from portal.requests import PortalRequest

READS = frozenset({Role.DIRECTOR, Role.OPERATOR, Role.AUDITOR})


def changes(request: PortalRequest, code: str) -> HttpResponse:
    location = location_for(request.user, code, *READS)
    context = context_of(location, request.GET.get("run", "")) | {"location": location}
    context["may_accept"] = Role.DIRECTOR in roles_at(request.user, context["at"])
    context["may_probe"] = context["may_accept"]
    return render(request, "delivery/changes.html", context)


@require_POST
def accept_change(request: PortalRequest, code: str) -> HttpResponse:
    """A director takes what eCW does now for the base, with a reason; what waited goes."""
    location = location_for(request.user, code, Role.DIRECTOR)
    seen = request.POST.get("deviation", "")
    rows = Deviation.objects.filter(location=location).select_related("location__practice")
    deviation = rows.filter(pk=int(seen)).first() if seen.isascii() and seen.isdecimal() and len(seen) < 19 else None
    form = ReasonForm(request.POST)
    if deviation is None:
        raise Http404("no such deviation")
    if not form.is_valid():
        messages.error(request, "Say in a few words why it is right now; it stands in the audit log.")
    elif request.POST.get("probe") == str(deviation.probe_id) and accept(
        deviation, request.user, form.cleaned_data["reason"]
    ):
        messages.success(request, "Accepted: later runs are held against this one. What waited goes.")
    else:
        messages.warning(request, "Nothing was changed: it is over already, or was probed again meanwhile. Look anew.")
    return redirect("delivery:changes", code)
