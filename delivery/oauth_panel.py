"""What delivery adds to a FHIR connection's page: how it signs in, until when, and which scopes it has."""

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from delivery.failures import failure
from delivery.oauth import scopes
from portal import access
from portal.models import Connection, ConnectionKind, OAuthGrant, Role
from portal.requests import PortalRequest


def panel(request: PortalRequest, connection: Connection) -> SafeString | str:
    """The sign-in with eCW: connected since, renewed, scopes granted and missing, the button to connect."""
    if connection.kind != ConnectionKind.FHIR:
        return ""
    grant = OAuthGrant.objects.filter(connection=connection).first() or OAuthGrant(connection=connection)
    own = connection.settings
    rows = scopes.rows(connection, grant.scopes if grant.generation else None)
    context = {
        "connection": connection,
        "grant": grant,
        "by_person": own.get("grant") == "authorization_code",
        "rows": rows,
        "missing": [row.scope for row in rows if row.granted is False],
        "trouble": failure(grant.trouble) if grant.trouble else None,
        "may_act": Role.DIRECTOR in access.roles_everywhere(request.user),
        "redirect_uri": request.build_absolute_uri(reverse("delivery:authorized")),
        "jwks": request.build_absolute_uri(reverse("delivery:jwks", args=[connection.pk]))
        if own.get("client_auth") == "private_key_jwt"
        else "",
    }
    return render_to_string("delivery/oauth_panel.html", context, request)
