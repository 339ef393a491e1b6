"""What can be done with one row of the list, fetched when its menu is opened: every deed, its page, its ids."""

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from delivery import filters
from delivery.bulk.plan import VERBS
from delivery.deeds import Deed, deeds_for
from delivery.doors import ACTS, READS_AUDIT, REVIEWS, delivery_for, may
from delivery.models import Delivery
from delivery.reviewing import reviewable
from portal.requests import PortalRequest


@require_GET
def row_menu(request: PortalRequest, pk: int) -> HttpResponse:
    """No patient stands in it, and nothing is done by opening it: each entry leads to where it is counted and asked."""
    one = delivery_for(request.user, pk)
    page = reverse("delivery:delivery", args=[pk])
    deeds = deeds_for(one) if may(request.user, one.location, ACTS) else []
    context = {
        "delivery": one,
        "page": page,
        "query": filters.read(request.GET).query(),
        "permalink": request.build_absolute_uri(page),
        "deeds": [(deed, address_of(deed, one, page)) for deed in deeds],
        "may_review": reviewable(one) and may(request.user, one.location, REVIEWS),
        "audit": may(request.user, one.location, READS_AUDIT),
    }
    return render(request, "delivery/row_menu.html", context)


def address_of(deed: Deed, one: Delivery, page: str) -> str:
    """To the preview of this one; what only a look into the chart can answer is asked for on its own page."""
    if deed.verb in VERBS:
        return f"{reverse('delivery:bulk', args=[deed.verb])}?id={one.pk}"
    return f"{page}#reason"
