"""Browsers that an account has signed in with before: so that nobody is kept out by a stranger's wrong tries.

A signed cookie names the browser and, as blind indexes, the accounts that signed in with it (OWASP, device cookies).
Wrong tries by such a browser are counted apart; those of all others slow down all others. Whoever steals the cookie
gains a few guesses of their own and nothing else.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

COOKIE = "__Host-device" if settings.PRODUCTION else "device"
SALT = "portal.devices"
KEPT = timedelta(days=30)
MOST_ACCOUNTS = 10  # that share one browser, as at a nurses' station


@dataclass(frozen=True)
class Device:
    """One browser: 16 random hex digits, and the accounts (blind indexes) that signed in with it, the latest last."""

    id: str
    accounts: tuple[str, ...] = ()

    def knows(self, account: str) -> bool:
        return account in self.accounts

    def with_account(self, account: str) -> "Device":
        others = [other for other in self.accounts if other != account]
        return replace(self, accounts=(*others, account)[-MOST_ACCOUNTS:])


def device_of(request: HttpRequest) -> Device:
    """The browser that asks; a new one where its cookie is missing, too old, or not ours."""
    try:
        name, accounts = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=KEPT)
    except signing.BadSignature:
        return Device(secrets.token_hex(8))
    return Device(name, tuple(accounts))


def remember(response: HttpResponse, device: Device) -> None:
    """Leave the cookie with the browser."""
    response.set_cookie(
        COOKIE,
        signing.dumps((device.id, device.accounts), salt=SALT),
        max_age=KEPT,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
