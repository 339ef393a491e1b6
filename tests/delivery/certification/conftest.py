"""One clinic on the simulated eCW, made anew for each test; the suite runs in this thread, its workers' work too."""

from dataclasses import dataclass

import pytest

from delivery.certification import demo, settling
from delivery.certification.models import CertificationResult, CertificationRun
from delivery.certification.plan import Plan
from delivery.certification.running import carry_out, request
from delivery.demo.world import Ports
from delivery.events import receiving
from delivery.events.limiter import Limiter
from delivery.oauth import endpoints
from portal.models import Location
from tests.delivery.conftest import SandboxProcess
from tests.delivery.fhir import one_key

QUICK = Plan(load_notes=6, verified_within=10.0, settle_within=8.0, answer_within=0.4)


@dataclass
class Clinic:
    """The location under test, and the eCW it is tested against."""

    location: Location
    process: SandboxProcess

    def certify(self, *only: str, plan: Plan = QUICK) -> CertificationRun:
        """A run of the tests that begin with these names (all without any)."""
        run = carry_out(request(self.location, plan), settling.by_hand, only=only)
        assert run is not None
        return run

    def fault(self, kind: str, **settings) -> None:
        self.process.api("POST", "/faults", {"kind": kind, **settings})

    def route(self, part: str):
        return self.location.routes.get(part=part).connection


@pytest.fixture
def clinic(transactional_db, sandbox_process, settings, monkeypatch) -> Clinic:
    settings.LINGER_SECONDS = 0.0
    settings.SETTLE_SECONDS = settings.DOUBT_SETTLE_SECONDS = 0.1
    monkeypatch.setattr(receiving, "limiter", Limiter(20.0))
    monkeypatch.setattr("delivery.demo.world.probe", no_probe)
    sandbox_process.api("POST", "/reset")
    endpoints._kept.clear()
    return Clinic(demo.set_up_clinic(Ports(sandbox_process.mllp, sandbox_process.http), one_key()), sandbox_process)


def no_probe(connection, location) -> None:
    """What a probe of the simulated eCW finds, without its notes: it can be asked, and files a repeat again."""
    from django.utils import timezone

    from delivery.models import ConnectionState

    found = {"profile": "readback", "reader_proven_at": timezone.now()}
    ConnectionState.objects.update_or_create(connection=connection, defaults=found)


def failed(run: CertificationRun) -> dict[str, str]:
    """The tests of a run that failed, and what they say."""
    rows = CertificationResult.objects.filter(run=run, passed=False)
    return dict(rows.values_list("name", "says"))


def results(run: CertificationRun) -> dict[str, CertificationResult]:
    return {row.name: row for row in CertificationResult.objects.filter(run=run).select_related("artefact")}
