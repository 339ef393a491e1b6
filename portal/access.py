"""One door per object: what is not yours does not exist (404), what is yours but not your role's is refused (403).

A person belongs to exactly one practice (people.py keeps it so); a membership without a location holds at every
location of that practice. Superusers get nothing extra. Rights are read from the database on every call, so that a
revoked role ends with the next request.
"""

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import F, Q, QuerySet
from django.http import Http404

from portal.factors.tables import EmergencyAccess
from portal.models import (
    Agreement,
    ApiKey,
    Connection,
    GroupRole,
    Location,
    Membership,
    Practice,
    Role,
    Scribe,
    User,
)

EVERY_ROLE = frozenset(Role.values)


class WrongRole(PermissionDenied):
    """Yours, but not with the roles you hold. `needed` are the roles that would do, `location` a code or ""."""

    def __init__(self, needed: frozenset[str], location: str = "") -> None:
        super().__init__("This needs another role.")
        self.needed = needed
        self.location = location


def _wanted(roles: tuple[str, ...]) -> frozenset[str]:
    return frozenset(str(role) for role in roles) or EVERY_ROLE


def practice_of(user: User) -> Practice:
    """The one practice a person belongs to; Http404 for those who belong to none (or, by a mistake, to two)."""
    found = list(Practice.objects.filter(memberships__user=user).distinct()[:2])
    if len(found) != 1:
        raise Http404("no practice")
    return found[0]


def practice_code_of(user: User | AnonymousUser) -> str:
    """The practice's code for an audit record; "" for strangers and for those who belong to none."""
    membership = Membership.objects.select_related("practice").filter(user=user.pk).first()
    return membership.practice.code if membership else ""


def locations_of(user: User, *roles: str) -> QuerySet[Location]:
    """The locations at which a person holds one of these roles (any role, when none is named)."""
    held = Membership.objects.filter(user=user, role__in=_wanted(roles))
    return Location.objects.filter(
        Q(practice__in=held.filter(location=None).values("practice"))
        | Q(pk__in=held.filter(location__practice=F("practice")).values("location"))
    )


def roles_at(user: User, location: Location) -> frozenset[str]:
    """The roles a person holds at one location, practice-wide ones included."""
    held = Membership.objects.filter(user=user, practice=location.practice_id)
    return frozenset(held.filter(Q(location=None) | Q(location=location)).values_list("role", flat=True))


def roles_of(user: User) -> frozenset[str]:
    """The roles a person holds anywhere: enough to show a menu entry, never to open a door."""
    return frozenset(Membership.objects.filter(user=user).values_list("role", flat=True))


def roles_everywhere(user: User) -> frozenset[str]:
    """The roles a person holds at every location of the practice: for what belongs to no single location."""
    return frozenset(Membership.objects.filter(user=user, location=None).values_list("role", flat=True))


def location_for(user: User, code: str, *roles: str) -> Location:
    """The person's location of this code; Http404 for strangers, WrongRole (403) for the wrong role."""
    location = locations_of(user).select_related("practice", "reading_connection").filter(code=code).first()
    if location is None:
        raise Http404("no such location")
    needed = _wanted(roles)
    if not roles_at(user, location) & needed:
        raise WrongRole(needed, location.code)
    return location


def somewhere(user: User, *roles: str) -> frozenset[str]:
    """The roles held anywhere, when one of these is among them; WrongRole else. For lists, which filter by rights."""
    held, needed = roles_of(user), _wanted(roles)
    if not held & needed:
        raise WrongRole(needed)
    return held


def practice_for(user: User, *roles: str) -> Practice:
    """The person's practice, when one of these roles is held at every location of it."""
    practice = practice_of(user)
    needed = _wanted(roles)
    if not roles_everywhere(user) & needed:
        raise WrongRole(needed)
    return practice


def decides_for_installation(user: User) -> bool:
    """Whether what concerns every practice is this person's to decide: a director's, where there is one practice only.

    Where several share an installation, whoever runs the server decides, by a command.
    """
    return Practice.objects.count() == 1 and Role.DIRECTOR in roles_everywhere(user)


def person_for(user: User, pk: int, *roles: str) -> User:
    """Somebody of the person's own practice; Http404 for anybody else."""
    practice = practice_for(user, *roles)
    person = User.objects.filter(memberships__practice=practice, pk=pk).distinct().first()
    if person is None:
        raise Http404("no such person")
    return person


def scribe_for(user: User, pk: int, *roles: str) -> Scribe:
    """A scribe of the person's practice; Http404 for any other, and for those that post invented notes."""
    rows = practice_for(user, *roles).scribes.select_related("practice").filter(synthetic=False)
    scribe = rows.filter(pk=pk).first()
    if scribe is None:
        raise Http404("no such scribe")
    return scribe


def key_for(user: User, pk: int, *roles: str) -> ApiKey:
    """A key of a scribe of the person's practice; Http404 for any other."""
    keys = ApiKey.objects.filter(scribe__practice=practice_for(user, *roles)).select_related("scribe__practice")
    key = keys.filter(pk=pk).first()
    if key is None:
        raise Http404("no such key")
    return key


def agreement_for(user: User, pk: int, *roles: str) -> Agreement:
    """An agreement of the person's practice; Http404 for any other."""
    agreement = practice_for(user, *roles).agreements.select_related("practice").filter(pk=pk).first()
    if agreement is None:
        raise Http404("no such agreement")
    return agreement


def group_role_for(user: User, pk: int, *roles: str) -> GroupRole:
    """What a group stands for in the person's practice; Http404 for any other."""
    found = practice_for(user, *roles).group_roles.select_related("practice", "location").filter(pk=pk).first()
    if found is None:
        raise Http404("no such group")
    return found


def emergency_for(user: User, pk: int, *roles: str) -> EmergencyAccess:
    """An emergency access of the person's practice; Http404 for any other."""
    found = practice_for(user, *roles).emergencies.select_related("practice", "user").filter(pk=pk).first()
    if found is None:
        raise Http404("no such access")
    return found


def serves(connection: Connection) -> QuerySet[Location]:
    """The locations whose notes travel by this connection or are read back through it."""
    return Location.objects.filter(Q(routes__connection=connection) | Q(reading_connection=connection)).distinct()


def connections_of(user: User, *roles: str) -> QuerySet[Connection]:
    """Those that serve a location where one of the roles is held; all of the practice for practice-wide roles."""
    wide = Membership.objects.filter(user=user, role__in=_wanted(roles), location=None)
    here = locations_of(user, *roles)
    return Connection.objects.filter(
        Q(practice__in=wide.values("practice")) | Q(routes__location__in=here) | Q(read_for__in=here)
    ).distinct()


def connection_for(user: User, pk: int, *roles: str) -> Connection:
    """The person's connection; Http404 for strangers, WrongRole (403) for the wrong role."""
    connection = connections_of(user).select_related("practice").filter(pk=pk).first()
    if connection is None:
        raise Http404("no such connection")
    if not connections_of(user, *roles).filter(pk=pk).exists():
        raise WrongRole(_wanted(roles))
    return connection


def connection_to_change(user: User, pk: int) -> Connection:
    """The connection, for a director of every location it serves: a change is felt at all of them."""
    connection = connection_for(user, pk, Role.DIRECTOR)
    if Role.DIRECTOR in roles_everywhere(user):
        return connection
    if serves(connection).exclude(pk__in=locations_of(user, Role.DIRECTOR)).exists():
        raise WrongRole(frozenset({Role.DIRECTOR}))
    return connection
