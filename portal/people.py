"""Invite people, give and take roles, disable accounts. Everybody belongs to exactly one practice."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.record import record
from portal.models import Location, Membership, Practice, Role, User

ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
ONE_TIME_HOURS = 72


class NotAllowed(ValueError):
    """The practice would lose what it needs; the message says what, for the person who tried."""


@dataclass(frozen=True)
class Person:
    """Whom to invite."""

    username: str
    email: str = ""
    first_name: str = ""
    last_name: str = ""


def one_time_password() -> str:
    """Five groups of four, about 99 bits, without characters that look alike."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(5))


def _record(event: str, practice: Practice, user: User, location: Location | None = None, **detail: Any) -> None:
    record(
        event,
        practice=practice.code,
        location=location.code if location else "",
        object_type="user",
        object_id=str(user.pk),
        detail={"user_id": user.pk, **detail},
    )


def _own_account(user: User) -> None:
    """NotAllowed for an account of the sign-in service: roles given here would not last, a password be a way around."""
    if user.oidc_subject:
        raise NotAllowed(
            "This account is the sign-in service's: its groups decide its roles, and it has no password here."
        )


def invite(practice: Practice, person: Person, role: str, location: Location | None) -> tuple[User, str]:
    """A new local account with its first role and, this once, its one-time password."""
    password = one_time_password()
    with transaction.atomic():
        user = User(**vars(person), one_time_until=timezone.now() + timedelta(hours=ONE_TIME_HOURS))
        user.set_password(password)
        user.save()
        _record("authz.user.create", practice, user)
        grant(practice, user, role, location)
    return user, password


def grant(practice: Practice, user: User, role: str, location: Location | None) -> bool:
    """Give a role at one location, or at all for None. False when it was held already."""
    _own_account(user)
    if role not in Role.values or (location and location.practice_id != practice.pk):
        raise NotAllowed("There is no such role at this location.")
    if user.memberships.exclude(practice=practice).exists():
        raise NotAllowed("This person belongs to another practice.")
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(
            pk=user.pk
        )  # two at once: the second finds it held, and says so
        _, new = Membership.objects.get_or_create(user=user, practice=practice, location=location, role=role)
        if new:
            _record("authz.role.grant", practice, user, location, role=role)
    return new


def _directs_alone(practice: Practice, user: User) -> bool:
    """Whether the practice has no other active person who directs it as a whole."""
    wide = Membership.objects.filter(practice=practice, role=Role.DIRECTOR, location=None, user__is_active=True)
    return wide.filter(user=user).exists() and not wide.exclude(user=user).exists()


def revoke(membership: Membership) -> None:
    """Take a role; it ends with the person's next click."""
    user, practice, location = membership.user, membership.practice, membership.location
    _own_account(user)
    with transaction.atomic():
        Practice.objects.select_for_update(no_key=True).get(pk=practice.pk)  # two directors must not remove each other
        if user.memberships.count() == 1:
            raise NotAllowed("This is the person's last role: disable the account instead.")
        wide = location is None and membership.role == Role.DIRECTOR
        if wide and _directs_alone(practice, user):
            raise NotAllowed("Nobody else directs the whole practice: give somebody else that role first.")
        membership.delete()
        _record("authz.role.revoke", practice, user, location, role=membership.role)


def disable(practice: Practice, user: User) -> None:
    """Close an account: its sessions end with their next click, its history stays."""
    with transaction.atomic():
        Practice.objects.select_for_update(no_key=True).get(pk=practice.pk)
        if _directs_alone(practice, user):
            raise NotAllowed("Nobody else directs the whole practice: give somebody else that role first.")
        user.is_active = False
        user.save(update_fields=["is_active"])
        _record("authz.user.disable", practice, user)


def enable(practice: Practice, user: User) -> None:
    """Open an account again."""
    with transaction.atomic():
        user.is_active = True
        user.save(update_fields=["is_active"])
        _record("authz.user.enable", practice, user)


def renew_password(practice: Practice, user: User) -> str:
    """A new one-time password, shown once; the old password and every session of the account end."""
    _own_account(user)
    password = one_time_password()
    with transaction.atomic():
        user.set_password(password)
        user.one_time_until = timezone.now() + timedelta(hours=ONE_TIME_HOURS)
        user.save(update_fields=["password", "one_time_until"])
        _record("authz.user.password", practice, user)
    return password
