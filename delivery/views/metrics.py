"""/metrics, for those who carry the token or come from a named network; for everybody else there is no such page."""

import ipaddress

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from delivery.metrics import exposition
from portal.proxies import trusted_networks


def may_scrape(request: HttpRequest) -> bool:
    """By the token, or by the address (behind proxies the client's own, portal/proxies.py). Closed by default."""
    token = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "")
    if token and constant_time_compare(given, f"Bearer {token}"):
        return True
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    return any(address in network for network in trusted_networks(tuple(settings.METRICS_NETWORKS)))


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    if not may_scrape(request):
        raise Http404("no metrics for you")
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)
