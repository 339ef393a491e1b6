"""Mistakes in the settings that would otherwise show only when somebody first needs them."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from portal.proxies import trusted_networks
from portal.targets import allowed_networks


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
