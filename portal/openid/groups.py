"""What the provider's groups make of a person: an account of (iss, sub), and at each sign-in exactly their roles."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction

from audit.record import Actor, record
from portal.models import GroupRole, Membership, Practice, User
from portal.openid.refusals import Refused

MOST_GROUPS = 1000
LONGEST_GROUP = 200
GROUPS = Actor("system", "openid", "groups of the sign-in service")
Place = tuple[str, int | None]  # a role, and the key of its location; None for all


def groups_in(claims: Mapping[str, Any]) -> frozenset[str]:
    """The groups that the provider names; Refused where it names none at all, or leaves a long list out."""
    claim = settings.OPENID_GROUPS_CLAIM
    elsewhere = claims.get("_claim_names")
    if isinstance(elsewhere, Mapping) and claim in elsewhere:
        raise Refused("groups_many")
    said = claims.get(claim)
    said = [said] if isinstance(said, str) else said
    if not isinstance(said, list):
        raise Refused("groups_missing")
    if len(said) > MOST_GROUPS:
        raise Refused("groups_many")
    return frozenset(group for group in said if isinstance(group, str) and 0 < len(group) <= LONGEST_GROUP)


def places(groups: Iterable[str], belongs_to: Practice | None) -> tuple[Practice, set[Place]]:
    """The practice and the roles that groups stand for; within the person's own practice, once they have one."""
    rows = GroupRole.objects.filter(group__in=groups).select_related("practice")
    found = [row for row in rows if belongs_to is None or row.practice_id == belongs_to.pk]
    practices = {row.practice for row in found}
    if len(practices) > 1:
        raise Refused("practices")
    if not practices:
        raise Refused("groups")
    return practices.pop(), {(row.role, row.location_id) for row in found}


def settled(claims: Mapping[str, Any]) -> User:
    """The account of these claims with the roles of their groups, both as of now.

    Refused("groups") also takes the roles that were held: whoever left every group keeps none.
    """
    groups = groups_in(claims)
    try:
        return _settled(claims, groups)
    except IntegrityError:  # signed in for the first time in two windows at once: the other has made the account
        return _settled(claims, groups)


def _settled(claims: Mapping[str, Any], groups: frozenset[str]) -> User:
    issuer, subject = str(claims["iss"]), str(claims["sub"])
    with transaction.atomic():
        known = User.objects.select_for_update(no_key=True).filter(oidc_issuer=issuer, oidc_subject=subject).first()
        if known is not None and not known.is_active:
            raise Refused("disabled")
        practice = known and Practice.objects.filter(memberships__user=known).first()
        refused = None
        try:
            practice, wanted = places(groups, practice)
        except Refused as none:
            wanted, refused = set(), none
        if known is None and refused is None:
            known = _made(claims, practice)
        if known is not None and practice is not None:
            _give_and_take(known, practice, wanted)
            _rename(known, claims)
    if refused is not None or known is None:
        raise refused or Refused("groups")
    return known


def _give_and_take(user: User, practice: Practice, wanted: set[Place]) -> None:
    held = {(row.role, row.location_id): row for row in user.memberships.select_related("location")}
    for place in sorted(held.keys() - wanted, key=str):
        _record("authz.role.revoke", user, held[place])
        held[place].delete()
    for role, location in sorted(wanted - held.keys(), key=str):
        new = Membership.objects.create(user=user, practice=practice, role=role, location_id=location)
        _record("authz.role.grant", user, new)


def _record(event: str, user: User, membership: Membership) -> None:
    record(
        event,
        actor=GROUPS,
        practice=membership.practice.code,
        location=membership.location.code if membership.location else "",
        object_type="user",
        object_id=str(user.pk),
        detail={"user_id": user.pk, "role": membership.role},
    )


def _made(claims: Mapping[str, Any], practice: Practice | None) -> User:
    user = User(username=_username(claims), oidc_issuer=claims["iss"], oidc_subject=claims["sub"], **_names(claims))
    user.set_unusable_password()
    user.save()
    record(
        "authz.user.create",
        actor=GROUPS,
        practice=practice.code if practice else "",
        object_type="user",
        object_id=str(user.pk),
        detail={"user_id": user.pk},
    )
    return user


def _username(claims: Mapping[str, Any]) -> str:
    """A name nobody else has: who they say they are, at which service; with a mark of `sub` where that is taken."""
    said = claims.get("preferred_username")
    name = re.sub(r"[^\w.+-]", "", said.partition("@")[0])[:60] if isinstance(said, str) else ""
    host = (urlsplit(str(claims["iss"])).hostname or "openid")[:60]
    mark = hashlib.sha256(f"{claims['iss']}\0{claims['sub']}".encode()).hexdigest()[:12]
    free = name and not User.objects.filter(username__iexact=f"{name}@{host}").exists()
    return f"{name}@{host}" if free else f"{name}+{mark}@{host}".removeprefix("+")


def _names(claims: Mapping[str, Any]) -> dict[str, str]:
    columns = {"first_name": "given_name", "last_name": "family_name", "email": "email"}
    said = {column: claims.get(claim) for column, claim in columns.items()}
    return {column: value.replace("\0", "")[:150] for column, value in said.items() if isinstance(value, str)}


def _rename(user: User, claims: Mapping[str, Any]) -> None:
    changed = {column: value for column, value in _names(claims).items() if getattr(user, column) != value}
    for column, value in changed.items():
        setattr(user, column, value)
    if changed:
        user.save(update_fields=list(changed))
