"""Tell whether stored rows are still what was written."""

import hmac

from audit.canonical import canonical, mac_of
from audit.models import AuditEvent, ConfigurationEntry


def mac_is_right(event: AuditEvent) -> bool:
    """Whether the row carries the code of its own content; a changed column, or another key, makes it False."""
    return hmac.compare_digest(event.row_mac, mac_of(canonical(event)))


def entry_is_right(entry: ConfigurationEntry) -> bool:
    """Whether exactly one sound `config.change` event speaks of this entry, and its hash is the entry's."""
    events = AuditEvent.objects.filter(
        event="config.change", object_type=entry.content_type.model, object_id=entry.object_pk, detail__entry=entry.pk
    )
    return _one_speaks_of(entry, list(events[:2]))


def _one_speaks_of(entry: ConfigurationEntry, events: list[AuditEvent]) -> bool:
    return len(events) == 1 and mac_is_right(events[0]) and events[0].detail["entry_sha256"] == entry.digest()
