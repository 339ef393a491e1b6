"""What may stand in a log line: texts of the source code, numbers, ids, codes and places; never a value from outside.

The rule lists what may pass, not what is removed: a message is shown where it stands as a literal in the file that logs
it, an argument where its type cannot hold patient data, a text where its key is on the list below and it looks like a
code. Of an exception: its class, its reason code and the lines it passed, not its message.
"""

import re
import traceback
from collections.abc import Mapping
from datetime import date, timedelta
from enum import Enum
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import UUID

WITHHELD = "[withheld]"
OWN_CODE = ("audit", "portal", "mapping", "delivery", "sandbox")
# Keys whose values are our own words or ids. A new key belongs here only if nothing posted can ever stand under it.
CODE_KEYS = frozenset(
    {
        "attempt", "channel", "command", "component", "connection", "control_id", "correlation_id", "delivery", "grade",
        "kind", "lane", "location", "method", "part", "practice", "process", "reason_code", "route", "state", "step",
        "task", "task_id", "worker",
    }
)  # fmt: skip
CODE = re.compile(r"[\w.:/<>@^$?()\[\]|*+\\-]{1,120}", re.ASCII)
REASON_CODE = re.compile(r"[a-z0-9_.-]{1,60}")
TRACE_LINES = 12


def shown(value: object, key: str = "") -> bool | int | float | str | None:
    """The value as it may be written, or WITHHELD."""
    if value is None or isinstance(value, bool | int | float):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, UUID | date | timedelta):
        return str(value)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, type):
        return value.__qualname__
    if isinstance(value, BaseException):
        return type(value).__qualname__
    if isinstance(value, str) and key in CODE_KEYS and CODE.fullmatch(value):
        return value
    return WITHHELD


class _Named(dict[Any, Any]):
    """Arguments to be named by a template (`%(lane)s`); written whole (`%s`), their keys would be shown."""

    def __repr__(self) -> str:
        return WITHHELD


@lru_cache(maxsize=2048)
def is_literal(message: str, path: str) -> bool:
    """Whether the message stands, whole and quoted, in the source file that logs it (an f-string never does)."""
    try:
        source = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return f'"{message}"' in source or f"'{message}'" in source


def message(template: str, arguments: object, path: str) -> str:
    """The interpolated message, each argument as it may be written; WITHHELD where the template is no literal."""
    if not is_literal(template, path):
        return WITHHELD
    if not arguments:
        return template
    try:
        if isinstance(arguments, Mapping):
            return template % _Named({key: shown(value, key) for key, value in arguments.items()})
        many = arguments if isinstance(arguments, tuple) else (arguments,)
        return template % tuple(shown(value) for value in many)
    except (TypeError, ValueError, KeyError):
        return template  # %d of something withheld: the text alone


def of_exception(error: BaseException, trace: TracebackType | None) -> dict[str, Any]:
    """Class, reason code, causes and the lines passed, innermost last; `at` is the innermost line of our own code."""
    lines = [(frame.f_globals.get("__name__", "?"), number) for frame, number in traceback.walk_tb(trace)]
    own = [f"{name}:{number}" for name, number in lines if name.partition(".")[0] in OWN_CODE]
    every = [f"{name}:{number}" for name, number in lines]
    facts: dict[str, Any] = {"exception": type(error).__qualname__}
    if REASON_CODE.fullmatch(str(getattr(error, "reason_code", "") or "")):
        facts["reason_code"] = error.reason_code  # type: ignore[attr-defined]
    if causes := _causes(error):
        facts["causes"] = "<".join(causes)
    if every:
        facts["at"] = (own or every)[-1]
        facts["trace"] = ">".join(every[-TRACE_LINES:])
    return facts


def _causes(error: BaseException) -> list[str]:
    names: list[str] = []
    seen = {id(error)}
    following = error.__cause__ or error.__context__
    while following is not None and id(following) not in seen and len(names) < 5:
        names.append(type(following).__qualname__)
        seen.add(id(following))
        following = following.__cause__ or following.__context__
    return names
