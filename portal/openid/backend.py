"""mozilla-django-oidc's back end, with everything it takes on trust examined: tokens, audience, keys, and who it is."""

import time
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from portal.models import User
from portal.openid import provider
from portal.openid.groups import settled
from portal.openid.identity import Expected, claims_of, header
from portal.openid.refusals import Refused

SETTINGS: dict[str, Any] = {
    "OIDC_AUTHENTICATION_CALLBACK_URL": "portal:openid-callback",
    "OIDC_STORE_ACCESS_TOKEN": False,
    "OIDC_STORE_ID_TOKEN": False,
}
PERSON = ("given_name", "family_name", "email", "preferred_username")


class OpenIdBackend(OIDCAuthenticationBackend):
    """Answers only where a sign-in begun here comes back (a nonce is given). Raises Refused; never None after that."""

    def __init__(self) -> None:
        # Not the library's: it would ask for every address of the provider at each sign-in with a password.
        self.UserModel = get_user_model()
        self.OIDC_RP_CLIENT_ID = settings.OPENID_CLIENT_ID
        self.OIDC_RP_CLIENT_SECRET = settings.OPENID_CLIENT_SECRET

    @staticmethod
    def get_settings(attr: str, *args: Any) -> Any:
        return SETTINGS[attr] if attr in SETTINGS else args[0]

    def authenticate(self, request: HttpRequest | None, **kwargs: Any) -> User | None:
        """The person whom the provider names, with the roles of their groups; None where it was not asked."""
        if not settings.OPENID_ISSUER or not kwargs.get("nonce") or not kwargs.get("code_verifier"):
            return None
        return super().authenticate(request, **kwargs)

    def get_token(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Exchange the code; RFC 6749, 2.3.1: the secret goes in the header."""
        known = (payload["client_id"], payload.pop("client_secret"))
        status, said = provider.call("POST", provider.endpoints().token, data=payload, auth=known)
        if status >= 500:
            raise Refused("away")
        if status != 200 or not isinstance(said, dict) or not isinstance(said.get("access_token"), str):
            raise Refused("code")
        return said

    def verify_token(self, token: Any, **kwargs: Any) -> dict[str, Any]:
        algorithm, name = header(token)
        key = provider.key_for(algorithm, name)
        expected = Expected(settings.OPENID_ISSUER, settings.OPENID_CLIENT_ID, kwargs.get("nonce", ""), time.time())
        return claims_of(token, key, algorithm, expected)

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> User:
        """Whom (iss, sub) names, and nobody else: an e-mail address is what somebody typed."""
        claims = dict(payload)
        if settings.OPENID_GROUPS_CLAIM not in claims:
            more = self.get_userinfo(access_token, id_token, payload)
            claims |= {name: more[name] for name in (*PERSON, settings.OPENID_GROUPS_CLAIM) if name in more}
        return settled(claims)

    def get_userinfo(self, access_token: str, id_token: str, payload: dict[str, Any]) -> dict[str, Any]:
        """More about the same person (OpenID Connect Core, 5.3.2: `sub` must be the token's)."""
        where = provider.endpoints().userinfo
        if not where:
            return {}
        status, said = provider.call("GET", where, headers={"Authorization": f"Bearer {access_token}"})
        if status != 200 or not isinstance(said, dict) or said.get("sub") != payload["sub"]:
            raise Refused("userinfo")
        return said

    def get_user(self, user_id: Any) -> User | None:
        """The person of a session; ends with the account, as with Django's own back end."""
        found = User.objects.filter(pk=user_id, is_active=True).first()
        return found if isinstance(found, User) else None
