"""/sandbox/api for the FHIR side: practices, what their charts hold, registered applications, tokens."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from sandbox import reconciling
from sandbox.drive import body_of
from sandbox.drugs import DRUGS
from sandbox.limits import Limits
from sandbox.openapi import problem
from sandbox.practices import Practices
from sandbox.smart import OAuthApp, Tokens


class FhirDrive:
    """The endpoints under /sandbox/api/practices and /sandbox/api/apps."""

    def __init__(self, practices: Practices, tokens: Tokens, limits: Limits) -> None:
        self.practices = practices
        self.tokens = tokens
        self.limits = limits

    def routes(self) -> list[web.RouteDef]:
        return [
            web.put("/sandbox/api/practices/{practice}", self.put_practice),
            web.put("/sandbox/api/practices/{practice}/resources/{type}/{id}", self.put_resource),
            web.get("/sandbox/api/practices/{practice}/app-data", self.get_app_data),
            web.post("/sandbox/api/practices/{practice}/app-data/{id}/take", self.take_over),
            web.put("/sandbox/api/apps/{client_id}", self.put_app),
            web.post("/sandbox/api/apps/{client_id}/revoke", self.revoke),
            web.get("/sandbox/api/tokens", self.get_tokens),
        ]

    async def put_practice(self, request: web.Request) -> web.Response:
        """{"facility", "template", "strict", "per_minute"}: each may be left out."""
        body = await mapping_of(request)
        practice = self.practices.of(request.match_info["practice"])
        practice.facility = str(body.get("facility") or practice.facility)
        practice.template = str(body.get("template") or practice.template)
        practice.strict = bool(body.get("strict", practice.strict))
        if "per_minute" in body:
            self.limits.per_minute[practice.code] = int(body["per_minute"])
        return web.json_response({"practice": practice.code, "facility": practice.facility})

    async def put_resource(self, request: web.Request) -> web.Response:
        """A resource to be read, as FHIR has it; an Encounter needs its subject."""
        body, where = await mapping_of(request), request.match_info
        made = {**body, "resourceType": where["type"], "id": where["id"]}
        if where["type"] == "Encounter" and not isinstance(made.get("subject"), Mapping):
            return problem(400, "An Encounter needs its subject.")
        self.practices.of(where["practice"]).resources[where["type"], where["id"]] = made
        return web.json_response(made)

    async def get_app_data(self, request: web.Request) -> web.Response:
        """What waits in a practice's App Data for a person, and the drug database that medications are checked by."""
        waiting = self.practices.of(request.match_info["practice"]).app_data
        known = [{**vars(drug), "ndcs": sorted(drug.ndcs)} for drug in DRUGS]
        return web.json_response({"entries": list(waiting.values()), "drugs": known})

    async def take_over(self, request: web.Request) -> web.Response:
        """A person takes one entry over into the chart, where it is read from then on."""
        made = reconciling.take_over(self.practices.of(request.match_info["practice"]), request.match_info["id"])
        return web.json_response(made) if made else problem(404, "There is no such entry in App Data.")

    async def put_app(self, request: web.Request) -> web.Response:
        """{"secret" or "jwks" or neither, "scopes", "redirect_uris", "seconds"}: an application as eCW registers it."""
        body = await mapping_of(request)
        app = OAuthApp(
            request.match_info["client_id"],
            secret=str(body.get("secret") or ""),
            jwks=body.get("jwks"),
            scopes=frozenset(body.get("scopes") or ()),
            redirect_uris=frozenset(body.get("redirect_uris") or ()),
            seconds=body.get("seconds"),
        )
        self.tokens.apps[app.client_id] = app
        return web.json_response({"client_id": app.client_id})

    async def revoke(self, request: web.Request) -> web.Response:
        """Withdraws every grant of an application, as a practice does that changes its mind."""
        client_id = request.match_info["client_id"]
        grants = [grant for grant, _ in self.tokens.access.values()] + list(self.tokens.refresh.values())
        ended = {id(grant): grant for grant in grants if grant.app.client_id == client_id and not grant.ended}
        for grant in ended.values():
            grant.ended = True
        return web.json_response({"ended": len(ended)})

    async def get_tokens(self, request: web.Request) -> web.Response:
        """How often each practice's token endpoint was asked."""
        return web.json_response({"calls": dict(self.tokens.calls), "issued": len(self.tokens.access)})


async def mapping_of(request: web.Request) -> dict[str, Any]:
    body = await body_of(request) if request.can_read_body else {}
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text='{"error": "The body is an object."}', content_type="application/json")
    return body
