"""Where tokens are to be had: the connection's own settings, or SMART discovery under its base address.

https://hl7.org/fhir/smart-app-launch/conformance.html; eCW answers it under the practice's path only.
"""

import time
from dataclasses import dataclass
from typing import Any

import httpx2

from delivery.channels import http, tls
from delivery.channels.base import Unavailable
from delivery.channels.fhir_settings import FhirSettings, web_address
from delivery.channels.network import Resolve
from delivery.channels.rest import json_object, rate_limit_ends

CALL_SECONDS = 10.0
KEPT_SECONDS = 3600.0
NETWORK = ("dns", "target_not_allowed", "connection_refused", "connect_timeout", "unreachable", "peer_closed")

_kept: dict[str, tuple[float, "Endpoints"]] = {}


@dataclass(frozen=True)
class Endpoints:
    """The authorization server of one base address; `issuer` "" where it names none."""

    authorize: str
    token: str
    issuer: str = ""


def oauth_client(settings: FhirSettings, resolve: Resolve) -> httpx2.Client:
    """For calls to the authorization server: one deadline, never repeated, no redirects."""
    context = tls.context(settings)
    return http.client(resolve, CALL_SECONDS, context, guard=lambda: True)


def network_reason(error: http.NotAnswered) -> str:
    """The reason code of a call that got no answer; for what may have been asked, that it was not answered."""
    known = error.reason in NETWORK or error.reason.startswith("tls_")
    return error.reason if known else "oauth_no_answer"


def endpoints_of(settings: FhirSettings, client: httpx2.Client) -> Endpoints:
    """Those of the settings; what they leave open as discovered, kept for an hour. Raises Unavailable."""
    if settings.token_url and (settings.authorize_url or settings.grant == "client_credentials"):
        return Endpoints(settings.authorize_url, settings.token_url)
    at, found = _kept.get(settings.base_url, (0.0, None))
    if found is None or time.monotonic() - at > KEPT_SECONDS:
        found = _discover(settings, client)
        _kept[settings.base_url] = (time.monotonic(), found)
    return Endpoints(settings.authorize_url or found.authorize, settings.token_url or found.token, found.issuer)


def forget(settings: FhirSettings) -> None:
    """Look again the next time: somebody has changed the connection, or the endpoints refuse."""
    _kept.pop(settings.base_url, None)


def _discover(settings: FhirSettings, client: httpx2.Client) -> Endpoints:
    try:
        address = f"{settings.base_url}/.well-known/smart-configuration"
        answer = client.get(address, headers={"Accept": "application/json"})
    except http.NotAnswered as error:
        raise Unavailable(network_reason(error), "discovery") from None
    if answer.status_code == 429:
        raise Unavailable("rate_limited", "HTTP 429", retry_after=rate_limit_ends(answer))
    said = json_object(answer) if answer.status_code == 200 else None
    if said is None:
        raise Unavailable("oauth_discovery", f"HTTP {answer.status_code}")
    methods = said.get("code_challenge_methods_supported")
    if settings.grant == "authorization_code" and isinstance(methods, list) and "S256" not in methods:
        raise Unavailable("oauth_no_pkce")
    try:
        token = web_address(_address(said, "token_endpoint"), settings.environment, "The token endpoint")
        authorize = _address(said, "authorization_endpoint")
        if settings.grant == "authorization_code":
            web_address(authorize, settings.environment, "The authorization endpoint")
    except ValueError:
        raise Unavailable("oauth_discovery", "endpoints") from None
    return Endpoints(authorize, token, _address(said, "issuer"))


def _address(said: dict[str, Any], name: str) -> str:
    value = said.get(name, "")
    return value if isinstance(value, str) else ""
