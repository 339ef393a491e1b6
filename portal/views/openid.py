"""Going to the practice's sign-in service and coming back; and which of its groups stands for which role."""

from typing import Any

from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.http import require_GET, require_POST
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from audit.middleware import AUTH_METHOD, request_actor
from audit.record import acting, record
from portal.access import group_role_for, practice_code_of, practice_for
from portal.forms.sign_in_settings import GroupForm
from portal.models import GroupRole, Role, User
from portal.openid import provider
from portal.openid.leaving import METHOD
from portal.openid.refusals import REFUSALS, Refused
from portal.requests import PortalRequest

FIXED: dict[str, Any] = {
    "OIDC_AUTHENTICATION_CALLBACK_URL": "portal:openid-callback",
    "OIDC_USE_NONCE": True,
    "OIDC_USE_PKCE": True,
    "OIDC_PKCE_CODE_CHALLENGE_METHOD": "S256",
}


def _setting(name: str, *default: Any) -> Any:
    """The library's settings, from ours: the provider's addresses are discovered, the rest is fixed."""
    if name == "OIDC_OP_AUTHORIZATION_ENDPOINT":
        return provider.endpoints().authorization
    ours = {"OIDC_RP_CLIENT_ID": settings.OPENID_CLIENT_ID, "OIDC_RP_SCOPES": settings.OPENID_SCOPES, **FIXED}
    return ours[name] if name in ours else default[0]


class Begin(OIDCAuthenticationRequestView):
    """Sends the browser to the provider, with a state, a nonce and a challenge that this session alone knows."""

    get_settings = staticmethod(_setting)


class ComeBack(OIDCAuthenticationCallbackView):
    """Takes the provider's answer; whatever is wrong with it becomes a Refused."""

    get_settings = staticmethod(_setting)

    def login_failure(self) -> HttpResponse:
        raise Refused("state")

    def login_success(self) -> HttpResponse:
        onward = self.success_url  # before the session gets its new key, and with that is emptied
        with transaction.atomic():
            if self.request.user.is_authenticated:
                auth.logout(self.request)
            auth.login(self.request, self.user)
            self.request.session[AUTH_METHOD] = METHOD
            with acting(request_actor(self.request)):
                practice = practice_code_of(self.user)
                record("auth.login.ok", practice=practice, object_type="user", object_id=str(self.user.pk))
        return HttpResponseRedirect(onward)


def _refuse(request: HttpRequest, code: str) -> HttpResponse:
    with transaction.atomic():
        record("auth.login.fail", outcome="denied", outcome_class=code, object_type="openid")
    words = Refused(code).words
    shown = code if code in REFUSALS else "not accepted"
    context = {"refusal": words, "code": shown, "emergency": settings.OPENID_REQUIRED}
    return render(request, "portal/sign_in_refused.html", context, status=words.status)


def _offered() -> None:
    if not settings.OPENID_ISSUER:
        raise Http404("no sign-in service")


@login_not_required
@require_GET
def begin(request: HttpRequest) -> HttpResponse:
    _offered()
    if request.user.is_authenticated:
        return redirect(resolve_url(settings.LOGIN_REDIRECT_URL))
    try:
        return Begin.as_view()(request)
    except Refused as refused:
        return _refuse(request, refused.code)


@login_not_required
@require_GET
def come_back(request: HttpRequest) -> HttpResponse:
    _offered()
    try:
        if request.GET.get("error"):
            return _refuse(request, "denied" if _forget_state(request) else "state")
        return ComeBack.as_view()(request)
    except SuspiciousOperation:  # a state that this session never gave, or has used
        return _refuse(request, "state")
    except Refused as refused:
        return _refuse(request, refused.code)


def _forget_state(request: HttpRequest) -> bool:
    """Whether the answer is to a question of this session, which is then over."""
    states = request.session.get("oidc_states", {})
    known = states.pop(request.GET.get("state", ""), None)
    request.session["oidc_states"] = states
    return known is not None


def settings_page(request: PortalRequest) -> HttpResponse:
    """How people sign in, and what the provider's groups stand for in this practice."""
    practice = practice_for(request.user, Role.DIRECTOR)
    form = GroupForm(practice, request.POST or None)
    if form.is_valid():
        own = form.cleaned_data
        GroupRole.objects.create(practice=practice, group=own["group"], role=own["role"], location=own["location"])
        messages.success(request, "The group stands for this role from each person's next sign-in on.")
        return redirect("portal:sign-in-settings")
    context = {
        "form": form,
        "tab": "sign-in",
        "issuer": settings.OPENID_ISSUER,
        "claim": settings.OPENID_GROUPS_CLAIM,
        "rows": practice.group_roles.select_related("location"),
        "people": User.objects.filter(memberships__practice=practice).exclude(oidc_subject="").distinct().count(),
    }
    return render(request, "portal/settings/sign_in.html", context)


@require_POST
def remove_group(request: PortalRequest, pk: int) -> HttpResponse:
    group_role_for(request.user, pk, Role.DIRECTOR).delete()
    messages.success(request, "The group is removed. Who has the role by it keeps it until their next sign-in.")
    return redirect("portal:sign-in-settings")
