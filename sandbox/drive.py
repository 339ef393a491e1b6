"""/sandbox/api: what tests, demos and benches drive the sandbox with. Open to all: its notes are synthetic."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Protocol

from aiohttp import web

from sandbox.documents import documents_of
from sandbox.faults import BadFault, Switchboard, fault_from_json
from sandbox.openapi import problem
from sandbox.store import Store
from sandbox.template import BadTemplate, Template, template_from_json

PAGE = 1000
LARGEST_PAGE = 10_000


class Forgetful(Protocol):
    """What a reset empties besides the store."""

    def clear(self) -> None: ...


class Drive:
    """The endpoints under /sandbox/api."""

    def __init__(self, store: Store, switchboard: Switchboard, others: Sequence[Forgetful] = ()) -> None:
        self.store = store
        self.switchboard = switchboard
        self.others = others
        self.mllp_port = 0  # known once it listens

    def routes(self) -> list[web.RouteDef]:
        template = "/sandbox/api/facilities/{facility}/templates/{code}"
        return [
            web.get("/sandbox/api/health", self.health),
            web.get("/sandbox/api/facilities", self.facilities),
            web.get(template + ".csv", self.get_csv),
            web.get(template, self.get_template),
            web.put(template, self.put_template),
            web.post(template + "/swap", self.swap),
            web.put("/sandbox/api/facilities/{facility}/encounters/{encounter}", self.put_encounter),
            web.get("/sandbox/api/facilities/{facility}/encounters/{encounter}/documents", self.documents),
            web.get("/sandbox/api/filings", self.filings),
            web.get("/sandbox/api/faults", self.get_faults),
            web.put("/sandbox/api/faults", self.put_faults),
            web.post("/sandbox/api/faults", self.add_fault),
            web.post("/sandbox/api/reset", self.reset),
        ]

    async def health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "filings": self.store.count(), "mllp": self.mllp_port})

    async def facilities(self, request: web.Request) -> web.Response:
        known = sorted(self.store.templates.items())
        return web.json_response({"facilities": [{"facility": each, "templates": sorted(of)} for each, of in known]})

    async def put_template(self, request: web.Request) -> web.Response:
        """Makes or replaces a template; a facility comes to be with its first template."""
        try:
            template = template_from_json(**request.match_info, body=await body_of(request))
        except BadTemplate as error:
            return problem(400, str(error))
        self.store.put_template(template)
        return web.json_response(template.as_json())

    async def get_template(self, request: web.Request) -> web.Response:
        return web.json_response(self.template(request).as_json())

    async def get_csv(self, request: web.Request) -> web.Response:
        template = self.template(request)
        headers = {"Content-Disposition": 'attachment; filename="template.csv"'}
        return web.Response(text=template.as_csv(), content_type="text/csv", headers=headers)

    async def swap(self, request: web.Request) -> web.Response:
        """Exchanges the positions of two fields, as an update of eCW might overnight."""
        body = await body_of(request)
        fields = body.get("fields") if isinstance(body, dict) else None
        if not isinstance(fields, list) or len(fields) != 2:
            return problem(400, 'The body is {"fields": [field_id, field_id]}.')
        try:
            swapped = self.template(request).swapped(*fields)
        except BadTemplate as error:
            return problem(400, str(error))
        self.store.put_template(swapped)
        return web.json_response(swapped.as_json())

    async def filings(self, request: web.Request) -> web.Response:
        """Filings in the order of filing, `limit` at a time: pass `next` as `after` until it is null."""
        after, limit = number(request, "after", 0), min(number(request, "limit", PAGE), LARGEST_PAGE)
        with_fields = request.query.get("fields") == "1"
        found = list(self.store.filings_after(request.query.get("facility", ""), after, limit, with_fields))
        rows = [asdict(filing) | {"filed_at": filing.moment} for filing in found]
        if not with_fields:
            for row in rows:
                del row["fields"]
        return web.json_response({"filings": rows, "next": found[-1].sequence if len(found) == limit else None})

    async def documents(self, request: web.Request) -> web.Response:
        """What was filed beside an encounter's note."""
        at = request.match_info
        return web.json_response({"documents": documents_of(self.store.committed, at["facility"], at["encounter"])})

    async def put_encounter(self, request: web.Request) -> web.Response:
        """{"signed": true} locks an encounter's note: it takes nothing more until it is opened again."""
        body = await body_of(request)
        if not isinstance(body, dict) or not isinstance(body.get("signed"), bool):
            return problem(400, 'The body is {"signed": true} or {"signed": false}.')
        self.store.sign(request.match_info["facility"], request.match_info["encounter"], body["signed"])
        return web.json_response({"signed": body["signed"]})

    async def get_faults(self, request: web.Request) -> web.Response:
        return web.json_response(self.switchboard.as_json())

    async def put_faults(self, request: web.Request) -> web.Response:
        """{"seed": 0, "faults": […]} takes the place of the faults that are on."""
        body = await body_of(request)
        right = isinstance(body, dict) and isinstance(body.get("seed", 0), int)
        if not right or not isinstance(body.get("faults"), list):
            return problem(400, 'The body is {"seed": 0, "faults": [{"kind": …}]}.')
        try:
            faults = [fault_from_json(each) for each in body["faults"]]
        except BadFault as error:
            return problem(400, str(error))
        self.switchboard.set(faults, body.get("seed", 0))
        return web.json_response(self.switchboard.as_json())

    async def add_fault(self, request: web.Request) -> web.Response:
        """One more fault, besides those that are on."""
        try:
            self.switchboard.add(fault_from_json(await body_of(request)))
        except BadFault as error:
            return problem(400, str(error))
        return web.json_response(self.switchboard.as_json())

    async def reset(self, request: web.Request) -> web.Response:
        """Forgets everything and switches every fault off; {"keep_templates": true} keeps the templates."""
        body = await body_of(request) if request.can_read_body else {}
        self.switchboard.set([], 0)
        for other in self.others:
            other.clear()
        self.store.clear(keep_templates=isinstance(body, dict) and body.get("keep_templates") is True)
        return web.json_response({"status": "reset"})

    def template(self, request: web.Request) -> Template:
        facility, code = request.match_info["facility"], request.match_info["code"]
        template = self.store.templates.get(facility, {}).get(code)
        if template is None:
            raise web.HTTPNotFound(text='{"error": "There is no such template."}', content_type="application/json")
        return template


async def body_of(request: web.Request) -> Any:
    """The JSON body. Raises HTTP 400."""
    try:
        return await request.json()
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise web.HTTPBadRequest(text='{"error": "The body is no JSON."}', content_type="application/json") from error


def number(request: web.Request, name: str, default: int) -> int:
    """A whole number of the query. Raises HTTP 400."""
    try:
        return max(int(request.query.get(name, default)), 0)
    except ValueError as error:
        raise web.HTTPBadRequest(
            text=json.dumps({"error": f'"{name}" is a whole number.'}), content_type="application/json"
        ) from error
