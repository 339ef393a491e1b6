"""The headers of a message to a scribe, signed as Standard Webhooks says; by both secrets while one is replaced."""

from collections.abc import Sequence
from datetime import datetime

from standardwebhooks import Webhook


def headers(secrets: Sequence[str], message: str, body: bytes, now: datetime) -> dict[str, str]:
    """webhook-id, webhook-timestamp, webhook-signature. The id is the same at every try: by it a repeat is known."""
    signed = " ".join(Webhook(secret).sign(message, now, body.decode()) for secret in secrets)
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signed,
        "Content-Type": "application/json",
        "User-Agent": "Scribeport",
    }
