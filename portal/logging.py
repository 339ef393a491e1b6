"""Logging: one line per event on standard error, JSON or key=value, scrubbed by portal/scrubbing.py.

Whatever logs (our code by `logging` or structlog, Django, Celery, gunicorn, warnings, an uncaught exception) comes
through the one formatter here. `docs/operations.md` says what the lines mean.
"""

import contextlib
import logging
import logging.config
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, WrappedLogger

from audit.context import RecordError, current
from portal import scrubbing

FORMATS = ("logfmt", "json")
FIRST_KEYS = ("time", "level", "logger", "event", "correlation_id")
# Loggers that bring handlers of their own; theirs are removed and their lines come to ours.
BRING_HANDLERS = ("django", "django.server", "gunicorn.error", "celery", "celery.task", "celery.redirected", "kombu")
OURS = frozenset({"event", "exc_info", "stack_info", "positional_args", "_record", "_from_structlog"})
# What these say is about the code and its settings, never about a note: whoever starts a process must read it.
OF_THE_CODE = (ImportError, SyntaxError, ImproperlyConfigured)

uncaught = logging.getLogger("portal.uncaught")


class StandardError(logging.StreamHandler[Any]):
    """Writes to standard error; a record that cannot be written is counted out loud without its content."""

    def handleError(self, record: logging.LogRecord) -> None:
        # logging's own way prints the message and its arguments.
        where = f"{record.module}:{record.lineno}"
        with contextlib.suppress(OSError):  # a full log volume is no reason to fail a request
            sys.stderr.write(f'level=error logger={record.name} event="a log record could not be written" at={where}\n')


def facts_of_record(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """structlog processor: every fact of an event that may be written, in order, and nothing else."""
    record: logging.LogRecord = event["_record"]
    facts: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": scrubbing.message(str(event["event"]), event.get("positional_args"), record.pathname),
    }
    facts |= {"correlation_id": correlation_id()} if correlation_id() else {}
    facts |= {key: scrubbing.shown(value, key) for key, value in event.items() if key not in OURS}
    failed = facts_of_exception(event.get("exc_info"))
    facts |= facts_of_request(record) | facts_of_task(record, bool(failed)) | failed
    if facts["event"] == scrubbing.WITHHELD:
        facts["line"] = f"{record.module}:{record.lineno}"
    return facts


def correlation_id() -> str:
    """The one of the audit records written around this line; "" where nobody acts."""
    try:
        return current().correlation_id
    except RecordError:
        return ""


def facts_of_request(record: logging.LogRecord) -> dict[str, Any]:
    """Status, method and route pattern of what Django logs about a request: no path, query, header or body."""
    request = getattr(record, "request", None)
    status = getattr(record, "status_code", None)
    if request is None or status is None:
        return {}
    match = getattr(request, "resolver_match", None)
    route = match.route if match else "(none)"
    method = request.method if request.method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "?"
    return {"event": "request refused or failed", "status": status, "method": method, "route": route}


def facts_of_task(record: logging.LogRecord, failed: bool) -> dict[str, Any]:
    """Name and id of the task Celery logs about; neither its arguments nor its result."""
    context = getattr(record, "data", None)
    if not record.name.startswith("celery.") or not isinstance(context, dict):
        return {}
    outcome = "task failed" if failed else "task"
    task, task_id = (scrubbing.shown(context.get(key), name) for key, name in (("name", "task"), ("id", "task_id")))
    return {"event": outcome, "task": task, "task_id": task_id}


def facts_of_exception(exc_info: Any) -> dict[str, Any]:
    """See scrubbing.of_exception; takes what logging and structlog allow as exc_info."""
    if isinstance(exc_info, BaseException):
        return scrubbing.of_exception(exc_info, exc_info.__traceback__)
    _, error, trace = exc_info if isinstance(exc_info, tuple) else sys.exc_info() if exc_info else (None, None, None)
    return scrubbing.of_exception(error, trace) if error else {}


def formatter(form: str) -> ProcessorFormatter:
    """The one formatter; `form` is json or logfmt."""
    render: Any = structlog.processors.JSONRenderer()
    if form == "logfmt":
        render = structlog.processors.LogfmtRenderer(key_order=FIRST_KEYS, drop_missing=True, bool_as_flag=False)
    return ProcessorFormatter(
        processors=[facts_of_record, render],
        use_get_message=False,
        pass_foreign_args=True,
    )


def logging_settings(level: str, form: str) -> dict[str, Any]:
    """Django's LOGGING."""
    if form not in FORMATS:
        raise ValueError(f"SCRIBEPORT_LOG_FORMAT is one of {', '.join(FORMATS)}")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "portal.logging.formatter", "form": form}},
        "handlers": {"stderr": {"class": "portal.logging.StandardError", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            **{name: {"handlers": [], "level": "NOTSET", "propagate": True} for name in BRING_HANDLERS},
            # Paths and client addresses of every request: the reverse proxy's business, not ours.
            "gunicorn.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
        },
    }


def configure(config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: apply the dictionary; structlog, warnings and uncaught exceptions go the same way."""
    logging.config.dictConfig(config)
    logging.captureWarnings(True)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    threading.excepthook = lambda args: log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    if not sys.stderr.isatty():
        # At a terminal somebody wants to read the message of the command that failed; a log file must not hold it.
        sys.excepthook = log_uncaught


def log_uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """What Python would print with its message is logged without."""
    if error is None or issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    if issubclass(kind, OF_THE_CODE):
        sys.__excepthook__(kind, error, trace)
        return
    uncaught.critical("uncaught exception", exc_info=(kind, error, trace))
