"""Whether this process lives, and whether it can do its work: for supervisors and load balancers, without details."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse

from portal.readiness import state


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    found = state()
    ready = all(value in ("ok", "embedded") for value in found.values())
    return JsonResponse({"ready": ready, **found}, status=200 if ready else 503)
