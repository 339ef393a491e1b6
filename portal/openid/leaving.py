"""Signing out at the provider too (OpenID Connect RP-Initiated Logout 1.0), where it offers that."""

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from audit.middleware import AUTH_METHOD
from portal.openid import provider
from portal.openid.refusals import Refused

METHOD = "openid"


def end_session(request: HttpRequest) -> str:
    """Where to go after leaving here; "" for sessions of local accounts, and where the provider ends none."""
    if request.session.get(AUTH_METHOD) != METHOD or not settings.OPENID_ISSUER:
        return ""
    try:
        address = provider.endpoints().end_session
    except Refused:
        return ""
    back = request.build_absolute_uri(reverse("portal:sign-in"))
    # No id_token_hint: the token names the person, and would stand in the address and in the session.
    asked = urlencode({"client_id": settings.OPENID_CLIENT_ID, "post_logout_redirect_uri": back})
    return f"{address}{'&' if '?' in address else '?'}{asked}" if address else ""
