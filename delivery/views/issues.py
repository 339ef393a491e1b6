"""The issues of the monitor: all of them on a page, and what a person does with one."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from delivery.bulk.plan import VERBS, able, deed_named
from delivery.deeds import Deed
from delivery.doors import ACTS, scope_for
from delivery.monitor import issues
from delivery.monitor.opened import OF_CHANGES
from delivery.monitor.tables import Issue
from delivery.views.listing import may_act
from portal.access import WrongRole, locations_of, roles_at
from portal.requests import PortalRequest


def all_issues(request: PortalRequest) -> HttpResponse:
    """Every issue of the locations in view, resolved and muted ones too; or those given to the person who asks."""
    scope, mine = scope_for(request), request.GET.get("whose") == "mine"
    found = issues.rail(scope, timezone.now(), every=True, of=request.user if mine else None)
    context = {"rail": found, "scope": scope, "whole": True, "mine": mine}
    if may_act(request, [one.pk for one in scope.locations]):
        context |= {"may_act": True, "people": issues.people_at(scope)}
    return render(request, "delivery/monitor/issues.html", context)


def issue(request: PortalRequest, pk: int) -> HttpResponse:
    """One issue, with whom it may be given to."""
    one = issues.issue_for(request.user, pk)
    if one is None:
        raise Http404("no such issue")
    scope_for(request)
    context = {
        "shown": issues.show(one, timezone.now()),
        "people": issues.people_for(one),
        "mutes": issues.MUTES,
        "more": issues.MORE,
        "may_act": bool(roles_at(request.user, one.location) & ACTS),
        "deeds": deeds_for(request, one),
        "of_changes": one.reason_code in OF_CHANGES,
    }
    return render(request, "delivery/monitor/issue.html", context)


def deeds_for(request: PortalRequest, one: Issue) -> list[tuple[Deed, str]]:
    """What can be done with all that is affected, each with its preview's address; nothing for those who only look."""
    if not roles_at(request.user, one.location) & ACTS:
        return []
    affected = issues.affected(one)
    deeds = [deed for verb in VERBS if (deed := deed_named(verb))]
    return [(deed, issues.bulk_address(one, deed.verb)) for deed in deeds if able(affected, deed).exists()]


@require_POST
def act(request: PortalRequest, pk: int, verb: str) -> HttpResponse:
    """Acknowledge, assign, mute or resolve."""
    one = issues.issue_for(request.user, pk)
    if one is None or verb not in issues.DEEDS:
        raise Http404("no such issue")
    if not roles_at(request.user, one.location) & ACTS:
        raise WrongRole(ACTS, one.location.code)
    asked = issues.Asked(request.user, request.POST.get("word", "")[:40], timezone.now())
    if issues.carry_out(one, verb, asked):
        messages.success(request, issues.DEEDS[verb][0])
    else:
        messages.warning(request, "Nothing was changed: the issue is not in a state for that, or the choice is none.")
    return redirect("delivery:issue", pk=pk)


@require_POST
def act_on_many(request: PortalRequest, verb: str) -> HttpResponse:
    """The same with all that are chosen: each by itself, with its own entry in the audit log, and counted."""
    if verb not in issues.MANY:
        raise Http404("no such deed for many")
    found = [one for pk in chosen(request) if (one := issues.issue_for(request.user, pk))]
    mine = set(locations_of(request.user, *ACTS).values_list("pk", flat=True))
    if any(one.location_id not in mine for one in found):
        raise WrongRole(ACTS)
    asked = issues.Asked(request.user, request.POST.get("word", "")[:40], timezone.now())
    done = sum(issues.carry_out(one, verb, asked) for one in found)
    left = len(found) - done
    if done:
        messages.success(request, f"{issues.MANY[verb]}: {done} issue{'' if done == 1 else 's'}.")
    if left or not found:
        words = f"{left} left as they were: not for that person, or not in a state for it." if left else "None chosen."
        messages.warning(request, words)
    return redirect(f"{reverse('delivery:issues')}?whose={'mine' if request.POST.get('whose') == 'mine' else 'all'}")


def chosen(request: PortalRequest) -> list[int]:
    """The numbers that are ticked, each once; what is no number is nobody's."""
    given = dict.fromkeys(request.POST.getlist("id"))
    return [int(one) for one in given if one.isascii() and one.isdecimal() and len(one) < 19][: issues.MOST_CHOSEN]
