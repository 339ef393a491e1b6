"""Release together the notes that a mapping held, after it was put right: counted first, then one press."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from delivery.doors import ACTS
from delivery.held_notes import MappingChanged, release_waiting, waiting
from mapping.access import template_for
from portal.requests import PortalRequest


@require_http_methods(["GET", "HEAD", "POST"])
def held(request: PortalRequest, template_pk: int) -> HttpResponse:
    """How many notes wait for this template's mapping and why; posted with the mapping looked at, they go."""
    template = template_for(request.user, template_pk, *ACTS)
    if request.method == "POST":
        seen = request.POST.get("mapping", "")
        try:
            gone = release_waiting(template, int(seen) if seen.isdecimal() and len(seen) < 19 else 0)
        except MappingChanged:
            messages.error(request, "Nothing was released: another mapping is in force now, or none can be used.")
        else:
            said = f"Released: {gone}. Each is mapped anew; what still cannot go is held again, with its reason."
            (messages.success if gone else messages.warning)(request, said if gone else "There was nothing to release.")
        return redirect("delivery:held", template_pk=template_pk)
    context = {"template": template, "location": template.location, "waiting": waiting(template)}
    return render(request, "delivery/held.html", context)
