"""Settings: scribes with their keys, and agreements."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from portal import agreements, keys
from portal.access import agreement_for, key_for, practice_for, scribe_for
from portal.forms.scribes import AgreementForm, KeyForm, ScribeForm
from portal.models import Role
from portal.panels import rendered
from portal.queries.practice import agreement_rows, key_rows, production_gaps
from portal.requests import PortalRequest
from portal.scribes import add


def listing(request: PortalRequest) -> HttpResponse:
    practice = practice_for(request.user, Role.DIRECTOR)
    form = ScribeForm(practice, request.POST or None)
    if form.is_valid():
        add(practice, form.cleaned_data["name"])
        messages.success(request, f"{form.cleaned_data['name']} is listed. Make it a key, and record the agreement.")
        return redirect("portal:scribes")
    rows = key_rows(practice)
    panels = {row.scribe.pk: rendered(settings.SCRIBE_PANELS, request, row.scribe) for row in rows}
    context = {"form": form, "scribes": [(row, panels[row.scribe.pk]) for row in rows], "tab": "scribes"}
    return render(request, "portal/settings/scribes.html", context)


def new_key(request: PortalRequest, pk: int) -> HttpResponse:
    """The answer to the form holds the key, this once: nothing keeps it, and no address leads back to it."""
    scribe = scribe_for(request.user, pk, Role.DIRECTOR)
    form = KeyForm(scribe.practice, request.POST or None)
    context: dict[str, object] = {"scribe": scribe, "form": form}
    if form.is_valid():
        own = form.cleaned_data
        made, bearer = keys.create(
            scribe,
            own["environment"],
            scopes=own["scopes"],
            locations=own["locations"],
            expires_at=form.expires_at(),
        )
        return render(request, "portal/settings/key_made.html", {"scribe": scribe, "key": made, "bearer": bearer})
    return render(request, "portal/settings/key_new.html", context)


@require_POST
def revoke_key(request: PortalRequest, pk: int) -> HttpResponse:
    key = key_for(request.user, pk, Role.DIRECTOR)
    keys.revoke(key)
    messages.success(request, f"The key {key.prefix}… is revoked: what is sent with it is refused from now on.")
    return redirect("portal:scribes")


def agreements_page(request: PortalRequest) -> HttpResponse:
    practice = practice_for(request.user, Role.DIRECTOR)
    form = AgreementForm(practice, request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        agreements.record_agreement(practice, form.terms(), form.cleaned_data["scribe"])
        messages.success(request, f"The agreement with {form.cleaned_data['party']} is recorded.")
        return redirect("portal:agreements")
    context = {
        "form": form,
        "rows": agreement_rows(practice),
        "gaps": production_gaps(practice),
        "tab": "agreements",
    }
    return render(request, "portal/settings/agreements.html", context)


@require_POST
def end_agreement(request: PortalRequest, pk: int) -> HttpResponse:
    agreement = agreement_for(request.user, pk, Role.DIRECTOR)
    agreements.end(agreement)
    messages.success(request, f"The agreement with {agreement.party} has ended.")
    return redirect("portal:agreements")
