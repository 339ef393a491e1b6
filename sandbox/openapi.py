"""The Open API as docs/channels/openapi.md assumes it: writing a note by field, reading it back, and the templates."""

import asyncio
import hmac
import re
import time
from collections import Counter

from aiohttp import web

from sandbox.caller import at_hand
from sandbox.chart import Filing, chart_fields
from sandbox.fault_kinds import Stage
from sandbox.faults import Switchboard
from sandbox.openapi_populating import Populating
from sandbox.openapi_writing import Writing
from sandbox.store import Store
from sandbox.template import Template

PRACTICE_CODE = re.compile(r"[A-Z]{6}")


class OpenApi:
    """The endpoints of the Open API. `practices` empty: every code of six letters is a practice."""

    def __init__(
        self,
        store: Store,
        switchboard: Switchboard,
        token: str,
        practices: frozenset[str] = frozenset(),
        dedupe: bool = False,
    ) -> None:
        self.store = store
        self.switchboard = switchboard
        self.authorization = f"Bearer {token}".encode()
        self.practices = practices
        self.writing = Writing(store, switchboard, dedupe)
        self.populating = Populating(store, switchboard)
        self.reads: Counter[tuple[str, int]] = Counter()

    def routes(self) -> list[web.RouteDef]:
        practice = "/openapi/v1/{practice}"
        return [
            web.get(f"{practice}/encounters/{{encounter}}/progress-note", self.progress_note),
            web.get(f"{practice}/templates", self.templates),
            web.post(f"{practice}/visit-templates", self.populate),
            web.post(f"{practice}/progress-notes", self.write),
        ]

    async def write(self, request: web.Request) -> web.StreamResponse:
        """Files a note; what is refused says why."""
        return self.stranger(request) or await self.writing.take(request)

    async def populate(self, request: web.Request) -> web.StreamResponse:
        """Makes a visit's note of a template; what is refused says why."""
        return self.stranger(request) or await self.populating.take(request)

    async def progress_note(self, request: web.Request) -> web.Response:
        """A progress note by field; 401, 404 as the contract says."""
        until = await self.admitted(request)
        if isinstance(until, web.Response):
            return until
        facility, encounter = request.query["facility"], request.match_info["encounter"]
        signed = (facility, encounter) in self.store.signed
        populated = self.store.populated(facility, encounter)
        filings = self.store.filings(facility, encounter, until)
        return web.json_response(progress_note(encounter, signed, filings, *populated))

    async def templates(self, request: web.Request) -> web.Response:
        """The templates of a facility with their fields, in the order of their codes."""
        until = await self.admitted(request)
        if isinstance(until, web.Response):
            return until
        found = sorted(self.store.templates[request.query["facility"]].items())
        return web.json_response({"templates": [as_listed(template) for _code, template in found]})

    async def admitted(self, request: web.Request) -> web.Response | float:
        """What stands against a question (401, 404, a fault that is on); else until when filings are shown."""
        refused = self.stranger(request)
        if refused is not None:
            return refused
        practice, facility = request.match_info["practice"], request.query.get("facility", "")
        if facility not in self.store.templates:
            return problem(404, "There is no such facility.")
        return await self.trouble(practice, facility)

    def stranger(self, request: web.Request) -> web.Response | None:
        """401 without the right token, 404 for a practice that is not here."""
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self.authorization):
            return unauthorized()
        at_hand.set(given.decode().removeprefix("Bearer "))
        known = self.knows(request.match_info["practice"])
        return None if known else problem(404, "There is no such practice.")

    async def trouble(self, practice: str, facility: str) -> web.Response | float:
        """What the faults that are on make of a read: an answer, or the time until which filings are shown."""
        until = float("inf")
        for fault in self.switchboard.struck(Stage.READING, facility):
            match fault.kind.name:
                case "read_http_500":
                    return problem(fault.settings["status"], "Server error.")
                case "read_unauthorized":
                    return unauthorized()
                case "read_rate_limit" if self.over(practice, fault.settings["per_minute"]):
                    return problem(429, "Too many requests.")
                case "read_slow":
                    await asyncio.sleep(fault.settings["seconds"])
                case "read_stale":
                    until = time.time() - fault.settings["seconds"]
        return until

    def knows(self, practice: str) -> bool:
        return practice in self.practices if self.practices else PRACTICE_CODE.fullmatch(practice) is not None

    def over(self, practice: str, per_minute: int) -> bool:
        """Counts a read, and whether it is over the practice's limit for the minute on the clock."""
        minute = int(time.time() // 60)
        if any(earlier != minute for _, earlier in self.reads):
            self.reads.clear()
        self.reads[practice, minute] += 1
        return self.reads[practice, minute] > per_minute


def progress_note(
    encounter: str, signed: bool, filings: list[Filing], template: str = "", patient: str = ""
) -> dict[str, object]:
    """The answer of docs/channels/openapi.md."""
    return {
        "encounter_id": encounter,
        "patient_id": filings[0].patient if filings else patient,
        "template": template,
        "signed": signed,
        "filings": [
            {
                "control_id": filing.control_id,
                "note_id": filing.note_id,
                "filed_at": filing.moment,
                "template": filing.template,
                "fields": filing.fields,
            }
            for filing in filings
        ],
        "fields": chart_fields(filings),
    }


def as_listed(template: Template) -> dict[str, object]:
    """A template as the contract lists it: without what only the sandbox knows of its ways."""
    kept = template.as_json()
    return {name: kept[name] for name in ("code", "name", "fields")}


def unauthorized() -> web.Response:
    return problem(401, "The access token is missing, wrong or run out.", {"WWW-Authenticate": "Bearer"})


def problem(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"error": text}, status=status, headers=headers)
