"""Making a visit's note of a practice template over the Open API: a call of its own, before any text.

Assumed throughout (docs/openapi/ecw-open-api.yaml). A visit's note is made of one template: asked for the same
again the answer is yes and nothing changes; asked for another it is no.
"""

from aiohttp import web

from sandbox.fault_kinds import Stage
from sandbox.faults import Switchboard
from sandbox.openapi_writing import Rejected, closed, known_template, read_object, refusal
from sandbox.store import Store

TEXTS = ("control_id", "facility", "encounter_id", "patient_id", "template")


class Populating:
    """Fills templates."""

    def __init__(self, store: Store, switchboard: Switchboard) -> None:
        self.store = store
        self.switchboard = switchboard

    async def take(self, request: web.Request) -> web.StreamResponse:
        """201 for a template filled, 200 for one filled before, 4xx for what is refused; or as a fault says."""
        try:
            said = read_object(await request.read(), TEXTS)
            fault = self.switchboard.first(Stage.POPULATING, said["facility"])
            kind = fault.kind.name if fault else ""
            if fault and kind == "populate_status":
                return web.json_response({"error": "Not taken."}, status=fault.settings["status"])
            if kind == "populate_no_answer":
                return closed(request)
            template = fault.settings["template"] if fault and kind == "populate_other" else said["template"]
            before = self.fill(said, template, really=kind != "populate_nothing")
        except Rejected as rejected:
            return refusal(rejected)
        if kind == "populate_cut":
            return closed(request)
        status = "already_populated" if before else "populated"
        body = {"control_id": said["control_id"], "status": status, "template": said["template"]}
        return web.json_response(body, status=200 if before else 201)

    def fill(self, said: dict[str, str], template: str, *, really: bool) -> bool:
        """Fills and commits; whether it was filled before. Raises Rejected."""
        facility, encounter, patient = said["facility"], said["encounter_id"], said["patient_id"]
        known_template(self.store, facility, said["template"])
        if self.store.patient_of(facility, encounter) not in (None, patient):
            raise Rejected(422, "The encounter does not belong to this patient.", "303")
        if (facility, encounter) in self.store.signed:
            raise Rejected(409, "The encounter is locked.", "139")
        standing, _ = self.store.populated(facility, encounter)
        if standing not in ("", said["template"]):
            raise Rejected(409, "The visit's note is made of another template.")
        if really:
            self.store.populate(facility, encounter, patient, template)
            self.store.commit()
        return bool(standing)
