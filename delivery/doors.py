"""Who may come to deliveries, see their content, and act on them: the doors of every delivery screen."""

from django.http import Http404

from delivery.models import Delivery
from delivery.queries import Scope
from portal.access import WrongRole, locations_of, roles_at
from portal.models import Location, Role, User
from portal.navigation import SEES_NOTES
from portal.requests import PortalRequest

# Texts of notes, messages and answers, and patients in clear. Auditors and "metadata only" see everything else.
READS_CONTENT = frozenset({Role.DIRECTOR, Role.OPERATOR, Role.CLINICIAN})
READS_AUDIT = frozenset({Role.DIRECTOR, Role.AUDITOR})
REVIEWS = frozenset({Role.CLINICIAN})  # and changes what is to be sent: nobody else writes into a note
ACTS = frozenset({Role.DIRECTOR, Role.OPERATOR})


def scope_for(request: PortalRequest) -> Scope:
    """The locations in view at which the person may see deliveries; WrongRole where there is none of them."""
    in_view = request.selection.in_view
    if request.selection.wide & SEES_NOTES:
        return Scope(in_view)
    allowed = set(locations_of(request.user, *SEES_NOTES).values_list("pk", flat=True))
    scope = Scope(tuple(location for location in in_view if location.pk in allowed))
    if in_view and not scope.locations:
        raise WrongRole(SEES_NOTES, in_view[0].code if len(in_view) == 1 else "")
    return scope


def delivery_for(user: User, pk: int, *roles: str) -> Delivery:
    """The delivery, for those who may see it; Http404 for strangers, WrongRole (403) for the wrong role."""
    rows = Delivery.objects.select_related(
        "note_version__template", "note__scribe", "location__practice", "connection", "mapping_version"
    ).defer("note_version__sealed_body")
    delivery = rows.filter(pk=pk, location__in=locations_of(user)).first()
    if delivery is None:
        raise Http404("no such delivery")
    needed = frozenset(roles) or SEES_NOTES
    if not roles_at(user, delivery.location) & needed:
        raise WrongRole(needed, delivery.location.code)
    return delivery


def may(user: User, location: Location, roles: frozenset[Role]) -> bool:
    return bool(roles_at(user, location) & roles)
