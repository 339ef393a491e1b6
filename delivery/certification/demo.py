"""A temporary clinic on the simulated eCW, with every part routed, and the processes that serve it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
from django.conf import settings

from delivery.breaker import state_of
from delivery.demo import run as course
from delivery.demo.clinics import NORTH
from delivery.demo.world import PRACTICE, Ports, set_up, teach_sandbox
from delivery.models import Heartbeat
from delivery.oauth import keyset
from mapping.codes.drug_files import drug_row
from mapping.codes.drug_imports import keep
from portal.models import Connection, ConnectionKind, Environment, Location, Part, Practice, Route, User
from portal.signing import new_key
from portal.supervisor import Supervisor, sealer, web, worker

HOST = "127.0.0.1"
CODE = "LAKESI"
DRUG = {"rxcui": "861007", "name": "Metformin", "ecw_id": "80061", "strength": "500 mg", "formulation": "tablet"}
ENTRIES = (Part.DIAGNOSES, Part.MEDICATIONS, Part.ALLERGIES, Part.IMMUNIZATIONS, Part.OBSERVATIONS)


@contextmanager
def clinic(say: Callable[[str], None]) -> Iterator[tuple[Location, str]]:
    """The clinic, ready, and the portal's address; everything that was started ends with the block."""
    sandbox, ports = course.start_sandbox(settings.DATA_DIR / "sandbox")
    port = course.free_port(0)
    supervisor = Supervisor([web(HOST, port), worker(), sealer()])
    try:
        say("Setting up a clinic on the simulated eCW …")
        location = set_up_clinic(ports)
        supervisor.start()
        url = f"http://{HOST}:{port}"
        course.wait_for(lambda: course.portal_answers(url), "the portal")
        course.wait_for(lambda: Heartbeat.objects.exists(), "the worker")
        yield location, url
    finally:
        supervisor.stop()
        Supervisor([sandbox]).stop()


def set_up_clinic(ports: Ports, signing_key: str = "") -> Location:
    """The demonstration's family clinic, and a FHIR connection for everything coded; without a key it makes one."""
    teach_sandbox(ports, [NORTH])
    set_up(ports, [NORTH])
    practice = Practice.objects.get(code=PRACTICE)
    location = Location.objects.select_related("practice", "reading_connection").get(practice=practice, code=NORTH.code)
    made = fhir(practice, ports, signing_key or new_key())
    for part in ENTRIES:
        Route.objects.get_or_create(location=location, part=part, position=1, defaults={"connection": made})
    keep(practice, drug_row(DRUG), User.objects.get(username="director"), "the demonstration")
    return location


def fhir(practice: Practice, ports: Ports, signing_key: str) -> Connection:
    """A backend service, registered at the simulated eCW."""
    made = Connection.objects.create(
        practice=practice,
        name="NORTH entries (FHIR)",
        kind=ConnectionKind.FHIR,
        environment=Environment.SANDBOX,
        settings={
            "base_url": f"{ports.base}/fhir/r4/{CODE}",
            "practice_code": CODE,
            "client_id": "scribeport-certification",
            "calls_per_minute": 1000,
        },
    )
    made.set_secrets({"signing_key_pem": signing_key})
    made.save()
    state_of(made.pk)
    drive = f"{ports.base}/sandbox/api"
    where = {"facility": NORTH.code, "template": NORTH.template, "per_minute": 2000}
    httpx2.put(f"{drive}/practices/{CODE}", json=where).raise_for_status()
    app = {"jwks": keyset.public(made)}
    httpx2.put(f"{drive}/apps/{made.settings['client_id']}", json=app).raise_for_status()
    return made
