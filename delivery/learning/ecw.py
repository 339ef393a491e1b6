"""The simulated eCW that courses are held on: where it is, and what it is taught for one of them.

It is named by SCRIBEPORT_PRACTICE_ECW (docs/practice-mode.md). Without it there are no courses: nobody learns on eCW's
own sandbox, where what is written stays.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
from django.conf import settings

from delivery.channels import http
from portal.targets import check_target

SECONDS = 5.0


class NoSimulatedEcw(Exception):
    """Why no course can be held, in words for the screen."""


@dataclass(frozen=True)
class SimulatedEcw:
    """Where it answers: its web address, and the port for HL7 on the same host."""

    base: str
    host: str
    mllp: int


def found() -> SimulatedEcw:
    """The simulated eCW of this installation. Raises NoSimulatedEcw."""
    base = settings.PRACTICE_ECW.rstrip("/")
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NoSimulatedEcw("No simulated eCW is set up for practice here (SCRIBEPORT_PRACTICE_ECW).")
    said = _asked("GET", f"{base}/sandbox/api/health")
    if said.get("status") != "ok" or not isinstance(said.get("mllp"), int):
        raise NoSimulatedEcw("What SCRIBEPORT_PRACTICE_ECW names is no simulated eCW.")
    return SimulatedEcw(base, parts.hostname or "", said["mllp"])


def teach(ecw: SimulatedEcw, facility: str, template: str, content: dict[str, Any]) -> None:
    """Give a facility its template. Raises NoSimulatedEcw."""
    where = f"{quote(facility, safe='')}/templates/{quote(template, safe='')}"
    _asked("PUT", f"{ecw.base}/sandbox/api/facilities/{where}", content)


def _asked(method: str, url: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
    try:
        client: httpx2.Client = http.client(check_target, SECONDS, None)
        with client:
            answer = client.request(method, url, json=content)
        said: dict[str, Any] = answer.json()
    except (http.NotAnswered, httpx2.HTTPError, ValueError, OSError):
        raise NoSimulatedEcw("The simulated eCW for practice does not answer.") from None
    if answer.status_code != 200 or not isinstance(said, dict):
        raise NoSimulatedEcw("The simulated eCW for practice does not do what it is asked.")
    return said
