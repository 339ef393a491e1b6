"""Emergency access (45 CFR 164.312(a)(2)(ii)): an hour by a local account while the sign-in service is required.

It takes a reason and the second factor, stands over the pages of those who direct or audit the practice until one of
them has looked at it, and ends by itself.
"""

from datetime import timedelta

from django.db import transaction
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from audit.record import Actor, acting, record
from portal.access import practice_of
from portal.factors.tables import EmergencyAccess
from portal.models import Role, User
from portal.selection import NOTHING

MINUTES = 60
KEY = "emergency"  # in the session: which access it is
METHOD = "breakglass"
REVIEWERS = (Role.DIRECTOR, Role.AUDITOR)
CLOCK = Actor("system", "emergency", "end of an emergency access")


def open_for(user: User, reason: str) -> EmergencyAccess:
    """Begin one, in the transaction of the sign-in. Http404 for somebody without a practice."""
    practice, now = practice_of(user), timezone.now()
    opened = EmergencyAccess.objects.create(
        user=user,
        practice=practice,
        reason=reason,
        opened_at=now,
        ends_at=now + timedelta(minutes=MINUTES),
        tell_after=now,
    )
    _record("auth.breakglass.open", opened, reason)
    return opened


def close(access: EmergencyAccess, why: str) -> None:
    """End one, once: "time", "left" or "idle"."""
    with transaction.atomic():
        if EmergencyAccess.objects.filter(pk=access.pk, closed_at=None).update(closed_at=timezone.now()):
            _record("auth.breakglass.close", access, outcome_class=why)


def close_due() -> int:
    """End those whose hour is over and whose person has not come back; how many."""
    due = EmergencyAccess.objects.filter(closed_at=None, ends_at__lte=timezone.now()).select_related("practice")
    ended = list(due[:100])
    with acting(CLOCK):
        for access in ended:
            close(access, "time")
    return len(ended)


def review(access: EmergencyAccess, by: User) -> bool:
    """Note that somebody else has looked at it; False for the person's own, and for a second time."""
    with transaction.atomic():
        unseen = EmergencyAccess.objects.filter(pk=access.pk, reviewed_at=None).exclude(user=by)
        if not unseen.update(reviewed_by=by, reviewed_at=timezone.now()):
            return False
        _record("auth.breakglass.review", access)
    return True


def _record(event: str, access: EmergencyAccess, reason: str = "", outcome_class: str = "") -> None:
    record(
        event,
        outcome_class=outcome_class,
        practice=access.practice.code,
        object_type="user",
        object_id=str(access.user_id),
        reason=reason,
        detail={"user_id": access.user_id, "access": access.pk},
    )


def of_session(request: HttpRequest) -> EmergencyAccess | None:
    """The emergency access by which this session works, over or not."""
    number = request.session.get(KEY)
    return EmergencyAccess.objects.select_related("practice").filter(pk=number).first() if number else None


def is_over(access: EmergencyAccess) -> bool:
    return access.closed_at is not None or access.ends_at <= timezone.now()


def to_review(user: User) -> list[EmergencyAccess]:
    """Accesses of others in this person's practice that nobody has looked at yet."""
    unseen = EmergencyAccess.objects.filter(practice__memberships__user=user, reviewed_at=None).exclude(user=user)
    return list(unseen.select_related("user").distinct().order_by("opened_at")[:5])


def banner(request: HttpRequest) -> SafeString | str:
    """Over every page: one's own hour, and those of others that wait to be looked at."""
    user = request.user
    if not isinstance(user, User):
        return ""
    selection = getattr(request, "selection", NOTHING)
    mine, others = of_session(request), to_review(user) if selection.wide & set(REVIEWERS) else []
    if mine is None and not others:
        return ""
    context = {"mine": mine, "others": others, "csrf_token": get_token(request)}
    return render_to_string("portal/emergency_banner.html", context)
