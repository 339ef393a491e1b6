"""eCW's feed of visits: ADT and SIU messages sent to an MLLP listener, in the lenient form that real ones have.

Version 2.3, MSH-3 to MSH-6 and MSH-10 empty, the internal number in PID-2, the account number in PID-4, the visit in
PV1-19 (ADT) or SCH-2 (SIU): relayed by client code that reads such feeds. To this machine only: whoever can reach the
sandbox must not be able to send through it to others.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from sandbox.answering import END, framed
from sandbox.drive import body_of
from sandbox.openapi import problem

LOOPBACK = ("127.0.0.1", "::1", "localhost")
SECONDS = 5.0
MOST = 65_536
# A01 admitted, A04 registered (checked in), A08 changed, A11 called off; S12 booked, S14 changed, S15 called off.
EVENTS = ("A01", "A04", "A08", "A11", "S12", "S14", "S15")


ESCAPES = str.maketrans({"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\r": " ", "\n": " "})


class BadVisit(ValueError):
    """What is wrong with a visit to be announced, in words."""


@dataclass(frozen=True)
class VisitNews:
    """What is told of one visit. `at` is YYYYMMDDHHMMSS."""

    event: str
    encounter: str
    patient: str
    account: str = ""
    family: str = "Synthetic"
    given: str = "Pat"
    provider: str = ""
    facility: str = ""
    at: str = ""

    def message(self, now: datetime) -> bytes:
        """The message's bytes, unframed."""
        sent, at = f"{now:%Y%m%d%H%M%S}", self.at or f"{now:%Y%m%d%H%M%S}"
        kind = "SIU" if self.event.startswith("S") else "ADT"
        told = {name: value.translate(ESCAPES) for name, value in vars(self).items()}
        place, provider, visit = told["facility"], told["provider"], told["encounter"]
        head = f"MSH|^~\\&|||||{sent}||{kind}^{self.event}||P|2.3"
        who = f"PID|1|{told['patient']}||{told['account']}|{told['family']}^{told['given']}"
        if kind == "SIU":
            rows = [head, f"SCH||{visit}|||||||||^^^{at}", who, f"AIL|1||{place}", f"AIP|1||{provider}"]
        else:
            seen = f"PV1|1|O|{place}||||{provider}{'|' * 12}{visit}{'|' * 25}{at}"
            rows = [head, f"EVN|{self.event}|{sent}", who, seen]
        return ("\r".join(rows) + "\r").encode()


def visit_from_json(body: Any) -> VisitNews:
    """Raises BadVisit."""
    if not isinstance(body, dict):
        raise BadVisit("The body is an object.")
    told = {name: value for name, value in body.items() if name not in ("host", "port")}
    if set(told) - set(VisitNews.__dataclass_fields__) or not all(isinstance(value, str) for value in told.values()):
        raise BadVisit(f"Besides host and port it holds texts named {', '.join(VisitNews.__dataclass_fields__)}.")
    if told.get("event") not in EVENTS or not told.get("encounter") or not told.get("patient"):
        raise BadVisit(f"It names an encounter, a patient, and an event of {', '.join(EVENTS)}.")
    return VisitNews(**told)


async def announce(host: str, port: int, news: VisitNews) -> bytes:
    """Send one message and give back the answer, unframed. Raises OSError, TimeoutError or IncompleteReadError."""
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(host, port, limit=MOST)
        try:
            writer.write(framed(news.message(datetime.now(UTC))))
            await writer.drain()
            answer = await reader.readuntil(END)
        finally:
            writer.close()
    return answer[1 : -len(END)]


async def post_visit(request: web.Request) -> web.Response:
    """{"host", "port", "event", "encounter", "patient", …} is sent as ADT or SIU; what the listener answered."""
    body = await body_of(request)
    try:
        news = visit_from_json(body)
    except BadVisit as error:
        return problem(400, str(error))
    host, port = body.get("host", "127.0.0.1"), body.get("port")
    if host not in LOOPBACK or not isinstance(port, int) or not 0 < port < 65_536:
        return problem(400, "It is sent to a port of this machine only.")
    try:
        answer = await announce(host, port, news)
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        return problem(502, f"The listener did not answer ({type(error).__name__}).")
    return web.json_response({"answer": answer.decode(errors="replace")})


ROUTES = [web.post("/sandbox/api/visits/announce", post_visit)]
