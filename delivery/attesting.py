"""Attested proof: where no chart can be read, a person compares a note with it and signs. Never shown as verified."""

from collections.abc import Sequence

from django.utils import timezone

from audit.record import current, record
from delivery.contents import wire_of
from delivery.models import Delivery
from delivery.states import State
from delivery.transition import tickets
from delivery.ways.models import Attestation


def attest(ids: Sequence[int], reason: str, page_sha256: str = "") -> list[Attestation]:
    """Sign for accepted deliveries that nothing can read back, in the caller's transaction; returns what was signed.

    What it says of others of the same way is for `delivery/ways/page.py` to show, as a sample with its date.
    """
    # Signed for once, it may be signed for again with the chart's printed page.
    proofs = ("none", "attested") if page_sha256 else ("none",)
    rows = Delivery.objects.select_for_update(of=("self",)).select_related("wire", "connection")
    signed = []
    actor = current().actor
    for delivery in rows.filter(pk__in=ids, state=State.ACCEPTED, proof__in=proofs):
        if delivery.connection is None or wire_of(delivery) is None:  # nobody can say which bytes were compared
            continue
        made = Attestation.objects.create(
            delivery=delivery,
            location_id=delivery.location_id,
            connection=delivery.connection,
            mapping_version_id=delivery.mapping_version_id,
            wire_sha256=delivery.wire.sha256,
            page_sha256=page_sha256,
            by=actor.name or actor.id,
        )
        Delivery.objects.filter(pk=delivery.pk).update(proof="attested", updated_at=timezone.now())
        _record(made, reason)
        signed.append(made)
    return signed


def _record(made: Attestation, reason: str) -> None:
    (ticket,) = tickets([made.delivery_id])
    record(
        "delivery.attest",
        **ticket.recorded,
        reason=reason,
        detail={
            "delivery_id": ticket.id,
            "connection": made.connection_id,
            "mapping_version": made.mapping_version_id,
            "wire_sha256": made.wire_sha256,
            "page_sha256": made.page_sha256,
        },
    )
