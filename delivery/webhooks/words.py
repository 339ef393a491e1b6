"""The words for what became of a message to a scribe, and for why its endpoint could not be told."""

from dataclasses import dataclass

from delivery.webhooks.models import WebhookMessage

WHY = {
    "connection_refused": "Nobody listens at its address.",
    "connect_timeout": "It could not be reached in time.",
    "no_answer": "It did not answer within 15 seconds.",
    "partial_answer": "It broke off in the middle of its answer.",
    "peer_closed": "It closed the connection.",
    "unreachable": "There is no way to its network.",
    "dns": "The name server does not know its host.",
    "cannot_open": "It does not open with this installation’s key; it was not sent.",
    "target_not_allowed": "Its address lies outside the networks this installation may connect to.",
}


@dataclass(frozen=True)
class MessageWords:
    """A message's state for the page; `why` is the last try's reason, "" where it was taken."""

    tone: str
    label: str
    why: str


def message_words(message: WebhookMessage) -> MessageWords:
    last = message.tries[-1] if message.tries else {}
    why = said_of(str(last.get("reason", "")), int(last.get("status", 0)))
    if message.state == WebhookMessage.DELIVERED:
        return MessageWords("ok", "Taken", "")
    if message.state == WebhookMessage.GIVEN_UP:
        return MessageWords("act", "Given up", why)
    if message.state == WebhookMessage.OVERTAKEN:
        return MessageWords("off", "Not told", "eCW, asked again, said that the visit was over.")
    return MessageWords("wait", "Being tried again" if message.attempts else "Waiting", why)


def said_of(reason: str, status: int) -> str:
    """Why a try failed, in a few words; of an answer only its status is ever kept."""
    if status:
        return f"It answered {status}."
    if reason.startswith("tls_"):
        return "Its certificate cannot be trusted, or it speaks no TLS 1.2."
    return WHY.get(reason, f"It could not be told ({reason}).") if reason else ""
