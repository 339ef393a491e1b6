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

from audit.middleware import AUTH_METHOD, request_actor
from audit.record import acting, record
from portal.access import practice_code_of
from portal.crypto import blind_index
from portal.devices import KEPT, device_of
from portal.factors import emergency
from portal.factors.totp import factor_of, passes
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


LOCAL = "django.contrib.auth.backends.ModelBackend"
PENDING = "second_step"  # in the session: who has given the right password, and when
PENDING_SECONDS = 300


class SecondStep(Exception):
    """The password is right, and a code of the second factor is to be asked for."""


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


def _begin(request: HttpRequest, account: str, source: str) -> SignInAttempt:
    """Count the try before examining it, so that a hundred at once are not a hundred free ones; raises TooSoon."""
    now = timezone.now()
    attempt = SignInAttempt.objects.create(account=account, source=source, at=now, ok=False)
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


def _examined(request: HttpRequest, username: str, password: str, attempt: SignInAttempt) -> User | None:
    user = authenticate(request, username=username, password=password)
    expired = isinstance(user, User) and user.one_time_until is not None and user.one_time_until < timezone.now()
    if isinstance(user, User) and not expired:
        return user
    with transaction.atomic():
        _record_failure(username, attempt)
    return None


def _let_in(request: HttpRequest, user: User, attempts: list[int], method: str) -> None:
    """Begin the session, in the transaction of whatever else belongs to it."""
    SignInAttempt.objects.filter(pk__in=attempts).update(ok=True)
    SignInAttempt.objects.filter(at__lt=timezone.now() - KEPT).delete()
    login(request, user, backend=LOCAL)  # a new session key: a planted one is worth nothing
    request.session[AUTH_METHOD] = method
    with acting(request_actor(request)):
        record("auth.login.ok", practice=practice_code_of(user), object_type="user", object_id=str(user.pk))


def sign_in(request: HttpRequest, username: str, password: str) -> User | None:
    """Sign in and return the person, or None: wrong, unknown, disabled or expired alike. Raises TooSoon.

    Raises SecondStep where the password is right and a code is still to come; the session remembers that for minutes.
    """
    account = account_of(username)
    attempt = _begin(request, account, _source(request, account))
    user = _examined(request, username, password, attempt)
    if user is None:
        return None
    if factor_of(user) is not None:
        request.session.cycle_key()
        request.session[PENDING] = [user.pk, username, attempt.pk, timezone.now().timestamp()]
        raise SecondStep
    with transaction.atomic():
        _let_in(request, user, [attempt.pk], "password")
    return user


def pending(request: HttpRequest) -> tuple[User, str, int] | None:
    """Who has given the right password a moment ago, the name they typed, and the try it was."""
    number, username, attempt, at = request.session.get(PENDING) or (0, "", 0, 0.0)
    if timezone.now().timestamp() - at > PENDING_SECONDS:
        return None
    user = User.objects.filter(pk=number, is_active=True).first()
    return (user, username, attempt) if isinstance(user, User) else None


def take_code(request: HttpRequest, user: User, typed: str, username: str = "") -> SignInAttempt | None:
    """Examine a code, slowed down apart from passwords: the try, when it passes. Raises TooSoon."""
    account = account_of(f"second step of {user.pk}")
    source = _source(request, account_of(username or user.username))
    attempt = _begin(request, account, source)
    with transaction.atomic():
        if passes(user, typed):
            SignInAttempt.objects.filter(pk=attempt.pk).update(ok=True)
            return attempt
        record(
            "auth.login.fail",
            outcome="denied",
            outcome_class="code",
            practice=practice_code_of(user),
            object_type="user",
            object_id=str(user.pk),
        )
    return None


def second_step(request: HttpRequest, typed: str) -> User | None:
    """Sign in by the code that follows the password; None for a wrong one, or where the password is too long ago."""
    found = pending(request)
    if found is None:
        return None
    user, username, first = found
    attempt = take_code(request, user, typed, username)
    if attempt is None:
        return None
    with transaction.atomic():
        _let_in(request, user, [first, attempt.pk], "password+code")
        request.session.pop(PENDING, None)
    return user


def sign_in_for_emergency(request: HttpRequest, username: str, password: str, code: str, reason: str) -> User | None:
    """The local account's way while the sign-in service is required: password, code and reason at once.

    None for anything wrong, and for an account without a second factor, alike. Raises TooSoon.
    """
    account = account_of(username)
    attempt = _begin(request, account, _source(request, account))
    user = _examined(request, username, password, attempt)
    second = take_code(request, user, code, username) if user is not None else None
    if user is None or second is None or not user.memberships.exists():
        return None
    with transaction.atomic():
        _let_in(request, user, [attempt.pk, second.pk], emergency.METHOD)
        with acting(request_actor(request)):
            request.session[emergency.KEY] = emergency.open_for(user, reason).pk
    return user


def sign_out(request: HttpRequest) -> None:
    """End the session on the server as well."""
    user, access = request.user, emergency.of_session(request)
    with transaction.atomic():
        if access is not None:
            emergency.close(access, "left")
        if isinstance(user, User):
            record("auth.logout", practice=practice_code_of(user), object_type="user", object_id=str(user.pk))
        logout(request)
