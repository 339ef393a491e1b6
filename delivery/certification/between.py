"""Puts a relay between this installation and the location's receiver for the time of a test, and takes it out again.

The relay has a connection of its own: the settings, secrets and proven profile of the one in use, reached by way of
this machine. The location's route leads to it while the test lasts; a run that dies leaves its way back in
`run.restore`, which the next run takes first.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from django.db import transaction

from delivery.breaker import state_of
from delivery.certification.desk import Desk
from delivery.certification.models import CertificationRun
from delivery.certification.relay import Relay
from delivery.models import ConnectionState
from portal.locations import set_routes
from portal.models import Connection, ConnectionKind, Environment, Location, Part, Route
from portal.targets import check_target

NAME = "Certification relay"
WAITS = {
    ConnectionKind.HL7_MLLP: "ack_seconds",
    ConnectionKind.FHIR: "call_seconds",
    ConnectionKind.OPENAPI: "read_seconds",
}


def is_relay(connection: Connection) -> bool:
    return "through" in connection.settings


def meant(location: Location) -> list[Connection] | None:
    """The connections that note sections go by, while a run's relay stands in their place; None while none does."""
    run = CertificationRun.objects.filter(location=location).exclude(restore=[]).order_by("-pk").first()
    if run is None:
        return None
    found = Connection.objects.in_bulk(run.restore)
    return [found[key] for key in run.restore if key in found]


class CannotStandBetween(Exception):
    """Why no relay can be put in front of this connection, in words for the report."""


def address_of(connection: Connection) -> tuple[str, int]:
    """Where a connection leads, by its settings. Raises CannotStandBetween."""
    own = connection.settings
    if connection.kind == ConnectionKind.HL7_MLLP:
        return str(own.get("host") or ""), int(own.get("port") or 0)
    if own.get("grant") == "authorization_code":
        raise CannotStandBetween("A person has signed this connection in; that cannot be lent to a relay.")
    parts = urlsplit(str(own.get("base_url") or ""))
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


@contextmanager
def relay_before(desk: Desk, sender: Connection) -> Iterator[Relay]:
    """The location's note sections go through a relay. Raises CannotStandBetween, and nothing is changed."""
    host, port = address_of(sender)
    try:
        relay = Relay(check_target(host, port))
    except (OSError, ValueError):
        raise CannotStandBetween("The receiver's address cannot be reached from here.") from None
    try:
        between = connection_of(relay, sender, (host, port), desk.plan.answer_within)
        routes = Route.objects.filter(location=desk.location, part=Part.NOTE).order_by("position")
        CertificationRun.objects.filter(pk=desk.run.pk).update(
            restore=list(routes.values_list("connection_id", flat=True))
        )
        set_routes(desk.location, Part.NOTE, [between])
        yield relay
    finally:
        put_back(desk.run)
        relay.close()


def connection_of(relay: Relay, sender: Connection, address: tuple[str, int], seconds: float) -> Connection:
    """The relay's connection, as the sender is, with a fresh breaker."""
    settings = dict(sender.settings) | {
        "through": {"host": address[0], "port": address[1], "by": relay.port},
        "sockets": 1,
        WAITS[ConnectionKind(sender.kind)]: seconds,
    }
    with transaction.atomic():
        between, _ = Connection.objects.update_or_create(
            practice=sender.practice,
            name=f"{NAME} ({sender.name})"[:100],
            defaults={"kind": sender.kind, "environment": Environment.SANDBOX, "settings": settings, "enabled": True},
        )
        between.set_secrets(sender.secrets())
        between.revision += 1
        between.save()
        state, original = state_of(between.pk), state_of(sender.pk)
        ConnectionState.objects.filter(pk=state.pk).update(
            profile=original.profile, probed_at=original.probed_at, reader_proven_at=original.reader_proven_at,
            breaker="closed", failures=0, retry_at=None, rejections=0,
        )  # fmt: skip
    return between


def put_back(run: CertificationRun) -> None:
    """The location's routes as they were before the relay."""
    kept = CertificationRun.objects.filter(pk=run.pk).values_list("restore", flat=True).get()
    if not kept:
        return
    by_id = Connection.objects.in_bulk(kept)
    location = Location.objects.select_related("practice").get(pk=run.location_id)
    with transaction.atomic():
        set_routes(location, Part.NOTE, [by_id[key] for key in kept if key in by_id])
        names = Connection.objects.filter(practice=location.practice_id, name__startswith=NAME, enabled=True)
        for between in names:
            between.enabled = False
            between.save(update_fields=["enabled"])
        CertificationRun.objects.filter(pk=run.pk).update(restore=[])
