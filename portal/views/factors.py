"""The pages of one's own second factor, and of emergency access."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from portal.access import emergency_for
from portal.factors import emergency, totp
from portal.factors.tables import RecoveryCode, SecondFactor
from portal.forms.signin import CodeForm, EmergencyForm
from portal.requests import PortalRequest
from portal.signin import sign_in_for_emergency, take_code
from portal.views.signin import WRONG_CODE, answered, tried

WRONG_EMERGENCY = "User name, password or code is wrong, or this account has no second factor."


@sensitive_post_parameters("code")
def second_factor(request: PortalRequest) -> HttpResponse:
    """Set up, confirm, renew or take away; what is secret is in the answer to the deed alone."""
    user = request.user
    if user.oidc_subject:
        messages.error(request, "Your second factor is the sign-in service's: set it up there.")
        return redirect("portal:home")
    deed = request.POST.get("deed", "")
    if deed == "begin":
        totp.begin(user)
        return redirect("portal:second-factor")
    form = CodeForm(request.POST if deed else None)
    status, seconds = 200, 0
    if form.is_valid():
        answer, status, seconds = _deed(request, deed, form)
        if answer is not None:
            return answer
    return answered(_page(request, form, status), seconds)


def _deed(request: PortalRequest, deed: str, form: CodeForm) -> tuple[HttpResponse | None, int, int]:
    user, code = request.user, form.cleaned_data["code"]
    if deed == "confirm":
        codes = totp.confirm(user, code)
        if codes is None:
            form.add_error("code", WRONG_CODE)
            return None, 200, 0
        return render(request, "portal/recovery_codes.html", {"codes": codes}), 200, 0
    if deed not in ("codes", "remove") or (deed == "remove" and totp.is_required(user)):
        raise Http404("no such deed")
    status, seconds = tried(lambda: take_code(request, user, code), form, WRONG_CODE)
    if status != 302:
        return None, status, seconds
    if deed == "codes":
        return render(request, "portal/recovery_codes.html", {"codes": totp.renew_codes(user)}), 200, 0
    totp.remove(user)
    messages.success(request, "Your second factor is taken away.")
    return redirect("portal:second-factor"), 302, 0


def _page(request: PortalRequest, form: CodeForm, status: int) -> HttpResponse:
    user = request.user
    factor = SecondFactor.objects.select_related("user").filter(pk=user.pk).first()
    context: dict[str, object] = {"form": form, "factor": factor, "required": totp.is_required(user)}
    if factor is not None and factor.confirmed_at is None:
        context |= {"picture": totp.picture(factor), "spelled": totp.spelled(factor)}
    elif factor is not None:
        context["left"] = RecoveryCode.objects.filter(user=user, used_at=None).count()
    return render(request, "portal/second_factor.html", context, status=status)


@login_not_required
@sensitive_post_parameters("password", "code")
def emergency_page(request: HttpRequest) -> HttpResponse:
    """The way in by a local account while the sign-in service is required."""
    if not settings.OPENID_REQUIRED:
        raise Http404("no emergency access")
    if request.user.is_authenticated:
        return redirect("portal:home")
    form = EmergencyForm(request.POST or None)
    status, seconds = 200, 0
    if form.is_valid():
        own = form.cleaned_data
        status, seconds = tried(
            lambda: sign_in_for_emergency(request, own["username"], own["password"], own["code"], own["reason"]),
            form,
            WRONG_EMERGENCY,
        )
    if status == 302:
        return redirect("portal:home")
    context = {"form": form, "minutes": emergency.MINUTES}
    return answered(render(request, "portal/emergency.html", context, status=status), seconds)


@require_POST
def review_emergency(request: PortalRequest, pk: int) -> HttpResponse:
    access = emergency_for(request.user, pk, *emergency.REVIEWERS)
    if emergency.review(access, request.user):
        messages.success(request, "Noted that you have looked at it.")
    else:
        messages.error(request, "Somebody else has to look at it, once.")
    return redirect("portal:home")
