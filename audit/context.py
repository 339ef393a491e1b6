"""Who acts, known to everything that happens inside one request, job or command."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


class RecordError(Exception):
    """The record is not one that can be written: the programmer's mistake, named."""


@dataclass(frozen=True)
class Actor:
    """Who acts. `type` is user, api_key, worker, system, command or anonymous; `id` their stable identifier."""

    type: str
    id: str
    name: str = ""
    auth_method: str = ""
    session_hash: str = ""
    source_ip: str = ""
    user_agent_hash: str = ""


@dataclass(frozen=True)
class Context:
    """What every record inside one request or job shares."""

    actor: Actor
    correlation_id: str = ""


_context: ContextVar[Context | None] = ContextVar("audit_context", default=None)


@contextmanager
def acting(actor: Actor, correlation_id: str = "") -> Iterator[None]:
    """Everything recorded inside is this actor's; without a correlation id one is made."""
    token = _context.set(Context(actor, correlation_id or uuid.uuid4().hex))
    try:
        yield
    finally:
        _context.reset(token)


def current() -> Context:
    """The context in force; raises RecordError where nobody acts."""
    context = _context.get()
    if context is None:
        raise RecordError("nobody is acting: wrap the deed in audit.record.acting(...)")
    return context
