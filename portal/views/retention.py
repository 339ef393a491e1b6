"""How long the log is kept: the page that shows it, for directors and auditors; what directors decide there."""

from django.contrib import messages
from django.db import IntegrityError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from audit.purging import NotDue, SamePerson, approve, ask, withdraw
from audit.retained import LegalHold, PurgeRequest
from audit.retention import hold, holds_of, lift, set_years, standing_of
from audit.sealed import Tree
from portal.access import practice_for
from portal.forms.retention import HoldForm, LiftForm, YearsForm
from portal.models import Practice, Role
from portal.requests import PortalRequest
from portal.trail import READERS, home_zone, people_of, zones_of

STALE = "Nothing was changed: somebody has decided it meanwhile."


def page(request: PortalRequest) -> HttpResponse:
    """Rule, oldest event, last purge, holds. A post sets a hold."""
    practice = practice_for(request.user, *READERS)
    if request.method == "POST":
        practice = practice_for(request.user, Role.DIRECTOR)
    form = _hold_form(practice, request)
    if form.is_valid():
        hold(practice.code, form.held(), form.cleaned_data["reason"], str(request.user.pk))
        messages.success(request, "The hold stands: nothing that it matches is purged.")
        return redirect("portal:retention")
    kept = standing_of(practice.code)
    context = {
        "kept": kept,
        "form": form,
        "years_form": YearsForm(initial={"years": kept.years}),
        "names": dict(people_of(practice.code)),
        "me": str(request.user.pk),
        "directs": Role.DIRECTOR in request.selection.wide,
    }
    return render(request, "portal/audit/retention.html", context)


def _hold_form(practice: Practice, request: PortalRequest) -> HoldForm:
    locations = list(practice.locations.values_list("code", "name"))
    zone = home_zone(zones_of(practice.code), None)
    return HoldForm(people_of(practice.code), locations, zone, request.POST or None)


@require_POST
def years(request: PortalRequest) -> HttpResponse:
    """A new rule."""
    practice = practice_for(request.user, Role.DIRECTOR)
    form = YearsForm(request.POST)
    if form.is_valid():
        set_years(practice.code, form.cleaned_data["years"], str(request.user.pk))
        messages.success(request, f"The log is kept {form.cleaned_data['years']} years from now on.")
    else:
        messages.error(request, "Six years at least, a hundred at most.")
    return redirect("portal:retention")


@require_POST
def lift_hold(request: PortalRequest, pk: int) -> HttpResponse:
    """End a hold, with the reason."""
    practice = practice_for(request.user, Role.DIRECTOR)
    one = LegalHold.objects.filter(pk=pk, practice=practice.code).first()
    if one is None:
        raise Http404("no such hold")
    form = LiftForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say why the hold ends.")
    elif not holds_of(practice.code).filter(pk=pk).exists():
        messages.warning(request, STALE)
    else:
        try:
            lift(one, form.cleaned_data["reason"], str(request.user.pk))
            messages.success(request, "The hold is lifted.")
        except IntegrityError:
            messages.warning(request, STALE)
    return redirect("portal:retention")


@require_POST
def ask_purge(request: PortalRequest, pk: int) -> HttpResponse:
    """Ask that a month goes; a second person decides."""
    practice = practice_for(request.user, Role.DIRECTOR)
    tree = Tree.objects.filter(pk=pk, practice=practice.code).first()
    if tree is None:
        raise Http404("no such month")
    form = LiftForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Say why the month is to go.")
        return redirect("portal:retention")
    try:
        ask(tree, form.cleaned_data["reason"], str(request.user.pk))
        messages.success(request, "Asked for. A second director or auditor must approve before anything goes.")
    except NotDue:
        messages.warning(request, "This month may not go: the rule still keeps it, or it has been asked for already.")
    return redirect("portal:retention")


@require_POST
def decide_purge(request: PortalRequest, pk: int, verb: str) -> HttpResponse:
    """The second person approves; or somebody takes the request back."""
    practice = practice_for(request.user, *READERS)
    one = PurgeRequest.objects.select_related("tree").filter(pk=pk, tree__practice=practice.code).first()
    if one is None or verb not in ("approve", "withdraw"):
        raise Http404("no such request")
    try:
        if verb == "approve":
            approve(one, str(request.user.pk))
            messages.success(request, "Approved. The sealer signs the certificate, anchors it, and lets the events go.")
        else:
            withdraw(one)
            messages.success(request, "Withdrawn: the month stays.")
    except SamePerson:
        messages.error(request, "Whoever asked cannot approve: it takes a second person.")
    except NotDue:
        messages.warning(request, STALE)
    return redirect("portal:retention")
