"""The buttons about receivers: probe a connection, try a stopped one again, leave recovery mode."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from delivery import breaker, incarnation
from delivery.actions import wake_connection
from delivery.connection_steps import FAILED, STEPS, examine
from delivery.probe import CannotProbe, probe
from portal.access import WrongRole, connection_for, decides_for_installation, practice_for
from portal.models import Location, Role
from portal.requests import PortalRequest


@require_POST
def probe_now(request: PortalRequest, pk: int) -> HttpResponse:
    """Probe in the request: it takes a few seconds, and the answer is the page."""
    connection = connection_for(request.user, pk, Role.DIRECTOR)
    location = Location.objects.filter(routes__connection=connection).order_by("code").first()
    try:
        if location is None:
            raise CannotProbe("No location has a route by this connection; make one first.")
        finding = probe(connection, location)
    except CannotProbe as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Probed: {finding.profile.label.lower()}.")
    return redirect("portal:connection", pk=pk)


@require_POST
def test_now(request: PortalRequest, pk: int) -> HttpResponse:
    """Test in the request: every step has its deadline, and the answer is the page."""
    connection = connection_for(request.user, pk, Role.DIRECTOR)
    failed = next((step for step in examine(connection) if step.outcome == FAILED), None)
    if failed:
        messages.error(request, f"The test stopped at: {STEPS[failed.key]}.")
    else:
        messages.success(request, "Every step of the test passed.")
    return redirect("portal:connection", pk=pk)


@require_POST
def close_breaker(request: PortalRequest, pk: int) -> HttpResponse:
    """A person has repaired the cause: what waits goes at once."""
    connection = connection_for(request.user, pk, Role.DIRECTOR)
    breaker.close(connection)
    wake_connection(connection)
    messages.success(request, "What waits for this connection is being sent.")
    return redirect("portal:connection", pk=pk)


@require_POST
def leave_recovery(request: PortalRequest) -> HttpResponse:
    """Whoever decides for the installation has looked at what was doubted: sending goes on, for every practice."""
    practice_for(request.user, Role.DIRECTOR)
    if not decides_for_installation(request.user):
        raise WrongRole(frozenset())
    incarnation.leave()
    messages.success(request, "Recovery mode has ended; sending goes on.")
    return redirect("portal:home")
