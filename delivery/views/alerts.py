"""Alerts: what goes on and what recovered, whom it was told, and taking care of it."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseNotModified
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from delivery.alerts import queries
from delivery.alerts.course import acknowledge, acknowledge_all
from delivery.alerts.models import Alert
from delivery.doors import ACTS, scope_for
from portal.access import WrongRole, locations_of, roles_at, roles_everywhere
from portal.models import Practice, Role, User
from portal.navigation import SEES_NOTES
from portal.requests import PortalRequest


@require_GET
def alerts(request: PortalRequest) -> HttpResponse:
    """No patient is named here: counts, codes and things of ours. An open page asks every two seconds: one read."""
    scope, now = scope_for(request), timezone.now()
    wide = request.selection.wide & SEES_NOTES and request.selection.chosen is None
    practices = {location.practice_id for location in scope.locations} if wide else set()
    found = queries.listed(queries.visible(scope.locations, practices), now)
    version = f'"{queries.version(found, now)}"'
    if request.headers.get("If-None-Match") == version:
        return HttpResponseNotModified()
    may_act = _acts_for(request.user)
    rows = [queries.row(one, may_act(one), now) for one in found]
    context = {
        "version": version,
        "going": [one for one in rows if one.alert.going_on],
        "over": [one for one in rows if not one.alert.going_on],
        "to_acknowledge": sum(one.may_acknowledge for one in rows),
        "may_set": Role.DIRECTOR in request.selection.wide,
        "kept": queries.KEPT.days,
    }
    return render(request, f"delivery/alerts/{'live' if request.htmx else 'list'}.html", context)


def _acts_for(user: User) -> Callable[[Alert], bool]:
    """Whoever acts on deliveries there; of what concerns the whole practice, at every location of it. Two reads."""
    here = set(locations_of(user, *ACTS).values_list("pk", flat=True))
    everywhere = bool(roles_everywhere(user) & ACTS)
    return lambda alert: alert.location_id in here if alert.location_id else everywhere


def _may_act(user: User, alert: Alert) -> bool:
    return _acts_for(user)(alert)


@require_GET
def alert(request: PortalRequest, pk: int) -> HttpResponse:
    """One alert, with everybody who was told."""
    one = alert_for(request.user, pk)
    context = {
        "row": queries.row(one, _may_act(request.user, one), timezone.now()),
        "told": queries.told_of(one),
        "link": queries.link_of(one),
        "sees_addresses": _may_act(request.user, one),
    }
    return render(request, "delivery/alerts/alert.html", context)


def alert_for(user: User, pk: int) -> Alert:
    """The alert, for those who see deliveries there; Http404 for strangers, WrongRole (403) for the wrong role."""
    mine = Practice.objects.filter(memberships__user=user)
    one = queries.visible(list(locations_of(user)), mine.values_list("pk", flat=True)).filter(pk=pk).first()
    if one is None:
        raise Http404("no such alert")
    held = roles_at(user, one.location) if one.location else roles_everywhere(user)
    if not held & SEES_NOTES:
        raise WrongRole(SEES_NOTES, one.place)
    return one


@require_POST
def take(request: PortalRequest, pk: int) -> HttpResponse:
    """Acknowledge one."""
    one = alert_for(request.user, pk)
    if not _may_act(request.user, one):
        raise WrongRole(ACTS, one.place)
    if acknowledge(one, request.user, timezone.now()):
        messages.success(request, "Acknowledged: nobody else is told until it gets worse or recovers.")
    else:
        messages.warning(request, "Nothing was changed: it has recovered, or somebody has it already.")
    return redirect("delivery:alert", pk)


@require_POST
def take_all(request: PortalRequest) -> HttpResponse:
    """Acknowledge all that go on at the locations in view and may be acknowledged by this person."""
    scope = scope_for(request)
    wide = request.selection.wide & ACTS and request.selection.chosen is None
    practices = {location.practice_id for location in scope.locations} if wide else set()
    if not locations_of(request.user, *ACTS).filter(pk__in=[one.pk for one in scope.locations]).exists():
        raise WrongRole(ACTS)
    found = queries.visible(scope.locations, practices).filter(going_on=True)
    may_act = _acts_for(request.user)
    mine = [one for one in found if may_act(one)]
    number = acknowledge_all(mine, request.user, timezone.now())
    messages.success(request, f"{number} acknowledged.")
    return redirect("delivery:alerts")
