"""What delivery adds to the portal's pages: a connection's proven profile and breaker, and the recovery banner."""

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from delivery.failures import failure
from delivery.incarnation import in_recovery
from delivery.models import Breaker, ConnectionState, ReceiverProfile
from portal import access
from portal.connections import SENDS
from portal.models import Connection, Practice, Role
from portal.requests import PortalRequest

PROMISES = {
    ReceiverProfile.DEDUPE: "It files a repeated message once, so a doubtful one is sent again under the same id.",
    ReceiverProfile.READBACK: "Its chart can be asked by control id: doubt is settled by looking before sending again.",
    ReceiverProfile.BOTH: "It files a repeat once and its chart can be asked: doubt is settled by looking.",
    ReceiverProfile.BLIND: "It can neither be asked nor trusted with a repeat: every doubt waits for a person.",
}


def panel(request: PortalRequest, connection: Connection) -> SafeString | str:
    """The receiver's profile with its date, the breaker with its reason, and the buttons for both."""
    if connection.kind not in SENDS:
        return ""
    state = ConnectionState.objects.filter(connection=connection).first() or ConnectionState(connection=connection)
    context = {
        "connection": connection,
        "state": state,
        "promise": PROMISES.get(ReceiverProfile(state.profile)) if state.profile else "",
        "trouble": failure(state.last_reason) if state.last_reason and state.breaker != Breaker.CLOSED else None,
        "stopped": state.breaker in (Breaker.AUTH, Breaker.CONTENT),
        "may_act": Role.DIRECTOR in access.roles_everywhere(request.user),
    }
    return render_to_string("delivery/connection_panel.html", context, request)


def recovery_banner(request: HttpRequest) -> SafeString | str:
    """Over every page while a restored database sends nothing."""
    recovery = in_recovery()
    if recovery is None:
        return ""
    user = request.user
    may_act = user.is_authenticated and access.decides_for_installation(user)
    # Without the request: its context processors are what asks for this banner.
    context = {
        "recovery": recovery,
        "may_act": may_act,
        "several": Practice.objects.count() > 1,
        "csrf_token": get_token(request),
    }
    return render_to_string("delivery/recovery_banner.html", context)
