"""What a request of a signed-in person carries, for the type checker's sake and the reader's."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from portal.models import User
from portal.selection import Selection


class PortalRequest(HttpRequest):
    """Set by AuthenticationMiddleware, SelectionMiddleware and HtmxMiddleware, in that order."""

    user: User
    selection: Selection
    htmx: HtmxDetails
