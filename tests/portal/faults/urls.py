"""Views that fail with a canary in their hands, on top of the site's own."""

import logging

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import include, path

from tests.portal.faults.site import CANARY

log = logging.getLogger("portal.faults")


def crash(request: HttpRequest, pk: int) -> HttpResponse:
    posted = request.body.decode()
    raise ValueError(f"cannot file {posted} for {CANARY}")


def chained(request: HttpRequest) -> HttpResponse:
    try:
        {}[CANARY]
    except KeyError as error:
        raise RuntimeError(CANARY) from error


def refused(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied(CANARY)


def missing(request: HttpRequest) -> HttpResponse:
    raise Http404(CANARY)


def suspicious(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation(f"{CANARY} is suspicious")


def stream(request: HttpRequest) -> HttpResponse:
    def pieces():
        yield b"begun"
        raise OSError(CANARY)

    return StreamingHttpResponse(pieces())


def careless(request: HttpRequest) -> HttpResponse:
    log.warning("posted %s", request.body)
    log.warning(f"posted {CANARY}")
    log.warning("posted by %(who)s", {"who": CANARY})
    log.warning("%d posted", CANARY)
    return HttpResponse("done")


FAULTY = {
    "crash/<int:pk>/": crash,
    "chained/": chained,
    "refused/": refused,
    "missing/": missing,
    "suspicious/": suspicious,
    "stream/": stream,
    "careless/": careless,
}
urlpatterns = [path(route, login_not_required(view)) for route, view in FAULTY.items()]
urlpatterns.append(path("", include("portal.urls")))
