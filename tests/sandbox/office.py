"""The sandbox's HTTP side inside the test's own process: no port to wait for, no process to stop, a clock to set."""

import argparse
import asyncio
import base64
import json
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from sandbox.__main__ import application
from sandbox.faults import Switchboard, fault_from_json
from sandbox.reception import Reception
from sandbox.store import Store
from sandbox.template import template_from_json
from tests.sandbox.desk import NORTH

FHIR = "/fhir/r4/LAKESI"
TOKEN = "/oauth2/LAKESI/token"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
EVERYTHING = ["system/DocumentReference.write", "system/*.read"]


class Answer:
    """One answer of the sandbox."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Clock:
    """Takes the place of the time module where a test sets the hour."""

    def __init__(self, now: float) -> None:
        self.now = now

    def time(self) -> float:
        return self.now


class Office:
    """A sandbox with the north clinic's template, asked in this process."""

    def __init__(self, folder, dedupe: bool = False) -> None:
        self.store = Store(folder)
        self.store.put_template(template_from_json("NORTH", "FM-PROGRESS", NORTH))
        self.switchboard = Switchboard()
        options = argparse.Namespace(token="sandbox-token", practice=[], dedupe=dedupe)
        reception = Reception(self.store, self.switchboard, dedupe)
        self.app = application(options, self.store, self.switchboard, reception, 2575)
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self.open())

    async def open(self) -> None:
        self.client = TestClient(TestServer(self.app))
        await self.client.start_server()

    def close(self) -> None:
        self.loop.run_until_complete(self.client.close())
        self.loop.close()
        self.store.close()

    def call(self, method: str, path: str, body: Any = None, headers: Any = None) -> Answer:
        async def exchange() -> Answer:
            data = json.dumps(body) if isinstance(body, dict | list) else body
            made = await self.client.request(method, path, data=data, headers=headers, allow_redirects=False)
            return Answer(made.status, made.headers, await made.read())

        return self.loop.run_until_complete(exchange())

    def address(self, path: str) -> str:
        return str(self.client.make_url(path))

    def api(self, method: str, path: str, body: Any = None) -> Any:
        made = self.call(method, "/sandbox/api" + path, body)
        assert made.status == 200, made.text
        return made.json

    def fault(self, kind: str, **settings: Any) -> None:
        self.switchboard.add(fault_from_json({"kind": kind, **settings}))

    def registered(self, scopes=EVERYTHING, practice="LAKESI", seconds=None) -> dict[str, str]:
        """The headers of an application that was registered with these scopes and has got its token."""
        self.api("PUT", "/apps/portal", {"secret": "hush", "scopes": scopes, "seconds": seconds})
        form = f"grant_type=client_credentials&client_id=portal&client_secret=hush&scope={'+'.join(scopes)}"
        made = self.call("POST", f"/oauth2/{practice}/token", form, FORM)
        assert made.status == 200, made.text
        return {"Authorization": f"Bearer {made.json['access_token']}"}


def hl7(*sections: tuple[str, str], patient="P1", encounter="E1", control_id="M1") -> str:
    """A Clinical Note as docs/channels/fhir.md describes it: one OBR for each section, its OBX below it."""
    lines = [f"MSH|^~\\&|PROG|PROG|PROG||20260319101500||ORU^R01|{control_id}|T|2.4", f"PID|1||{patient}"]
    for number, (name, text) in enumerate(sections, start=1):
        lines += [f"OBR|{number}|{encounter}||{name}^{name}", f"OBX|1|TX|||{text}"]
    return "".join(line + "\r" for line in lines)


def reference(content: str | bytes = "", kind="text/hl7v2", patient="P1", encounter="E1", **changes) -> dict[str, Any]:
    """A DocumentReference as a scribe's portal posts it."""
    content = content or hl7(("HPI", "Cough for nine days."), patient=patient, encounter=encounter)
    data = base64.b64encode(content.encode() if isinstance(content, str) else content).decode()
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "author": [{"reference": "Practitioner/DR7"}],
        "context": {"encounter": [{"reference": f"Encounter/{encounter}"}]},
        "content": [{"attachment": {"contentType": kind, "data": data}}],
        **changes,
    }


def bundle(resource: dict[str, Any] | None = None, **changes) -> dict[str, Any]:
    """A transaction with one entry, as it is posted to the base address itself."""
    entry = {
        "fullUrl": "urn:uuid:7d9f5a3e-0000-4000-8000-000000000001",
        "resource": resource or reference(),
        "request": {"method": "POST", "url": "DocumentReference"},
    }
    return {"resourceType": "Bundle", "type": "transaction", "entry": [entry], **changes}
