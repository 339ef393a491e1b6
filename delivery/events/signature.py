"""Whether a webhook is signed by who it claims: over the bytes as they came, by any secret that is good now. Pure."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from delivery.events.settings import WebhookSettings

TOLERANCE = timedelta(minutes=5)
MOST_SIGNATURES = 10
ID = re.compile(r"[A-Za-z0-9_:-]{1,128}")  # no dot: it parts what is signed
SECONDS = re.compile(r"[0-9]{1,12}")
MARK = re.compile(r"^(v1|sha256)=")


class NotSigned(Exception):
    """The message is not to be believed; `reason` is a word for the audit log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Signed:
    """What the headers say of a message that is signed: its id, "" where it has none."""

    id: str


def check(
    settings: WebhookSettings, secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: datetime
) -> Signed:
    """The message's id. Raises NotSigned for a wrong, missing, unreadable, early or late signature alike."""
    message, stamp = headers.get(settings.id_header, ""), headers.get(settings.timestamp_header, "")
    if message and not ID.fullmatch(message):
        raise NotSigned("id")
    if "id" in settings.signed and not message:
        raise NotSigned("id")
    given = signatures(headers.get(settings.signature_header, ""))
    signed = {"id": message.encode(), "timestamp": stamp.encode("utf-8", "replace"), "body": body}
    content = b".".join(signed[part] for part in settings.signed.split("."))
    good = [base64.b64encode(hmac.new(key_of(secret), content, hashlib.sha256).digest()) for secret in secrets]
    # Every pair is compared: how long it takes tells nothing of which was nearly right.
    matching = [hmac.compare_digest(one, other) for one in given for other in good]
    if not any(matching):
        raise NotSigned("signature")
    _check_time(stamp, now)
    return Signed(message)


def signatures(header: str) -> list[bytes]:
    """The signatures in a header, parted by spaces or commas, without the marks before them (`v1,…`, `sha256=…`)."""
    pieces = [MARK.sub("", piece) for piece in re.split(r"[\s,]+", header)]
    return [piece.encode("utf-8", "replace") for piece in pieces if piece and piece != "v1"][:MOST_SIGNATURES]


def key_of(secret: str) -> bytes:
    """The key's bytes: `whsec_…` is Base64, as Standard Webhooks writes it; any other text is taken as it is."""
    if secret.startswith("whsec_"):
        return base64.b64decode(secret.removeprefix("whsec_") + "==")
    return secret.encode()


def _check_time(stamp: str, now: datetime) -> None:
    if not SECONDS.fullmatch(stamp):
        raise NotSigned("timestamp")
    try:
        sent = datetime.fromtimestamp(int(stamp), UTC)
    except (OverflowError, ValueError):
        raise NotSigned("timestamp") from None
    if abs(now - sent) > TOLERANCE:
        raise NotSigned("timestamp")
