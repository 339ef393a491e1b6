"""What ends by itself and then stops notes: certificates of connections, scribes' keys; sign-ins that were refused."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db.models import Q

from portal import certificates
from portal.crypto import CannotOpen
from portal.keyring import KeysUnavailable
from portal.models import ApiKey, Connection, Location, OAuthGrant


@dataclass(frozen=True)
class Expiry:
    """One thing and when it ends; `refused` is one that does not work even now."""

    what: str
    ends: datetime | None
    refused: bool = False


def expiries(locations: Iterable[Location]) -> list[Expiry]:
    """Refused ones first, then by the time they end. Access tokens are renewed by themselves and not listed."""
    here = list(locations)
    served = Connection.objects.filter(Q(routes__location__in=here) | Q(read_for__in=here), enabled=True).distinct()
    found = [Expiry(f"sign-in of {name}", None, True) for name in _refused(served.values_list("pk", flat=True))]
    for connection in served:
        found += [Expiry(f"{what} of {connection.name}", ends) for what, ends in _certificates(connection)]
    keys = ApiKey.objects.filter(
        scribe__practice__in={location.practice_id for location in here},
        environment__in={location.environment for location in here},
        revoked_at=None,
        expires_at__isnull=False,
    )
    found += [Expiry(f"key {key.prefix} of a scribe", key.expires_at) for key in keys]
    return sorted(found, key=lambda one: (not one.refused, one.ends.timestamp() if one.ends else 0))


def _refused(connections: Iterable[int]) -> list[str]:
    grants = OAuthGrant.objects.filter(connection__in=connections).exclude(trouble="")
    return list(grants.values_list("connection__name", flat=True))


def _certificates(connection: Connection) -> list[tuple[str, datetime]]:
    found = []
    if ends := certificates.ends(str(connection.settings.get("ca_pem", ""))):
        found.append(("CA certificate", ends))
    try:
        if ends := _client_certificate(connection.pk, connection.revision):
            found.append(("client certificate", ends))
    except (CannotOpen, KeysUnavailable):
        pass  # not remembered: it may open the next time
    return found


@lru_cache(maxsize=500)
def _client_certificate(pk: int, revision: int) -> datetime | None:
    """Opened once a revision: the certificate lies among the secrets. Raises CannotOpen, KeysUnavailable."""
    return certificates.ends(Connection.objects.get(pk=pk).secrets().get("client_cert_pem", ""))
