"""B6, B29: an agreement ends by the clock on the wall while notes go out: production stops, and nothing is lost.

No clock is replaced. The location's time zone is one made for the test, in which the agreement's last day ends in half a
minute; all processes read it as they read any other (PYTHONTZPATH).
"""

import json
import struct
import time
import urllib.error
import urllib.request
import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest

from tests.process.clinic import change, rows
from tests.processes import answers, free_port, wait_until

pytestmark = pytest.mark.process

ZONE = "Scribeport/Soon"
LEFT = 25  # seconds from the zone's making to the end of its day
WITHIN = 60.0  # seconds in which production must stand still
A_SECOND_EACH = {"kind": "delay_ack", "seconds": 1.0}
SET_UP = """
from dataclasses import replace
from audit.record import Actor, acting
from delivery.demo.clinics import NORTH
from delivery.demo.world import Ports, prepare_clinic, teach_sandbox
from portal import keys
from portal.models import Connection, Environment, Location, Practice, Scribe, User
ports, east = Ports({mllp}, {http}), replace(NORTH, code="EAST")
with acting(Actor("command", "tests", "tests")):
    practice, scribe = Practice.objects.get(), Scribe.objects.get()
    teach_sandbox(ports, [east])
    prepare_clinic(practice, east, ports, User.objects.get())
    location = Location.objects.get(code="EAST")
    for row in Connection.objects.filter(name__startswith="EAST"):
        row.environment, row.settings = Environment.PRODUCTION, row.settings | {{"vpn": True}}
        row.save()
    location.environment, location.reading_connection = Environment.PRODUCTION, None
    location.save()
    print(keys.create(scribe, Environment.PRODUCTION)[1])
"""


AGREE = """
from audit.record import Actor, acting
from portal.agreements import Terms, record_agreement, today_at
from portal.models import AgreementKind, Location, Practice, Scribe
with acting(Actor("command", "tests", "tests")):
    practice, scribe, location = Practice.objects.get(), Scribe.objects.get(), Location.objects.get(code="EAST")
    location.time_zone = "{zone}"
    location.save()
    for kind, party, who in ((AgreementKind.BAA_SCRIBE, "Murmur", scribe), (AgreementKind.BAA_ECW, "eCW", None)):
        record_agreement(practice, Terms(kind, party, today_at(location), today_at(location)), who)
"""


def zone_whose_day_ends(folder, seconds: int) -> float:
    """Writes the time zone file (RFC 8536, version 1); returns when its day ends, as time.time() counts."""
    now = datetime.now(UTC)
    into_the_day = now - now.replace(hour=0, minute=0, second=0, microsecond=0)
    offset = round((timedelta(days=1) - into_the_day).total_seconds()) - seconds
    offset = offset - 86400 if offset > 43200 else offset
    path = folder / ZONE
    path.parent.mkdir(parents=True, exist_ok=True)
    counts = struct.pack(">6l", 0, 0, 0, 0, 1, 4)
    path.write_bytes(b"TZif" + bytes(16) + counts + struct.pack(">lBB", offset, 0, 0) + b"SPT\0")
    ends = datetime.fromtimestamp(now.timestamp() + seconds - 1, zoneinfo.ZoneInfo.from_file(path.open("rb")))
    midnight = (ends + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.timestamp()


@pytest.fixture
def production(clinic):
    """A production location whose agreements end with its day, a portal and a worker that know the zone."""
    folder = clinic.site.folder / "zones"
    known = {"PYTHONTZPATH": f"{folder}:{':'.join(zoneinfo.TZPATH)}"}
    words = SET_UP.format(mllp=clinic.sandbox.mllp, http=clinic.sandbox.http)
    secret = clinic.site.manage("shell", "--verbosity", "0", "-c", words, **known).split()[-1]
    port = free_port()
    listen = ("--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "8", "--no-control-socket")
    ready = answers(f"http://127.0.0.1:{port}/healthz")
    web = clinic.site.module("web", "gunicorn", *listen, "portal.wsgi:application", ready=ready, seconds=90, **known)
    clinic.workers += [web, clinic.site.module("worker", "delivery.chaos.worker", **known)]
    ends = zone_whose_day_ends(folder, LEFT)
    clinic.site.manage("shell", "--verbosity", "0", "-c", AGREE.format(zone=ZONE), **known)
    yield clinic, ends, Scribe(port, secret)
    # What this test leaves is no other's: nobody else knows the zone.
    change(clinic.site.database_url, "UPDATE portal_location SET time_zone = 'UTC' WHERE code = 'EAST'")


class Scribe:
    """Posts one note after another to the production location."""

    def __init__(self, port: int, secret: str) -> None:
        self.port, self.secret, self.number, self.told = port, secret, 0, ""

    def post(self) -> int:
        """The status of the answer."""
        self.number += 1
        name = f"agreed-{self.number}"
        note = {
            "source_note_id": name,
            "version": 1,
            "location": "EAST",
            "patient": {"id": f"P-{name}", "family": "Okafor", "given": "Lena", "birth_date": "1981-07-19"},
            "encounter": {"id": f"E-{name}", "start": "2026-03-19T10:15:00-05:00"},
            "provider": {"id": "DR7", "family": "Lee", "given": "Ann"},
            "sections": [{"code": "plan", "title": "PLAN", "text": f"Rest. {name}"}],
        }
        headers = {
            "Authorization": f"Bearer {self.secret}",
            "Content-Type": "application/json",
            "Idempotency-Key": name,
        }
        url = f"http://127.0.0.1:{self.port}/api/v1/notes"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, json.dumps(note).encode(), headers)) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            self.told = refused.read().decode()
            return refused.code


def standing(clinic) -> list[tuple]:
    """State and reason of each delivery of the location, in the order in which they came."""
    return rows(
        clinic.site.database_url,
        "SELECT d.state, d.reason_code FROM delivery_delivery d JOIN portal_location l ON l.id = d.location_id "
        "WHERE l.code = 'EAST' ORDER BY d.id",
    )


def test_production_stands_still_within_a_minute_of_an_agreements_end_and_no_note_is_lost(production):
    clinic, ends, scribe = production
    clinic.sandbox.api("PUT", "/faults", {"faults": [A_SECOND_EACH]})  # so that notes wait while the day ends
    notes = 2 * LEFT
    assert [scribe.post() for _ in range(notes)] == [201] * notes
    assert time.time() < ends, "the machine was too slow to post before the day's end"
    wait_until(lambda: ("accepted", "") in standing(clinic), ends - time.time(), lambda: str(standing(clinic)))
    while time.time() < ends:
        assert ("held", "agreement_missing") not in standing(clinic), "held before its agreement's last day was over"
        time.sleep(0.2)

    def still() -> bool:
        return {state for state, _ in standing(clinic)} == {"accepted", "held"}

    wait_until(still, WITHIN, lambda: f"{standing(clinic)}\n{clinic.workers[-1].log()[-2000:]}")
    took = time.time() - ends
    assert took < WITHIN
    reached = len([True for filing in clinic.filings() if "agreed-" in str(filing)])
    found = standing(clinic)
    assert len(found) == notes, "nothing is lost"
    assert found.count(("accepted", "")) == reached > 0
    assert found.count(("held", "agreement_missing")) == notes - reached > 0
    assert scribe.post() == 403, "and none is taken in any more"
    assert "No business associate agreement" in scribe.told
    time.sleep(3)
    assert len([True for filing in clinic.filings() if "agreed-" in str(filing)]) == reached
