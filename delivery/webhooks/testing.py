"""A person tests a scribe's endpoint: one signed message that tells of nothing, now, and its answer on the page."""

import json
import uuid

from django.db import transaction
from django.utils import timezone

from audit.record import record
from delivery import two_secrets
from delivery.webhooks.kinds import TEST
from delivery.webhooks.models import ScribeEndpoint
from delivery.webhooks.posting import Said, post


def test_now(endpoint: ScribeEndpoint) -> Said:
    """What it answered. A test says nothing of how the endpoint stands: that is for what it is really told."""
    stamp = timezone.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = json.dumps({"type": TEST, "timestamp": stamp, "data": {}}).encode()
    said = post(endpoint, two_secrets.good(endpoint), f"msg_{uuid.uuid4().hex}", body)
    with transaction.atomic():
        record(
            "endpoint.test",
            practice=endpoint.scribe.practice.code,
            object_type="scribe_endpoint",
            object_id=str(endpoint.pk),
            outcome="ok" if said.taken else "error",
            detail={"endpoint": endpoint.pk, "outcome": said.reason or "ok"},
        )
    return said
