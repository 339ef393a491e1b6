"""Which of delivery's rows are configuration, whose every change is recorded, and what of them never is."""

from audit.configuration import register
from delivery.alerts.models import AlertRecipient, AlertSettings
from delivery.events.models import EventSource
from delivery.pilot.tables import Pilot
from delivery.ways.models import Deviation, TemplateStop
from delivery.webhooks.models import ScribeEndpoint

register(AlertSettings, where=lambda row: (row.practice.code, ""))
register(
    AlertRecipient,
    where=lambda row: (row.practice.code, row.location.code if row.location else ""),
    exclude={"sealed_secrets"},
)
register(
    EventSource,
    where=lambda row: (row.location.practice.code, row.location.code),
    exclude={"sealed_secrets"},
)
register(Deviation, where=lambda row: (row.location.practice.code, row.location.code))
register(Pilot, where=lambda row: (row.location.practice.code, row.location.code))
register(TemplateStop, where=lambda row: (row.template.location.practice.code, row.template.location.code))
register(ScribeEndpoint, where=lambda row: (row.scribe.practice.code, ""), exclude={"sealed_secrets"})
