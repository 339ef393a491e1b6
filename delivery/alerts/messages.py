"""The messages about alerts, by e-mail and by signed webhook: counts, codes and links; never a patient or a note.

Names of people, patients, connections and templates are left out as well: a mail passes through others' servers.
"""

import json
import uuid
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from delivery import two_secrets
from delivery.alerts.kinds import CHANGES, EMAIL, KINDS
from delivery.alerts.models import Alert, AlertNotice, AlertRecipient
from delivery.alerts.telling import Reached
from delivery.webhooks.posting import post_to
from portal.crypto import CannotOpen
from portal.mail import Sent, link, mail

LISTED = 40  # alerts named one by one in a message
SEALED = "cannot_open"


def send(whom: Reached, notices: Sequence[AlertNotice]) -> Sent:
    """One message to one recipient; asks no database and never raises for what a server does."""
    own = whom.recipient
    if own is not None and own.way != EMAIL:
        return hook(own, "alert.changed", {"alerts": [facts(one) for one in notices[:LISTED]], "count": len(notices)})
    address = own.address if own else whom.user.email if whom.user else ""
    zone = ZoneInfo(own.time_zone) if own else ZoneInfo("UTC")
    return mail(address, subject(notices), text(notices, zone))


def subject(notices: Sequence[AlertNotice]) -> str:
    """Such as "Scribeport: 3 alerts at NORTH"; one alone is named."""
    places = sorted({one.alert.place for one in notices if one.alert.place})
    where = f" at {', '.join(places[:3])}{' and others' if len(places) > 3 else ''}" if places else ""
    alerts = {one.alert_id for one in notices}
    if len(alerts) == 1:
        last = notices[-1]
        return f"Scribeport: {label(last.alert)}{where}: {CHANGES[last.change].lower()}"
    return f"Scribeport: {len(alerts)} alerts{where}"


def label(alert: Alert) -> str:
    return KINDS[alert.kind].label if alert.kind in KINDS else alert.kind


def text(notices: Sequence[AlertNotice], zone: ZoneInfo) -> str:
    """One line a change, oldest first, and where to look."""
    lines = [line(one, zone) for one in notices[:LISTED]]
    if len(notices) > LISTED:
        lines.append(f"and {len(notices) - LISTED} more")
    ends = "Acknowledge there what you take care of: then nobody else is told."
    return "\n".join([*lines, "", f"All alerts: {link(reverse('delivery:alerts'))}", ends, ""])


def line(one: AlertNotice, zone: ZoneInfo) -> str:
    alert = one.alert
    at = alert.recovered_at if one.change == "recovered" and alert.recovered_at else one.created_at
    parts = [f"{at.astimezone(zone):%d %b %H:%M %Z}  {CHANGES[one.change]}: {label(alert)}", alert.place]
    if alert.count:
        parts.append(f"count {alert.count}")
    if alert.reason_code:
        parts.append(f"code {alert.reason_code}")
    return f"{', '.join(part for part in parts if part)}\n  {address_of(alert)}"


def facts(one: AlertNotice) -> dict[str, object]:
    alert = one.alert
    return {
        "id": alert.pk,
        "kind": alert.kind,
        "change": one.change,
        "state": str(alert.state),
        "location": alert.place,
        "count": alert.count,
        "reason": alert.reason_code,
        "opened_at": alert.opened_at.isoformat(timespec="seconds"),
        "url": address_of(alert),
    }


def address_of(alert: Alert) -> str:
    return link(reverse("delivery:alert", args=[alert.pk]))


def hook(own: AlertRecipient, kind: str, content: dict[str, object]) -> Sent:
    """One message by Standard Webhooks, signed with the recipient's secret; its address is checked before each try."""
    now: datetime = timezone.now()
    stamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = json.dumps({"type": kind, "timestamp": stamp, "data": content}, ensure_ascii=False).encode()
    try:
        secrets = two_secrets.good(own)
    except CannotOpen:
        return Sent(SEALED, final=True)
    said = post_to(own.address, settings.PRODUCTION, secrets, f"msg_{uuid.uuid4().hex}", body)
    return Sent(said.reason, status=said.status)
