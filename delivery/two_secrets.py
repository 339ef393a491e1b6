"""A signing secret that can be replaced without a gap: for a day the one before it is good as well."""

import json
from datetime import timedelta

from django.utils import timezone

from delivery.alerts.models import AlertRecipient
from delivery.events.models import EventSource
from delivery.webhooks.models import ScribeEndpoint
from portal import crypto

Signed = EventSource | ScribeEndpoint | AlertRecipient
KEPT = timedelta(hours=24)


def good(row: Signed) -> list[str]:
    """The secrets that count now, the newest first; never shown, logged or put into an exception."""
    if not row.sealed_secrets:
        return []
    opened = json.loads(crypto.unseal(row.sealed_secrets, table=_table(row), column="secrets", row=row.pk))
    kept = row.previous_until is not None and row.previous_until > timezone.now()
    return [opened["current"], *([opened["previous"]] if kept and opened.get("previous") else [])]


def replace(row: Signed, secret: str) -> None:
    """Put a new secret in front of the one there is, which ends in a day. The row is saved by the caller."""
    if row.pk is None:
        raise ValueError("save the row before sealing its secrets: its key is part of the seal")
    before = good(row)[:1]
    values = {"current": secret, "previous": before[0] if before else ""}
    row.sealed_secrets = crypto.seal(json.dumps(values).encode(), table=_table(row), column="secrets", row=row.pk)
    row.previous_until = timezone.now() + KEPT if before else None


def _table(row: Signed) -> str:
    return str(row._meta.model_name)
