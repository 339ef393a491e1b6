"""Where a scribe is told things: its address, its secret, a test, and what it was told lately."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from delivery.webhooks import endpoints, queries, testing
from delivery.webhooks.forms import EndpointForm
from delivery.webhooks.models import ScribeEndpoint
from delivery.webhooks.words import said_of
from portal.access import scribe_for
from portal.models import Environment, Role, Scribe
from portal.requests import PortalRequest


def endpoint(request: PortalRequest, pk: int, kind: str) -> HttpResponse:
    """One environment of one scribe: made by the first save, changed by the next ones."""
    scribe = scribe_for(request.user, pk, Role.DIRECTOR)
    row = queries.endpoint_of(scribe, _environment(kind))
    form = EndpointForm(kind, row, request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _saved(request, scribe, kind, row, form)
    context = {
        "scribe": scribe,
        "environment": Environment(kind),
        "endpoint": row,
        "state": queries.endpoint_row(row) if row else None,
        "form": form,
        "rows": queries.newest(row) if row else [],
        "newest": queries.NEWEST,
    }
    return render(request, "delivery/webhooks/endpoint.html", context)


def _environment(kind: str) -> str:
    if kind not in Environment.values:
        raise Http404("no such environment")
    return kind


def _saved(
    request: PortalRequest, scribe: Scribe, kind: str, row: ScribeEndpoint | None, form: EndpointForm
) -> HttpResponse:
    own = form.cleaned_data
    if row is None:
        made, secret = endpoints.create(scribe, kind, own["url"], own["types"])
        return _shown_once(request, made, secret)
    endpoints.change(row, own["url"], own["types"], own["enabled"])
    messages.success(request, "Saved; it holds for the next message.")
    return redirect("delivery:endpoint", scribe.pk, kind)


@require_POST
def act(request: PortalRequest, pk: int, kind: str, verb: str) -> HttpResponse:
    """Test, a new secret, or let it go on."""
    scribe = scribe_for(request.user, pk, Role.DIRECTOR)
    row = queries.endpoint_of(scribe, _environment(kind))
    deed = DEEDS.get(verb)
    if row is None or deed is None:
        raise Http404("no such endpoint, or no such deed")
    return deed(request, row)


def _test(request: PortalRequest, row: ScribeEndpoint) -> HttpResponse:
    said = testing.test_now(row)
    if said.taken:
        messages.success(request, f"The endpoint took a test message: {said.status} after {said.ms} ms.")
    else:
        messages.error(request, f"The endpoint did not take a test message. {said_of(said.reason, said.status)}")
    return redirect("delivery:endpoint", row.scribe_id, row.environment)


def _secret(request: PortalRequest, row: ScribeEndpoint) -> HttpResponse:
    return _shown_once(request, row, endpoints.rotate(row))


def _resume(request: PortalRequest, row: ScribeEndpoint) -> HttpResponse:
    again = endpoints.resume(row)
    messages.success(request, f"{row.scribe.name} is told things again, {again} missed messages first.")
    return redirect("delivery:endpoint", row.scribe_id, row.environment)


DEEDS: dict[str, Callable[[PortalRequest, ScribeEndpoint], HttpResponse]] = {
    "test": _test,
    "secret": _secret,
    "resume": _resume,
}


def _shown_once(request: PortalRequest, row: ScribeEndpoint, secret: str) -> HttpResponse:
    context = {"scribe": row.scribe, "endpoint": row, "secret": secret}
    return render(request, "delivery/webhooks/secret.html", context)
