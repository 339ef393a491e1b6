"""Which of the portal's rows are configuration, whose every change is recorded, and what of them never is."""

from collections.abc import Callable
from operator import attrgetter

from audit.configuration import register
from portal.models import (
    Agreement,
    ApiKey,
    Connection,
    GroupRole,
    Location,
    Membership,
    PartnerItem,
    Practice,
    Route,
    Scribe,
    User,
)


def of_practice(path: str) -> Callable[[object], tuple[str, str]]:
    """A row of the practice found along this path of attributes."""
    return lambda row: (attrgetter(path)(row).code, "")


def at_location(path: str) -> Callable[[object], tuple[str, str]]:
    """A row of the location found along this path of attributes."""

    def where(row: object) -> tuple[str, str]:
        location = attrgetter(path)(row)
        return location.practice.code, location.code

    return where


def of_membership(row: Membership) -> tuple[str, str]:
    return row.practice.code, row.location.code if row.location else ""


def of_group(row: GroupRole) -> tuple[str, str]:
    return row.practice.code, row.location.code if row.location else ""


def of_user(row: User) -> tuple[str, str]:
    """A person's practice; "" before the first membership (the event that creates them names it)."""
    membership = row.memberships.select_related("practice").first()
    return (membership.practice.code if membership else ""), ""


register(Practice, where=lambda row: (row.code, ""))
register(Location, where=lambda row: (row.practice.code, row.code))
register(User, where=of_user, exclude={"password", "last_login"})
register(Membership, where=of_membership)
register(GroupRole, where=of_group)
register(Connection, where=of_practice("practice"), exclude={"sealed_secrets"})
register(Route, where=at_location("location"))
register(Agreement, where=of_practice("practice"))
register(Scribe, where=of_practice("practice"))
register(ApiKey, where=of_practice("scribe.practice"), exclude={"mac"}, many_to_many={"locations"})
register(PartnerItem, where=of_practice("practice"), exclude={"sealed_file"})
