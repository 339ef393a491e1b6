"""What the pages of a scribe's endpoint show: how it stands, and the newest messages with what came of them."""

from dataclasses import dataclass

from delivery.webhooks.kinds import LABELS
from delivery.webhooks.models import EndpointState, ScribeEndpoint, WebhookMessage
from delivery.webhooks.words import MessageWords, message_words, said_of
from portal.models import Scribe

NEWEST = 50


@dataclass(frozen=True)
class MessageRow:
    """One message in words."""

    message: WebhookMessage
    label: str
    words: MessageWords


@dataclass(frozen=True)
class EndpointRow:
    """An endpoint and how it stands: tone, word, and what it means where that is not plain."""

    endpoint: ScribeEndpoint
    state: EndpointState
    tone: str
    word: str
    why: str


def endpoint_row(endpoint: ScribeEndpoint) -> EndpointRow:
    state = endpoint.state
    why = said_of(state.reason, 0)
    if state.stopped_at:
        return EndpointRow(endpoint, state, "act", "Stopped after five days of failure", why)
    if not endpoint.enabled:
        return EndpointRow(endpoint, state, "off", "Off", "")
    if state.failing_since:
        return EndpointRow(endpoint, state, "warn", "Failing", why)
    return EndpointRow(endpoint, state, *(("ok", "Answers") if state.answered_at else ("wait", "New")), "")


def endpoint_of(scribe: Scribe, environment: str) -> ScribeEndpoint | None:
    rows = ScribeEndpoint.objects.select_related("state", "scribe__practice")
    return rows.filter(scribe=scribe, environment=environment).first()


def endpoint_rows(scribe: Scribe) -> dict[str, EndpointRow]:
    """The scribe's endpoints by environment; one query."""
    return {each.environment: endpoint_row(each) for each in scribe.endpoints.select_related("state")}


def newest(endpoint: ScribeEndpoint) -> list[MessageRow]:
    """One query; no message is opened."""
    rows = endpoint.messages.defer("sealed_body").order_by("-created_at")[:NEWEST]
    return [MessageRow(each, LABELS.get(each.type, each.type), message_words(each)) for each in rows]
