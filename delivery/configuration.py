"""Which of delivery's rows are configuration, whose every change is recorded, and what of them never is."""

from audit.configuration import register
from delivery.events.models import EventSource
from delivery.webhooks.models import ScribeEndpoint

register(
    EventSource,
    where=lambda row: (row.location.practice.code, row.location.code),
    exclude={"sealed_secrets"},
)
register(ScribeEndpoint, where=lambda row: (row.scribe.practice.code, ""), exclude={"sealed_secrets"})
