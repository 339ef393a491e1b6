"""What only eCW's side can do in a run: signing a note. The simulated eCW signs by a call; elsewhere a person does."""

from urllib.parse import quote, urlsplit

import httpx2

from delivery.certification.notes import Visit
from delivery.channels import http
from portal.models import Environment, Location
from portal.targets import check_target

SECONDS = 10.0


def simulated(location: Location) -> str:
    """Where the simulated eCW is driven, if this location's charts are its; "" anywhere else."""
    connection = location.reading_connection
    if connection is None or location.environment != Environment.SANDBOX:
        return ""
    parts = urlsplit(str(connection.settings.get("base_url") or ""))
    if parts.scheme != "http" or not parts.netloc:
        return ""  # the simulated one speaks plain HTTP on this machine
    base = f"{parts.scheme}://{parts.netloc}/sandbox/api"
    try:
        answer = _client().get(f"{base}/health")
        known = answer.status_code == 200 and answer.json().get("status") == "ok"
    except (http.NotAnswered, ValueError, AttributeError):
        return ""
    return base if known else ""


def sign(base: str, location: Location, visit: Visit) -> bool:
    """Sign, and so lock, the note of a visit at the simulated eCW."""
    own = location.reading_connection.settings if location.reading_connection else {}
    facility = location.facility or own.get("facility") or location.code
    address = f"{base}/facilities/{quote(str(facility), safe='')}/encounters/{quote(visit.encounter, safe='')}"
    try:
        return _client().put(address, json={"signed": True}).status_code == 200
    except http.NotAnswered:
        return False


def _client() -> httpx2.Client:
    return http.client(check_target, SECONDS, None)
