"""The delivery list as a file: what it is narrowed to is said first, then a worker makes it; and one's own files."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render

from delivery import filters, queries
from delivery.doors import scope_for
from delivery.list_file import MOST
from delivery.tabs import chips
from portal.exports.asking import begin, own
from portal.requests import PortalRequest
from portal.views.exports import SHOWN, row


def list_exports(request: PortalRequest) -> HttpResponse:
    """A post asks for the file of what the address narrows the list to."""
    scope, chosen = scope_for(request), filters.read(request.GET)
    if request.method == "POST" and scope.locations:
        asked: dict[str, Any] = {
            "format": "csv",
            "query": chosen.query(),
            "locations": [one.code for one in queries.within(scope, chosen).locations],
        }
        return redirect("portal:export", pk=begin(request.user, "deliveries", asked).pk)
    total = queries.matching(scope, chosen).count()
    context = {
        "query": chosen.query(),
        "chips": chips(chosen, scope),
        "scope": scope,
        "total": total,
        "total_words": f"{total:,}",
        "most": MOST,
        "most_words": f"{MOST:,}",
        "jobs": [row(job) for job in own(request.user, "deliveries")[:SHOWN]],
    }
    return render(request, "delivery/list_exports.html", context)
