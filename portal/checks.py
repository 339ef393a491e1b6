"""Mistakes in the settings that would otherwise show only when somebody first needs them."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from portal.proxies import trusted_networks
from portal.targets import allowed_networks

EVERYBODY = "everybody"
# Role's values; the models cannot be read yet where the checks are registered.
ROLES = ("director", "mapping_editor", "operator", "auditor", "clinician", "metadata_only")


def _wrong(name: str, texts: list[str], read: Callable[[tuple[str, ...]], object]) -> list[CheckMessage]:
    try:
        read(tuple(texts))
    except ValueError as wrong:
        return [Error(f"{name} cannot be read: {wrong}", id=f"portal.{name.lower()}")]
    return []


@register()
def networks(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """The networks connections may lead to, and those of trusted proxies."""
    return [
        *_wrong("SCRIBEPORT_ALLOWED_NETWORKS", settings.ALLOWED_NETWORKS, allowed_networks),
        *_wrong("SCRIBEPORT_TRUSTED_PROXIES", settings.TRUSTED_PROXIES, trusted_networks),
    ]


@register()
def sign_in(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """A sign-in service half named, and a second factor asked of a role that does not exist: of nobody."""
    wrong: list[CheckMessage] = []
    if settings.OPENID_ISSUER and not (settings.OPENID_CLIENT_ID and settings.OPENID_CLIENT_SECRET):
        words = "SCRIBEPORT_OIDC_ISSUER needs SCRIBEPORT_OIDC_CLIENT_ID and SCRIBEPORT_OIDC_CLIENT_SECRET beside it."
        wrong.append(Error(words, id="portal.openid"))
    if unknown := set(settings.SECOND_FACTOR) - {EVERYBODY, *ROLES}:
        words = f"SCRIBEPORT_SECOND_FACTOR names no role: {', '.join(sorted(unknown))}. Take {EVERYBODY} or roles."
        wrong.append(Error(words, id="portal.second_factor"))
    return wrong
