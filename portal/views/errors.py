"""What a person reads when something does not work, in plain words; a refusal is recorded."""

import logging
import sys

from django.core.exceptions import BadRequest, DisallowedHost, RequestDataTooBig, TooManyFieldsSent
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.defaults import bad_request, page_not_found

from audit.record import current, record
from portal.access import WrongRole, practice_code_of
from portal.models import Role

log = logging.getLogger(__name__)
KEYS_RETRY_SECONDS = 60


class NulInRequest(BadRequest):
    """PostgreSQL can hold no NUL, so none is let in (portal/middleware.py)."""


API = "/api/"
BROKEN = (
    "Something failed on our side, recorded under the number {number}. The request may have been carried out or not: "
    "send it again with the same Idempotency-Key, and it counts once."
)
# What reaches no view, by what was raised. The first that fits says it; no word of the request is repeated.
UNREAD: tuple[tuple[type[Exception], str], ...] = (
    (DisallowedHost, "The Host header names no host that this portal answers for; its operator can allow the name."),
    (RequestDataTooBig, "The request is larger than this portal reads."),
    (TooManyFieldsSent, "The request has more fields than this portal reads."),
    (NulInRequest, "There is a NUL in the address or the form; leave it out."),
    (UnreadablePostError, "The request ended before all of it had come; send it again."),
)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: a page for people, the API's own shape for scribes."""
    if request.path.startswith(API):
        return problem(404, "There is nothing at this address of the API; the ids in it may be misspelt.")
    return page_not_found(request, exception)


def not_understood(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: as not_found(), in the words of what it was that could not be read."""
    if request.path.startswith(API):
        words = next((said for kind, said in UNREAD if isinstance(exception, kind)), "The request cannot be read.")
        return problem(400, words)
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
    answer = HttpResponse(render_to_string("503.html", {"number": number, "again": again(request)}), status=503)
    answer["Retry-After"] = str(KEYS_RETRY_SECONDS)
    return answer


def again(request: HttpRequest) -> str:
    """The address to ask for once more; "" for what was posted, which may have been done."""
    return request.get_full_path() if request.method == "GET" else ""


def broken(request: HttpRequest) -> HttpResponse:
    """500: without a context processor, which may be what broke. The number finds the line in the server's log."""
    number = current().correlation_id
    kind = sys.exc_info()[0]
    log.error("unexpected %s, number %s", kind, number)
    if request.path.startswith(API):
        return problem(500, BROKEN.format(number=number or "unknown"))
    return HttpResponse(render_to_string("500.html", {"number": number, "again": again(request)}), status=500)
