"""A run from its request to its signed report: asked for by a person, carried out by a worker or by the command."""

import logging
import time
from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import asdict
from datetime import timedelta

from django.db import DatabaseError, IntegrityError, InterfaceError, transaction
from django.db.models import Q
from django.utils import timezone

from audit.record import Actor, acting, current, record
from delivery import lanes
from delivery.certification import between, report, scribe, settling
from delivery.certification.attested import as_far_as_it_goes
from delivery.certification.desk import Desk, NothingMapped, NotTaken, Test, Verdict
from delivery.certification.evidence import Account
from delivery.certification.models import CertificationResult, CertificationRun, RunState
from delivery.certification.plan import Plan
from delivery.certification.subject import differences, subject_of
from delivery.certification.suite import GATE, tests_of
from portal.models import Environment, Location

log = logging.getLogger(__name__)
DEAD_AFTER = timedelta(minutes=20)  # longer than any single test may take

Say = Callable[[str], None]


class CannotCertify(Exception):
    """Why no run can be begun, in words for the screen."""


def request(location: Location, plan: Plan) -> CertificationRun:
    """A run that waits to be carried out. Raises CannotCertify; synthetic notes go into the sandbox only."""
    if location.environment != Environment.SANDBOX:
        raise CannotCertify(
            "A production location is never written to by a test: run it at the sandbox location with the same"
            " templates and mappings."
        )
    if location.locked_reason:
        raise CannotCertify("This location is locked: nothing would be sent. Release it first.")
    give_up_dead(location)
    planned = [test.name for test in tests_of(location)]
    try:
        with transaction.atomic():
            run = CertificationRun.objects.create(
                location=location,
                by=current().actor.name or current().actor.id,
                settings=asdict(plan),
                subject=subject_of(location),
                planned=planned,
            )
            _record("certification.begin", run, {"run": run.pk, "tests": len(planned)})
    except IntegrityError:
        raise CannotCertify("A run is under way at this location; wait until it has ended.") from None
    return run


def give_up_dead(location: Location) -> None:
    """A run whose runner has died is broken off, and its relay taken out again."""
    dead = Q(state=RunState.RUNNING, beat_at__lt=timezone.now() - DEAD_AFTER)
    for run in CertificationRun.objects.filter(dead, location=location):
        break_off(run)


def break_off(run: CertificationRun) -> None:
    between.put_back(run)
    with transaction.atomic():
        open_still = CertificationRun.objects.filter(pk=run.pk, state__in=[RunState.WAITING, RunState.RUNNING])
        if open_still.update(state=RunState.BROKEN, finished_at=timezone.now(), at_work=""):
            _record("certification.end", run, {"run": run.pk, "outcome": "broken"})


def run_waiting() -> int:
    """A worker's round: carry out the oldest run that waits; how many were."""
    waiting = CertificationRun.objects.filter(state=RunState.WAITING).order_by("pk").first()
    if waiting is None:
        return 0
    with acting(Actor("worker", lanes.owner())):
        return int(carry_out(waiting, settling.nothing) is not None)


def carry_out(
    run: CertificationRun, work: settling.Work, url: str = "", say: Say = lambda line: None, only: Collection[str] = ()
) -> CertificationRun | None:
    """Make every test, keep each result, sign the report. None where another has taken the run.

    `only` names tests (or their beginnings) to be made instead of all; such a run never passes as a whole.
    """
    now = timezone.now()
    waiting = CertificationRun.objects.filter(pk=run.pk, state=RunState.WAITING)
    if not waiting.update(state=RunState.RUNNING, started_at=now, beat_at=now):
        return None
    run = CertificationRun.objects.select_related("location__practice", "location__reading_connection").get(pk=run.pk)
    try:
        with ExitStack() as leaving:
            desk = desk_of(run, work, url, leaving)
            tests = [test for test in tests_of(run.location) if not only or test.name.startswith(tuple(only))]
            make_all(desk, tests, say)
        finish(run, complete=not only)
    except (DatabaseError, InterfaceError):
        raise  # nothing can be written down now: the run is given up when the next one is asked for
    except BaseException:
        break_off(run)
        raise
    return run


def desk_of(run: CertificationRun, work: settling.Work, url: str, leaving: ExitStack) -> Desk:
    for earlier in CertificationRun.objects.filter(location=run.location).exclude(restore=[]):
        between.put_back(earlier)
    arrived = scribe.arrive(run.location, url)
    leaving.callback(arrived.leave)
    return Desk(run, run.location, Plan.read(run.settings), arrived, work)


def make_all(desk: Desk, tests: list[Test], say: Say) -> None:
    stopped = False
    for position, test in enumerate(tests, start=1):
        at_work(desk.run, test.name)
        result = make(desk, test, position, stopped)
        stopped = stopped or (test.name == GATE and not result.passed)
        word = (result.proof or "passed") if result.passed else "FAILED"
        say(f"  {word if result.applies else 'nothing to test':8} {test.name}: {result.says}")


def at_work(run: CertificationRun, name: str) -> None:
    """The runner's sign of life, and what the page shows. Raises DatabaseError with the database away."""
    CertificationRun.objects.filter(pk=run.pk).update(at_work=name, beat_at=timezone.now())


def make(desk: Desk, test: Test, position: int, stopped: bool) -> CertificationResult:
    """One test, whatever happens in it, with its account kept."""
    account, began = Account(desk.run, test.name, test.title), time.monotonic()
    verdict = Verdict(False, "Not made: the connections have to work first.") if stopped else tried(desk, test, account)
    verdict = as_far_as_it_goes(desk, test, verdict)
    with transaction.atomic():
        return CertificationResult.objects.create(
            run=desk.run,
            position=position,
            name=test.name,
            title=test.title,
            passed=verdict.passed,
            applies=verdict.applies,
            says=verdict.says[:300],
            proof=verdict.proof,
            seconds=round(time.monotonic() - began, 3),
            artefact=account.close(verdict.says, verdict.passed),
        )


def tried(desk: Desk, test: Test, account: Account) -> Verdict:
    try:
        return test.run(desk, account)
    except NotTaken as refused:
        return Verdict(False, f"The note was not taken in: {refused}.")
    except NothingMapped:
        return Verdict(False, "The location has no route for note sections, or no template with a mapping in force.")
    except (DatabaseError, InterfaceError):
        raise
    except Exception as error:
        log.error("a test of a certification failed: %s", type(error), exc_info=True)
        return Verdict(False, f"The test could not be made ({type(error).__name__}).")


def finish(run: CertificationRun, complete: bool) -> None:
    """The run's end: passed only if every test did, and nothing was changed beneath it."""
    results = list(CertificationResult.objects.filter(run=run))
    now_is = subject_of(Location.objects.get(pk=run.location_id))
    changed = differences(run.subject, now_is) or differences(now_is, run.subject)
    passed = complete and not changed and bool(results) and all(result.passed for result in results)
    run.state, run.finished_at, run.at_work = RunState.PASSED if passed else RunState.FAILED, timezone.now(), ""
    run.report_sha256, run.signature = report.signed(run)
    failed = sum(not result.passed for result in results)
    with transaction.atomic():
        run.save(update_fields=["state", "finished_at", "at_work", "report_sha256", "signature"])
        detail = {"run": run.pk, "outcome": str(run.state), "failed": failed, "report_sha256": run.report_sha256}
        _record("certification.end", run, detail)


def progress(run: CertificationRun) -> tuple[int, int]:
    """Tests made, and tests planned."""
    return CertificationResult.objects.filter(run=run).count(), len(run.planned)


def _record(event: str, run: CertificationRun, detail: dict[str, object]) -> None:
    record(
        event,
        practice=run.location.practice.code,
        location=run.location.code,
        object_type="certification",
        object_id=str(run.pk),
        detail=detail,
    )
