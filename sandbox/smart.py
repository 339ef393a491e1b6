"""An authorization server as eCW's is said to be: SMART discovery, three grants, rotation, 300-second tokens.

Known (SMART App Launch, RFC 6749, 7523, 7636) and relayed (docs/channels/fhir.md): a bad scope is invalid_grant, a
denied access comes as HTTP 500, refresh tokens are used once, and a second use withdraws the whole grant.
"""

import base64
import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from sandbox.caller import at_hand, claimed
from sandbox.fault_kinds import Stage
from sandbox.faults import Switchboard
from sandbox.limits import Limits

CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
BACKEND_SECONDS, USER_SECONDS = 300, 3600
CODE_SECONDS = 60.0


class OAuthRefusal(Exception):
    """An answer of RFC 6749, 5.2."""

    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.status = status


@dataclass
class OAuthApp:
    """A registered application. `jwks` None: by secret; neither: a public client."""

    client_id: str
    secret: str = ""
    jwks: dict[str, Any] | None = None
    scopes: frozenset[str] = frozenset()
    redirect_uris: frozenset[str] = frozenset()
    seconds: int | None = None  # how long its tokens live; None: as eCW's


@dataclass
class Grant:
    """What somebody agreed to: all tokens of one consent live and end together."""

    app: OAuthApp
    practice: str
    scopes: tuple[str, ...]
    refresh: str = ""
    ended: bool = False


@dataclass
class Asked:
    """An authorization code waiting to be redeemed."""

    grant: Grant
    challenge: str
    redirect_uri: str
    until: float


@dataclass
class Tokens:
    """Everything the server has issued."""

    apps: dict[str, OAuthApp] = field(default_factory=dict)
    access: dict[str, tuple[Grant, float]] = field(default_factory=dict)
    codes: dict[str, Asked] = field(default_factory=dict)
    refresh: dict[str, Grant] = field(default_factory=dict)  # used ones too: a second use is noticed
    assertions: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)

    def clear(self) -> None:
        """Forget every application and token."""
        for held in (self.apps, self.access, self.codes, self.refresh, self.assertions, self.calls):
            held.clear()

    def grant_of(self, token: str) -> Grant | None:
        """The grant an access token stands for; None when it is unknown, over or withdrawn."""
        grant, until = self.access.get(token, (None, 0.0))
        return None if grant is None or grant.ended or until <= time.time() else grant


class Smart:
    """Discovery under each practice's base address; authorize and token beside it."""

    def __init__(self, tokens: Tokens, switchboard: Switchboard, limits: Limits) -> None:
        self.tokens = tokens
        self.switchboard = switchboard
        self.limits = limits

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/fhir/r4/{practice}/.well-known/smart-configuration", self.discovery),
            web.get("/oauth2/{practice}/authorize", self.authorize),
            web.post("/oauth2/{practice}/token", self.token),
        ]

    async def discovery(self, request: web.Request) -> web.Response:
        base = f"{request.scheme}://{request.host}/oauth2/{request.match_info['practice']}"
        return web.json_response(
            {
                "issuer": base,
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
                "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_basic",
                    "client_secret_post",
                    "private_key_jwt",
                ],
                "token_endpoint_auth_signing_alg_values_supported": ["RS384"],
                "capabilities": ["client-confidential-asymmetric", "client-confidential-symmetric", "client-public"],
            }
        )

    async def authorize(self, request: web.Request) -> web.Response:
        """Agrees at once: the simulated person always says yes, unless the fault says no."""
        asked = request.query
        app = self.tokens.apps.get(asked.get("client_id", ""))
        if app is None or asked.get("redirect_uri", "") not in app.redirect_uris:
            return web.json_response({"error": "invalid_client"}, status=400)
        back = asked["redirect_uri"]
        state = {"state": asked.get("state", ""), "iss": str(request.url.with_query(None)).removesuffix("/authorize")}
        wrong = asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge")
        if wrong or asked.get("response_type") != "code" or not asked.get("aud"):
            raise web.HTTPFound(f"{back}?{urlencode({'error': 'invalid_request', **state})}")
        at_hand.set(asked["client_id"])
        if self.struck(request, "oauth_denied"):
            raise web.HTTPFound(f"{back}?{urlencode({'error': 'access_denied', **state})}")
        code, practice = secrets.token_urlsafe(24), request.match_info["practice"]
        scopes = tuple(scope for scope in asked.get("scope", "").split() if self.offers(app, scope))
        grant = Grant(app, practice, scopes)
        self.tokens.codes[code] = Asked(grant, asked["code_challenge"], back, time.time() + CODE_SECONDS)
        raise web.HTTPFound(f"{back}?{urlencode({'code': code, **state})}")

    async def token(self, request: web.Request) -> web.Response:
        """RFC 6749, 5; counted against the practice's limit like every call."""
        practice = request.match_info["practice"]
        self.tokens.calls[practice] += 1
        if self.limits.over(practice):
            return web.json_response({"error": "Too many requests."}, status=429)
        given = {name: str(value) for name, value in (await request.post()).items()}
        at_hand.set(claimed(request.headers.get("Authorization", ""), given))
        if self.struck(request, "oauth_server_error"):
            return web.json_response({"message": "Server error."}, status=503)
        try:
            app = self.client(request, given)
            if self.struck(request, "oauth_access_denied"):
                raise OAuthRefusal("access_denied", 500)
            made = self.answer(app, practice, given)
            if self.struck(request, "oauth_answer_lost") and request.transport is not None:
                request.transport.abort()
            return web.json_response(made, headers={"Cache-Control": "no-store"})
        except OAuthRefusal as refusal:
            return web.json_response({"error": refusal.error}, status=refusal.status)

    def answer(self, app: OAuthApp, practice: str, given: Mapping[str, str]) -> dict[str, Any]:
        match given.get("grant_type"):
            case "client_credentials":
                return self.backend(app, practice, given)
            case "authorization_code":
                return self.redeem(app, given)
            case "refresh_token":
                return self.renew(app, given)
        raise OAuthRefusal("unsupported_grant_type")

    def backend(self, app: OAuthApp, practice: str, given: Mapping[str, str]) -> dict[str, Any]:
        """300 seconds, no refresh token; one bad scope refuses all, as invalid_grant."""
        wanted = given.get("scope", "").split()
        if not app.secret and app.jwks is None:
            raise OAuthRefusal("unauthorized_client")
        if not wanted or not all(self.offers(app, scope) for scope in wanted):
            raise OAuthRefusal("invalid_grant")
        return self.issue(Grant(app, practice, tuple(wanted)), BACKEND_SECONDS)

    def redeem(self, app: OAuthApp, given: Mapping[str, str]) -> dict[str, Any]:
        asked = self.tokens.codes.pop(given.get("code", ""), None)
        if asked is None or asked.grant.app is not app or asked.until < time.time():
            raise OAuthRefusal("invalid_grant")
        digest = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if challenge != asked.challenge or given.get("redirect_uri") != asked.redirect_uri:
            raise OAuthRefusal("invalid_grant")
        return self.issue(asked.grant, USER_SECONDS, rotate="offline_access" in asked.grant.scopes)

    def renew(self, app: OAuthApp, given: Mapping[str, str]) -> dict[str, Any]:
        """A refresh token is used once. One that comes a second time was stolen, or two asked at once: all end."""
        token = given.get("refresh_token", "")
        grant = self.tokens.refresh.get(token)
        if grant is None or grant.app is not app or grant.ended:
            raise OAuthRefusal("invalid_grant")
        if grant.refresh != token:
            grant.ended = True
            raise OAuthRefusal("invalid_grant")
        return self.issue(grant, USER_SECONDS, rotate=True)

    def issue(self, grant: Grant, seconds: int, rotate: bool = False) -> dict[str, Any]:
        access, life = secrets.token_urlsafe(32), grant.app.seconds or seconds
        self.tokens.access[access] = (grant, time.time() + life)
        made = {"access_token": access, "token_type": "Bearer", "expires_in": life, "scope": " ".join(grant.scopes)}
        if rotate:
            grant.refresh = secrets.token_urlsafe(32)
            self.tokens.refresh[grant.refresh] = grant
            made["refresh_token"] = grant.refresh
        return made

    def client(self, request: web.Request, given: Mapping[str, str]) -> OAuthApp:
        """Who asks, proven as it is registered. Raises OAuthRefusal(invalid_client)."""
        if given.get("client_assertion_type") == CLIENT_ASSERTION:
            return self.by_assertion(request, given.get("client_assertion", ""))
        header = request.headers.get("Authorization", "")
        name, secret = given.get("client_id", ""), given.get("client_secret", "")
        if header.startswith("Basic "):
            try:
                name, _, secret = base64.b64decode(header[6:]).decode().partition(":")
            except ValueError:
                raise OAuthRefusal("invalid_client", 401) from None
        app = self.tokens.apps.get(name)
        if app is None or app.jwks is not None or not secrets.compare_digest(app.secret.encode(), secret.encode()):
            raise OAuthRefusal("invalid_client", 401)
        return app

    def by_assertion(self, request: web.Request, assertion: str) -> OAuthApp:
        """RFC 7523 with RS384 alone: iss = sub, aud the token endpoint, a fresh jti, at most five minutes."""
        try:
            claimed = jwt.decode(assertion, self.key_of, algorithms=["RS384"])
        except (JoseError, ValueError, KeyError):
            raise OAuthRefusal("invalid_client", 401) from None
        claims, now = claimed.claims, time.time()
        app = self.tokens.apps.get(str(claims.get("iss")))
        ends, jti = claims.get("exp"), claims.get("jti")
        right = (
            app is not None
            and claims.get("sub") == claims.get("iss")
            and claims.get("aud") == str(request.url)
            and isinstance(ends, int | float)
            and now < ends <= now + 300
            and isinstance(jti, str)
            and jti not in self.tokens.assertions
        )
        if app is None or not right:
            raise OAuthRefusal("invalid_client", 401)
        self.tokens.assertions.add(str(jti))
        return app

    def key_of(self, token: Any) -> KeySet:
        """The registered keys of whoever the assertion says it is from; its kid has to be among them."""
        kid = token.headers().get("kid")
        for app in self.tokens.apps.values():
            if app.jwks and any(key.get("kid") == kid for key in app.jwks["keys"]):
                keys: Any = app.jwks
                return KeySet.import_key_set(keys)
        raise KeyError("kid")

    def offers(self, app: OAuthApp, scope: str) -> bool:
        return not app.scopes or scope in app.scopes

    def struck(self, request: web.Request, name: str) -> bool:
        """Whether a fault of this name strikes at this practice."""
        return self.switchboard.first(Stage.TOKEN, request.match_info["practice"], name) is not None
