"""Compare with FHIR: what the chart's documents hold now beside the message of one delivery. Asked, shown, recorded."""

from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from delivery import chart_documents
from delivery.channels.base import Unavailable
from delivery.doors import READS_CONTENT, delivery_for
from delivery.failures import failure
from delivery.models import Delivery
from delivery.views.detail import CANNOT_OPEN, message_of, page, record_view, tab_context
from portal import crypto
from portal.requests import PortalRequest


@require_POST
def compare(request: PortalRequest, pk: int) -> HttpResponse:
    """The message and the chart's documents side by side; the chart is asked before anything is written down."""
    one = delivery_for(request.user, pk, *READS_CONTENT)
    if not chart_documents.comparable(one):
        raise Http404("the chart is not read by FHIR here")
    context = asked(one)
    with transaction.atomic():
        record_view(one, "chart")
    if request.htmx:
        return render(request, "delivery/tabs/message.html", tab_context(request, one, "message") | context)
    return page(request, one, "message", context)


def asked(one: Delivery) -> dict[str, Any]:
    """Both sides, or the words for why one cannot be shown. The chart is asked outside any transaction."""
    try:
        shown: dict[str, Any] = {"opened": True} | message_of(one)
        return shown | {"documents": chart_documents.held(one)}
    except Unavailable as error:
        return shown | {"not_read": failure(error.reason_code)}
    except crypto.CannotOpen:
        return {"cannot_open": CANNOT_OPEN}
