"""What every HTTP answer has to pass: strict JSON, one resource or nothing, and when to come again."""

import json
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

import httpx2

LONGEST_WAIT = 3600.0
SECRETS = frozenset({"authorization", "proxy-authenticate", "set-cookie", "www-authenticate"})
MOST_HEADERS, LONGEST_HEADER = 50, 300


def as_kept(answer: httpx2.Response) -> bytes:
    """An answer as people read it later: its status, its headers without a secret, an empty line, its body."""
    lines = [f"HTTP {answer.status_code}"]
    for name, value in list(answer.headers.items())[:MOST_HEADERS]:
        lines.append(f"{name}: {'withheld' if name.lower() in SECRETS else value[:LONGEST_HEADER]}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "replace") + bytes(answer.content)


def retry_after(answer: httpx2.Response) -> float | None:
    """Seconds, from either form of RFC 9110, 10.2.3, at most an hour; None where nothing readable was said."""
    said = answer.headers.get("Retry-After", "")
    if said.strip().isascii() and said.strip().isdecimal():
        return min(float(said), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_WAIT)


def rate_limit_ends(answer: httpx2.Response) -> float:
    """Seconds until a 429 ends. eCW's limit is counted by the minute on the clock, and it does not say when."""
    said = retry_after(answer)
    return minute_ends() if said is None else said


def minute_ends() -> float:
    """Seconds to the end of the minute on the clock."""
    return 60 - time.time() % 60


def json_object(answer: httpx2.Response) -> dict[str, Any] | None:
    """The JSON object of an answer; None for anything else.

    Duplicate keys and NaN, which Python would take in silence, are refused, and so is a sign-in page that says 200.
    """
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        return None
    try:
        body = json.loads(answer.content, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def own_code(answer: httpx2.Response) -> str:
    """The code that a refusal gives of its own, a text or a number; "" where it gives none."""
    said = (json_object(answer) or {}).get("code")
    return str(said) if isinstance(said, str | int) and not isinstance(said, bool) else ""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError
