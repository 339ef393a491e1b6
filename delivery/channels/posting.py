"""One message posted over HTTP: its answer, or what its absence says of the message."""

from collections.abc import Mapping

import httpx2

from delivery.channels import http
from delivery.channels.base import NoAnswer, Rendered, Unavailable

NOT_CONNECTED = frozenset(
    {"dns", "target_not_allowed", "connection_refused", "connect_timeout", "unreachable", "lease_lost"}
)
DOUBTS = {"no_answer": "no_answer", "partial_answer": "partial_answer"}


def post(client: httpx2.Client, address: str, rendered: Rendered, headers: Mapping[str, str]) -> httpx2.Response:
    """The answer, whatever its status. Raises Unavailable where no byte of the body left, else NoAnswer."""
    try:
        return client.post(address, content=rendered.body, headers={**headers, "Content-Type": rendered.content_type})
    except http.NotAnswered as error:
        if error.body_left:
            raise NoAnswer(DOUBTS.get(error.reason, "unreadable_answer"), error.reason[:20]) from None
        known = error.reason in NOT_CONNECTED or error.reason.startswith("tls_")
        raise Unavailable(error.reason if known else "peer_closed") from None
