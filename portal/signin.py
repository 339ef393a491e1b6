"""Signing in with a local account: slowed down per account and source, audited, never telling who exists.

Failed tries are rows, so that every process counts the same. A try that comes too early is refused unexamined and not
counted: nobody can be kept out by somebody else's hammering. A browser with which the account has signed in before
(portal/devices.py) is counted by itself, whatever others do from the same address or to the same account; the rule for
a whole account spares the sources from which it has signed in before.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth import authenticate, login, logout
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from audit.middleware import request_actor
from audit.record import acting, record
from portal.access import practice_code_of
from portal.crypto import blind_index
from portal.devices import KEPT, device_of
from portal.models import SignInAttempt, User

WINDOW = timedelta(minutes=30)


@dataclass(frozen=True)
class Slowdown:
    """After `free` failures in the window the next wait is 1 s, then doubles up to `most` seconds."""

    free: int
    most: int

    def wait(self, failures: int) -> float:
        return 0.0 if failures < self.free else float(min(2 ** min(failures - self.free, 20), self.most))


PAIR = Slowdown(free=5, most=900)  # one account from one source: guessing
SOURCE = Slowdown(free=30, most=900)  # many accounts from one source: spraying
ACCOUNT = Slowdown(free=20, most=60)  # one account from many sources: a slow-down, never a lock-out
DEVICE = "device "  # before the id of a browser that stands in place of an address


class TooSoon(Exception):
    """Not examined: too many failures before. `seconds` says how long to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"wait {seconds} s")
        self.seconds = seconds


def _remaining(failed: QuerySet[SignInAttempt], rule: Slowdown, now: datetime) -> float:
    times = list(failed.filter(ok=False).order_by("-at").values_list("at", flat=True)[: rule.free + 20])
    return rule.wait(len(times)) - (now - times[0]).total_seconds() if times else 0.0


def _wait(attempt: SignInAttempt, now: datetime) -> float:
    """Seconds until this try may be examined; 0 or less: now."""
    before = SignInAttempt.objects.filter(pk__lt=attempt.pk)
    recent = before.filter(at__gt=now - WINDOW)
    pair = Q(account=attempt.account, source=attempt.source)
    last_good = before.filter(pair, ok=True).order_by("-pk").values_list("pk", flat=True).first()
    waits = [_remaining(recent.filter(pair, pk__gt=last_good or 0), PAIR, now)]
    if last_good is None and not attempt.source.startswith(DEVICE):  # a source this account never signed in from
        waits.append(_remaining(recent.filter(source=attempt.source), SOURCE, now))
        waits.append(_remaining(recent.filter(account=attempt.account), ACCOUNT, now))
    return max(waits)


def account_of(username: str) -> str:
    """What stands for a typed user name: people type passwords into the wrong field."""
    return blind_index("account", username)


def _source(request: HttpRequest, account: str) -> str:
    """Whose tries are counted together: the browser's, where this account has signed in with it; else the address's."""
    device = device_of(request)
    return f"{DEVICE}{device.id}" if device.knows(account) else request.META.get("REMOTE_ADDR", "")


def _begin(request: HttpRequest, username: str) -> SignInAttempt:
    """Count the try before examining it, so that a hundred at once are not a hundred free ones; raises TooSoon."""
    now, account = timezone.now(), account_of(username)
    attempt = SignInAttempt.objects.create(account=account, source=_source(request, account), at=now, ok=False)
    wait = _wait(attempt, now)
    if wait > 0:
        attempt.delete()
        raise TooSoon(int(wait) + 1)
    return attempt


def _record_failure(username: str, attempt: SignInAttempt) -> None:
    """What was typed is not recorded: people type passwords into the wrong field."""
    known = User.objects.filter(username=username).first()
    record(
        "auth.login.fail",
        outcome="denied",
        practice=practice_code_of(known) if known else "",
        object_type="user" if known else "unknown_account",
        object_id=str(known.pk) if known else attempt.account,
    )


def sign_in(request: HttpRequest, username: str, password: str) -> User | None:
    """Sign in and return the person, or None: wrong, unknown, disabled or expired alike. Raises TooSoon."""
    attempt = _begin(request, username)
    user = authenticate(request, username=username, password=password)
    expired = isinstance(user, User) and user.one_time_until is not None and user.one_time_until < timezone.now()
    with transaction.atomic():
        if not isinstance(user, User) or expired:
            _record_failure(username, attempt)
            return None
        SignInAttempt.objects.filter(pk=attempt.pk).update(ok=True)
        SignInAttempt.objects.filter(at__lt=timezone.now() - KEPT).delete()
        login(request, user)  # a new session key: a planted one is worth nothing
        with acting(request_actor(request)):
            record("auth.login.ok", practice=practice_code_of(user), object_type="user", object_id=str(user.pk))
    return user


def sign_out(request: HttpRequest) -> None:
    """End the session on the server as well."""
    user = request.user
    with transaction.atomic():
        if isinstance(user, User):
            record("auth.logout", practice=practice_code_of(user), object_type="user", object_id=str(user.pk))
        logout(request)
