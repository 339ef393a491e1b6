"""The page of a template that was stopped because eCW filed a section in another field, and its one button."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from delivery import misrouting
from delivery.doors import ACTS
from delivery.views.forms import ReasonForm
from mapping.access import template_for
from portal.requests import PortalRequest


@require_http_methods(["GET", "HEAD", "POST"])
def misrouted(request: PortalRequest, template_pk: int) -> HttpResponse:
    """What was found where, and how many notes wait; posted with the stop looked at and a reason, they go."""
    template = template_for(request.user, template_pk, *ACTS)
    if request.method == "POST":
        form = ReasonForm(request.POST)
        seen = request.POST.get("stop", "")
        if not form.is_valid():
            messages.error(request, "Say in a few words what you found; it stands in the audit log.")
        else:
            stop = int(seen) if seen.isdecimal() and len(seen) < 19 else 0
            _say(request, misrouting.looked(stop, template, request.user, form.cleaned_data["reason"]))
        return redirect("delivery:misrouted", template_pk=template_pk)
    context = {
        "template": template,
        "location": template.location,
        "stop": misrouting.stop_of(template),
        "waiting": misrouting.waiting(template),
    }
    return render(request, "delivery/misrouted.html", context)


def _say(request: PortalRequest, gone: int | None) -> None:
    if gone is None:
        messages.warning(request, "Nothing was changed: somebody has looked already, or another stop stands now.")
    else:
        messages.success(request, f"The template's notes go on. Released: {gone}.")
