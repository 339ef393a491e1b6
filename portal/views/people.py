"""Settings: people, their roles and their accounts."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from portal import people
from portal.access import person_for, practice_for
from portal.factors import totp
from portal.forms.people import InviteForm, RoleForm
from portal.models import Role
from portal.queries.practice import people_rows
from portal.requests import PortalRequest


def listing(request: PortalRequest) -> HttpResponse:
    practice = practice_for(request.user, Role.DIRECTOR)
    return render(request, "portal/settings/people.html", {"rows": people_rows(practice), "tab": "people"})


def invite(request: PortalRequest) -> HttpResponse:
    """The answer to the form holds the one-time password, this once."""
    practice = practice_for(request.user, Role.DIRECTOR)
    form = InviteForm(practice, request.POST or None)
    if form.is_valid():
        own = form.cleaned_data
        person, password = people.invite(practice, form.person(), own["role"], own["location"])
        context = {"person": person, "password": password, "hours": people.ONE_TIME_HOURS}
        return render(request, "portal/settings/password_made.html", context)
    return render(request, "portal/settings/person_new.html", {"form": form})


def detail(request: PortalRequest, pk: int) -> HttpResponse:
    person = person_for(request.user, pk, Role.DIRECTOR)
    practice = practice_for(request.user, Role.DIRECTOR)
    form = RoleForm(practice, request.POST or None)
    if form.is_valid():
        try:
            new = people.grant(practice, person, form.cleaned_data["role"], form.cleaned_data["location"])
            messages.success(request, "The role is given." if new else "This role was held already.")
        except people.NotAllowed as refused:
            messages.error(request, str(refused))
        return redirect("portal:person", pk)
    roles = person.memberships.filter(practice=practice).select_related("location").order_by("location__code", "role")
    context = {"person": person, "roles": roles, "form": form, "factor": totp.factor_of(person)}
    return render(request, "portal/settings/person.html", context)


@require_POST
def revoke(request: PortalRequest, pk: int, membership: int) -> HttpResponse:
    person = person_for(request.user, pk, Role.DIRECTOR)
    practice = practice_for(request.user, Role.DIRECTOR)
    held = person.memberships.filter(practice=practice, pk=membership).first()
    if held is None:
        raise Http404("no such role")
    try:
        people.revoke(held)
        messages.success(request, "The role is taken.")
    except people.NotAllowed as refused:
        messages.error(request, str(refused))
    return redirect("portal:person", pk)


@require_POST
def account(request: PortalRequest, pk: int, verb: str) -> HttpResponse:
    """Disable, enable, give a new one-time password, or take away a second factor whose telephone is lost."""
    person = person_for(request.user, pk, Role.DIRECTOR)
    practice = practice_for(request.user, Role.DIRECTOR)
    if verb == "password" and not person.oidc_subject:
        password = people.renew_password(practice, person)
        context = {"person": person, "password": password, "hours": people.ONE_TIME_HOURS}
        return render(request, "portal/settings/password_made.html", context)
    if verb == "factor":
        totp.remove(person)
        messages.success(request, f"The second factor of {person.username} is taken away: they set up another.")
        return redirect("portal:person", pk)
    deed = {"disable": people.disable, "enable": people.enable}.get(verb)
    if deed is None:
        raise Http404("no such verb")
    try:
        deed(practice, person)
        messages.success(request, f"The account of {person.username} is {verb}d.")
    except people.NotAllowed as refused:
        messages.error(request, str(refused))
    return redirect("portal:person", pk)
