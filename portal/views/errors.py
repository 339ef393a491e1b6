"""What a person reads when something does not work, in plain words; a refusal is recorded."""

import logging
import sys

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.defaults import bad_request, page_not_found

from audit.record import current, record
from portal.access import WrongRole, practice_code_of
from portal.models import Role

log = logging.getLogger(__name__)
KEYS_RETRY_SECONDS = 60
API = "/api/"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: a page for people, the API's own shape for scribes."""
    if request.path.startswith(API):
        return problem(404, "There is nothing at this address of the API; the ids in it may be misspelt.")
    return page_not_found(request, exception)


def not_understood(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: as not_found()."""
    if request.path.startswith(API):
        return problem(400, "The request cannot be read; there may be a NUL in its address.")
    return bad_request(request, exception)


def problem(status: int, message: str) -> HttpResponse:
    """The shape of every refusal of the API (delivery/api.py), for what never reaches it."""
    return JsonResponse({"problems": [{"pointer": "", "message": message}]}, status=status)


def refused(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: theirs, but not with their role. Recorded here, outside any transaction the view has lost."""
    needed = exception.needed if isinstance(exception, WrongRole) else frozenset()
    route = request.resolver_match.view_name if request.resolver_match else ""
    with transaction.atomic():
        record(
            "authz.denied",
            outcome="denied",
            practice=practice_code_of(request.user),
            location=exception.location if isinstance(exception, WrongRole) else "",
            detail={"route": route, "role": ",".join(sorted(needed))},
        )
    labels = [Role(role).label for role in sorted(needed)]
    return render(request, "403.html", {"needed": labels}, status=403)


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token does not fit: usually a page from before signing in again."""
    return render(request, "403_form.html", status=403)


def keys_away(request: HttpRequest) -> HttpResponse:
    """503: patient data can be neither opened nor sealed now. Without a context processor, as broken()."""
    number = current().correlation_id
    log.warning("the keys could not be had, number %s", number)
    answer = HttpResponse(render_to_string("503.html", {"number": number}), status=503)
    answer["Retry-After"] = str(KEYS_RETRY_SECONDS)
    return answer


def broken(request: HttpRequest) -> HttpResponse:
    """500: without a context processor, which may be what broke. The number finds the line in the server's log."""
    number = current().correlation_id
    kind = sys.exc_info()[0]
    log.error("unexpected %s, number %s", kind, number)
    return HttpResponse(render_to_string("500.html", {"number": number}), status=500)
