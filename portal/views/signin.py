"""The pages for signing in and out, and for replacing one's password."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRedirect

from audit.record import record
from portal.access import practice_code_of
from portal.context import THEME_COOKIE, THEMES
from portal.devices import device_of, remember
from portal.forms.signin import CodeForm, ReplacePasswordForm, SignInForm
from portal.openid.leaving import end_session
from portal.requests import PortalRequest
from portal.signin import SecondStep, TooSoon, account_of, pending, second_step, sign_in, sign_out

WRONG = "User name or password is wrong."
WRONG_CODE = "This code is wrong, was used before, or is too old. Wait for the next one."
YEAR = 365 * 24 * 3600


def onward_to(request: HttpRequest, asked: str) -> str:
    """Where to go next: `asked`, when it is a page of this site."""
    safe = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
    return asked if asked and safe else resolve_url(settings.LOGIN_REDIRECT_URL)


def _try(request: HttpRequest, form: SignInForm) -> tuple[int, int]:
    """Try what was typed: the status to answer with, and the seconds to wait."""
    return tried(lambda: sign_in(request, form.cleaned_data["username"], form.cleaned_data["password"]), form, WRONG)


def tried(deed: Callable[[], object], form: Form, wrong: str) -> tuple[int, int]:
    """What a try came to: the status to answer with, and the seconds to wait; what went wrong stands in the form."""
    try:
        if deed():
            return 302, 0
    except TooSoon as early:
        form.add_error(None, f"Too many wrong tries. Wait {early.seconds} seconds, then try again.")
        return 429, early.seconds
    form.add_error(None, wrong)
    return 200, 0


@login_not_required
@sensitive_post_parameters("password")
def sign_in_page(request: HttpRequest) -> HttpResponse:
    onward = onward_to(request, request.POST.get("next") or request.GET.get("next", ""))
    if getattr(request, "htmx", False):  # the session ended under a page that polls: show the whole page
        return HttpResponseClientRedirect(request.get_full_path())
    if request.user.is_authenticated:
        return redirect(onward)
    local = any(method["kind"] == "password" for method in settings.SIGN_IN_METHODS)
    form = SignInForm(request.POST or None) if local else SignInForm()
    try:
        status, seconds = _try(request, form) if request.method == "POST" and form.is_valid() else (200, 0)
    except SecondStep:
        return redirect(f"{reverse('portal:second-step')}?{urlencode({'next': onward})}")
    if status == 302:
        answer = HttpResponseRedirect(onward)
        remember(answer, device_of(request).with_account(account_of(form.cleaned_data["username"])))
        return answer
    context = {
        "form": form,
        "next": onward,
        "methods": settings.SIGN_IN_METHODS,
        "emergency": settings.OPENID_REQUIRED,
    }
    return answered(render(request, "portal/sign_in.html", context, status=status), seconds)


def answered(response: HttpResponse, seconds: int) -> HttpResponse:
    """The page, saying when to come again."""
    if seconds:
        response.headers["Retry-After"] = str(seconds)
    return response


@login_not_required
@sensitive_post_parameters("code")
def second_step_page(request: HttpRequest) -> HttpResponse:
    """The code that follows the password."""
    onward = onward_to(request, request.POST.get("next") or request.GET.get("next", ""))
    found = pending(request)
    if found is None:
        return redirect("portal:sign-in")
    form = CodeForm(request.POST or None)
    status, seconds = 200, 0
    if form.is_valid():
        status, seconds = tried(lambda: second_step(request, form.cleaned_data["code"]), form, WRONG_CODE)
    if status == 302:
        answer = HttpResponseRedirect(onward)
        remember(answer, device_of(request).with_account(account_of(found[1])))
        return answer
    return answered(render(request, "portal/second_step.html", {"form": form, "next": onward}, status=status), seconds)


@require_POST
def sign_out_page(request: HttpRequest) -> HttpResponse:
    """A page that leads on, not a redirect: the policy would not let a form end at the provider's address."""
    onward = end_session(request)
    sign_out(request)
    return render(request, "portal/signed_out.html", {"onward": onward}) if onward else redirect("portal:sign-in")


@sensitive_post_parameters()
def password_page(request: PortalRequest) -> HttpResponse:
    form = ReplacePasswordForm(request.user, request.POST or None)
    if request.user.oidc_subject:
        messages.error(request, "Your password is the sign-in service's: replace it there.")
        return redirect("portal:home")
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            request.user.one_time_until = None
            form.save()
            record(
                "auth.password.change",
                practice=practice_code_of(request.user),
                object_type="user",
                object_id=str(request.user.pk),
            )
        update_session_auth_hash(request, request.user)  # other sessions end; this one gets a new key
        messages.success(request, "Your password is replaced. Other sessions of yours have ended.")
        return redirect("portal:home")
    return render(request, "portal/password.html", {"form": form})


@login_not_required
@require_POST
def appearance(request: HttpRequest) -> HttpResponse:
    """Light, dark, or like the system: kept in a cookie that says nothing about anybody."""
    theme = request.POST.get("theme", "auto")
    response = redirect(onward_to(request, request.POST.get("next", "")))
    if theme in THEMES:
        response.set_cookie(
            THEME_COOKIE, theme, max_age=YEAR, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
        )
    return response
