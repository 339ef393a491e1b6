"""The words for what became of a message about alerts, and for what a recipient is set to."""

from delivery.alerts.kinds import KINDS
from delivery.alerts.messages import SEALED
from delivery.alerts.models import AlertNotice, AlertRecipient
from delivery.webhooks.words import said_of
from portal.mail import NO_ADDRESS, NO_MAIL

WHY = {
    NO_MAIL: "This installation has no mail server (SCRIBEPORT_SMTP_HOST).",
    NO_ADDRESS: "There is no address to send to.",
    SEALED: "Its secret does not open with this installation’s key.",
    "mail_refused": "The mail server refused it.",
    "mail_failed": "The mail server broke off, or speaks otherwise than it should.",
    "mail_unreachable": "The mail server cannot be reached.",
}


def why(reason: str, status: int = 0) -> str:
    """Why a message was not taken, in a few words; "" where it was."""
    if reason in WHY:
        return f"{WHY[reason][:-1]} ({status})." if status else WHY[reason]
    return said_of(reason, status)


def notice_words(one: AlertNotice) -> tuple[str, str, str]:
    """Tone, word and reason of one notice."""
    if one.state == AlertNotice.SENT:
        return "ok", "Sent", ""
    if one.state == AlertNotice.GIVEN_UP:
        return "act", "Could not be sent", why(one.reason)
    return "wait", "Tried again" if one.reason else "Waits", why(one.reason)


def kinds_of(row: AlertRecipient) -> str:
    if not row.kinds:
        return "every kind"
    return ", ".join(KINDS[kind].label for kind in row.kinds if kind in KINDS)


def quiet_of(row: AlertRecipient) -> str:
    if row.quiet_from is None or row.quiet_until is None:
        return "none"
    hours = f"{row.quiet_from:%H:%M} to {row.quiet_until:%H:%M} ({row.time_zone.replace('_', ' ')})"
    return f"{hours}; urgent ones pass" if row.urgent_passes else hours
