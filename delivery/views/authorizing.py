"""Connecting a FHIR connection to its authorization server: to eCW and back, its scopes, and our public keys."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from delivery import breaker
from delivery.actions import wake_connection
from delivery.channels.base import Unavailable
from delivery.failures import failure
from delivery.oauth import asking, keyset
from delivery.oauth.asking import NotAsked
from portal import tokens
from portal.access import connection_for, connection_to_change
from portal.models import Connection, ConnectionKind, Role
from portal.requests import PortalRequest


def own_connection(request: PortalRequest, pk: int) -> Connection:
    """The director's FHIR connection; 404 for any other kind."""
    connection = connection_to_change(request.user, pk)
    if connection.kind != ConnectionKind.FHIR:
        raise Http404("no OAuth here")
    return connection


@require_GET
def authorize(request: PortalRequest, pk: int) -> HttpResponse:
    """Off to eCW, to agree. (A link and no form: a form may not lead to another site here.)"""
    connection = own_connection(request, pk)
    try:
        address = asking.begin(request.session, connection, request.build_absolute_uri(reverse("delivery:authorized")))
    except Unavailable as error:
        messages.error(request, failure(error.reason_code).happened)
    except ValueError as wrong:
        messages.error(request, str(wrong))
    else:
        return redirect(address)
    return redirect("portal:connection", pk=pk)


@require_GET
def authorized(request: PortalRequest) -> HttpResponse:
    """Back from eCW, with a code or a refusal; the state must be one this very person began here."""
    try:
        underway = asking.take(request.session, request.GET.get("state", ""), request.GET.get("iss", ""))
    except NotAsked:
        messages.error(request, "This answer belongs to nothing begun here in the last ten minutes. Connect again.")
        return redirect("portal:connections")
    connection = own_connection(request, underway.connection)
    code = request.GET.get("code", "")
    if not code:
        messages.error(request, "eCW gave no permission; nothing is changed.")
        return redirect("portal:connection", pk=connection.pk)
    try:
        asking.finish(connection, underway, code)
    except Unavailable as error:
        messages.error(request, failure(error.reason_code).happened)
    else:
        go_on(connection)
        messages.success(request, f"{connection.name} is connected. What waited for it is being sent.")
    return redirect("portal:connection", pk=connection.pk)


@require_POST
def check_scopes(request: PortalRequest, pk: int) -> HttpResponse:
    """Ask for each scope of a backend service alone; what was refused is named."""
    connection = connection_for(request.user, pk, Role.DIRECTOR)
    if connection.kind != ConnectionKind.FHIR or connection.settings.get("grant") == "authorization_code":
        raise Http404("nothing to ask for")
    try:
        found = asking.check_each(connection)
    except (Unavailable, ValueError) as error:
        messages.error(request, failure(getattr(error, "reason_code", "connection_misconfigured")).happened)
        return redirect("portal:connection", pk=pk)
    refused = [scope for scope, reason_code in found.items() if reason_code]
    if refused:
        messages.error(request, f"Refused: {', '.join(refused)}. Granted: {len(found) - len(refused)}.")
    elif not found:
        messages.info(request, "No location uses this connection yet, so no scope is needed.")
    else:
        messages.success(request, f"Each of the {len(found)} scopes is granted.")
        tokens.forgive(connection)
    return redirect("portal:connection", pk=pk)


def go_on(connection: Connection) -> None:
    """The cause is repaired: the lane's breaker closes and what waits goes."""
    breaker.close(connection)
    wake_connection(connection)


@login_not_required
@require_GET
def jwks(request: HttpRequest, pk: int) -> HttpResponse:
    """The public keys of a connection, for eCW to fetch. No secret and no name stands in it."""
    connection = Connection.objects.filter(pk=pk, kind=ConnectionKind.FHIR).first()
    keys = keyset.public(connection) if connection else None
    if keys is None:
        raise Http404("no keys")
    answer = JsonResponse(keys)
    answer["Cache-Control"] = "public, max-age=300"
    return answer
